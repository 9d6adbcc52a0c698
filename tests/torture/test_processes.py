"""Servers that are closed, processes that sleep, hang or live by a wrong clock, and two apps over one store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import websockets.sync.client
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed

from mnist_lab import forecast
from mnist_lab.jobs import end_lost, release_lost
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import CHECKPOINT
from mnist_lab.training_config import TrainingConfig
from tests.browser.server import ROOT, Server
from tests.jobs.conftest import FAST, LONG, SMALL, assert_curve_is_whole, environment, has_ended, has_trained
from tests.jobs.conftest import until as until_run
from tests.torture.conftest import FULL, Tally
from tests.torture.phases import PHASES, Phase
from tests.torture.test_kills import NETWORK, assert_is_sound, is_dead, opened, until
from tests.zygote import Child, Zygote

FIVE_SECONDS = 5.0  # in which a worker ends with its program
ENDED_EARLY = "The program or the machine was ended while it trained. Resume it from its last epoch."
only_full = pytest.mark.skipif(not FULL, reason="takes minutes: `make torture` does it")


pytestmark = pytest.mark.usefixtures("no_other_store")


class Place:
    """A store and one app over it, which is forked."""

    def __init__(self, zygote: Zygote, home: Path, **arguments: Any) -> None:
        self.zygote, self.home = zygote, home
        self.store = opened(home)
        self.store.note(forecast.probe_key(self.store.host), dict.fromkeys(forecast.Probe.__slots__, 1.0))
        self.phase = Phase(home / PHASES)
        self.app = self.another(**arguments)

    def another(self, **arguments: Any) -> Child:
        """One more app."""
        return self.zygote.fork("app", home=str(self.home), address=self.zygote.address, **arguments)

    def submit(self, config: TrainingConfig) -> Run:
        return self.store.create(NETWORK, config)

    def until(self, run: Run, condition: Any) -> Run:
        return until_run(self.store, run, condition)

    def close(self, app: Child | None = None) -> None:
        """Ends an app as Ctrl-C does."""
        app = app or self.app
        app.terminate()
        assert app.wait(FIVE_SECONDS) == 0


def learnt(store: RunStore, run: Run) -> list[tuple[Any, ...]]:
    keys = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")
    return [tuple(entry[key] for key in keys) for entry in store.history(run.id)]


# Servers that are closed or killed ----------------------------------------------------------------------------------


@contextmanager
def server(home: Path, folder: Path, *, visited: bool = True, workers: str = "2") -> Iterator[Server]:
    """``streamlit run app.py``, with one page open."""
    folder.mkdir(exist_ok=True)
    made = Server(ROOT / "app.py", folder, {"MNIST_LAB_HOME": str(home), "MNIST_LAB_WORKERS": workers})
    made.start()
    try:
        if not visited:
            yield made
            return
        address = f"ws://127.0.0.1:{made.port}/_stcore/stream"
        with websockets.sync.client.connect(address, subprotocols=["streamlit"], max_size=None) as page:
            message = BackMsg()
            message.rerun_script.query_string = ""
            page.send(message.SerializeToString())

            def read() -> None:
                with suppress(ConnectionClosed):
                    for _ in page:
                        pass

            reader = threading.Thread(target=read)
            reader.start()
            yield made
            made.stop()
        reader.join(30)
    finally:
        made.stop()


def workers_of(served: Server) -> list[psutil.Process]:
    assert served.process is not None
    children = psutil.Process(served.process.pid).children(recursive=True)
    return [child for child in children if any("mnist_lab.worker" in part for part in child.cmdline())]


def seconds_to_end(served: Server, signals: list[signal.Signals]) -> float:
    """Signals a server; returns how long it and its workers were there after the first."""
    assert served.process is not None
    pids = [served.process.pid, *(child.pid for child in workers_of(served))]
    begin = time.monotonic()
    for number in signals:
        served.process.send_signal(number)
        time.sleep(0.15 if len(signals) > 1 else 0)
        if served.process.poll() is not None:
            break
    until(lambda: served.process.poll() is not None and all(map(is_dead, pids)), "the end of all", 60)  # type: ignore[union-attr]
    return time.monotonic() - begin


@pytest.mark.parametrize(
    ("moment", "workers", "signals"),
    [
        ("training", "2", [signal.SIGINT] * 2),
        pytest.param("training", "2", [signal.SIGTERM], marks=only_full),
        pytest.param("training", "1", [signal.SIGINT], marks=only_full),
        pytest.param("import", "2", [signal.SIGTERM], marks=only_full),
        pytest.param("import", "2", [signal.SIGINT] * 4, marks=only_full),
        pytest.param("nobody came", "2", [signal.SIGINT], marks=only_full),
    ],
)
def test_a_server_that_is_stopped_ends_its_worker_at_once_and_the_training_can_be_resumed(
    moment: str, workers: str, signals: list[signal.Signals], tmp_path: Path, tally: Tally
) -> None:
    home = tmp_path / "home"
    with server(home, tmp_path / "server", visited=moment != "nobody came", workers=workers) as served:
        if moment == "nobody came":
            assert seconds_to_end(served, signals) < FIVE_SECONDS
            return
        until((home / "lab.db").exists, "the store")
        store = opened(home)
        run = store.create(SMALL, LONG)
        if moment == "training":
            run = until_run(store, run, has_trained(2))
        else:
            until(lambda: workers_of(served), "a worker")
        seconds = seconds_to_end(served, signals)
        assert seconds < FIVE_SECONDS
        assert served.process is not None and served.process.returncode == 0, served.log
        assert "Traceback" not in served.log
        after = store.get(run.id)
        if moment == "training":
            assert (after.status, after.reason, after.can_go_on) == ("interrupted", ENDED_EARLY, True)
            assert store.artefacts.has(run.id, CHECKPOINT)
            kept = store.history(run.id)
            assert [entry["epoch"] for entry in kept] == list(range(1, len(kept) + 1)) and len(kept) >= 2
        else:
            assert after.status == "queued", "it was not begun"
        assert_is_sound(home)
        store.close()
    what = f"{signals[0].name}{' again and again' * (len(signals) > 1)} in the {moment}"
    tally(f"seconds from {what} to the last process's end, {workers} worker processes", round(seconds, 2))


@only_full
def test_a_real_server_and_its_real_worker_are_killed_and_the_next_ones_tell_the_truth(
    tmp_path: Path, tally: Tally
) -> None:
    home = tmp_path / "home"
    with server(home, tmp_path / "first") as first:
        until((home / "lab.db").exists, "the store")
        store = opened(home)
        run = until_run(store, store.create(SMALL, LONG), has_trained(2))
        assert first.process is not None
        first.process.kill()
        first.process.wait(30)
    with server(home, tmp_path / "second") as second:
        done = store.get(run.id).epochs_run
        until_run(store, run, has_trained(done + 2))
        assert store.get(run.id).pid == run.pid, "a new program leaves alone what is well"
        before = store.history(run.id)
        assert run.pid is not None
        os.kill(run.pid, signal.SIGKILL)
        ended = until_run(store, run, has_ended)
        assert (ended.status, ended.reason) == ("interrupted", ENDED_EARLY)
        store.requeue(run.id)
        run = until_run(store, run, has_trained(len(before) + 2))
        assert store.history(run.id)[: len(before)] == before
        before = store.history(run.id)
        assert second.process is not None and run.pid is not None
        second.process.kill()
        os.kill(run.pid, signal.SIGKILL)
        second.process.wait(30)
    until(lambda: is_dead(run.pid or 0), "the worker's death")
    said = subprocess.run(
        [sys.executable, "-m", "mnist_lab", "show", run.id, "--json"],
        env=environment(home), cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    shown = json.loads(said.stdout)
    assert (shown["status"], shown["reason"]) == ("interrupted", ENDED_EARLY)
    assert store.history(run.id)[: len(before)] == before
    assert_is_sound(home)
    store.close()
    tally("kills of a real server and its real worker", 4)


# Sleep --------------------------------------------------------------------------------------------------------------

SLEPT = TrainingConfig(dataset="digits", epochs=30, batch_size=128, limit=600)
SLEEP_SECONDS = 62.0 if FULL else 6.0
# Longer than this a worker may not be silent, and so much of one look counts.
LIMITS = {} if FULL else {"silent": 3.0, "most_per_look": 0.5}


def test_what_sleeps_for_a_minute_goes_on_as_if_nothing_had_been(zygote: Zygote, tmp_path: Path, tally: Tally) -> None:
    sleepers = ("nobody", "app", "worker", "both")
    places = [Place(zygote, tmp_path / name, **LIMITS) for name in sleepers]

    def train(place: Place, name: str) -> list[tuple[Any, ...]]:
        run = place.until(place.submit(SLEPT), has_trained(1))
        pids = {"nobody": (), "app": (place.app.pid,), "worker": (run.pid,), "both": (place.app.pid, run.pid)}[name]
        for pid in pids:
            assert pid is not None
            os.kill(pid, signal.SIGSTOP)
        if pids:
            time.sleep(SLEEP_SECONDS)
            assert name == "app" or place.store.get(run.id).is_active
        for pid in pids:
            assert pid is not None
            os.kill(pid, signal.SIGCONT)
            time.sleep(0.8)
        done = place.until(run, has_ended)
        assert (done.status, done.reason) == ("finished", None), place.store.artefacts.log_tail(run.id)
        assert done.pid == run.pid
        assert_curve_is_whole(place.store, done)
        place.close()
        return learnt(place.store, done)

    with ThreadPoolExecutor(len(places)) as pool:
        histories = list(pool.map(train, places, sleepers))
    assert len(histories[0]) == SLEPT.epochs
    for name, history in zip(sleepers, histories, strict=True):
        assert history == histories[0], f"{name} slept, and something else was learnt"
    tally("seconds for which app, worker and both slept in a training, which then ended the same", round(SLEEP_SECONDS))


# A worker that hangs ------------------------------------------------------------------------------------------------


def test_a_worker_that_hangs_is_noticed_and_killed_and_the_next_training_is_done(
    zygote: Zygote, tmp_path: Path, tally: Tally
) -> None:
    home = tmp_path / "home"
    place = Place(zygote, home, silent=4.0, most_per_look=0.5)
    run = place.store.create(NETWORK, FAST, owner="nobody yet")
    # From its first epoch on all threads of its worker wait for one that has Python's lock.
    (home / f"hang-{run.id}").touch()
    place.store.hand_over(run.id, None, previous="nobody yet")
    following = place.submit(FAST)
    until(lambda: place.phase.get()[1] == "training", "the training")
    begin = time.monotonic()
    hung = place.phase.get()[0]
    run = place.until(run, has_ended)
    seconds = time.monotonic() - begin
    assert run.status == "interrupted"
    assert run.reason == (
        "Its training process gave no sign of life for 4 seconds and was ended. Resume it from its last epoch."
    )
    until(lambda: is_dead(hung), "the end of the one that hung", 10)
    assert place.until(following, has_ended).status == "finished"
    (home / f"hang-{run.id}").unlink()
    place.store.requeue(run.id)
    done = place.until(run, has_ended)
    assert done.status == "finished"
    assert_curve_is_whole(place.store, done)
    place.close()
    assert seconds < 60
    tally("seconds until a worker that hangs was killed (it may be silent for 4)", round(seconds, 1))


@pytest.mark.parametrize("trouble", ["busy", "hang"])
def test_a_worker_in_a_long_step_and_one_that_hangs_end_with_their_app_all_the_same(
    zygote: Zygote, tmp_path: Path, trouble: str, tally: Tally
) -> None:
    home = tmp_path / "home"
    place = Place(zygote, home)
    run = place.store.create(NETWORK, FAST, owner="nobody yet")
    (home / f"{trouble}-{run.id}").touch()
    place.store.hand_over(run.id, None, previous="nobody yet")
    until(lambda: place.phase.get()[1] == "training", "the training")
    time.sleep(0.5)
    begin = time.monotonic()
    place.close()
    seconds = time.monotonic() - begin
    assert seconds < FIVE_SECONDS
    assert is_dead(place.phase.get()[0])
    ended = place.store.get(run.id)
    assert (ended.status, ended.reason, ended.can_go_on) == ("interrupted", ENDED_EARLY, True)
    what = {"busy": "is in a step of minutes", "hang": "hangs"}[trouble]
    tally(f"seconds from SIGTERM to the end of a worker that {what}", round(seconds, 2))


# Clocks -------------------------------------------------------------------------------------------------------------


def test_a_clock_that_is_set_back_and_forth_in_a_training_harms_nothing(
    zygote: Zygote, tmp_path: Path, tally: Tally
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "step").write_text("0")
    place = Place(zygote, home, silent=5.0, most_per_look=0.5)
    first, second = place.submit(SLEPT), place.submit(FAST)
    first = place.until(first, has_trained(1))
    steps = (-7200.0, 3600.0, -86400.0)
    for step in steps:
        done = place.store.get(first.id).epochs_run
        # Whole or not at all: others read it meanwhile.
        (home / "step.new").write_text(str(step))
        os.replace(home / "step.new", home / "step")
        place.until(first, lambda run, d=done: has_ended(run) or run.epochs_run > d + 2)
        # The command line comes by, with a true clock.
        assert end_lost(place.store) == []
        assert release_lost(place.store) == []
        place.store.purge()
        place.store.sweep()
    for run in (first, second):
        done_run = place.until(run, has_ended)
        assert (done_run.status, done_run.reason) == ("finished", None)
        assert_curve_is_whole(place.store, done_run)
        assert done_run.seconds is not None and 0 < done_run.seconds < 600
    assert place.store.get(second.id).heartbeat < time.time() - 80_000, "it did live by the wrong clock"  # type: ignore[operator]
    deleted = place.submit(FAST)
    place.store.command(deleted.id, "stop")
    # The app's worker may have it in hand by now, and then takes a moment to stop.
    place.until(deleted, has_ended)
    place.store.delete([deleted.id])
    place.store.set_figures(deleted.id, deleted=time.time() + 7200)  # by a clock that was set back since
    place.store.purge()
    place.store.undelete([deleted.id])
    assert deleted.id in {run.id for run in place.store.runs()}
    place.close()
    tally("steps of the clock of app and worker in a training, by hours and a day", len(steps))


# Two apps -----------------------------------------------------------------------------------------------------------


def test_two_apps_over_one_store_train_at_once_each_run_once_and_each_ends_its_own_worker(
    zygote: Zygote, tmp_path: Path, tally: Tally
) -> None:
    place = Place(zygote, tmp_path / "home")
    other = place.another()
    brief = TrainingConfig(dataset="digits", epochs=6, batch_size=128, limit=600)
    runs = [place.submit(brief) for _ in range(8 if FULL else 4)]
    at_once: set[int] = set()

    def done_by() -> bool:
        nonlocal at_once
        now = place.store.runs(ids=[run.id for run in runs])
        at_once = max(at_once, {run.pid for run in now if run.is_active and run.pid}, key=len)
        return all(map(has_ended, now))

    until(done_by, "the end of all", 250, 0.02)
    assert len(at_once) == 2, "both train"
    done = place.store.runs(ids=[run.id for run in runs])
    assert {run.status for run in done} == {"finished"}
    assert {run.pid for run in done} == at_once
    first = learnt(place.store, done[0])
    for run in done:
        assert_curve_is_whole(place.store, run)
        assert learnt(place.store, run) == first, "the same seed, whoever else trains"
    pair = [place.until(place.submit(LONG), has_trained(1)) for _ in range(2)]
    assert len({run.worker for run in pair}) == 2
    place.close(other)
    until(lambda: sum(has_ended(place.store.get(run.id)) for run in pair) == 1, "the end of one", 10)
    ended, going = sorted((place.store.get(run.id) for run in pair), key=lambda run: run.is_active)
    assert (ended.status, ended.reason) == ("interrupted", ENDED_EARLY)
    place.until(going, has_trained(going.epochs_run + 2))
    place.close()
    assert place.store.get(going.id).status == "interrupted"
    assert is_dead(going.pid or 0)
    assert_is_sound(place.home)
    with closing(place.store):
        tally("trainings of two apps at once over one store, all with the same history", len(done))
