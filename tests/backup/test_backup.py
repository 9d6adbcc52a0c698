"""The whole store away and back, on both databases; and backups that are damaged or mean harm."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete

from mnist_lab.backup import back_up, restore
from mnist_lab.backup.making import STAGE
from mnist_lab.errors import StoreError
from mnist_lab.store import NewDigit, NewTrial, PracticeAnswer, RunStore, schema
from mnist_lab.store.artefacts import CHECKPOINT, LOG, MODEL
from mnist_lab.store.database import open_engine
from tests.conftest import Here
from tests.held_open import held_open
from tests.made_runs import add_course, add_run
from tests.postgres import Server
from tests.store.older import VERSIONS, bring_down

COURSE = [{"epoch": epoch, "loss": 1.0 / epoch, "val_accuracy": 0.5} for epoch in (1, 2, 3)]
POINTS = [{"step": step, "epoch": step / 10, "loss": 1.0, "accuracy": 0.5} for step in range(1, 5)]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def store(url: str, home: Path) -> Iterator[RunStore]:
    """A store with runs of all kinds, digits and answers."""
    store = RunStore(open_engine(url), home)
    done = add_course(store, add_run(store, [1], name="done", epochs_run=3), COURSE, POINTS)
    write(store, done.id, MODEL, b"model" * 1000)
    write(store, done.id, LOG, b"log")
    deleted = add_run(store, [2], name="deleted")
    store.delete([deleted.id])
    template = store.get(done.id)
    for name in ("running", "waiting", "owned"):
        store.create(template.network(), template.config(), name=name, owner="w" if name != "waiting" else None)
    store.set_figures(store.find("waiting").id, position=99.0)
    running = store.claim("w", 1, own=True)
    assert running is not None and running.name == "running"
    store.add_epoch(running.id, COURSE[0])
    store.report(running.id, "w", {"phase": "training"}, POINTS)
    write(store, running.id, CHECKPOINT, b"checkpoint")
    image = np.full((28, 28), 7, np.uint8)
    store.keep_digits("Anna", [NewDigit(image, 3)])
    store.add_answer("Anna", PracticeAnswer(done.id, 3, 5, 1.5))
    store.note("probe:here", {"x": 1.5})
    sweep = store.create_sweep({"search": {"trials": 3}}, name="searched", driver="me")
    store.add_trial(sweep.id, "me", NewTrial(0, {"layers.0.units": 3}, reason="impossible", notes={"asked": 0}))
    yield store
    store.close()


def write(store: RunStore, run_id: str, name: str, content: bytes) -> None:
    with store.artefacts.writing(run_id, name) as path:
        path.write_bytes(content)


def content_of(store: RunStore) -> Any:
    """All that a store holds, but for what a restoration changes: runs under way, and who owns what waits."""
    runs = [*store.runs(), *store.runs(deleted=True)]
    return (
        {run.id: run for run in runs if run.status not in ("running", "interrupted") and run.name != "owned"},
        {run.id: store.history(run.id) for run in runs},
        {run.id: [tuple(row) for row in store.point_rows(run.id)] for run in runs},
        {
            run.id: {name: store.artefacts.path(run.id, name).read_bytes() for name in store.artefacts.names(run.id)}
            for run in runs
        },
        [(digit.writer, digit.label, digit.image.tobytes()) for digit in store.digits("Anna")],
        store.answers("Anna"),
        store.note("probe:here"),
        {(each.id, each.name, str(each.sweep)): store.trials(each.id) for each in store.sweeps()},
    )


@pytest.mark.parametrize("place", ["lab.zip", "folder"])
def test_what_comes_back_is_what_was_there_and_what_was_under_way_can_go_on(
    store: RunStore, url: str, home: Path, tmp_path: Path, place: str
) -> None:
    made = back_up(store, url, home, tmp_path / place)
    assert (made.runs, made.path) == (5, tmp_path / place)
    assert not list(home.glob(f"{STAGE}*")), "nothing is left in the home"
    there = tmp_path / "there"
    done = restore(made.path, f"sqlite:///{there / 'lab.db'}", there)
    assert (done.runs, done.interrupted, done.aside) == (5, 1, None)
    assert done.files == made.files
    back = RunStore(open_engine(f"sqlite:///{there / 'lab.db'}"), there)
    assert content_of(back) == content_of(store)
    run = back.find("running")
    assert run.status == "interrupted" and run.can_go_on and "backup" in str(run.reason)
    assert back.requeue(run.id).status == "queued"
    assert back.find("owned").owner is None
    sweep = back.find_sweep("searched")
    assert (sweep.status, sweep.driver) == ("stopped", None) and "backup" in str(sweep.reason)
    assert sorted(path.name for path in there.iterdir() if not path.is_dir()) == ["lab.db", "lab.db-shm", "lab.db-wal",
                                                                                "lab.db.lock"]  # fmt: skip
    back.close()


def test_a_backup_goes_from_one_database_to_the_other(
    store: RunStore, url: str, home: Path, tmp_path: Path, postgres_server: Server
) -> None:
    made = back_up(store, url, home, tmp_path / "lab.zip")
    other, there = postgres_server.new_database(), tmp_path / "there"
    restore(made.path, other, there)
    back = RunStore(open_engine(other), there)
    assert content_of(back) == content_of(store)
    back.report(back.create(back.find("done").network(), back.find("done").config()).id, "w", {}, POINTS)
    with pytest.raises(StoreError, match="holds runs"):
        restore(made.path, other, tmp_path / "elsewhere", force=True)
    with back._engine.begin() as connection:
        connection.execute(delete(schema.runs))
    with pytest.raises(StoreError, match="holds sweeps"):
        restore(made.path, other, tmp_path / "elsewhere", force=True)
    assert not (tmp_path / "elsewhere").exists()
    back.close()
    postgres_server.drop(other)


# On SQLite alone ------------------------------------------------------------------------------------------------------


@pytest.fixture
def file(home: Path) -> str:
    return f"sqlite:///{home / 'lab.db'}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the home of a small store, closed, and its backup beside it, to be copied."""
    folder = tmp_path_factory.mktemp("made")
    home, url = folder / "home", f"sqlite:///{folder / 'home' / 'lab.db'}"
    store = RunStore(open_engine(url), home)
    write(store, add_run(store, [1], name="done").id, MODEL, b"model")
    back_up(store, url, home, folder / "saved")
    store.close()
    return folder


@pytest.fixture
def saved(home: Path, made: Path, tmp_path: Path) -> Path:
    """A backup of a small store, in a folder; the store is closed and still there."""
    shutil.copytree(made / "home", home)
    return shutil.copytree(made / "saved", tmp_path / "saved")


def tree(folder: Path) -> dict[str, bytes | None]:
    kept = (path for path in sorted(folder.rglob("*")) if not path.name.endswith(("-wal", "-shm", ".lock")))
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in kept}


def test_runs_that_are_there_are_not_replaced_and_with_force_kept_aside(saved: Path, file: str, home: Path) -> None:
    before = tree(home)
    with pytest.raises(StoreError, match="already") as caught:
        restore(saved, file, home)
    assert "--force" in caught.value.remedy
    assert tree(home) == before
    store = RunStore(open_engine(file), home)
    store.edit(store.find("done").id, name="newer")
    store.close()
    done = restore(saved, file, home, force=True)
    assert done.aside is not None and (done.aside / "lab.db").is_file()
    aside = RunStore(open_engine(f"sqlite:///{done.aside / 'lab.db'}"), done.aside)
    assert [run.name for run in aside.runs()] == ["newer"]
    assert aside.artefacts.has(aside.runs()[0].id, MODEL)
    aside.close()
    store = RunStore(open_engine(file), home)
    assert [run.name for run in store.runs()] == ["done"]
    store.close()


def test_a_store_that_a_program_has_open_is_not_replaced(saved: Path, file: str, home: Path) -> None:
    with held_open(home / "lab.db") as pid, pytest.raises(StoreError, match=f"process {pid}"):
        restore(saved, file, home, force=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_backup_of_an_older_version_is_brought_up(saved: Path, tmp_path: Path, version: int) -> None:
    bring_down(open_engine(f"sqlite:///{saved / 'lab.db'}"), version)
    for left in saved.glob("lab.db?*"):
        left.unlink()
    seal(saved)
    there = tmp_path / "there"
    restore(saved, f"sqlite:///{there / 'lab.db'}", there)
    back = RunStore(open_engine(f"sqlite:///{there / 'lab.db'}"), there)
    assert [run.name for run in back.runs()] == ["done"]
    back.close()


def test_a_place_that_is_taken_or_cannot_be_is_refused(saved: Path, file: str, home: Path, tmp_path: Path) -> None:
    store = RunStore(open_engine(file), home)
    (tmp_path / "taken.zip").write_bytes(b"precious")
    for place in (saved, tmp_path / "taken.zip", home / "x.zip", home, tmp_path / "no" / "x.zip"):
        with pytest.raises(StoreError) as caught:
            back_up(store, file, home, place)
        assert caught.value.remedy
    assert (tmp_path / "taken.zip").read_bytes() == b"precious"
    back_up(store, file, home, tmp_path / "taken.zip", force=True)
    assert zipfile.is_zipfile(tmp_path / "taken.zip")
    store.close()


# Backups that are damaged, or mean harm -------------------------------------------------------------------------------


def seal(folder: Path, **more: Any) -> None:
    """Gives a changed backup a list that fits: who means harm does so too."""
    files = {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }  # fmt: skip
    manifest = {"kind": "mnist-lab-backup", "format": 1, "files": files, **more}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def a_file_is_missing(folder: Path) -> None:
    next(folder.rglob(MODEL)).unlink()


def a_file_is_cut(folder: Path) -> None:
    next(folder.rglob(MODEL)).write_bytes(b"mod")


def a_byte_is_another(folder: Path) -> None:
    next(folder.rglob(MODEL)).write_bytes(b"modex")


def a_file_is_more(folder: Path) -> None:
    (folder / ("a" * 32)).mkdir()
    (folder / ("a" * 32) / "more").write_bytes(b"x")


def a_file_has_no_place(folder: Path) -> None:
    (folder / "authorized_keys").write_text("x")
    seal(folder)


def a_hidden_file(folder: Path) -> None:
    (next(folder.rglob(MODEL)).parent / ".bashrc").write_text("x")
    seal(folder)


def a_link_out(folder: Path) -> None:
    path = next(folder.rglob(MODEL))
    path.unlink()
    path.symlink_to("/etc/passwd")
    seal(folder)


def a_folder_that_is_a_link(folder: Path) -> None:
    (folder / ("b" * 32)).symlink_to("/etc")


def a_pipe(folder: Path) -> None:
    os.mkfifo(next(folder.rglob(MODEL)).parent / "pipe")


def no_list(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def a_list_that_is_none(folder: Path) -> None:
    (folder / "manifest.json").write_text("[" * 100_000)


def a_list_of_another_kind(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"kind": "mnist-lab-backup", "format": 1, "files": {"lab.db": 7}}')


def a_newer_format(folder: Path) -> None:
    seal(folder, format=2)


def no_tables(folder: Path) -> None:
    (folder / "lab.db").unlink()
    seal(folder)


def tables_that_are_a_text(folder: Path) -> None:
    (folder / "lab.db").write_text("x" * 10_000)
    seal(folder)


def tables_that_are_cut(folder: Path) -> None:
    content = (folder / "lab.db").read_bytes()
    (folder / "lab.db").write_bytes(content[: len(content) // 2])
    seal(folder)


def tables_of_a_newer_version(folder: Path) -> None:
    in_tables(folder, "UPDATE meta SET value = '99' WHERE key = 'version'")


def a_trigger(folder: Path) -> None:
    in_tables(folder, "CREATE TRIGGER t AFTER UPDATE ON runs BEGIN DELETE FROM runs; END")


def a_view(folder: Path) -> None:
    in_tables(folder, "CREATE VIEW more AS SELECT * FROM runs")


def a_table_of_others(folder: Path) -> None:
    in_tables(folder, "CREATE TABLE others (x)")


def in_tables(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "lab.db")) as connection, connection:
        connection.execute(statement)
    for left in folder.glob("lab.db-*"):
        left.unlink()
    seal(folder)


HARM = [
    a_file_is_missing, a_file_is_cut, a_byte_is_another, a_file_is_more, a_file_has_no_place, a_hidden_file, a_link_out,
    a_folder_that_is_a_link, a_pipe, no_list, a_list_that_is_none, a_list_of_another_kind, a_newer_format, no_tables,
    tables_that_are_a_text, tables_that_are_cut, tables_of_a_newer_version, a_trigger, a_view, a_table_of_others,
]  # fmt: skip


@pytest.mark.parametrize("harm", HARM)
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_backup_that_is_not_whole_or_means_harm_changes_nothing(
    saved: Path, file: str, home: Path, tmp_path: Path, harm: Callable[[Path], None], kind: str
) -> None:
    harm(saved)
    source = saved
    if kind == "zip":
        if harm in (a_pipe, a_folder_that_is_a_link, a_link_out):
            pytest.skip("a zip archive says it in another way")
        source = tmp_path / "saved.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for path in sorted(saved.rglob("*")):
                archive.write(path, path.relative_to(saved)) if path.is_file() else None
    before = tree(home)
    with pytest.raises(StoreError) as caught:
        restore(source, file, home, force=True)
    assert "\n" not in str(caught.value) and caught.value.remedy
    assert tree(home) == before


def entry(name: str, mode: int = stat.S_IFREG | 0o644, **more: Any) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    for key, value in more.items():
        setattr(info, key, value)
    return info


ENTRIES = {
    "a way out": entry("../../evil"), "a way out behind an id": entry(f"{'a' * 32}/../../evil"),
    "an absolute way": entry("/etc/cron.d/evil"), "a way of Windows": entry("a\\..\\evil"),
    "a link": entry(f"{'a' * 32}/model.weights.h5", stat.S_IFLNK | 0o777), "a device": entry("lab.db", stat.S_IFCHR),
    "a bomb": entry(f"{'a' * 32}/model.weights.h5", compress_type=zipfile.ZIP_DEFLATED),
    "a folder": entry(f"{'a' * 32}/"),
}  # fmt: skip


@pytest.mark.parametrize("what", ENTRIES)
def test_an_archive_with_what_has_no_place_changes_nothing(saved: Path, tmp_path: Path, what: str) -> None:
    source, there = tmp_path / "harm.zip", tmp_path / "there"
    with zipfile.ZipFile(source, "w") as archive:
        for path in sorted(saved.rglob("*")):
            if path.is_file() and path.relative_to(saved).as_posix() != ENTRIES[what].filename:
                archive.write(path, path.relative_to(saved))
        archive.writestr(ENTRIES[what], b"\0" * (50_000_000 if what == "a bomb" else 10))
    with pytest.raises(StoreError, match="no backup that can be used"):
        restore(source, f"sqlite:///{there / 'lab.db'}", there)
    assert tree(there) == {} and not (tmp_path / "evil").exists()


@pytest.mark.parametrize("content", [b"", b"x" * 1000, b"PK\5\6" + bytes(18), b"PK\3\4" + b"\xff" * 500])
def test_what_is_no_archive_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    for source in (tmp_path / "x.zip", tmp_path / "no such", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(StoreError) as caught:
            restore(source, f"sqlite:///{tmp_path / 'there' / 'lab.db'}", tmp_path / "there")
        assert "\n" not in str(caught.value)


def test_every_archive_with_changed_bytes_is_refused_or_the_same(
    saved: Path, file: str, home: Path, tmp_path: Path
) -> None:
    store = RunStore(open_engine(file), home)
    whole = back_up(store, file, home, tmp_path / "whole.zip").path.read_bytes()
    store.close()
    chance = np.random.default_rng(7)
    refused = 0
    for number in range(60):
        content = bytearray(whole)
        for at in chance.integers(0, len(content), int(chance.choice([1, 10]))):
            content[at] ^= int(chance.integers(1, 256))
        if number % 3 == 0:
            del content[int(chance.integers(1, len(content))) :]
        (tmp_path / "x.zip").write_bytes(content)
        there = tmp_path / f"there-{number}"
        try:
            restore(tmp_path / "x.zip", f"sqlite:///{there / 'lab.db'}", there)
        except StoreError as error:
            refused += 1
            assert "\n" not in str(error)
            assert tree(there) == {}
        else:
            back = RunStore(open_engine(f"sqlite:///{there / 'lab.db'}"), there)
            assert [run.name for run in back.runs()] == ["done"]
            assert back.artefacts.path(back.runs()[0].id, MODEL).read_bytes() == b"model"
            back.close()
    assert refused > 40


# The commands ---------------------------------------------------------------------------------------------------------


def test_the_commands_take_a_store_away_and_bring_it_back(here: Here, tmp_path: Path) -> None:
    status, _, errors = here("backup", "saved.zip")
    assert status == 1 and "no run store yet" in errors and not (tmp_path / "home").exists()
    assert here("runs")[0] == 0
    status, out, errors = here("backup", "saved.zip", "--json")
    assert (status, errors) == (0, "")
    assert json.loads(out)["runs"] >= 1
    status, _, errors = here("backup", "saved.zip")
    assert status == 1 and "--force" in errors
    assert here("backup", "saved.zip", "--force")[0] == 0
    status, _, errors = here("restore", "saved.zip")
    assert status == 1 and "--force" in errors
    status, out, errors = here("restore", "saved.zip", "--force")
    assert (status, errors) == (0, "") and "before-restore-" in out
    listed = json.loads(here("runs", "--json")[1])
    assert len(listed) >= 1
    shutil.rmtree(tmp_path / "home")
    assert here("restore", "saved.zip", "--json")[0] == 0
