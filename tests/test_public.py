"""What is said to all: without the places of this machine, and without what a terminal would obey."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnist_lab.errors import LONGEST, LabError
from mnist_lab.public import for_terminal, printable, without_paths

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("The run store /srv/lab/lab.db cannot be opened.", "The run store lab.db cannot be opened."),
        ("The run store sqlite:////srv/my lab/lab.db is", "The run store lab.db is"),
        ("MNIST_LAB_HOME=/srv/my lab is a file.", "MNIST_LAB_HOME=my_lab is a file."),
        ("[Errno 2] No such file: '/root/.keras/x.h5'", "[Errno 2] No such file: 'x.h5'"),
        (f"see {ROOT}/mnist_lab/x.py, line 3", "see x.py, line 3"),
        (r"C:\Users\me\x.npz is damaged", "x.npz is damaged"),
        ("/data is no folder", "data is no folder"),
        ("see https://keras.io/api/x, 1/2 and images/s, <b>x</b>",
        "see https://keras.io/api/x, 1/2 and images/s, <b>x</b>"),
        ("a / b, 50,000 images/s", "a / b, 50,000 images/s"),
    ],
)  # fmt: skip
def test_files_and_folders_are_shown_by_their_last_name(text: str, shown: str) -> None:
    assert without_paths(text, "/srv/my lab") == shown


def test_a_terminal_gets_what_it_would_obey_as_an_escape() -> None:
    assert for_terminal("a\x1b[31mb\x07\x9b\u202e\u2028é\n\t🤖") == r"a\x1b[31mb\x07\x9b\u202e\u2028é" + "\n\t🤖"


def test_what_cannot_be_shown_becomes_a_space() -> None:
    assert printable("a\0\ud800\u202e\x1bé\nb") == "a    é\nb"


def test_an_error_is_never_longer_than_a_person_reads() -> None:
    error = LabError("x" * 10**6, "y" * 10**6)
    assert len(error.message) == len(error.remedy) == LONGEST + 2
    assert len(str(error)) < 2 * LONGEST + 10
