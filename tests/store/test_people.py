"""People take turns in the queue, and the store keeps nothing by which they could be known."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from mnist_lab.architecture import Architecture
from mnist_lab.errors import LimitError
from mnist_lab.exchange import record
from mnist_lab.layers import Dense, Flatten
from mnist_lab.store import Run, RunStore, schema
from mnist_lab.store.database import open_engine, writing
from mnist_lab.store.people import Waiting, fair_order
from mnist_lab.training_config import TrainingConfig
from tests.store.conftest import Start, at_once

NETWORK = Architecture((Flatten(), Dense(10, "softmax")))


def create(store: RunStore, person: str, name: str = "", **more: Any) -> Run:
    return store.create(NETWORK, TrainingConfig(), name=name or person, person=person, **more)


def served(store: RunStore, worker: str = "w") -> str:
    """Takes all that waits, one after the other; the people whose runs these are."""
    taken = []
    while (run := store.claim(worker, 1)) is not None:
        taken.append(run.person or "?")
        store.end(run.id, "finished")
    return "".join(taken)


def waiting(words: str) -> list[Waiting]:
    """Queued runs in order of arrival, a letter each: their person."""
    return [Waiting(f"{person}{place}", person, None, float(place), 0.0) for place, person in enumerate(words)]


def people(order: Sequence[Waiting]) -> str:
    return "".join(each.person or "?" for each in order)


# The order -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("queued", "turns", "order"),
    [
        ("aaaa", {"a": 7}, "aaaa"),
        ("aaaabb", {}, "abab" + "aa"),
        ("aaab", {"a": 1}, "baaa"),
        ("aaabc", {"a": 3, "b": 1, "c": 2}, "bcaaa"),
        ("aabbcc", {"b": 5}, "acbacb"),
        ("", {"a": 1}, ""),
    ],
)
def test_people_take_turns_and_who_was_served_longest_ago_comes_first(
    queued: str, turns: dict[str, int], order: str
) -> None:
    assert people(fair_order(waiting(queued), turns)) == order


@pytest.mark.parametrize("seed", range(30))
def test_whoever_waits_lets_each_other_person_go_first_once_at_most(seed: int) -> None:
    """Whatever is queued when: between the arrival of the first run of a person and its start others start one each."""
    rng = random.Random(seed)
    queue: list[Waiting] = []
    turns: dict[str, int] = {}
    passed: dict[str, Counter[str]] = {}
    for moment in range(400):
        # Some are served each moment, and a study comes now and then.
        arrivals = (0, 0, 0, 1, 1, 2) if moment % 100 else (60,)
        for _ in range(rng.choice(arrivals if moment < 300 else (0,))):
            person = rng.choice("abcdefg")
            if not any(each.person == person for each in queue):
                passed[person] = Counter()
            queue.append(Waiting(f"{moment} {len(queue)} {rng.random()}", person, None, float(moment), rng.random()))
        if not queue or rng.random() < 0.3:
            continue
        order = fair_order(queue, turns)
        assert sorted(each.id for each in order) == sorted(each.id for each in queue)
        first = order[0]
        assert first.person is not None
        # What is shown is what happens: who comes second now comes first then, if nobody new arrives.
        rest = [each for each in queue if each is not first]
        turns[first.person] = moment + 1
        assert fair_order(rest, turns) == order[1:]
        queue = rest
        for person, others in passed.items():
            if person != first.person and any(each.person == person for each in queue):
                others[first.person] += 1
                assert max(others.values()) <= 1, f"{person} waited for {others}"
        passed[first.person] = Counter()


def test_what_waits_for_a_worker_of_its_own_takes_no_turn_of_its_person() -> None:
    own = [Waiting(f"own {n}", "a", "alone", float(n), 0.0) for n in range(3)]
    order = [each.id for each in fair_order([*own, *waiting("ab")], {"a": 2, "b": 1})]
    assert order == ["own 0", "b1", "a0", "own 1", "own 2"]


# In the store ---------------------------------------------------------------------------------------------------------


def test_who_queues_one_run_waits_for_no_more_than_one_of_each_other(store: RunStore) -> None:
    for _ in range(20):
        create(store, "a")
    running = store.claim("w", 1)
    assert running is not None
    for _ in range(20):
        create(store, "b")
    create(store, "c")
    shown = "".join(run.person or "?" for run in store.queue())
    assert shown.startswith("bca") and shown[:3] == "".join(sorted("bca", key="bca".index))
    store.end(running.id, "finished")
    assert served(store) == shown


def test_a_study_of_two_hundred_runs_starves_nobody(store: RunStore) -> None:
    for _ in range(200):
        create(store, "study")
    mine = create(store, "one")
    taken = [store.claim("w", 1) for _ in range(2)]
    assert mine.id in {run.id for run in taken if run}


def test_resumed_runs_take_their_turn_like_new_ones(store: RunStore) -> None:
    old = [create(store, "a") for _ in range(4)]
    for _ in old:
        run = store.claim("w", 1)
        assert run is not None
        store.end(run.id, "interrupted")
    for run in old:
        store.requeue(run.id)
    for _ in range(3):
        create(store, "b")
    assert served(store) == "bababaa"


def test_a_resumed_run_waits_in_the_turn_of_who_resumed_it(store: RunStore) -> None:
    run = create(store, "a")
    store.claim("w", 1)
    store.end(run.id, "stopped")
    assert store.requeue(run.id, person="b").person == "b"


def test_a_run_moves_among_those_of_its_person_only(store: RunStore) -> None:
    ids = {name: create(store, name[0], name).id for name in ("a1", "b1", "a2", "b2", "a3")}

    def shown() -> list[str]:
        return [run.name for run in store.queue()]

    assert shown() == ["a1", "b1", "a2", "b2", "a3"]
    store.move_in_queue(ids["a3"], -1)
    assert shown() == ["a1", "b1", "a3", "b2", "a2"]
    store.move_in_queue(ids["a3"], -99)
    assert shown() == ["a3", "b1", "a1", "b2", "a2"], "its own first, but not before everybody's"
    assert [run.name for run in (store.claim("w", 1) for _ in range(5)) if run] == ["a3", "b1", "a1", "b2", "a2"]


def test_places_that_two_have_at_once_are_told_apart_when_one_is_moved(store: RunStore) -> None:
    ids = [create(store, "a", name).id for name in "abc"]
    with writing(store._engine) as connection:
        connection.execute(schema.runs.update().values(position=5.0))
    store.move_in_queue(ids[2], -1)
    assert [run.name for run in store.queue()] == ["a", "c", "b"]


def test_a_worker_of_ones_own_takes_nobodys_turn(store: RunStore) -> None:
    create(store, "a", owner="alone")
    assert store.claim("alone", 1, own=True) is not None
    create(store, "b")
    create(store, "a")
    assert served(store) == "ba", "whose first run came first, as neither had a turn"
    assert [run.turn for run in store.runs() if run.owner == "alone"] == [None]


def test_the_clock_may_be_set_back(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for person in "aabb":
        create(store, person)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now - 86400)
    assert served(store) == "abab"


def test_a_damaged_row_holds_nobody_up(store: RunStore) -> None:
    if store._engine.dialect.name != "sqlite":
        pytest.skip("a column has its type there")
    bad, *_ = [create(store, person) for person in "abab"]
    store.claim("w", 1)
    create(store, "a", "another")
    with writing(store._engine) as connection:
        connection.exec_driver_sql("UPDATE runs SET turn = 'x' WHERE turn IS NOT NULL")
        connection.exec_driver_sql("UPDATE runs SET position = 'x', created = 'y' WHERE name = 'another'")
    assert len(store.queue()) == 4
    assert sorted(served(store)) == ["a", "a", "b", "b"]
    assert store.get(bad.id).status == "running"


def test_only_so_many_are_shown_and_counted_if_that_is_asked(store: RunStore) -> None:
    for person in "aaab":
        create(store, person)
    assert [run.person for run in store.queue(2)] == ["a", "b"]
    assert (store.waiting(), store.waiting("a"), store.waiting("b"), store.waiting("c")) == (4, 3, 1, 0)


def test_ten_thousand_waiting_runs_are_no_burden(tmp_path: Path) -> None:
    store = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)
    first = create(store, "p0")
    with writing(store._engine) as connection:
        row = dict(connection.execute(schema.runs.select()).mappings().one())
        rows = [{**row, "id": f"{n:032x}", "person": f"p{n % 7}", "position": 2.0 + n} for n in range(10_000)]
        connection.execute(insert(schema.runs), rows)
    seconds = []
    for _ in range(5):
        began = time.process_time()
        taken = store.claim("w", 1)
        seconds.append(time.process_time() - began)
        assert taken is not None
    began = time.process_time()
    assert len(store.queue(50)) == 50 and store.waiting() == 9_996
    shown = time.process_time() - began
    began = time.process_time()
    store.move_in_queue(first.id if store.get(first.id).status == "queued" else rows[5000]["id"], -1)
    moved = time.process_time() - began
    store.close()
    # Processor time: a tenth of a second each at most, and much more on a slow machine.
    assert min(seconds) < 1 and shown < 1 and moved < 1


# Limits ---------------------------------------------------------------------------------------------------------------


def test_a_person_has_so_many_in_the_queue_and_no_more(store: RunStore) -> None:
    for _ in range(2):
        create(store, "a", most_queued=2)
    with pytest.raises(LimitError, match="2 trainings in the queue, and 2 is the limit") as caught:
        create(store, "a", most_queued=2, files={"digits.npz": b"x"})
    assert caught.value.remedy
    create(store, "b", most_queued=2)
    taken = store.claim("w", 1)
    assert taken is not None and taken.person == "a"
    create(store, "a", most_queued=2)
    store.end(taken.id, "stopped")
    with pytest.raises(LimitError):
        store.requeue(taken.id, most_queued=2)
    assert store.get(taken.id).status == "stopped"
    folders = [path.name for path in store.artefacts.root.iterdir() if path.is_dir()]
    assert folders == [], "what was refused leaves no files"


def test_people_of_whom_nothing_is_known_are_limited_as_one(store: RunStore) -> None:
    store.create(NETWORK, TrainingConfig(), most_queued=1)
    with pytest.raises(LimitError):
        store.create(NETWORK, TrainingConfig(), most_queued=1)


def test_many_who_press_at_once_do_not_get_past_the_limit(store: RunStore, start: Start) -> None:
    script = (
        "for _ in range(6):\n"
        "    try:\n"
        "        print(store.create(NETWORK, TrainingConfig(), person='a', most_queued=7).id)\n"
        "    except LabError:\n"
        "        pass\n"
    )
    others = at_once(start, 3, "store = opened()\n", script)
    here: list[str] = []

    def press() -> None:
        for _ in range(6):
            try:
                here.append(create(store, "a", most_queued=7).id)
            except LimitError:
                pass

    threads = [threading.Thread(target=press) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = here + [line for other in others for line in other.output()]
    assert len(made) == len(set(made)) == store.waiting("a") == 7
    positions = [run.position for run in store.queue()]
    assert len(set(positions)) == 7, "each has a place of its own"


# Who somebody is ------------------------------------------------------------------------------------------------------


def test_a_person_is_the_same_always_here_and_another_elsewhere(store: RunStore, tmp_path: Path) -> None:
    anna = store.person("anna@example.org")
    assert anna == store.person("anna@example.org") != store.person("ben@example.org")
    assert "anna" not in anna and len(anna) <= 40
    other = RunStore(open_engine(f"sqlite:///{tmp_path / 'other.db'}"), tmp_path)
    assert other.person("anna@example.org") != anna
    other.close()
    assert store.person_of_process() == store.person_of_process() != anna


def test_all_processes_agree_on_who_is_who_also_if_they_ask_first_at_once(store: RunStore, start: Start) -> None:
    script = "print(store.person('anna'))\nprint(store.person_of_process())\n"
    others = at_once(start, 4, "store = opened()\n", script)
    assert {tuple(other.output()) for other in others} == {(store.person("anna"), store.person_of_process())}


def test_nobody_learns_from_an_export_or_from_the_command_line_who_asked_for_a_run(store: RunStore) -> None:
    person = store.person("anna")
    run = create(store, person, "mine")
    assert run.person == person
    for exported in (record.to_json(run), run.to_json()):
        assert person not in json.dumps(exported)
        assert not {"person", "turn"} & set(exported)
