"""What one person may ask of a shared server: read from the environment, held wherever something is queued or kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_lab import limits
from mnist_lab.architecture import Architecture
from mnist_lab.errors import LimitError, NoRoomError, SettingError
from mnist_lab.jobs import JobManager, start_plan, submit
from mnist_lab.layers import Dense, Flatten
from mnist_lab.settings import Limits, read_limits, read_settings
from mnist_lab.store import RunStore
from mnist_lab.store.artefacts import MODEL
from mnist_lab.store.database import open_engine
from mnist_lab.studies import members, study
from mnist_lab.study_plan import Matching, Plan, Setting, plan
from mnist_lab.training_config import TrainingConfig

NETWORK = Architecture((Flatten(), Dense(10, "softmax")))
CONFIG = TrainingConfig(dataset="digits", epochs=3)
QUEUED, EPOCHS, PARAMETERS, DISK = (f"MNIST_LAB_MAX_{name}" for name in ("QUEUED", "EPOCHS", "PARAMETERS", "DISK"))
ALL = (QUEUED, EPOCHS, PARAMETERS, DISK)


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ALL:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    made = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path / "home")
    yield made
    made.close()


def give_files(store: RunStore, run_id: str, size: int) -> None:
    with store.artefacts.writing(run_id, MODEL) as path:
        path.write_bytes(b"x" * size)


def planned(store: RunStore) -> Plan:
    return plan(members(study("000")), Setting(epochs=2, limit=100), Matching(store.runs(), "digits"))


# The variables --------------------------------------------------------------------------------------------------------


def test_on_a_machine_of_ones_own_nothing_is_limited(store: RunStore) -> None:
    assert read_settings().limits == Limits()
    for _ in range(30):
        submit(store, NETWORK, replace(CONFIG, epochs=10_000))
    assert store.waiting() == 30


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("5 GB", 5_000_000_000), ("5GB", 5_000_000_000), ("1.5 gib", 3 * 2**29), ("500 MB", 500_000_000),
        ("10 KiB", 10_240), ("7 B", 7), (" 2 tb ", 2 * 10**12), ("", None),
    ],
)  # fmt: skip
def test_room_is_a_number_with_its_unit(text: str, size: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DISK, text)
    assert read_limits().disk == size


@pytest.mark.parametrize(("text", "number"), [("5", 5), ("1_000_000", 1_000_000), ("  ", None)])
def test_the_others_are_whole_numbers(text: str, number: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (QUEUED, EPOCHS, PARAMETERS):
        monkeypatch.setenv(name, text)
    assert read_limits() == Limits(number, number, number)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("text", ["0", "-1", "many", "5", "1e3", "0 GB", "5 XB", "5.5", "9" * 5000, "٣", "5 GB or so"])
def test_a_wrong_value_is_one_sentence_that_names_the_variable(
    name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if text == "5" and name != DISK:
        return
    monkeypatch.setenv(name, text)
    with pytest.raises(SettingError) as caught:
        read_settings()
    assert caught.value.message.startswith(f"{name}=") and caught.value.remedy
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 250


# What is queued -------------------------------------------------------------------------------------------------------


def test_a_training_over_a_limit_is_refused_with_a_sentence(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EPOCHS, "2")
    with pytest.raises(LimitError, match="3 epochs are too many: 2 is the limit here"):
        submit(store, NETWORK, CONFIG)
    monkeypatch.setenv(EPOCHS, "3")
    monkeypatch.setenv(PARAMETERS, "7849")
    with pytest.raises(LimitError, match="7,850 parameters, and 7,849 is the limit"):
        submit(store, NETWORK, CONFIG)
    monkeypatch.setenv(PARAMETERS, "7850")
    submit(store, NETWORK, CONFIG)
    assert store.waiting() == 1


def test_the_queue_of_one_person_is_limited_and_that_of_another_is_not_touched(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(QUEUED, "2")
    anna, ben = store.person("anna"), store.person("ben")
    for _ in range(2):
        submit(store, NETWORK, CONFIG, person=anna)
    with pytest.raises(NoRoomError, match="2 trainings in the queue, and 2 is the limit here"):
        submit(store, NETWORK, CONFIG, person=anna)
    submit(store, NETWORK, CONFIG, person=ben)


def test_what_is_resumed_is_held_to_the_same_limits(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = JobManager(store, autostart=False)
    run = submit(store, NETWORK, CONFIG)
    store.claim("w", 1)
    store.end(run.id, "interrupted")
    for name, value in ((EPOCHS, "2"), (PARAMETERS, "10"), (DISK, "1 B")):
        give_files(store, run.id, 100)
        monkeypatch.setenv(name, value)
        with pytest.raises(LimitError):
            manager.resume(run.id)
        monkeypatch.delenv(name)
    manager.resume(run.id, person=store.person("ben"))
    assert (store.get(run.id).status, store.get(run.id).person) == ("queued", store.person("ben"))


def test_of_a_study_as_much_is_queued_as_may_be_and_one_sentence_says_so(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(QUEUED, "5")
    queued, problems = start_plan(store, planned(store), person=store.person("anna"))
    assert len(queued) == 5 and {run.person for run in queued} == {store.person("anna")}
    assert problems == [
        "8 of the trainings were not queued: You have 5 trainings in the queue, and 5 is the limit here. Wait until "
        "one of them has begun, or cancel one."
    ]
    assert len(start_plan(store, planned(store), person=store.person("ben"))[0]) == 5


def test_of_a_study_the_models_that_are_too_large_are_named(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = sorted(preset.parameters for preset in members(study("000")))
    monkeypatch.setenv(PARAMETERS, str(sizes[-2]))
    queued, problems = start_plan(store, planned(store))
    assert len(queued) == 12 and len(problems) == 1 and "is the limit here" in problems[0]


# What is kept ---------------------------------------------------------------------------------------------------------


def test_the_files_of_all_runs_of_a_person_count_deleted_ones_too(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = store.person("anna")
    run = submit(store, NETWORK, CONFIG, person=anna)
    assert store.room_of(anna) == 0
    give_files(store, run.id, 600)
    monkeypatch.setenv(DISK, "1 KB")
    other = submit(store, NETWORK, CONFIG, person=anna)
    give_files(store, other.id, 400)
    with pytest.raises(NoRoomError, match="Your runs take 1000 B of disk, and 1000 B is the limit here") as caught:
        submit(store, NETWORK, CONFIG, person=anna)
    assert "Delete" in caught.value.remedy
    submit(store, NETWORK, CONFIG, person=store.person("ben"))
    store.delete([run.id])
    assert store.room_of(anna) == 1000, "it can be brought back for a day"
    store.purge(older_than=0)
    assert store.room_of(anna) == 400
    submit(store, NETWORK, CONFIG, person=anna)
    limits.check_room(store, anna, 599)
    with pytest.raises(NoRoomError, match=r"400 B of disk, this one 600 B"):
        limits.check_room(store, anna, 600)
