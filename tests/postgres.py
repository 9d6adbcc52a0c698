"""A PostgreSQL server of the tests' own: on a free port, with a data folder of its own, ended with them."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

START_SECONDS = 90.0


def _folder_of_programs() -> Path | None:
    """Where `initdb` and `postgres` are; Debian keeps them apart from the other programs."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


def lacking() -> str:
    """What a server lacks on this machine, in words; empty if one can be started."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed (requirements-postgres.txt)"
    if _folder_of_programs() is None:
        return "there is no PostgreSQL server (apt install postgresql)"
    return ""


class Server:
    """A server that can be stopped and started again.

    Args:
        address: Where it listens beside 127.0.0.1, and lets in whoever is of the same 256 addresses.
        settings: Of the server, where they are to be others than a test's.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, address: str | None = None, **settings: object) -> None:
        self._settings = settings
        programs = _folder_of_programs()
        assert programs is not None
        self._programs, self._address = programs, address
        # It refuses to be root's, and its owner must be able to reach its folder.
        self._user = _unprivileged() if os.getuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="mnist-lab-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        made = subprocess.run(
            [self._programs / "initdb", "-D", self._data, "-U", "lab", "-A", "trust", "-E", "UTF8", "--no-sync",
             "--locale=C"],
            user=self._user, capture_output=True, text=True, check=False, cwd=self._folder, env=self._environment,
        )  # fmt: skip
        if made.returncode:
            self.close()
            pytest.fail(f"initdb failed: {made.stderr[-2000:]}")
        if address is not None:
            with (self._data / "pg_hba.conf").open("a") as file:
                file.write(f"host all all {address}/24 trust\n")

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "HOME": str(self._folder), "LC_ALL": "C"}

    def url(self, database: str = "postgres") -> str:
        """How the program calls one of its databases."""
        return f"postgresql+psycopg://lab@{self._address or '127.0.0.1'}:{self.port}/{database}"

    def start(self) -> None:
        """Starts it and waits until it answers."""
        settings = {
            "port": self.port, "listen_addresses": ",".join(filter(None, ["127.0.0.1", self._address])),
            "unix_socket_directories": "", "fsync": "off",
            "max_connections": 200, "shared_buffers": "16MB", **self._settings,
        }  # fmt: skip
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *options],
                user=self._user, stdout=log, stderr=log, cwd=self._folder, env=self._environment,
            )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(Exception):
                self.ask("SELECT 1")
                return
            if self._process.poll() is not None or time.monotonic() > end:
                words = (self._folder / "log").read_text(errors="replace")[-2000:]
                self.close()
                pytest.fail(f"PostgreSQL did not start: {words}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends it as an administrator would who does not wait for those who are connected."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(30)

    def ask(self, statement: str, database: str = "postgres") -> None:
        """Has a statement done."""
        import psycopg

        with psycopg.connect(
            f"host=127.0.0.1 port={self.port} user=lab dbname={database} connect_timeout=5", autocommit=True
        ) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"lab_{uuid.uuid4().hex[:12]}"
        self.ask(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Drops a database, whoever is connected."""
        self.ask(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def close(self) -> None:
        """Ends it and removes its folder."""
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _unprivileged() -> str:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    pytest.skip("PostgreSQL refuses to be root's, and there is no other user")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A running server; skips where there is none."""
    if missing := lacking():
        pytest.skip(f"needs PostgreSQL: {missing}")
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.close()


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """The URL of an empty database of its own."""
    url = postgres_server.new_database()
    yield url
    postgres_server.drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, home: Path) -> str:
    """The URL of an empty store: what runs on one database runs on both."""
    if request.param == "sqlite":
        return f"sqlite:///{home / 'lab.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found
