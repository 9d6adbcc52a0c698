"""What `health` says of a program that is well, and of one that is ill in a real way; and that it makes nothing."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import psutil
import pytest

from mnist_lab.jobs import JobManager, manager, sign_of_life
from mnist_lab.store import open_store
from tests.conftest import Here


@pytest.fixture
def home(tmp_path: Path, here: Here) -> Path:
    """The home of `here`, with a store in it that nobody has open."""
    open_store().close()
    return tmp_path / "home"


def verdict(here: Here, *words: str) -> dict[str, bool]:
    """What is well, by name; the exit status and standard error say the same."""
    status, out, err = here("health", "--json", *words)
    document = json.loads(out)
    assert status == (0 if document["healthy"] else 1)
    assert bool(err) != document["healthy"]
    return {check["name"]: check["is_well"] for check in document["checks"]}


def listing(home: Path) -> list[tuple[str, int, float]]:
    return [(str(path), path.stat().st_size, path.stat().st_mtime) for path in sorted(home.rglob("*"))]


WELL = {"store": True, "disk": True, "jobs": True}


def test_a_program_that_was_never_started_is_well_and_nothing_is_made(here: Here, tmp_path: Path) -> None:
    assert verdict(here) == WELL
    assert not (tmp_path / "home").exists()


def test_a_look_takes_less_than_a_second_and_leaves_all_as_it_was(here: Here, home: Path) -> None:
    before = listing(home)
    began = time.monotonic()
    assert verdict(here) == WELL
    assert time.monotonic() - began < 1.0
    assert listing(home) == before
    store = open_store()
    store.note("speed", 1)
    before = listing(home)
    assert verdict(here) == WELL
    assert [name for name, *_ in listing(home)] == [name for name, *_ in before]
    store.close()


@pytest.mark.parametrize("harm", ["truncated", "overwritten", "empty", "newer", "a folder"])
def test_a_store_that_cannot_be_opened_is_ill(here: Here, home: Path, harm: str) -> None:
    file = home / "lab.db"
    if harm == "truncated":
        file.write_bytes(file.read_bytes()[:5000])
    elif harm == "overwritten":
        file.write_bytes(b"\x07" * 30_000)
    elif harm == "empty":
        file.write_bytes(b"")
    elif harm == "a folder":
        file.unlink()
        file.mkdir()
    else:
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("UPDATE meta SET value = '999' WHERE key = 'version'")
    assert verdict(here) == {**WELL, "store": False}


def test_a_store_that_another_does_not_let_go_of_is_ill(here: Here, home: Path) -> None:
    with closing(sqlite3.connect(home / "lab.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert verdict(here) == {**WELL, "store": False}
        other.execute("ROLLBACK")
    assert verdict(here) == WELL


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB at the place of the home; skips where none may be made."""
    place = tmp_path / "home"
    place.mkdir(exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("no disk of our own can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_without_room_is_ill_and_one_that_is_only_read(small_disk: Path, here: Here) -> None:
    open_store().close()
    assert verdict(here) == {**WELL, "disk": False}
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert verdict(here) == {**WELL, "disk": False, "store": False}


def test_a_program_at_work_leaves_a_sign_and_takes_it_away(here: Here, home: Path) -> None:
    store = open_store()
    at_work = JobManager(store, autostart=False)
    at_work._not_before = float("inf")  # no engine is wanted
    at_work.start()
    deadline = time.monotonic() + 20
    while not (found := sign_of_life.signs(home)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [sign.pid for sign in found] == [os.getpid()]
    assert verdict(here) == WELL
    at_work.close()
    assert sign_of_life.signs(home) == []
    store.close()


def test_a_program_that_hangs_or_whose_engine_does_not_start_is_ill_and_one_that_is_gone_is_swept(
    here: Here, home: Path
) -> None:
    folder = home / sign_of_life.FOLDER
    folder.mkdir()
    began = psutil.Process().create_time()
    mine = sign_of_life.Sign(open_store().host, os.getpid(), began, time.time(), None)
    gone = replace(mine, began=began - 1000)
    elsewhere = replace(mine, host="another", seen=0.0)
    for name, sign in {"gone": gone, "elsewhere": elsewhere, "mine": mine}.items():
        (folder / f"{name}.json").write_text(json.dumps(asdict(sign)))
    (folder / "half.json").write_text('{"host": ')
    assert verdict(here) == WELL
    (folder / "mine.json").write_text(json.dumps(asdict(replace(mine, seen=time.time() - 61))))
    assert verdict(here) == {**WELL, "jobs": False}
    (folder / "mine.json").write_text(json.dumps(asdict(replace(mine, problem="The training engine does not start."))))
    assert verdict(here) == {**WELL, "jobs": False}
    sign_of_life.sweep(home)
    assert {path.stem for path in folder.iterdir()} == {"mine", "elsewhere", "half"}


def test_the_thread_goes_on_saying_so_while_the_store_is_away(
    here: Here, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store()
    at_work = JobManager(store, autostart=False)
    at_work._not_before = float("inf")
    with closing(sqlite3.connect(home / "lab.db")) as connection, connection:
        connection.execute("ALTER TABLE runs RENAME TO gone")
    at_work.start()
    deadline = time.monotonic() + 20
    while not any(sign.problem for sign in sign_of_life.signs(home)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert verdict(here)["jobs"] is False
    at_work.close()
    store.close()
    assert manager.TICK_SECONDS < sign_of_life.RENEW_SECONDS < sign_of_life.STALE_SECONDS / 3


def test_the_web_server_is_asked_where_its_address_is_given(here: Here, home: Path) -> None:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/_stcore/health" else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert verdict(here, "--server", address) == {**WELL, "server": True}
        assert verdict(here, "--server", f"{address}/elsewhere") == {**WELL, "server": False}
        server.shutdown()
    assert verdict(here, "--server", address) == {**WELL, "server": False}
    assert verdict(here, "--server", "file:///etc/passwd") == {**WELL, "server": False}
