"""The doctor: every check over every state of the program, and what a repair mends and keeps."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mnist_lab import doctor
from mnist_lab.doctor import machine_checks, store_checks
from mnist_lab.store import NewTrial, RunStore
from mnist_lab.store.artefacts import MODEL, PREDICTIONS, VALIDATION_PREDICTIONS
from mnist_lab.store.database import open_engine
from tests.conftest import Here
from tests.held_open import held_open
from tests.made_runs import add_course, add_run
from tests.store import damages
from tests.store.older import bring_down

COURSE = [{"epoch": epoch, "loss": 1.0 / epoch, "val_accuracy": 0.5} for epoch in (1, 2, 3)]
OLD = time.time() - 30 * 24 * 3600.0


@pytest.fixture
def home(tmp_path: Path, here: Here) -> Path:
    return tmp_path / "home"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a closed store with some runs, to be copied."""
    home = tmp_path_factory.mktemp("made") / "home"
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    for number in range(20):
        run = add_course(store, add_run(store, [1], name=f"run {number}", epochs_run=3), COURSE)
        with store.artefacts.writing(run.id, MODEL) as path:
            path.write_bytes(hdf5(100))
    store.close()
    return home


@pytest.fixture
def shelf(home: Path, made: Path) -> Iterator[RunStore]:
    """A store with some runs; what changes it from outside closes it."""
    shutil.copytree(made, home)
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    yield store
    store.close()


def hdf5(size: int, said: int | None = None) -> bytes:
    """The first bytes of an HDF5 file, which say how long it is."""
    head = b"\x89HDF\r\n\x1a\n" + bytes(32) + (size if said is None else said).to_bytes(8, "little")
    return head + bytes(size - len(head))


def found(**how: bool) -> dict[str, list[doctor.Finding]]:
    """What a quick examination found, by check."""
    said: dict[str, list[doctor.Finding]] = {}
    for name, finding in doctor.examine(doctor.Patient(quick=True, **how)):
        said.setdefault(name, []).append(finding)
    return said


def kinds(said: dict[str, list[doctor.Finding]], *but: str) -> set[str]:
    """The checks that are not ok."""
    leave = {"data", "port", "memory", "disk", *but}
    return {name for name, all_ in said.items() if name not in leave and any(each.kind != "ok" for each in all_)}


# Every check in every state -------------------------------------------------------------------------------------------


def nothing(home: Path) -> None:
    assert not home.exists()


def an_empty_file(home: Path) -> None:
    home.mkdir()
    (home / "lab.db").touch()


def a_text(home: Path) -> None:
    home.mkdir()
    (home / "lab.db").write_text("This is no database. " * 1000)


def a_folder(home: Path) -> None:
    (home / "lab.db").mkdir(parents=True)


def another_database(home: Path) -> None:
    home.mkdir()
    with contextlib.closing(sqlite3.connect(home / "lab.db")) as connection, connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")


def a_cut_one(home: Path) -> None:
    open_engine(f"sqlite:///{home / 'lab.db'}").dispose()
    content = (home / "lab.db").read_bytes()
    (home / "lab.db").write_bytes(content[: len(content) // 3])


def a_newer_one(home: Path) -> None:
    open_engine(f"sqlite:///{home / 'lab.db'}").dispose()
    with contextlib.closing(sqlite3.connect(home / "lab.db")) as connection, connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'version'")


def an_older_one(home: Path) -> None:
    bring_down(open_engine(f"sqlite:///{home / 'lab.db'}"), 1)


def a_sound_one(home: Path) -> None:
    open_engine(f"sqlite:///{home / 'lab.db'}").dispose()


def a_file_as_home(home: Path) -> None:
    home.write_text("x")


def a_server_that_is_away(home: Path) -> None:
    os.environ["MNIST_LAB_STORE"] = "postgresql+psycopg://lab:secret@127.0.0.1:9/lab"


STATES: dict[Callable[[Path], None], set[str]] = {
    nothing: set(), an_empty_file: set(), a_sound_one: set(), an_older_one: set(), a_text: {"store"},
    a_folder: {"store"}, another_database: {"store"}, a_cut_one: {"store"}, a_newer_one: {"store"},
    a_file_as_home: {"settings"}, a_server_that_is_away: {"store"},
}  # fmt: skip


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("state", STATES)
def test_every_check_answers_in_every_state_and_makes_nothing(
    home: Path, state: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_LAB_STORE", "")
    state(home)
    before = tree(home.parent)
    said = found()
    # SQLite's own sides of a file come and go with who reads.
    after = {name: content for name, content in tree(home.parent).items() if not name.endswith(("-wal", "-shm"))}
    assert after == {name: content for name, content in before.items() if not name.endswith(("-wal", "-shm"))}
    assert set(said) == set(doctor.CHECKS)
    for findings in said.values():
        for finding in findings:
            assert finding.kind in ("ok", "warning", "problem")
            assert finding.text.endswith(".") and "\n" not in finding.text and "secret" not in finding.text
            assert finding.kind == "ok" or finding.help
            assert not finding.done
    problems = {name for name, all_ in said.items() if any(each.kind == "problem" for each in all_)}
    assert problems - {"disk"} == STATES[state]


def test_a_check_that_fails_itself_is_a_problem_and_stops_no_other(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(patient: Any) -> Iterator[doctor.Finding]:
        raise ZeroDivisionError
        yield

    monkeypatch.setitem(doctor.CHECKS, "broken", doctor.check.Check("broken", -1, broken))
    said = found()
    assert set(said) == set(doctor.CHECKS)
    assert said["broken"][0].kind == "problem" and "ZeroDivisionError" in said["broken"][0].text


# The store ------------------------------------------------------------------------------------------------------------


def test_a_sound_store_is_well(shelf: RunStore) -> None:
    assert kinds(found()) == set()
    assert "20 runs" in found()["store"][0].text


def test_an_older_store_is_brought_up_by_a_repair(shelf: RunStore, home: Path) -> None:
    bring_down(shelf._engine, 1)
    assert found()["store"][0].kind == "warning"
    assert found(repair=True)["store"][0].done
    assert (home / "lab.db.version-1").is_file()
    assert kinds(found()) == set()


@pytest.mark.parametrize("what", damages.UNREADABLE)
def test_a_damaged_row_is_marked_and_the_store_before_is_kept(shelf: RunStore, home: Path, what: str) -> None:
    bad = shelf.runs()[3]
    damages.damage(home / "lab.db", bad.id, what)
    assert found()["rows"][0].kind == "problem"
    repaired = found(repair=True)["rows"]
    assert [each.kind for each in repaired] == ["warning"] and "1 run marked" in repaired[0].done
    (copy,) = home.glob("lab.db.before-repair-*")
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT status FROM runs WHERE id = ?", (bad.id,)).fetchone() == ("finished",)
    with contextlib.closing(sqlite3.connect(home / "lab.db")) as connection:
        row = connection.execute("SELECT status, reason FROM runs WHERE id = ?", (bad.id,)).fetchone()
    assert row[0] == "failed" and row[1].startswith("Its row in the store is damaged")
    again = found(repair=True)["rows"]
    assert [each.kind for each in again] == ["warning"] and not again[0].done
    assert shelf.get(bad.id).reason == row[1], "it is said once"


def test_damaged_sweeps_and_trials_are_named_and_left_as_they_are(shelf: RunStore, home: Path) -> None:
    assert [each.kind for each in found()["sweeps"]] == ["ok"]
    sweeps = [shelf.create_sweep({"name": name}, name=name, driver="me") for name in ("whole", "hurt")]
    for each in sweeps:
        for number in range(3):
            shelf.add_trial(each.id, "me", NewTrial(number, {"layers.0.units": 3}, reason="too large"))
    with contextlib.closing(sqlite3.connect(home / "lab.db")) as connection, connection:
        connection.execute("UPDATE sweeps SET sweep = '{' WHERE id = ?", (sweeps[1].id,))
        connection.execute("UPDATE trials SET \"values\" = 'x' WHERE sweep = ? AND number > 0", (sweeps[0].id,))
    first, second = found(repair=True)["sweeps"]
    assert (first.kind, second.kind) == ("warning", "warning")
    assert f"'hurt' ({sweeps[1].id[:8]})" in first.text and "whole" not in first.text
    assert f"2 of 'whole' ({sweeps[0].id[:8]})" in second.text and "hurt" not in second.text
    assert first.help and second.help


def damage_pages(file: Path, first: int, pages: int) -> None:
    content = bytearray(file.read_bytes())
    content[first * 4096 : (first + pages) * 4096] = b"\xa5" * (pages * 4096)
    file.write_bytes(content)


def test_a_damaged_file_is_made_anew_of_what_can_be_read(shelf: RunStore, home: Path) -> None:
    for number in range(60):
        add_course(shelf, add_run(shelf, None, name=f"more {number}"), COURSE)
    before = {run.id: run for run in shelf.runs()}
    shelf.close()
    file = home / "lab.db"
    damage_pages(file, file.stat().st_size // 4096 // 2, 3)
    content = file.read_bytes()
    (sick,) = found()["store"]
    assert sick.kind == "problem" and "--repair" in sick.help
    (mended,) = found(repair=True)["store"]
    assert mended.kind == "ok" and "damaged one is lab.db.damaged-" in mended.done
    (kept,) = (path for path in home.glob("lab.db.damaged-*") if not path.name.endswith(("-wal", "-shm")))
    assert kept.read_bytes() == content
    after = {run.id: run for run in shelf.runs()}
    assert len(after) > 60
    assert all(after[run_id] == before[run_id] or "damaged" in str(after[run_id].reason) for run_id in after)
    assert found()["store"][0].kind == "ok"


def test_rows_of_a_page_that_is_zero_in_part_do_not_hide_those_behind_it(shelf: RunStore, home: Path) -> None:
    """SQLite reads rows of number 0 there: what goes on from that number would read the same again and again."""
    for number in range(20, 60):
        add_run(shelf, None, name=f"run {number}")
    names = [run.name for run in shelf.runs()]
    shelf.close()
    file = home / "lab.db"
    content = bytearray(file.read_bytes())
    page = content.rindex(b"run 30") // 4096 * 4096
    # The list of where its rows are stays whole, the rows become zeros, and so do the next pages.
    content[page + 100 : page + 5 * 4096] = bytes(5 * 4096 - 100)
    file.write_bytes(content)
    assert found(repair=True)["store"][0].done
    # One may be torn where its head was in the zeros and its name was not.
    lost = [name for name in names if content.find(name.encode()) < 0]
    assert 10 < len(lost) < 30
    assert len({*names} - {*lost} - {run.name for run in shelf.runs()}) <= 1


def test_an_index_that_is_damaged_costs_no_row(shelf: RunStore, home: Path) -> None:
    sweep = shelf.create_sweep({"search": {}}, name="s", driver="me")
    shelf.add_trial(sweep.id, "me", NewTrial(0, {"layers.0.units": 3}, reason="too large"))
    before, trials = shelf.runs(), shelf.trials(sweep.id)
    with contextlib.closing(sqlite3.connect(home / "lab.db")) as connection:
        page = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_runs_status'").fetchone()[0]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    shelf.close()
    damage_pages(home / "lab.db", page - 1, 1)
    assert found()["store"][0].kind == "problem"
    assert "20 runs" in found(repair=True)["store"][0].done
    assert shelf.runs() == before
    assert (shelf.sweeps(), shelf.trials(sweep.id)) == ([sweep], trials)


@pytest.mark.parametrize("at", [18, 19, 47])
def test_a_file_whose_head_is_damaged_is_made_anew(shelf: RunStore, home: Path, at: int) -> None:
    """SQLite reads such a file, but refuses to write it; or says that its format is of a time to come."""
    with contextlib.closing(sqlite3.connect(home / "lab.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    shelf.close()
    content = bytearray((home / "lab.db").read_bytes())
    content[at] = 9
    (home / "lab.db").write_bytes(content)
    assert found()["store"][0].kind == "problem"
    assert found(repair=True)["store"][0].done
    assert found()["store"][0].kind == "ok"


@pytest.mark.parametrize("state", [a_text, a_cut_one, another_database])
def test_of_a_file_without_a_run_a_new_store_is_made_and_it_is_kept(home: Path, state: Callable[[Path], None]) -> None:
    state(home)
    content = (home / "lab.db").read_bytes()
    said = found(repair=True)["store"][0]
    assert said.kind == "warning" and said.done and "backup" in said.help
    (kept,) = (path for path in home.glob("lab.db.damaged-*") if not path.name.endswith(("-wal", "-shm")))
    assert kept.read_bytes() == content
    assert kinds(found()) == set()


def test_a_damaged_file_that_a_program_has_open_is_left_alone(shelf: RunStore, home: Path) -> None:
    shelf.close()
    file = home / "lab.db"
    damage_pages(file, 4, 2)
    with held_open(file) as pid:
        said = found(repair=True)["store"][0]
        assert said.kind == "problem" and f"process {pid}" in said.help
        assert not list(home.glob("lab.db.damaged-*"))


# Runs and files -------------------------------------------------------------------------------------------------------


def test_runs_without_a_worker_are_ended(shelf: RunStore) -> None:
    run = shelf.create(shelf.runs()[0].network(), shelf.runs()[0].config(), name="lost")
    shelf.claim("w", 2**22 - 1)
    assert found()["lost"][0].kind == "problem" and "lost" in found()["lost"][0].text
    assert shelf.get(run.id).status == "running", "a look changes nothing"
    assert found(repair=True)["lost"][0].done
    assert shelf.get(run.id).status == "interrupted"
    assert found()["lost"][0].kind == "ok"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (MODEL, b"", "is empty"), (MODEL, b"x" * 100, "is no HDF5 file"), (MODEL, hdf5(100, 5000), "is cut short"),
        (PREDICTIONS, b"", "is empty"), (PREDICTIONS, b"PK\3\4 and no end", "is cut short"),
        (VALIDATION_PREDICTIONS, b"x", "is cut short"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_named_with_its_run(shelf: RunStore, name: str, content: bytes, words: str) -> None:
    run = shelf.runs()[0]
    with shelf.artefacts.writing(run.id, name) as path:
        path.write_bytes(content)
    (said,) = found()["files"]
    assert said.kind == "problem" and f"{name} of {run.name!r} ({run.id[:8]}) {words}" in said.text


def test_a_finished_run_without_its_model_is_named(shelf: RunStore) -> None:
    run = shelf.runs()[0]
    shelf.artefacts.remove(run.id, MODEL)
    (said,) = found()["files"]
    assert said.kind == "warning" and run.id[:8] in said.text


def test_a_folder_of_no_run_is_moved_aside_once_it_is_old_enough(shelf: RunStore, home: Path) -> None:
    stray = home / ("5" * 32)
    stray.mkdir()
    (stray / MODEL).write_bytes(b"weights")
    (home / "of somebody").mkdir()
    assert found(repair=True)["folders"][0].kind == "ok" and stray.exists(), "its run may be about to be made"
    os.utime(stray, (OLD, OLD))
    assert found()["folders"][0].kind == "warning"
    assert found(repair=True)["folders"][0].done
    (moved,) = home.glob(f"{store_checks.ASIDE}-*/*/{MODEL}")
    assert moved.read_bytes() == b"weights" and not stray.exists() and (home / "of somebody").exists()
    assert kinds(found()) == set()


def test_half_written_files_of_the_past_are_removed_and_no_other(shelf: RunStore) -> None:
    folder = shelf.artefacts.folder(shelf.runs()[0].id)
    (folder / ".model-12345678.weights.h5").write_bytes(b"half")
    (folder / ".young-12345678.weights.h5").write_bytes(b"half")
    os.utime(folder / ".model-12345678.weights.h5", (OLD, OLD))
    names = shelf.artefacts.names(folder.name)
    assert found()["temporary"][0].kind == "warning"
    assert found(repair=True)["temporary"][0].done
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == [".young-12345678.weights.h5"]
    assert shelf.artefacts.names(folder.name) == names


# The machine ----------------------------------------------------------------------------------------------------------


def test_a_port_that_another_program_has_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("STREAMLIT_SERVER_PORT", str(server.getsockname()[1]))
        (said,) = found()["port"]
        assert said.kind == "warning" and f"process {os.getpid()}" in said.text
    assert found()["port"][0].kind == "ok"
    monkeypatch.setenv("STREAMLIT_SERVER_PORT", "eighty")
    assert found()["port"][0].kind == "problem"


def test_a_package_that_is_too_old_or_missing_is_named(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements.txt").write_text("numpy>=999  # why\n\nno-such-package-at-all\npillow>=1\n")
    monkeypatch.setattr(machine_checks, "ROOT", tmp_path)
    (said,) = found()["versions"]
    assert said.kind == "problem"
    assert "numpy is " in said.text and "no-such-package-at-all is missing" in said.text and "pillow" not in said.text


def test_a_damaged_data_file_is_named(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data.npz").write_bytes(b"x" * 100)
    monkeypatch.setenv("MNIST_LAB_DATA", str(tmp_path / "data.npz"))
    (said,) = found()["data"]
    assert said.kind == "problem" and "data.npz" in said.text


def test_a_little_room_is_a_warning_and_none_a_problem(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_checks, "LITTLE_DISK", 2**60)
    assert found()["disk"][0].kind == "warning"
    monkeypatch.setattr(machine_checks, "LEAST_DISK", 2**60)
    assert found()["disk"][0].kind == "problem"
    monkeypatch.setattr(machine_checks, "LITTLE_MEMORY", 2**60)
    assert found()["memory"][0].kind == "warning"


# The command ----------------------------------------------------------------------------------------------------------


def test_the_command_says_all_in_words_and_in_json(here: Here, home: Path) -> None:
    status, out, errors = here("doctor", "--quick")
    assert (status, errors) == (0, "") and not home.exists()
    assert all(name in out for name in doctor.CHECKS)
    status, out, _ = here("doctor", "--quick", "--json")
    document = json.loads(out)
    assert (status, document["problems"]) == (0, 0)
    assert {each["check"] for each in document["findings"]} == set(doctor.CHECKS)
    a_text(home)
    status, out, errors = here("doctor", "--quick")
    assert status == 1 and "PROBLEM  store" in out and errors == ""
    status, out, _ = here("doctor", "--quick", "--repair")
    assert status == 0 and "Repaired: " in out
    assert here("runs")[0] == 0


def test_the_training_engine_is_asked_in_a_process_of_its_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(sys.modules)
    said = dict(doctor.examine(doctor.Patient()))["accelerator"]
    assert said.kind == "ok" and said.text.startswith("Trainings run on ")
    assert not {"keras", "tensorflow"} & (set(sys.modules) - before)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    said = dict(doctor.examine(doctor.Patient()))["accelerator"]
    assert said.kind == "problem" and "No such file" in said.text
