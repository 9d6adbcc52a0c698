"""How the store and the pages bear 100,000 runs and 50 million points, on SQLite and on PostgreSQL.

    MNIST_LAB_DATA=FOLDER python -m benchmarks.scale fill URL [--scale 0.01]
    MNIST_LAB_DATA=FOLDER python -m benchmarks.scale measure URL --into FILE [--times 20] [--pages]
    python -m benchmarks.scale table BEFORE AFTER

`fill` makes the store, some 9 GB of disk at scale 1. `measure` takes the times of every question that pages,
workers and the command line ask of it, and with `--pages` what the server needs for each page, drawn by Streamlit's
AppTest in one process. `table` prints two measurements beside each other: to compare versions of the program, fill with
the older one, measure with both, the older one first (the newer one may bring the store to a newer version).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
# One question takes no longer than this altogether, however often it is to be asked.
MOST_SECONDS = 40.0
PAGES = ("draw", "explain", "digits", "lab", "runs", "studies", "data")
WORKER = "scale"


def questions(store: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is asked of a store, by name; what writes comes last."""
    some = store.runs(["finished"], most=200)
    one, ids = some[100], [run.id for run in some]
    yield "active: runs under way (badge, each 2 s; manager, 4 a second)", store.active
    yield "waiting: how many wait (badge)", store.waiting
    yield "waiting, of a person (limits)", lambda: store.waiting("person-1")
    yield "queue: the first 50 (Lab, each second)", lambda: store.queue(50)
    yield "queue, owned (manager, 4 a second)", lambda: store.runs(["queued"], owned=True)
    yield "newest three (Lab)", lambda: store.runs(most=3)
    yield "one run by id", lambda: store.runs(ids=[one.id])
    yield "get: one run", lambda: store.get(one.id)
    yield "exists", lambda: store.exists(one.id)
    yield "find: by the beginning of an id (command line)", lambda: store.find(one.id[:12])
    yield "find: by name", lambda: store.find(one.name)
    yield "timed: for the forecast (Lab, Studies)", lambda: store.timed(200)
    yield "runs of 10 presets (Studies, each second while it trains)", lambda: store.runs(presets=_presets())
    yield "deleted runs (a link to one that is gone)", lambda: store.runs(deleted=True)
    yield "history of a run", lambda: store.history(one.id)
    yield "points of a run", lambda: store.points(one.id)
    yield "points of a run, the new ones (Lab, each second)", lambda: store.points(one.id, 10**9)
    yield "point rows of a run", lambda: store.point_rows(one.id)
    yield "best epochs of 200 runs", lambda: _fresh(store).best_epochs(some)
    yield "digits, writers", lambda: (store.writers(), store.digits("nobody"))
    yield "room of a person, without its files (limits)", lambda: store.room_of("person-1")
    yield "reasons (backup, doctor)", store.reasons
    yield "sweep, at the start", store.sweep
    yield "listing: all runs, the first time in a process", lambda: _fresh(store).listing()
    yield "listing: all runs, again (Runs, at each click)", store.listing
    yield "all runs (command line)", store.runs

    def with_a_change() -> Any:
        store.edit(one.id, notes=str(time.time()))
        return store.listing()

    yield "edit of a run, and the listing after it", with_a_change
    from mnist_lab.architecture import Architecture
    from mnist_lab.layers import Dense, Flatten
    from mnist_lab.training_config import TrainingConfig

    network = Architecture((Flatten(), Dense(10, "softmax")))
    yield "create", lambda: store.create(network, TrainingConfig(), person="person-1")
    taken: list[Any] = []
    yield "claim", lambda: taken.append(store.claim(WORKER, 1))
    point = {"step": 1, "epoch": 0.1, "loss": 1.0, "accuracy": 0.5}
    yield "report with a point (worker, 4 a second)", lambda: store.report(taken[0].id, WORKER, {"step": 1}, [point])
    epoch = {"epoch": 1, "loss": 0.5, "accuracy": 0.9, "val_loss": 0.5, "val_accuracy": 0.9}
    yield "add_epoch", lambda: store.add_epoch(taken[0].id, epoch)
    yield "end", lambda: store.end(taken.pop().id, "stopped") if taken else None
    yield "star 200 runs", lambda: store.star_all(ids, True)
    yield "delete 200 runs, and undelete them", lambda: store.undelete(store.delete(ids))
    gone = store.runs(deleted=True, most=20)
    yield f"purge of {len(gone)} deleted runs with their points, once", _Once(lambda: _purge(store, gone))
    yield "purge, where nothing is to be done", lambda: store.purge(older_than=1e9)


class _Once:
    """Something that can be done a single time."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act

    def __call__(self) -> Any:
        return self.act()


def _purge(store: Any, gone: list[Any]) -> None:
    oldest = min(run.deleted for run in gone)
    keep = {run.id for run in store.runs(deleted=True)} - {run.id for run in gone}
    store.purge(older_than=time.time() - max(run.deleted for run in gone), keep=tuple(keep)) if oldest else None


def _presets() -> list[str]:
    from mnist_lab.studies import presets

    return [*presets()][:10]


def _fresh(store: Any) -> Any:
    """The same store to somebody who has not read anything of it yet."""
    return type(store)(store._engine, store.artefacts.root)


def measure_questions(url: str, times: int, left_out: Sequence[str] = ()) -> dict[str, list[float]]:
    """Seconds that each question took, by its name, without those whose name begins so."""
    from mnist_lab.store import RunStore
    from mnist_lab.store.database import open_engine

    began = time.perf_counter()
    engine = open_engine(url)
    found = {"opening the store (and bringing it up)": [time.perf_counter() - began]}
    store = RunStore(engine, Path(tempfile.mkdtemp()))
    for name, ask in questions(store):
        if name.startswith(tuple(left_out)):
            continue
        taken = found.setdefault(name, [])
        while len(taken) < (1 if isinstance(ask, _Once) else times) and sum(taken) < MOST_SECONDS:
            began = time.perf_counter()
            ask()
            taken.append(time.perf_counter() - began)
        print(f"{name}: {_words(taken)}", flush=True)
    found["memory after all of it, MB"] = [psutil.Process().memory_info().rss / 1e6]
    print(found["memory after all of it, MB"])
    store.close()
    return found


@contextmanager
def _app(url: str) -> Iterator[Any]:
    """The program in a session of its own, with a manager that starts no process."""
    os.environ["MNIST_LAB_STORE"] = url
    os.environ["MNIST_LAB_HOME"] = tempfile.mkdtemp()
    from streamlit.runtime.pages_manager import PagesManager
    from streamlit.testing.v1 import AppTest

    from mnist_lab.jobs import JobManager
    from mnist_lab.store import open_store
    from mnist_lab.ui import frame
    from tests.ui.conftest import _as_in_a_server

    manager = JobManager(open_store(), autostart=False)
    frame.job_manager = lambda: manager  # type: ignore[assignment]
    PagesManager.__init__ = _as_in_a_server(PagesManager.__init__)  # type: ignore[method-assign]
    yield AppTest.from_file(str(ROOT / "app.py"), default_timeout=900)
    manager.store.close()


def measure_pages(url: str) -> dict[str, list[float]]:
    """Seconds that the server needed for each page: the first time in the process, and twice again."""
    found: dict[str, list[float]] = {}
    with _app(url) as app:

        def take(name: str, act: Callable[[], Any]) -> None:
            began = time.perf_counter()
            with suppress(KeyError):  # of a version that has no such part
                act()
                found.setdefault(name, []).append(time.perf_counter() - began)
                wrong = [str(each.value)[:200] for each in (*app.exception, *app.error)]
                print(f"{name}: {found[name][-1]:.3f} s {wrong or ''}", flush=True)

        app.run()  # imports, and the session's beginning
        for page in ("data", *(each for each in PAGES if each != "data")):
            for when in ("first", "again", "again"):
                take(f"page {page}, {when}", app.switch_page(f"pages/{page}.py").run)
        from dataclasses import replace

        from mnist_lab.run_query import RunQuery

        app.switch_page("pages/runs.py").run()
        for name, query in {
            "search": RunQuery(search="lenet 12"), "sorted by accuracy": RunQuery(sort="test_accuracy"),
            "grouped by preset": RunQuery(group=("preset",)), "as usual": RunQuery(),
        }.items():  # fmt: skip
            for when in ("first", "again"):
                app.session_state["kept.run-query"] = replace(query)
                take(f"page runs, {name}, {when}", app.run)
        runs = app.session_state["kept.run-frame"][0] if "kept.run-frame" in app.session_state else []
        app.session_state["kept.selected-runs"] = tuple(run.id for run in runs[1:3])
        for when in ("first", "again"):
            take(f"page runs, two selected, {when}", app.run)
    found["memory of the app's process, MB"] = [psutil.Process().memory_info().rss / 1e6]
    print(found["memory of the app's process, MB"])
    return found


def _words(taken: list[float]) -> str:
    if not taken:
        return "–"
    ordered = sorted(taken)
    high = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"{1e3 * statistics.median(taken):,.1f} / {1e3 * high:,.1f} ms ({len(taken)})"


def table(before: dict[str, list[float]], after: dict[str, list[float]]) -> Iterator[str]:
    """The lines of a table of two measurements."""
    yield "| Question | Before: median / 95 % (n) | After | Ratio of medians |"
    yield "|---|---|---|---|"
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name, []), after.get(name, [])
        if name.endswith("MB"):
            cells = [f"{each[0]:,.0f}" if each else "–" for each in (old, new)]
        else:
            cells = [_words(old), _words(new)]
        ratio = statistics.median(old) / statistics.median(new) if old and new else None
        yield f"| {name} | {cells[0]} | {cells[1]} | {f'{ratio:.1f}' if ratio else '–'} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    filling = commands.add_parser("fill")
    filling.add_argument("url")
    filling.add_argument("--scale", type=float, default=1.0)
    measuring = commands.add_parser("measure")
    measuring.add_argument("url")
    measuring.add_argument("--into", type=Path, required=True)
    measuring.add_argument("--times", type=int, default=20)
    measuring.add_argument("--pages", action="store_true")
    measuring.add_argument("--left-out", nargs="*", default=[], help="beginnings of questions that take too long")
    comparing = commands.add_parser("table")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    options = parser.parse_args()
    if options.command == "fill":
        from benchmarks import filled_store

        runs, points = (max(10, round(options.scale * all_)) for all_ in (filled_store.RUNS, filled_store.POINTS))
        began = time.perf_counter()
        filled_store.fill(options.url, runs, points)
        print(f"{runs:,} runs and {points:,} points in {time.perf_counter() - began:.0f} s")
    elif options.command == "measure":
        print("Processes that wanted a core, mean of the last 1, 5, 15 minutes:", *os.getloadavg(), flush=True)
        found = (
            measure_pages(options.url)
            if options.pages
            else measure_questions(options.url, options.times, options.left_out)
        )
        options.into.write_text(json.dumps(found, indent=1), encoding="utf-8")
    else:
        print(*table(*(json.loads(each.read_text()) for each in (options.before, options.after))), sep="\n")


if __name__ == "__main__":
    main()
