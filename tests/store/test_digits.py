"""People's own digits in the store: kept once, per writer, within bounds; deleted for a day; practice remembered."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

from mnist_lab.errors import StoreError
from mnist_lab.store import NewDigit, PracticeAnswer, RunStore, schema
from mnist_lab.store import digits as store_digits
from mnist_lab.store.database import open_engine
from tests.store.older import bring_down


def image(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (28, 28), np.uint8)


def some(count: int, first: int = 0) -> list[NewDigit]:
    return [NewDigit(image(number), number % 10) for number in range(first, first + count)]


def test_what_is_kept_is_what_was_given(store: RunStore) -> None:
    before = time.time()
    assert store.keep_digits("Anna", [NewDigit(image(1), 7, "upload"), NewDigit(image(2), 0, "practice")]).new == 2
    first, second = store.digits("Anna")
    assert np.array_equal(first.image, image(1))
    assert not first.image.flags.writeable
    assert (first.label, first.origin, first.writer) == (7, "upload", "Anna")
    assert (second.label, second.origin) == (0, "practice")
    assert before <= first.created <= second.created <= time.time() + 1


def test_nobody_sees_or_changes_another_s_digits(store: RunStore) -> None:
    store.keep_digits("Anna", some(3))
    store.keep_digits("Ben", some(2))
    digests = [digit.digest for digit in store.digits("Anna")]
    store.relabel_digits("Ben", digests[2:], 9)
    store.delete_digits("Ben", digests[2:])
    assert [digit.label for digit in store.digits("Anna")] == [0, 1, 2]
    store.delete_digits("Ben", digests)
    assert (len(store.digits("Anna")), store.digits("Ben")) == (3, [])
    assert store.writers() == {"Anna": 3}


def test_an_image_is_kept_once_and_its_corrected_label_stays(store: RunStore) -> None:
    store.keep_digits("Anna", some(2))
    digest = store.digits("Anna")[0].digest
    store.relabel_digits("Anna", [digest], 5)
    kept = store.keep_digits("Anna", [*some(3), *some(1, 2)])
    assert (kept.new, kept.known) == (1, 3)
    assert store.digit_labels("Anna")[digest] == 5
    assert len(store.digits("Anna")) == 3


def test_what_was_deleted_comes_back_for_a_day_and_is_gone_after_it(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.keep_digits("Anna", some(3))
    digests = [digit.digest for digit in store.digits("Anna")]
    store.delete_digits("Anna", digests[:2])
    assert [digit.digest for digit in store.digits("Anna")] == digests[2:]
    store.undelete_digits("Anna", digests[:1])
    assert len(store.digits("Anna")) == 2
    monkeypatch.setattr(store_digits, "KEEP_DELETED_SECONDS", -1.0)
    store.keep_digits("Anna", some(1, 50))
    store.undelete_digits("Anna", digests)
    assert {digit.digest for digit in store.digits("Anna")} >= {digests[0], digests[2]}
    assert digests[1] not in store.digit_labels("Anna")


def test_a_deleted_image_that_is_saved_again_is_kept_with_its_new_label(store: RunStore) -> None:
    store.keep_digits("Anna", some(1))
    store.delete_digits("Anna", [store.digits("Anna")[0].digest])
    assert store.keep_digits("Anna", [NewDigit(image(0), 8)]).new == 1
    assert [digit.label for digit in store.digits("Anna")] == [8]


def test_a_writer_has_no_more_than_the_limit_and_what_is_too_much_is_left_out_whole(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_digits, "MAX_DIGITS", 5)
    store.keep_digits("Anna", some(3))
    with pytest.raises(StoreError, match="there may be 5"):
        store.keep_digits("Anna", some(3, 10))
    assert len(store.digits("Anna")) == 3
    deleted = [digit.digest for digit in store.digits("Anna")]
    store.delete_digits("Anna", deleted)
    store.keep_digits("Anna", some(5, 20))
    with pytest.raises(StoreError, match="no room"):
        store.undelete_digits("Anna", deleted)
    assert len(store.digits("Anna")) == 5


@pytest.mark.parametrize(
    ("digit", "words"),
    [
        (NewDigit(image(1), 10), "label is a digit"),
        (NewDigit(image(1), True), "label is a digit"),
        (NewDigit(np.zeros((28, 28), np.uint8), 1), "no ink"),
        (NewDigit(np.ones((27, 28), np.uint8), 1), "28 x 28"),
        (NewDigit(np.ones((28, 28), np.float32), 1), "28 x 28"),  # type: ignore[arg-type]
        (NewDigit(image(1), 1, "elsewhere"), "comes from"),
    ],
)
def test_what_is_no_digit_is_refused_with_all_that_came_with_it(store: RunStore, digit: NewDigit, words: str) -> None:
    with pytest.raises(StoreError, match=words):
        store.keep_digits("Anna", [*some(2), digit])
    assert store.digits("Anna") == []


@pytest.mark.parametrize("name", ["", " \n", "x" * 61])
def test_a_name_that_is_none_is_refused(store: RunStore, name: str) -> None:
    with pytest.raises(StoreError, match="no name"):
        store.keep_digits(name, some(1))


def test_of_practice_the_newest_answers_of_each_writer_are_kept(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_digits, "MAX_ANSWERS", 4)
    for number in range(7):
        store.add_answer("Anna", PracticeAnswer("a" * 32, number, 1, 0.5 + number))
        store.add_answer("Ben", PracticeAnswer("b" * 32, 9, 9, 1.0))
    assert [(each.asked, each.said, each.seconds) for each in store.answers("Anna")] == [
        (3, 1, 3.5), (4, 1, 4.5), (5, 1, 5.5), (6, 1, 6.5),
    ]  # fmt: skip
    assert len(store.answers("Ben")) == 4
    assert store.writers() == {"Anna": 0, "Ben": 0}


def test_a_store_of_the_second_version_keeps_its_runs_and_can_keep_digits(tmp_path: Path) -> None:
    file = tmp_path / "lab.db"
    store = RunStore(open_engine(f"sqlite:///{file}"), tmp_path)
    store.note("a note", {"x": 1})
    bring_down(store._engine, 2)
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DROP TABLE digits")
        connection.execute("DROP TABLE answers")
    store = RunStore(open_engine(f"sqlite:///{file}"), tmp_path)
    assert store.note("a note") == {"x": 1}
    store.keep_digits("Anna", some(2))
    assert len(store.digits("Anna")) == 2
    store.close()
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone() == (str(schema.VERSION),)
    assert file.with_name("lab.db.version-2").is_file()
