"""What writers that were killed have left is swept, and what somebody may still be writing is not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import ABANDONED_SECONDS, MODEL
from mnist_lab.store.records import STALE_SECONDS
from mnist_lab.training_config import TrainingConfig
from tests.zygote import ROOT

NOBODY = "fedcba9876543210" * 2
WRITER = """\
with opened().artefacts.writing({run!r}, {name!r}) as path:
    path.write_bytes(b'half of the ne')
    print('half', flush=True)
    time.sleep(60)
"""


@pytest.fixture
def run(store: RunStore) -> Run:
    return store.create(Architecture((Flatten(), Dense(10, "softmax"))), TrainingConfig())


def temporary(store: RunStore, run_id: str) -> list[Path]:
    return [path for path in store.artefacts.folder(run_id).iterdir() if path.name.startswith(".")]


def test_a_half_written_file_is_never_seen_and_swept_when_its_writer_is_gone(
    store: RunStore, run: Run, url: str, home: Path
) -> None:
    # A process of this one, which is dead and unburied until this one says so.
    script = "import sys\nfrom tests.store import other\nother.run(*sys.argv[1:])"
    words = [sys.executable, "-c", script, WRITER.format(run=run.id, name=MODEL), url, str(home)]
    writer = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None and writer.stdout.readline() == "half\n"
    with writer, store.artefacts.writing(run.id, "mine.npz") as mine:
        mine.write_bytes(b"mine")
        store.sweep()
        assert len(temporary(store, run.id)) == 2, "both are being written"
        assert store.artefacts.names(run.id) == []
        writer.kill()
        while "zombie" not in Path(f"/proc/{writer.pid}/status").read_text():
            time.sleep(0.01)
        store.artefacts.sweep(run.id)
        assert temporary(store, run.id) == [mine], "the one is dead, though not yet buried"
        writer.wait()
    assert store.artefacts.names(run.id) == ["mine.npz"]


def test_a_process_that_has_the_number_of_the_writer_now_keeps_nothing(store: RunStore, run: Run) -> None:
    with store.artefacts.writing(run.id, MODEL) as path:
        path.write_bytes(b"half")
        os.utime(path, (time.time(), time.time() - 365 * 86_400.0))  # before this process began
        store.sweep()
        assert not path.exists()
        path.write_bytes(b"whole")


@pytest.mark.parametrize("name", [".model-00000000-1-01234567.weights.h5", ".model-01234567.weights.h5", ".x"])
@pytest.mark.parametrize("sign", [-1, 1])
def test_of_another_machine_only_what_is_old_by_any_clock_is_swept(
    store: RunStore, run: Run, name: str, sign: int
) -> None:
    path = store.artefacts.folder(run.id) / name
    path.parent.mkdir(parents=True)
    for age, is_kept in ((ABANDONED_SECONDS - 600, True), (ABANDONED_SECONDS + 600, False)):
        path.write_bytes(b"half")
        os.utime(path, (0, time.time() - sign * age))
        store.sweep()
        assert path.exists() is is_kept


def test_the_empty_folder_of_a_run_that_never_came_to_be_is_swept_after_a_day_and_no_whole_file(
    store: RunStore, run: Run
) -> None:
    deleted = store.create(run.network(), TrainingConfig())
    store.delete([deleted.id])
    for run_id in (run.id, deleted.id, NOBODY):
        with store.artefacts.writing(run_id, MODEL) as path:
            path.write_bytes(b"weights")
    empty = store.artefacts.folder("f" * 32)
    for path in (store.artefacts.root / "notes", empty):
        path.mkdir()
    store.sweep()
    assert empty.is_dir(), "its first file may be about to be written"
    for path in store.artefacts.root.iterdir():
        if path.is_dir():
            os.utime(path, (0, 0))
    store.sweep()
    assert not empty.exists()
    assert store.artefacts.has(NOBODY, MODEL), "its row may have been lost, when the store was made anew after damage"
    assert store.artefacts.has(run.id, MODEL) and store.artefacts.has(deleted.id, MODEL)
    assert (store.artefacts.root / "notes").is_dir()


def test_what_a_worker_has_in_hand_is_interrupted_and_nothing_else(store: RunStore, run: Run) -> None:
    other, stopped = (store.create(run.network(), TrainingConfig()) for _ in range(2))
    for each, worker in ((run, "w"), (other, "other"), (stopped, "w")):
        assert store.claim(worker, 1) == store.get(each.id)
    store.end(stopped.id, "stopped", worker="w")
    waiting = store.create(run.network(), TrainingConfig())
    store.interrupt("w")
    statuses = [store.get(each.id).status for each in (run, other, stopped, waiting)]
    assert statuses == ["interrupted", "running", "stopped", "queued"]
    assert "Resume" in (store.get(run.id).reason or "")
    assert store.requeue(run.id).status == "queued"


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_stopped_run_whose_worker_was_killed_is_not_evaluated_for_ever(store: RunStore, run: Run, sign: int) -> None:
    store.claim("w", 1)
    store.end(run.id, "stopped", worker="w")
    store.report(run.id, "w", {"phase": "evaluating"})
    assert store.get(run.id).is_evaluating
    store.set_figures(run.id, heartbeat=time.time() - sign * (STALE_SECONDS + 5))
    assert not store.get(run.id).is_evaluating
