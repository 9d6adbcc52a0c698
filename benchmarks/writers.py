"""What the workers of a cluster ask of PostgreSQL: 200 simulated writers, which do to the store what trainings do.

    python -m benchmarks.writers [--writers 200] [--seconds 60] [--idle 0] [--epoch 10] [--epochs 2]
                                 [--connections 300] [--url URL]

Each writer has a store of its own, as a worker process has; several share a process, so that one machine can hold
them. It takes a run from the queue, reports by the program's own heartbeat as often as that wants it, a point each
time, adds an epoch each ten seconds, and ends the run; then it takes the next. `--idle` more wait for runs in vain.
Printed are transactions and statements a second, what a call took, the server's processor, its connections and its log.
The server is one of its own, with its usual settings and `fsync` on, unless a URL names another.
"""

from __future__ import annotations

import argparse
import inspect
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

PROCESSES = 8
CALLS = ("claim", "report", "add_epoch", "set_figures", "end")


class _Measured:
    """A store whose calls are timed.

    Args:
        store: The store.
        taken: By call, seconds.
        failed: By call, how often it failed.
    """

    def __init__(self, store: Any, taken: dict[str, list[float]], failed: Counter[str]) -> None:
        self._store, self._taken, self._failed = store, taken, failed

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if name not in CALLS:
            return found

        def timed(*arguments: Any, **more: Any) -> Any:
            began = time.perf_counter()
            try:
                return found(*arguments, **more)
            except Exception:
                self._failed[name] += 1
                raise
            finally:
                self._taken[name].append(time.perf_counter() - began)

        return timed


def _train(store: Any, worker: str, until: float, epoch_seconds: float, epochs: int) -> None:
    """Takes runs and trains them, as `worker.py` and `keras_side.train` do, but for the training itself."""
    from mnist_lab import heartbeat
    from mnist_lab.errors import StoreError

    pace = heartbeat.Pace(store, 0.1, 1.0) if hasattr(heartbeat, "Pace") else None
    while time.time() < until:
        try:
            if pace is None:
                run = store.claim(worker, os.getpid())
            else:
                with pace.asking():
                    run = store.claim(worker, os.getpid())
        except StoreError:
            run = None
        if run is None:
            time.sleep(0.1 if pace is None else pace.pause)
            continue
        try:
            store.set_figures(run.id, dataset="mnist", device="CPU")
            with heartbeat.Heartbeat(store, run.id, worker) as beat:
                for epoch in range(1, epochs + 1):
                    _epoch(beat, epoch, epochs, min(until, time.time() + epoch_seconds))
                    beat.flush()
                    values = dict.fromkeys(("loss", "accuracy", "val_loss", "val_accuracy", "seconds"), 0.5)
                    store.add_epoch(run.id, {"epoch": epoch, **values}, best_epoch=epoch, seconds=1.0)
            store.end(run.id, "finished", worker=worker)
        except StoreError:
            continue


def _epoch(beat: Any, epoch: int, epochs: int, until: float) -> None:
    step, point_due = 0, 0.0
    while (now := time.time()) < until:
        step += 1
        if now >= point_due:
            point_due = now + getattr(beat, "point_period", 0.25)
            beat.point(step, epoch - 1 + step / 1e4, 0.5, 0.9)
        beat.progress(phase="training", epoch=epoch, epochs=epochs, step=step, steps=10_000, loss=0.5, accuracy=0.9,
                      images_per_second=5_000.0, seconds_left=10.0)  # fmt: skip
        time.sleep(getattr(beat, "period", 0.25))


def _process(number: int, options: argparse.Namespace, writers: int, begin: Any, results: Any) -> None:
    """Some of the writers, each with a store of its own."""
    from sqlalchemy import event

    from mnist_lab.store import RunStore
    from mnist_lab.store.database import open_engine

    taken: dict[str, list[float]] = defaultdict(list)
    failed: Counter[str] = Counter()
    statements = [0]
    stores, threads = [], []

    def count(*_: Any) -> None:
        statements[0] += 1

    keeping = {"kept": 1} if "kept" in inspect.signature(open_engine).parameters else {}
    for _ in range(writers):
        engine = open_engine(options.url, **keeping)
        event.listen(engine, "before_cursor_execute", count)
        stores.append(RunStore(engine, Path(tempfile.gettempdir())))
    begin.wait()
    until, used = time.time() + options.seconds, time.process_time()
    for each, store in enumerate(stores):
        measured = _Measured(store, taken, failed)
        arguments = (measured, f"writer-{number}-{each}", until, options.epoch, options.epochs)
        threads.append(threading.Thread(target=_train, args=arguments))
        threads[-1].start()
    for thread in threads:
        thread.join()
    results.put((dict(taken), dict(failed), statements[0], time.process_time() - used))


@contextmanager
def server(connections: int) -> Iterator[str]:
    """A server of its own, that writes as safely as one does by itself."""
    from tests.postgres import Server

    made = Server(fsync="on", shared_buffers="128MB", max_connections=connections)
    try:
        made.start()
        yield made.new_database()
    finally:
        made.close()


def _fill(url: str, runs: int) -> None:
    from mnist_lab.store import RunStore
    from mnist_lab.store.database import open_engine
    from mnist_lab.studies import presets
    from mnist_lab.training_config import TrainingConfig

    store = RunStore(open_engine(url), Path(tempfile.gettempdir()))
    network = presets()["lenet-5"].architecture
    for number in range(runs):
        store.create(network, TrainingConfig(seed=number), name=f"trial {number}", person=f"person-{number % 5}")
    store.close()


def _ask(url: str, statement: str) -> Any:
    import psycopg

    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        row = connection.execute(statement).fetchone()  # type: ignore[arg-type]
    return row[0] if row else None


def _counters(url: str) -> dict[str, float]:
    return {
        "transactions": float(_ask(url, "SELECT sum(xact_commit) FROM pg_stat_database")),
        "log": float(_ask(url, "SELECT wal_bytes FROM pg_stat_wal")),
        "hot": float(_ask(url, "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'runs'")),
        "updates": float(_ask(url, "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'runs'")),
    }


def _watch(url: str, seen: dict[str, float], ended: threading.Event) -> None:
    """Notes the server's processor time and its connections, until it is told to end."""
    used: dict[int, float] = {}
    first: dict[int, float] = {}
    connections = 0
    while not ended.wait(1.0):
        for process in psutil.process_iter(["name", "cpu_times"]):
            if process.info["name"] == "postgres" and process.info["cpu_times"] and _is_of(process, url):
                seconds = sum(process.info["cpu_times"][:2])
                # A backend that came later began at nothing.
                first.setdefault(process.pid, seconds if not used else 0.0)
                used[process.pid] = seconds
        connections = max(connections, len(used))
        seen["processor"] = sum(used[pid] - first[pid] for pid in used)
        seen["connections"] = float(connections)


def _is_of(process: psutil.Process, url: str) -> bool:
    """Whether a process is one of this server's: itself, or its child."""
    port = url.rpartition(":")[2].partition("/")[0]
    try:
        parent = process.parent()
        return any(f"port={port}" in word for each in (process, parent) if each for word in each.cmdline())
    except psutil.Error:
        return False


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Lets the writers write; returns what was seen."""
    everyone = options.writers + options.idle
    _fill(options.url, options.writers * (1 + int(options.seconds // (options.epoch * options.epochs))))
    context = multiprocessing.get_context("spawn")
    begin, results = context.Event(), context.Queue()
    shares = [everyone // PROCESSES + (number < everyone % PROCESSES) for number in range(PROCESSES)]
    processes = [
        context.Process(target=_process, args=(number, options, share, begin, results))
        for number, share in enumerate(shares) if share
    ]  # fmt: skip
    for process in processes:
        process.start()
    time.sleep(options.warm)
    before, seen, ended = _counters(options.url), {}, threading.Event()
    watcher = threading.Thread(target=_watch, args=(options.url, seen, ended))
    watcher.start()
    begin.set()
    began = time.monotonic()
    taken: dict[str, list[float]] = defaultdict(list)
    failed: Counter[str] = Counter()
    statements, used = 0, 0.0
    for _ in processes:
        some, failures, asked, processor = results.get()
        for name, seconds in some.items():
            taken[name] += seconds
        failed.update(failures)
        statements, used = statements + asked, used + processor
    seconds = time.monotonic() - began
    ended.set()
    watcher.join()
    time.sleep(1.5)  # a server tells its counters a moment later
    after = _counters(options.url)
    for process in processes:
        process.join()
    gone = {name: after[name] - before[name] for name in before}
    return {
        "writers": options.writers, "idle": options.idle, "seconds": round(seconds, 1),
        "load": [round(each, 1) for each in os.getloadavg()],
        "transactions a second": round(gone["transactions"] / seconds),
        "statements a second, without BEGIN and COMMIT": round(statements / seconds),
        "reports a second": round(len(taken["report"]) / seconds),
        "log, kB a second": round(gone["log"] / seconds / 1e3),
        "updates of runs without their indexes, share": round(gone["hot"] / max(1, gone["updates"]), 3),
        "server's processor, cores": round(seen.get("processor", 0.0) / seconds, 2),
        "writers' processor, cores": round(used / seconds, 2),
        "connections at most": round(seen.get("connections", 0.0)),
        "ms: median, 95 %, 99 % (n)": {name: _words(taken[name]) for name in CALLS if taken[name]},
        "failed": dict(failed),
    }  # fmt: skip


def _words(taken: list[float]) -> str:
    ordered = sorted(taken)

    def at(share: float) -> float:
        return 1e3 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return f"{1e3 * statistics.median(ordered):.1f}, {at(0.95):.1f}, {at(0.99):.1f} ({len(ordered):,})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--writers", type=int, default=200)
    parser.add_argument("--idle", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--epoch", type=float, default=10.0, help="seconds of an epoch")
    parser.add_argument("--epochs", type=int, default=2, help="of a run")
    parser.add_argument("--connections", type=int, default=300, help="that the server takes")
    parser.add_argument("--warm", type=float, default=20.0, help="seconds for the writers' start")
    parser.add_argument("--url", help="a server's empty database")
    options = parser.parse_args()
    act: Callable[[], dict[str, Any]] = lambda: measure(options)  # noqa: E731
    if options.url:
        found = act()
    else:
        with server(options.connections) as options.url:
            found = act()
    json.dump(found, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
