"""What may befall a store: its file damaged anywhere, the disk full, the folder closed, its processes killed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from mnist_lab import cli, doctor, starter
from mnist_lab.backup import back_up, restore
from mnist_lab.errors import LabError, StoreError
from mnist_lab.jobs import InferenceClient
from mnist_lab.store import ACTIVE, RunStore, open_store, schema
from mnist_lab.store.artefacts import CHECKPOINT, MODEL
from mnist_lab.store.condition import condition_of
from mnist_lab.store.database import open_engine
from tests.store.older import bring_down, columns_since
from tests.torture.conftest import FULL, Tally, times
from tests.torture.store_children import CONFIG, NETWORK, checkpoint
from tests.zygote import Zygote

POSTGRES_OR_NOT = pytest.mark.parametrize("server", [False, True], ids=["sqlite", "postgresql"])


def one_sentence(error: LabError) -> None:
    assert "\n" not in str(error) and "Traceback" not in str(error)
    assert error.remedy


def fill(store: RunStore, runs: int, epochs: int = 3) -> dict[str, str]:
    """Makes runs that have ended, with curves and a model; returns their names by id."""
    names = {}
    for number in range(runs):
        run = store.create(NETWORK, CONFIG, name=f"run {number}", notes="n" * 200, owner="w")
        store.claim("w", 1, own=True)
        for epoch in range(1, epochs + 1):
            store.report(run.id, "w", {}, [{"step": epoch, "epoch": epoch - 0.5, "loss": 1.0, "accuracy": 0.5}] * 10)
            store.add_epoch(run.id, {"epoch": epoch, "loss": 1.0 / epoch, "val_accuracy": 0.5})
        store.end(run.id, "finished", worker="w", test_accuracy=0.5)
        names[run.id] = run.name
    return names


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A closed store with sixty runs, to be copied and harmed."""
    home = tmp_path_factory.mktemp("template")
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    names = fill(store, 60)
    store.close()
    return home / "lab.db", names


@pytest.fixture(scope="module")
def pages(template: tuple[Path, dict[str, str]]) -> dict[int, list[str]]:
    """Of that store, by page the runs that stand on it, in part at least.

    As SQLite's own statistics have it (https://www.sqlite.org/dbstat.html): pages are numbered from 1.
    """
    file, names = template
    content = file.read_bytes()
    with closing(sqlite3.connect(file)) as connection:
        try:
            found = connection.execute("SELECT pageno, path, pagetype FROM dbstat WHERE name = 'runs'").fetchall()
        except sqlite3.OperationalError:
            pytest.skip("this SQLite was built without its statistics of pages (dbstat)")
    leaves = {path: page for page, path, kind in found if kind == "leaf"}
    on: dict[int, list[str]] = {}
    for page, path, kind in found:
        if kind != "internal":
            # What does not fit a leaf flows over into pages whose path begins with the leaf's.
            leaf = leaves[path.partition("+")[0]] if kind == "overflow" else page
            there = content[(leaf - 1) * 4096 : leaf * 4096]
            on[page] = [run_id for run_id in names if run_id.encode() in there]
    assert {run_id for each in on.values() for run_id in each} == set(names)
    return on


def unharmed(source: bytes, harmed: bytes, pages: dict[int, list[str]]) -> set[str]:
    """The runs that stand on whole pages, whatever befell those that lead there."""
    hit = {at // 4096 + 1 for at in range(0, len(source), 4096) if source[at : at + 4096] != harmed[at : at + 4096]}
    lost = {run_id for page in hit & set(pages) for run_id in pages[page]}
    return {run_id for each in pages.values() for run_id in each} - lost


def read_all(file: Path) -> int:
    """Reads all that pages and commands read; returns how many runs there are."""
    store = RunStore(open_engine(f"sqlite:///{file}"), file.parent)
    try:
        runs = store.listing()
        # Both ask in their own way, and where an index is torn one may find a run that the other does not.
        assert {run.id for run in runs} <= {run.id for run in store.runs()}
        for run in runs:
            json.dumps([run.to_json(), store.history(run.id)], allow_nan=False)
            store.points(run.id), store.point_rows(run.id), run.network(), run.config(), run.share_done
        store.best_epochs(runs), store.queue(), store.active(), store.timed(5), store.writers(), store.digits("Anna")
        store.note("x")
        return len(runs)
    finally:
        store.close()


# The file, damaged anywhere -------------------------------------------------------------------------------------------


def harm(content: bytearray, chance: random.Random) -> str:
    """Damages the bytes of a file in one of many ways; says which."""
    kind = chance.choice(["bits", "bytes", "pages", "zeros", "cut", "text", "head"])
    at = chance.randrange(len(content))
    if kind == "bits":
        for _ in range(chance.choice((1, 1, 20))):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif kind == "bytes":
        for _ in range(chance.choice((1, 20, 400))):
            content[chance.randrange(100, len(content))] = chance.randrange(256)
    elif kind == "pages":
        start = at // 4096 * 4096
        content[start : start + 4096] = chance.randbytes(4096)
    elif kind == "zeros":
        end = min(len(content), at + chance.choice((1, 512, 4096, 40_000)))
        content[at:end] = bytes(end - at)
    elif kind == "cut":
        del content[at:]
    elif kind == "text":
        content[at : at + 60] = b"\nsomebody opened it with an editor and saved it once more \xff\n"
    else:
        content[chance.randrange(100)] = chance.randrange(256)
    return kind


def test_a_file_that_is_damaged_anywhere_is_read_or_one_sentence_and_its_doctor_saves_what_is_sound(
    template: tuple[Path, dict[str, str]], pages: dict[int, list[str]], tmp_path: Path,
    chance: random.Random, tally: Tally, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    source, names = template
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MNIST_LAB_STORE", raising=False)
    seen: Counter[str] = Counter()
    saved = sure = 0
    for number in range(times(200, 12)):
        home = tmp_path / "home"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        file = home / "lab.db"
        content = bytearray(source.read_bytes())
        kind = harm(content, chance)
        file.write_bytes(content)
        try:
            read_all(file)
            seen["read on"] += 1
        except LabError as error:
            one_sentence(error)
            seen["one sentence"] += 1
        for words in (("show", next(iter(names))), ("runs", "--json")) if number % 5 == 0 else ():
            from mnist_lab.store.runs import _opened

            status = cli.main(words)
            out, errors = capsys.readouterr()
            assert status in (0, 1) and "Traceback" not in errors and (out or errors.strip()), (kind, words)
            # Whatever it answered: a store that is left open writes to its file when it is forgotten.
            if _opened.cache_info().currsize:
                open_store().close()
            _opened.cache_clear()
        before = file.read_bytes()
        found = list(doctor.examine(doctor.Patient(repair=True, quick=True)))
        assert not [each for _, each in found if "itself failed" in each.text], (number, kind, found)
        condition = condition_of(f"sqlite:///{file}")
        if condition.is_damaged or (condition.version or 0) > schema.VERSION:
            # Its number alone was hit, and it is now one of a version that nobody knows.
            assert (condition.version or 0) > schema.VERSION
            seen["of an unknown version"] += 1
            continue
        if kept := [each for each in home.glob("lab.db.damaged-*") if not each.name.endswith(("-wal", "-shm"))]:
            assert kept[0].read_bytes() == before, (number, kind, "the damaged file is kept as it was")
            seen["made anew"] += 1
        read_all(file)
        store = RunStore(open_engine(f"sqlite:///{file}"), home)
        now = {run.id: run.name for run in store.runs()}
        store.close()
        there = {run_id for run_id, name in names.items() if now.get(run_id) == name}
        demanded = unharmed(source.read_bytes(), before, pages)
        assert demanded <= there, (number, kind, demanded - there)
        saved, sure = saved + len(there), sure + len(demanded)
    count = times(200, 12)
    tally("damaged store files: in all", count)
    for what, number in seen.items():
        tally(f"damaged store files: {what}", number)
    tally("damaged store files: runs on whole pages, each there after the repair", sure)
    tally("damaged store files: runs there after the repair", f"{saved / (count * len(names)):.1%}")
    assert sure


def test_a_journal_that_was_left_or_damaged_costs_at_most_what_it_held(
    template: tuple[Path, dict[str, str]], tmp_path: Path, chance: random.Random, tally: Tally
) -> None:
    """A writer is killed, and what it leaves beside the file is harmed too."""
    source, names = template
    store = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)
    store.close()
    shutil.copyfile(source, tmp_path / "lab.db")
    # As another process would leave it: copied while it is open, with its journal.
    with closing(sqlite3.connect(tmp_path / "lab.db")) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0").fetchall()
        for number in range(50):
            with connection:
                connection.execute("UPDATE runs SET notes = ?", (f"{number} " * 100,))
        left = {side: (tmp_path / f"lab.db{side}").read_bytes() for side in ("", "-wal")}
    assert len(left["-wal"]) > 100_000
    newest = 0
    count = times(80, 12)
    for number in range(count):
        home = tmp_path / str(number)
        home.mkdir()
        journal = bytearray(left["-wal"])
        harm(journal, chance)
        (home / "lab.db").write_bytes(left[""])
        (home / "lab.db-wal").write_bytes(journal)
        if number % 4 == 0:
            (home / "lab.db-shm").write_bytes(chance.randbytes(32_768))
        assert read_all(home / "lab.db") == len(names)
        store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
        notes = {run.notes for run in store.runs()}
        assert len(notes) == 1, "a transaction was applied in part"
        newest += notes == {"49 " * 100}
        assert {run.id: run.name for run in store.runs()} == names
        store.close()
        shutil.rmtree(home)
    tally("damaged journals beside a whole file", count)
    tally("damaged journals: the last transaction was there", newest)


# The disk is full -----------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with small(folder, 2 * 2**20):
        yield folder


@contextlib.contextmanager
def small(folder: Path, size: int) -> Iterator[None]:
    if sys.platform != "linux" or os.getuid() != 0:
        pytest.skip("a small disk can be made by root on Linux only")
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False)
    if made.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def stuff(folder: Path, leave: int = 0) -> Path:
    """Fills a disk, but for some bytes."""
    filler = folder / "filler"
    free = shutil.disk_usage(folder).free - leave
    with contextlib.suppress(OSError), filler.open("wb") as file:
        while free > 0:
            file.write(b"\0" * min(free, 65_536))
            file.flush()
            free -= 65_536
    return filler


def test_on_a_full_disk_each_write_is_one_sentence_and_all_before_is_there(
    small_disk: Path, chance: random.Random, tally: Tally
) -> None:
    home = small_disk / "home"
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    names = fill(store, 5)
    refused = written = 0
    for _ in range(times(40, 8)):
        filler = stuff(small_disk, leave=chance.choice((0, 0, 4096, 30_000, 100_000)))
        run_ids = [run.id for run in store.runs()]
        models = {
            run_id: store.artefacts.path(run_id, MODEL).read_bytes()
            for run_id in run_ids
            if store.artefacts.has(run_id, MODEL)
        }
        for _ in range(10):
            run_id = chance.choice(run_ids)
            try:
                match chance.randrange(4):
                    case 0:
                        made = store.create(NETWORK, CONFIG, name="new", notes="n" * 2000)
                        names[made.id] = "new"
                    case 1:
                        store.add_epoch(run_id, {"epoch": 9, "loss": 0.5, "val_accuracy": 0.5})
                    case 2:
                        store.edit(run_id, notes="m" * 2000)
                    case 3:
                        content = chance.randbytes(60_000)
                        with store.artefacts.writing(run_id, MODEL) as path:
                            path.write_bytes(content)
                        models[run_id] = content
                written += 1
            except StoreError as error:
                one_sentence(error)
                refused += 1
        assert {run.id: run.name for run in store.runs()} == names
        for run_id, content in models.items():
            assert store.artefacts.path(run_id, MODEL).read_bytes() == content
        assert not list(home.glob("*/.*")), "half-written files are left"
        filler.unlink()
        for run_id in list(models)[1:]:
            store.artefacts.remove(run_id, MODEL)
        store.edit(run_ids[0], notes="there is room again")
    store.close()
    assert read_all(home / "lab.db") == len(names)
    tally("full disk: writes refused with a sentence", refused)
    tally("full disk: writes done before it was full", written)
    assert refused > times(40, 8)


def test_every_command_on_a_full_disk_is_an_answer_or_a_sentence(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tally: Tally
) -> None:
    from mnist_lab.store.runs import _opened

    home = small_disk / "home"
    monkeypatch.setenv("MNIST_LAB_HOME", str(home))
    monkeypatch.delenv("MNIST_LAB_STORE", raising=False)
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    run_id = next(iter(fill(store, 3)))
    store.close()
    assert cli.main(["backup", str(tmp_path / "saved.zip")]) == 0
    stuff(small_disk)
    said = Counter[int]()
    for words in (
        ["runs"], ["runs", "--json"], ["show", run_id], ["delete", run_id], ["export", run_id, "--to", str(small_disk)],
        ["backup", str(small_disk / "more.zip")], ["restore", str(tmp_path / "saved.zip"), "--force"],
        ["doctor", "--quick"], ["doctor", "--quick", "--repair"],
    ):  # fmt: skip
        capsys.readouterr()
        status = cli.main(words)
        out, errors = capsys.readouterr()
        said[status] += 1
        assert status in (0, 1) and "Traceback" not in errors
        assert out or errors.strip(), words
        if words[0] == "doctor":
            assert "PROBLEM  disk" in out
    open_store().close()
    _opened.cache_clear()
    (small_disk / "filler").unlink()
    assert read_all(home / "lab.db") >= 3
    tally("full disk: commands that ended with a sentence or an answer", sum(said.values()))


# The folder is closed -------------------------------------------------------------------------------------------------


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A folder that everybody can reach."""
    folder = Path(tempfile.mkdtemp(prefix="mnist-lab-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("closed", ["nothing can be written", "nothing can be read", "only the files of runs", "empty"])
def test_a_folder_that_belongs_to_another_is_a_sentence_at_every_command(
    children: Zygote, open_place: Path, tmp_path: Path, closed: str, tally: Tally
) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    home = open_place / "home"
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    run_id = next(iter(fill(store, 2)))
    with store.artefacts.writing(run_id, MODEL) as path:
        path.write_bytes(b"x")
    store.close()
    if closed == "nothing can be read":
        home.chmod(0o700)
    elif closed == "only the files of runs":
        for path in (home, *home.glob("lab.db*")):
            shutil.chown(path, "nobody")
        for folder in home.iterdir():
            folder.chmod(0o700 if folder.is_dir() else 0o644)
    elif closed == "empty":
        shutil.rmtree(home)
        home.mkdir()
    before = (home / "lab.db").read_bytes() if (home / "lab.db").exists() else b""
    place = tmp_path / "place"
    place.mkdir()
    commands = [
        ["runs"], ["show", run_id], ["export", run_id, "--form", "history", "--to", str(place)], ["delete", run_id],
        ["backup", str(place / "saved.zip"), "--force"], ["restore", str(place / "saved.zip")], ["doctor", "--quick"],
        ["doctor", "--quick", "--repair"],
    ]  # fmt: skip
    scratch = RunStore(open_engine(f"sqlite:///{tmp_path / 'scratch' / 'lab.db'}"), tmp_path / "scratch")
    fill(scratch, 1)
    scratch.set_figures(scratch.runs()[0].id, id=run_id)
    scratch.close()
    said_all = children.fork(
        "say", home=str(home), scratch=str(tmp_path / "scratch"), commands=commands, answers=str(tmp_path / "answers")
    )
    assert said_all.wait() == 0, children.log.read_text()
    said = json.loads((tmp_path / "answers").read_text())
    for words, status, out, errors in said:
        assert status in (0, 1) and "Traceback" not in errors, (words, errors)
        assert status == 0 or out or errors.strip().count("\n") == 0, (words, errors)
        if closed != "only the files of runs":
            assert status == 1, (words, out)
    if closed != "only the files of runs":
        assert not before or (home / "lab.db").read_bytes() == before
    tally("closed folders: commands of another user that ended with a sentence or an answer", len(said))


# Processes are killed -------------------------------------------------------------------------------------------------


@POSTGRES_OR_NOT
def test_eight_processes_that_come_to_an_empty_place_at_once_make_one_store(
    children: Zygote, tmp_path: Path, server: bool, request: pytest.FixtureRequest, tally: Tally
) -> None:
    rounds = times(10, 1)
    for number in range(rounds):
        home = tmp_path / str(number)
        url = f"sqlite:///{home / 'lab.db'}"
        if server:
            url = request.getfixturevalue("postgres_server").new_database()
        at = time.time() + 0.3
        creators = [children.fork("create_one", url=url, home=str(home), at=at) for _ in range(8)]
        assert [each.wait() for each in creators] == [0] * 8
        store = RunStore(open_engine(url), home)
        assert len(store.runs()) == 8
        store.close()
        if server:
            request.getfixturevalue("postgres_server").drop(url)
    tally(f"eight processes at an empty store, {'PostgreSQL' if server else 'SQLite'}: rounds", rounds)


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A store of the first version with enough in it that bringing it up takes its time."""
    home = tmp_path_factory.mktemp("older")
    store = RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home)
    names = fill(store, times(120, 40), epochs=2)
    bring_down(store._engine, 1)
    return home / "lab.db", names


def version_of(file: Path) -> tuple[str, bool]:
    """The version that a file says, and whether it has all columns of today; it must have all or none."""
    with closing(sqlite3.connect(file)) as connection:
        (version,) = connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
        has = [
            column in {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
            for table, column in columns_since(1)
        ]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert all(has) or not any(has), "half of the way"
    return version, all(has)


def test_a_process_that_is_killed_while_it_brings_a_store_up_leaves_the_old_or_the_new_one(
    children: Zygote, older: tuple[Path, dict[str, str]], tmp_path: Path, chance: random.Random, tally: Tally
) -> None:
    source, names = older
    began = time.monotonic()
    shutil.copyfile(source, tmp_path / "lab.db")
    assert children.fork("open_it", url=f"sqlite:///{tmp_path / 'lab.db'}", home=str(tmp_path)).wait() == 0
    takes = time.monotonic() - began
    seen: Counter[str] = Counter()
    for number in range(times(60, 10)):
        home = tmp_path / str(number)
        home.mkdir()
        file = home / "lab.db"
        shutil.copyfile(source, file)
        opener = children.fork("open_it", url=f"sqlite:///{file}", home=str(home))
        time.sleep(chance.uniform(0.0, takes))
        opener.kill()
        killed = opener.wait() == -signal.SIGKILL
        version, is_new = version_of(file)
        assert version == (str(schema.VERSION) if is_new else "1")
        seen[("killed, " if killed else "done, ") + ("new" if is_new else "old")] += 1
        assert read_all(file) == len(names)
        with closing(sqlite3.connect(f"{file}.version-1")) as connection:
            assert connection.execute("SELECT count(*) FROM runs").fetchone() == (len(names),)
        shutil.rmtree(home)
    for what, count in seen.items():
        tally(f"SIGKILL while an older store was brought up: {what}", count)
    assert sum(count for what, count in seen.items() if what.startswith("killed")) >= times(20, 2)


def test_a_disk_that_is_full_while_a_store_is_brought_up_leaves_the_old_or_the_new_one(
    older: tuple[Path, dict[str, str]], tmp_path: Path, chance: random.Random, tally: Tally
) -> None:
    source, names = older
    size = source.stat().st_size
    disk = tmp_path / "disk"
    disk.mkdir()
    seen: Counter[str] = Counter()
    count = times(20, 6)
    for number in range(count):
        with small(disk, 6 * size):
            file = disk / "lab.db"
            shutil.copyfile(source, file)
            filler = stuff(disk, leave=int(size * 2.5 * number / count) + chance.randrange(4096))
            try:
                open_engine(f"sqlite:///{file}").dispose()
                seen["done"] += 1
            except StoreError as error:
                one_sentence(error)
                seen["refused with a sentence"] += 1
            filler.unlink(missing_ok=True)
            version, is_new = version_of(file)
            assert version == (str(schema.VERSION) if is_new else "1")
            assert read_all(file) == len(names)
    for what, number in seen.items():
        tally(f"full disk while an older store was brought up: {what}", number)
    assert seen["refused with a sentence"] and seen["done"]


# Backups while trainings run ------------------------------------------------------------------------------------------


@POSTGRES_OR_NOT
def test_backups_while_trainings_run_are_whole(
    children: Zygote, tmp_path: Path, server: bool, request: pytest.FixtureRequest, chance: random.Random,
    tally: Tally,
) -> None:  # fmt: skip
    home = tmp_path / "home"
    url = request.getfixturevalue("postgres_url") if server else f"sqlite:///{home / 'lab.db'}"
    store = RunStore(open_engine(url), home)
    fill(store, 3)
    writers = [children.fork("train", url=url, home=str(home), worker=f"w{each}", epochs=25) for each in range(2)]
    rounds = times(15 if server else 40, 2 if server else 3)
    under_way = finished = 0
    try:
        end = time.monotonic() + 60
        while not [run for run in store.active() if run.epochs_run] and time.monotonic() < end:
            time.sleep(0.05)
        for number in range(rounds):
            time.sleep(chance.uniform(0.0, 0.1))
            place = tmp_path / (f"{number}.zip" if number % 2 else str(number))
            made = back_up(store, url, home, place)
            there = tmp_path / "there"
            done = restore(made.path, f"sqlite:///{there / 'lab.db'}", there)
            under_way += done.interrupted
            back = RunStore(open_engine(f"sqlite:///{there / 'lab.db'}"), there)
            assert condition_of(f"sqlite:///{there / 'lab.db'}").problem == ""
            assert done.runs == len(back.runs()) == made.runs
            finished += check_runs(back)
            back.close()
            shutil.rmtree(there)
            shutil.rmtree(place) if place.is_dir() else place.unlink()
    finally:
        for writer in writers:
            writer.kill()
        assert [writer.wait() for writer in writers] == [-signal.SIGKILL] * 2
        store.close()
    what = "PostgreSQL" if server else "SQLite"
    tally(f"backups while two processes wrote, {what}", rounds)
    tally(f"backups while two processes wrote, {what}: runs under way in them, each whole", under_way)
    tally(f"backups while two processes wrote, {what}: finished runs in them, each with its model", finished)
    assert under_way >= rounds


def check_runs(back: RunStore) -> int:
    """Looks at every run of a restored backup; returns how many of those of the writers are finished."""
    finished = 0
    for run in back.runs():
        assert run.status in ("finished", "interrupted", "queued") and run.status not in ACTIVE
        history = [entry["epoch"] for entry in back.history(run.id)]
        assert history == list(range(1, run.epochs_run + 1)) or run.name.startswith("run ")
        if run.status == "interrupted":
            assert run.can_go_on
            if back.artefacts.has(run.id, CHECKPOINT):
                content = back.artefacts.path(run.id, CHECKPOINT).read_bytes()
                epoch = int(content[:8])
                assert content == checkpoint(epoch), "half of a file"
                assert epoch - 1 <= run.epochs_run, "further ahead than a kill could leave it"
        elif run.status == "finished" and not run.name.startswith("run "):
            assert back.artefacts.path(run.id, MODEL).read_bytes() == checkpoint(run.epochs_run)
            finished += 1
    return finished


# The files of runs ----------------------------------------------------------------------------------------------------


MODELS = {
    "nothing": None, "no bytes": b"", "a text": b"These are no weights. " * 100, "its head": 0.1, "half of it": 0.5,
    "all but its end": 0.99,
}  # fmt: skip


@pytest.mark.skipif(not FULL, reason="a start of TensorFlow: by make torture")
def test_a_model_that_is_damaged_is_a_sentence_and_the_process_goes_on_to_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chance: random.Random, tally: Tally
) -> None:
    monkeypatch.delenv("MNIST_LAB_STORE", raising=False)
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path))
    store = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)
    sound = starter.register(store)
    assert sound is not None
    whole = store.artefacts.path(sound.id, MODEL).read_bytes()
    images = np.zeros((1, 28, 28), np.uint8)
    client = InferenceClient()
    asked = refused = 0
    try:
        client.predict(sound.id, images, deadline=180.0)
        process = client.process
        contents = [
            None if each is None else whole[: int(len(whole) * each)] if isinstance(each, float) else each
            for each in MODELS.values()
        ]
        for _ in range(40):
            flipped = bytearray(whole)
            for _ in range(chance.choice((1, 30, 1000))):
                flipped[chance.randrange(len(flipped))] = chance.randrange(256)
            contents.append(bytes(flipped))
        for content in contents:
            run = store.create(sound.network(), sound.config())
            if content is not None:
                with store.artefacts.writing(run.id, MODEL) as path:
                    path.write_bytes(content)
            asked += 1
            try:
                client.predict(run.id, images)
            except LabError as error:
                refused += 1
                assert "Traceback" not in str(error) and error.message
            assert client.predict(sound.id, images).shape == (1, 10)
        assert client.process is process, "it ended and was started anew"
        assert refused >= len(MODELS)
    finally:
        client.close()
        store.close()
    tally("damaged models asked in the real process", asked)
    tally("damaged models: refused with a sentence (others were damaged in their figures alone)", refused)
