"""Several people at once, at scale: turns while workers are killed; ten tabs over broken wires and a killed app."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from mnist_lab.architecture import Architecture
from mnist_lab.errors import LimitError
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import RunStore, schema
from mnist_lab.store.database import open_engine, reading
from mnist_lab.training_config import TrainingConfig
from tests.browser.conftest import browser, start_browser, start_server  # noqa: F401
from tests.torture.conftest import FULL, Tally, times
from tests.zygote import Child, Zygote

NETWORK = Architecture((Flatten(), Dense(10, "softmax")))
ROOT = Path(__file__).resolve().parents[2]


def last_turn(store: RunStore) -> int:
    with reading(store._engine) as connection:
        return connection.execute(select(func.max(schema.runs.c.turn))).scalar() or 0


def test_people_take_turns_while_their_workers_are_killed_and_they_press_as_they_like(
    children: Zygote, tmp_path: Path, chance: random.Random, tally: Tally
) -> None:
    """Three workers in processes of their own, killed at random moments; five people, one with a study of 200 runs."""
    url = f"sqlite:///{tmp_path / 'lab.db'}"
    store = RunStore(open_engine(url), tmp_path)
    people = [store.person(name) for name in ("study", "anna", "ben", "carl", "dora")]

    def worker() -> Child:
        return children.fork("take_turns", url=url, home=str(tmp_path))

    def bury(which: Child) -> None:
        which.kill()
        which.wait(60)

    for number in range(times(200, 40)):
        store.create(NETWORK, TrainingConfig(), name=f"study {number}", person=people[0])
    workers = [worker() for _ in range(times(3, 2))]
    kills = refused = 0
    # By run, the last turn when it had been queued.
    queued: dict[str, int] = {}
    try:
        for _ in range(times(150, 20)):
            person = chance.choice(people[1:])
            for _ in range(chance.choice((1, 1, 5))):
                try:
                    run_id = store.create(NETWORK, TrainingConfig(), person=person, most_queued=3).id
                    # What started until now may have done so before it was queued.
                    queued[run_id] = last_turn(store)
                except LimitError:
                    refused += 1
            time.sleep(chance.random() * 0.03)
            if chance.random() < 0.1:
                victim = chance.randrange(len(workers))
                bury(workers[victim])
                for run in store.active():
                    if run.worker == f"w{workers[victim].pid}":
                        store.end(run.id, "interrupted")
                workers[victim] = worker()
                kills += 1
        deadline = time.monotonic() + 120
        while store.waiting() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert store.waiting() == 0
    finally:
        for each in workers:
            bury(each)
    runs = sorted(store.runs(), key=lambda run: run.turn or 0)
    assert all(run.turn for run in runs) and len({run.turn for run in runs}) == len(runs), "each start is a turn"
    worst = 0
    for run in runs:
        if run.id not in queued:
            continue
        assert run.turn is not None
        # What this person had in the queue before goes first; from then on each other person starts one run at most.
        mine = [each.turn for each in runs if each.person == run.person and each.turn < run.turn]  # type: ignore[operator]
        since = max([queued[run.id], *mine])  # type: ignore[type-var]
        others = Counter(each.person for each in runs if since < each.turn < run.turn)  # type: ignore[operator]
        worst = max([worst, *others.values()])
    assert worst == 1, "0: nobody waited for anybody, and the test says nothing"
    assert refused, "nobody was over the limit, and the test says nothing"
    store.close()
    tally("Trainings queued by five people, one with a study, while workers were killed", len(runs))
    tally("Workers killed meanwhile", kills)
    tally("Most runs of any other person that one had to wait for", worst)
    tally("Trainings refused beyond the limit of three in the queue", refused)


@pytest.mark.browser
@pytest.mark.skipif(not FULL, reason="its short form is tests/browser/test_people.py")
def test_ten_tabs_of_three_people_outlive_broken_wires_and_a_killed_app(
    start_server: Any,  # noqa: F811
    browser: Any,  # noqa: F811
    chance: random.Random,
    tally: Tally,
) -> None:
    """Ten tabs edit ten networks in turn; wires break, the app is killed; each tab keeps what was typed in it."""
    from tests.browser.actions import PATIENCE, SIDEBAR, eventually, fill, open_lab, rows, select_row
    from tests.browser.test_people import FIRST, connected, connection, trouble
    from tests.browser.wire import Wire

    server = start_server(ROOT / "app.py")
    wire = Wire(server.port)
    contexts = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in range(3)]
    tabs, typed = [], {}
    edits = cuts = kills = 0
    slowest = 0.0

    class Through:
        url = wire.url

    try:
        for number in range(10):
            contexts[number % 3].set_default_timeout(PATIENCE * 1000)
            tab = contexts[number % 3].new_page()
            open_lab(tab, Through)  # type: ignore[arg-type]
            select_row(tab, FIRST)
            tabs.append(tab)

        def shows(number: int) -> None:
            wanted = f"{FIRST} {typed[number]},"
            eventually(tabs[number], lambda: (rows(tabs[number]) or [""])[0], lambda row: row.startswith(wanted))
            assert trouble(tabs[number]) == []

        for turn in range(3):
            for number in chance.sample(range(10), 5 if turn else 10):
                typed[number] = 1 + number + 10 * turn
                fill(tabs[number], "Filters", typed[number], SIDEBAR)
                edits += 1
            for number in range(10):
                shows(number)
            began = time.monotonic()
            if turn == 1:
                os.kill(server.process.pid, signal.SIGKILL)
                server.process.wait()
                kills += 1
            else:
                wire.cut()
                cuts += 1
            for tab in tabs:
                eventually(tab, lambda tab=tab: connection(tab), lambda state: state != "CONNECTED")
            time.sleep(chance.random())
            began = time.monotonic()
            if turn == 1:
                server.start()
            else:
                wire.mend()
            for number, tab in enumerate(tabs):
                connected(tab)
                shows(number)
                if turn == 1:
                    select_row(tab, FIRST)
            slowest = max(slowest, time.monotonic() - began)
        assert not re.search("Traceback|a page failed", server.log)
    finally:
        for context in contexts:
            context.close()
        wire.cut()
    tally("Edits in ten tabs of three people, none of which showed up elsewhere", edits)
    tally("Broken connections of ten tabs, and kills of the app under them", f"{cuts}, {kills}")
    tally("Seconds until all ten tabs were back with what was typed", f"{slowest:.1f}")
