"""`digits` on the command line: what it lists, writes and takes in, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mnist_lab.store import NewDigit, RunStore
from mnist_lab.store.database import open_engine
from tests.conftest import Here


@pytest.fixture
def store(here: Here, tmp_path: Path) -> Iterator[RunStore]:
    here("runs")  # makes it
    opened = RunStore(open_engine(f"sqlite:///{tmp_path / 'home' / 'lab.db'}"), tmp_path / "home")
    images = np.random.default_rng(1).integers(0, 120, (7, 28, 28), np.uint8)
    opened.keep_digits("Änna", [NewDigit(image, number % 3) for number, image in enumerate(images)])
    yield opened
    opened.close()


@pytest.mark.parametrize(("form", "count"), [("png", 1), ("idx", 2)])
def test_digits_are_listed_written_and_taken_in_under_another_name(
    store: RunStore, here: Here, form: str, count: int
) -> None:
    assert json.loads(here("digits", "list", "--json")[1]) == [
        {"writer": "Änna", "digits": 7, "per_digit": [3, 2, 2, 0, 0, 0, 0, 0, 0, 0]}
    ]
    status, out, _ = here("digits", "export", "--form", form, "--json")
    files = json.loads(out)["files"]
    assert (status, len(files)) == (0, count)
    status, out, _ = here("digits", "import", *files, "--writer", "Ben", "--json")
    assert (status, json.loads(out)) == (0, {"writer": "Ben", "new": 7, "known": 0})
    assert json.loads(here("digits", "import", *files, "--writer", "ben", "--json")[1])["known"] == 7
    for mine, his in zip(store.digits("Änna"), sorted(store.digits("Ben"), key=order(store)), strict=True):
        assert np.array_equal(mine.image, his.image)
        assert mine.label == his.label
    status, out, errors = here("digits", "export", "--form", form, "--writer", "änna")
    assert (status, out) == (1, "")
    assert "is there already" in errors
    assert here("digits", "export", "--form", form, "--writer", "änna", "--force")[0] == 0
    assert here("digits", "list")[1].splitlines()[1].split()[:2] == ["Ben", "7"]


def order(store: RunStore) -> Callable[..., int]:
    places = [digit.digest for digit in store.digits("Änna")]
    return lambda digit: places.index(digit.digest)


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        (("export", "--writer", "Carl"), 1, "keeps no digits"),
        (("export", "--to", "nowhere"), 1, "no folder"),
        (("import", "--writer", "Ben"), 2, "needs files"),
        (("import", "missing.zip"), 1, "cannot be read"),
        (("list", "a.zip"), 2, "takes no files"),
        (("elsewhere",), 2, "invalid choice"),
    ],
)
def test_what_cannot_be_is_a_sentence_and_a_status(
    store: RunStore, here: Here, words: tuple[str, ...], status: int, complaint: str
) -> None:
    said = here("digits", *words)
    assert (said[0], said[1]) == (status, "")
    assert complaint in said[2]


def test_a_damaged_file_adds_nothing(store: RunStore, here: Here) -> None:
    here("digits", "export")
    (file,) = Path().glob("*.zip")
    file.write_bytes(file.read_bytes()[:-40])
    status, _, errors = here("digits", "import", str(file), "--writer", "Ben")
    assert status == 1
    assert len(errors.strip().splitlines()) == 1
    assert store.writers() == {"Änna": 7}


def test_nobody_is_chosen_where_there_are_several(store: RunStore, here: Here) -> None:
    store.keep_digits("Ben", [NewDigit(np.ones((28, 28), np.uint8), 1)])
    status, _, errors = here("digits", "export")
    assert status == 2
    assert "--writer" in errors
