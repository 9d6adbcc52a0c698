"""One training waited for, the command line's way: to its end, stopped by Ctrl-C, and without a worker that starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mnist_lab.errors import JobError
from mnist_lab.jobs import local_crew, new_owner, processes, release_lost, run_all, run_one
from mnist_lab.jobs.lost import Watch
from mnist_lab.store import RunStore
from mnist_lab.store.artefacts import MODEL
from tests.jobs.conftest import (
    FAST,
    SMALL,
    assert_figures_follow_from_predictions,
    environment,
    has_trained,
    place,
    until,
)

SCRIPT = """\
from mnist_lab.jobs import new_owner, run_one
from mnist_lab.store import open_store
from tests.jobs.conftest import FAST, LONG, SMALL
store = open_store()
for config in (FAST, LONG):
    run = store.create(SMALL, config, owner=new_owner(store))
    print(run.id, flush=True)
    print(run_one(store, run, show_progress=config is LONG).status, flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with place(tmp_path / "home") as store:
        yield store


def test_a_training_is_waited_for_to_its_end_and_control_c_keeps_what_another_has_learnt(store: RunStore) -> None:
    queued = store.create(SMALL, FAST, name="in the common queue")
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env=environment(store.artefacts.root),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        first = store.get(process.stdout.readline().strip())
        assert process.stdout.readline() == "finished\n"
        second = until(store, store.get(process.stdout.readline().strip()), has_trained(1))
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert out == "stopped\n"
    assert process.returncode == 0, errors
    assert "epoch 1/10000" in errors and "stopping" in errors
    assert_figures_follow_from_predictions(store, first)
    assert store.get(first.id).status == "finished"
    assert store.get(second.id).status == "stopped"
    assert store.artefacts.has(second.id, MODEL)
    assert_figures_follow_from_predictions(store, second)
    assert store.get(queued.id).status == "queued", "what is in the common queue is not its business"


def test_a_run_of_the_common_queue_is_refused(store: RunStore) -> None:
    with pytest.raises(JobError, match="common queue"):
        run_one(store, store.create(SMALL, FAST))


def test_a_worker_that_does_not_start_is_a_failed_run(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes.sys, "executable", "/bin/false")
    run = run_one(store, store.create(SMALL, FAST, owner=new_owner(store)), show_progress=False)
    assert run.status == "failed"
    assert run.reason == "The training process ended with exit status 1."


def test_several_runs_are_trained_one_after_the_other_in_one_process(store: RunStore) -> None:
    owner = new_owner(store)
    runs = [store.create(SMALL, FAST, owner=owner) for _ in range(2)]
    done = run_all(store, runs, owner, show_progress=False)
    assert [run.id for run in done] == [run.id for run in runs]
    assert [run.status for run in done] == ["finished", "finished"]
    assert len({run.pid for run in done}) == 1
    assert (done[0].ended or 0) <= (done[1].started or 0)
    assert run_all(store, done, owner, show_progress=False) == done, "what has ended is not waited for"


def test_each_of_several_runs_fails_where_no_worker_starts(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes.sys, "executable", "/bin/false")
    owner = new_owner(store)
    runs = [store.create(SMALL, FAST, owner=owner) for _ in range(2)]
    done = run_all(store, runs, owner, show_progress=False)
    assert [run.status for run in done] == ["failed", "failed"]
    assert (done[0].ended or 0) < (done[1].ended or 0), "the one that was to begin with, and then the next"


def test_what_nobody_else_will_train_is_trained_and_what_nobody_has_in_hand_is_ended(store: RunStore) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    owner = new_owner(store)
    killed = owner.replace(f"/{os.getpid()}/", f"/{gone.pid}/")
    lost = store.create(SMALL, FAST, owner=killed)
    assert store.claim(killed, gone.pid, own=True)
    runs = [lost, *(store.create(SMALL, FAST, owner=owner) for owner in (killed, None))]
    done = run_all(store, runs, owner, show_progress=False)
    assert [run.status for run in done] == ["interrupted", "finished", "finished"]
    assert {run.owner for run in done[1:]} == {owner}
    assert len({run.pid for run in done[1:]}) == 1


# Claims as a worker does, and then does nothing any more.
HANGS = """\
import os, sys, time
from mnist_lab.store import open_store
store = open_store()
name, owner = (sys.argv[sys.argv.index(word) + 1] for word in ("--name", "--owner"))
store.claim(name, os.getpid(), owner=owner)
time.sleep(600)
"""


def test_a_worker_that_hangs_is_killed_and_the_next_run_gets_another(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    (tmp_path / "hangs.py").write_text(HANGS)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path / "hangs.py"}" "$@"\n')
    python.chmod(0o700)
    monkeypatch.setattr(processes.sys, "executable", str(python))
    monkeypatch.setattr(local_crew, "Watch", lambda: Watch(1.0))
    owner = new_owner(store)
    done = run_all(store, [store.create(SMALL, FAST, owner=owner) for _ in range(2)], owner, show_progress=False)
    assert [run.status for run in done] == ["interrupted", "interrupted"]
    assert all("no sign of life for 1 seconds" in (run.reason or "") for run in done)
    assert len({run.pid for run in done}) == 2
    assert not any(psutil.pid_exists(run.pid) for run in done if run.pid)


def test_an_owner_is_known_whatever_was_done_to_the_clock(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = store.create(SMALL, FAST, owner=new_owner(store))
    # A process's beginning is reckoned from the machine's, which moves when the clock is set.
    linux = pytest.importorskip("psutil._pslinux")
    before = linux.boot_time()
    for hours in (-30, 1):
        monkeypatch.setattr(linux, "boot_time", lambda h=hours: before + h * 3600)
        assert abs(psutil.Process().create_time() - time.time()) > 3000, "it did move"
        assert release_lost(store) == []
    assert store.get(run.id).owner == run.owner


def test_what_a_killed_program_had_queued_goes_to_the_common_queue(store: RunStore) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    own = new_owner(store)
    began = own.rpartition("/")[2].partition("-")[0]
    owners = (
        own, own.replace(f"/{os.getpid()}/", f"/{gone.pid}/"), own.replace(f"/{began}-", f"/{int(began) - 3600}-"),
        "alone/elsewhere/1/ab", "somebody", None,
    )  # fmt: skip
    runs = [store.create(SMALL, FAST, owner=owner) for owner in owners]
    lost = {run.id for run in release_lost(store)}
    assert lost == {runs[1].id, runs[2].id}, "the third had a process id that another process has now"
    assert [store.get(run.id).owner for run in runs] == [own, None, None, *owners[3:]]
    assert release_lost(store) == []
