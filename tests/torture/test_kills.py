"""SIGKILL of a worker, of its app, of both, at hundreds of moments: what was finished is there, and goes on."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from mnist_lab import forecast
from mnist_lab.architecture import Architecture
from mnist_lab.jobs import end_lost, release_lost
from mnist_lab.layers import Dense, Flatten
from mnist_lab.predictions import read_predictions
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import BEST, CHECKPOINT, LOG, MODEL, PREDICTIONS, VALIDATION_PREDICTIONS
from mnist_lab.store.database import open_engine
from mnist_lab.training_config import EarlyStopping, TrainingConfig
from tests.jobs.conftest import assert_curve_is_whole, has_ended
from tests.torture.conftest import FULL, Tally, times
from tests.torture.phases import PHASES, Phase
from tests.zygote import Child, Zygote

NETWORK = Architecture((Flatten(), Dense(10, "softmax")))
TRAINING = TrainingConfig(
    dataset="digits", epochs=20, batch_size=128, limit=600, early_stopping=EarlyStopping("val_loss", patience=50)
)
IN_A_TRAINING = ("starting", "loading", "building", "training", "saving", "validating", "evaluating")
BRIEF = ("loading", "saving", "validating")
TARGETS = ("worker", "app", "both")
LANES = 2 if FULL else 1


pytestmark = pytest.mark.usefixtures("no_other_store")


def until(condition: Callable[[], Any], what: str, seconds: float = 60.0, pause: float = 0.01) -> Any:
    limit = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < limit, f"waited {seconds} s in vain: {what}"
        time.sleep(pause)
    return found


def is_dead(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def half_written(store: RunStore) -> list[Path]:
    return list(store.artefacts.root.glob("*/.*"))


def assert_is_sound(home: Path, url: str = "") -> None:
    """Whoever opens the store now finds it whole."""
    if not url:
        with closing(sqlite3.connect(home / "lab.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    store = opened(home, url)
    for run in store.listing():
        assert run.status in ("finished", "queued", "running") or run.reason, f"{run.status} and no word why"
        assert not any(name.startswith(".") for name in store.artefacts.names(run.id))
    store.close()


def opened(home: Path, url: str = "") -> RunStore:
    home.mkdir(parents=True, exist_ok=True)
    return RunStore(open_engine(url or f"sqlite:///{home / 'lab.db'}"), home)


class Lane:
    """One store, one app, and one training after another, each killed many times and then left to finish."""

    def __init__(self, zygote: Zygote, home: Path, chance: random.Random, url: str = "") -> None:
        self.zygote, self.home, self.chance, self.url = zygote, home, chance, url
        self.store = opened(home, url)
        # An idle worker would measure how fast this machine trains, while others are at it.
        self.store.note(forecast.probe_key(self.store.host), dict.fromkeys(forecast.Probe.__slots__, 1.0))
        self.phase = Phase(home / PHASES)
        self.app: Child | None = None
        self.run: Run | None = None
        self.hits: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.life = 2.0
        self.killed = 0
        self._kills_of_run = 0

    def kill(self, count: int) -> None:
        """Kills so many times, then looks at the last training's end."""
        # One is left alone, and shows how long it takes here and now.
        self.run = self.store.create(NETWORK, TRAINING)
        begin = time.monotonic()
        self._let_finish()
        self.life = time.monotonic() - begin
        for index in range(3 * count):
            if sum(self.hits[phase] for phase in IN_A_TRAINING) >= count:
                break
            self._kill(IN_A_TRAINING[index % len(IN_A_TRAINING)] if index % 2 else None)
        while self.run is not None:
            self._let_finish()
        self._end_app()
        self.store.close()

    def _kill(self, wanted: str | None) -> None:
        if self.run is None or self._kills_of_run >= 8:
            if self.run is not None:
                self._let_finish()
            self.run, self._kills_of_run = self.store.create(NETWORK, TRAINING), 0
        self._get_going()
        run = self.run
        # Half of the moments are any, half are in a phase that may be short.
        begin = time.monotonic()
        # A resumed training is shorter than a whole one.
        delay = self.chance.uniform(0, 0.6 * self.life)
        if wanted is not None:
            delay = self.chance.uniform(0, 0.003 if wanted in BRIEF else 0.1)
        target = self.chance.choice(TARGETS)
        while not has_ended(self.store.get(run.id)):
            pid, name = self.phase.get()
            if wanted is None and time.monotonic() - begin > delay:
                break
            if name == wanted and pid != self.killed:
                time.sleep(delay)
                break
            time.sleep(0.001)
        if has_ended(self.store.get(run.id)):
            # It came to its end before.
            return
        worker, _ = self.phase.get()
        before = self.store.history(run.id)
        app = self.app
        assert app is not None
        if target != "worker":
            app.kill()
            self.app = None
        if target != "app" and worker:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
            until(lambda: is_dead(worker), "the worker's death")
            self.killed = worker
        phase = self.phase.get()[1] or "starting"
        self.hits[phase] += 1
        self.done[target] += 1
        self._kills_of_run += 1
        if target != "worker":
            app.wait(30)
        self._look(target, before, worker)

    def _get_going(self) -> None:
        """An app that trains the run: as its worker was killed, it is resumed."""
        assert self.run is not None
        if self.app is None:
            self.app = self._new_app()
        run = self.store.get(self.run.id)
        if run.status == "finished":
            self._is_whole()
            run = self.run = self.store.create(NETWORK, TRAINING)
            self._kills_of_run = 0
        if has_ended(run):
            self.store.requeue(run.id)

    def _new_app(self) -> Child:
        return self.zygote.fork("app", home=str(self.home), address=self.zygote.address, url=self.url)

    def _look(self, target: str, before: list[dict[str, Any]], worker: int) -> None:
        assert self.run is not None
        run_id = self.run.id
        if target != "worker":
            # Somebody comes again: the command line, or the next app.
            if self.chance.random() < 0.5:
                ended = end_lost(self.store)
                release_lost(self.store)
                self.store.sweep()
                assert {run.id for run in ended} <= {run_id}
            else:
                self.app = self._new_app()

        def is_true() -> bool:
            run = self.store.get(run_id)
            return not run.is_active or not is_dead(run.pid or 0)

        until(is_true, f"a true status after the death of {target}", 20)
        run = self.store.get(run_id)
        if run.status == "failed":
            assert target == "worker" and "SIGKILL" in (run.reason or ""), run.reason
        elif run.status == "interrupted":
            assert "Resume" in (run.reason or ""), run.reason
        else:
            # It was not in hand yet, is so again, or the app alone was killed, or it had come to its end.
            assert run.status in ("queued", "running", "finished"), run
            assert run.status != "running" or run.pid != self.killed
        after = self.store.history(run_id)
        assert after[: len(before)] == before, "a finished epoch is gone"
        if before and run.status != "finished":
            assert self.store.artefacts.has(run_id, CHECKPOINT)
        if run.status in ("failed", "interrupted"):
            assert run.can_go_on or run.epochs_run == TRAINING.epochs
            until(lambda: not half_written(self.store), f"sweeping of {half_written(self.store)}", 20)
        assert_is_sound(self.home, self.url)

    def _let_finish(self) -> None:
        """What was killed so often is trained to its end."""
        assert self.run is not None
        run_id = self.run.id
        begin = time.monotonic()
        while self.store.get(run_id).status != "finished":
            self._get_going()
            assert self.run.id == run_id
            until(lambda: has_ended(self.store.get(run_id)), f"an end of {self.store.get(run_id)}")
            assert time.monotonic() - begin < 60, self.store.get(run_id)
        self._is_whole()
        self.run = None

    def _is_whole(self) -> None:
        assert self.run is not None
        run = self.store.get(self.run.id)
        assert_curve_is_whole(self.store, run)
        assert len(self.store.history(run.id)) == TRAINING.epochs
        said = read_predictions(self.store, run)
        assert run.test_accuracy == (said.probabilities.argmax(axis=1) == said.labels).mean()
        # It says that it is finished a moment before it removes what it could have gone on from.
        kept = {path.name for path in self.store.artefacts.folder(run.id).iterdir()} - {CHECKPOINT, BEST}
        assert kept - {path.name for path in half_written(self.store)} == {
            MODEL, PREDICTIONS, VALIDATION_PREDICTIONS, LOG,
        }  # fmt: skip
        self.done["finished"] += 1

    def _end_app(self) -> None:
        if self.app is not None:
            self.app.terminate()
            assert self.app.wait(10) == 0
        pid = self.phase.get()[0]
        until(lambda: is_dead(pid), "the worker's end with its app", 10)


@pytest.mark.parametrize("server", [False, True], ids=["sqlite", "postgresql"])
def test_a_training_killed_at_any_moment_loses_no_epoch_and_goes_on_to_its_end(
    zygote: Zygote, tmp_path: Path, server: bool, request: pytest.FixtureRequest, chance: random.Random, tally: Tally
) -> None:
    kills, count = (times(40, 2), 1) if server else (times(160, 6), LANES)
    url = request.getfixturevalue("postgres_url") if server else ""
    lanes = [Lane(zygote, tmp_path / f"lane-{index}", random.Random(chance.random()), url) for index in range(count)]
    with ThreadPoolExecutor(count) as pool:
        for each in [pool.submit(lane.kill, kills // count) for lane in lanes]:
            each.result()
    hits, done = sum((lane.hits for lane in lanes), Counter()), sum((lane.done for lane in lanes), Counter())
    where = "in a training over PostgreSQL" if server else "in a training"
    for target in TARGETS:
        tally(f"kills {where}, of {'the ' * (target != 'both')}{target}", done[target])
    for phase in IN_A_TRAINING:
        tally(f"kills {where} while {phase}", hits[phase])
    tally(f"kills {where}: trainings killed and resumed up to eight times, then finished whole", done["finished"])
    assert sum(hits[phase] for phase in IN_A_TRAINING) >= kills // count * count
    if FULL and not server:
        assert all(hits[phase] for phase in IN_A_TRAINING), hits


def test_a_worker_whose_app_was_killed_while_it_started_takes_nothing_in_hand(zygote: Zygote, tmp_path: Path) -> None:
    store = opened(tmp_path / "home")
    run = store.create(NETWORK, TRAINING)
    gone = zygote.fork("make", home=str(tmp_path / "other"))
    assert gone.wait(60) == 0
    words = ["train", "--name", "train-1", "--parent", str(gone.pid)]
    assert zygote.fork("work", home=str(tmp_path / "home"), words=words).wait(60) == 0
    assert store.get(run.id).status == "queued", "it is for the next program's worker"
    store.close()


def test_a_store_whose_making_is_killed_opens_and_has_the_run_whole_or_not_at_all(
    zygote: Zygote, tmp_path: Path, chance: random.Random, tally: Tally
) -> None:
    seconds, hits = 0.1, Counter[str]()
    phases = ("creating the store", "creating a run")
    for index in range(100):
        if sum(hits[phase] for phase in phases) >= times(22, 3):
            break
        home = tmp_path / f"home-{index}"
        child = zygote.fork("make", home=str(home))
        begin = time.monotonic()
        if index == 0:
            # The first shows how long it takes.
            assert child.wait(60) == 0
            seconds = time.monotonic() - begin
            continue
        time.sleep(chance.uniform(0, seconds))
        child.kill()
        child.wait(60)
        hits[Phase(Path(f"{home}.phases")).get()[1]] += 1
        store = opened(home)
        assert_is_sound(home)
        for run in store.runs():
            assert (run.status, store.artefacts.names(run.id)) == ("queued", ["digits.npz"])
        store.sweep()
        assert not half_written(store)
        store.close()
    assert sum(hits[phase] for phase in phases) >= times(22, 3), hits
    for phase in phases:
        tally(f"kills while {phase}", hits[phase])


def test_a_run_whose_import_is_killed_is_there_whole_or_not_at_all(
    zygote: Zygote, tmp_path: Path, chance: random.Random, tally: Tally
) -> None:
    here, archive = tmp_path / "here", tmp_path / "run.zip"
    lane = Lane(zygote, here, chance)
    lane.run = lane.store.create(NETWORK, TRAINING)
    run = lane.run
    lane._let_finish()
    lane._end_app()
    lane.store.close()
    assert zygote.fork("export", home=str(here), run_id=run.id, archive=str(archive)).wait(60) == 0
    seconds, hits = 1.0, Counter[str]()
    harmful = ("importing", "writing an imported run")
    for index in range(100):
        if sum(hits[phase] for phase in harmful) >= times(22, 2):
            break
        home = tmp_path / f"there-{index}"
        child = zygote.fork("bring", home=str(home), archive=str(archive))
        begin = time.monotonic()
        phases = Phase(Path(f"{home}.phases"))
        if index == 0:
            assert child.wait(60) == 0, zygote.log.read_text()[-3000:]
            seconds = time.monotonic() - begin
        elif index % 2:
            time.sleep(chance.uniform(0, seconds))
        else:
            until(lambda p=phases, c=child: p.get()[1].startswith("writing") or c.poll() is not None, "it", 30, 0.0005)
            time.sleep(chance.uniform(0, 0.02))
        child.kill()
        child.wait(60)
        hits[phases.get()[1]] += 1
        store = opened(home)
        assert_is_sound(home)
        assert index or store.runs()
        for brought in store.runs():
            assert brought.status == "finished"
            assert len(store.history(brought.id)) == TRAINING.epochs
            assert {MODEL, PREDICTIONS, VALIDATION_PREDICTIONS} <= set(store.artefacts.names(brought.id))
        store.sweep()
        assert not half_written(store)
        store.close()
    assert sum(hits[phase] for phase in harmful) >= times(22, 2), hits
    for phase in harmful:
        tally(f"kills while {phase}", hits[phase])
