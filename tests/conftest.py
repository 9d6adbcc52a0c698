"""What all tests share."""

from __future__ import annotations

import gc
import os
import sys
import urllib.request
from collections.abc import Callable
from functools import cache
from pathlib import Path

import psutil
import pytest

from mnist_lab import cli

# Their fixtures are for the tests of the store and of jobs, and for those that do harm.
pytest_plugins = ["tests.postgres", "tests.zygote", "tests.object_store"]

Said = tuple[int, str, str]
"""Exit status, standard output and standard error."""
Here = Callable[..., Said]
"""The command line in this process, given its words."""


MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30


def _has_room(folder: Path) -> bool:
    """Whether the tests' folders can be there: programs are started in some, and all would be in memory."""
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return False
    room = os.statvfs(folder)
    free = min(room.f_bavail * room.f_frsize, psutil.virtual_memory().available)
    return free >= ROOM and not room.f_flag & os.ST_NOEXEC


# A store is kept in a form that survives a power cut: each of some ten thousand writes waits for the disk. Of tests the
# power cut is no part, and what a killed process has written is there in memory too.
if _has_room(MEMORY):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lets files that are marked with `long` begin first: at the end, one process would wait for the other."""
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips what is marked with `mnist` where there is no full MNIST."""
    # It remembers the proxies of when it was first asked, which one test's environment may have had.
    urllib.request.install_opener(None)  # type: ignore[arg-type]
    if item.get_closest_marker("mnist") and not os.environ.get("MNIST_LAB_DATA"):
        pytest.skip("needs full MNIST: MNIST_LAB_DATA is not set")


@pytest.fixture(scope="module", autouse=True)
def _imports_are_no_garbage() -> None:
    """Takes what is imported so far out of the search for garbage, as the program does.

    Streamlit and statsmodels search all objects after each call; with TensorFlow loaded that takes half a second.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _components_are_looked_for_once() -> None:
    """`AppTest` reads the metadata of all installed packages for each session, which takes longer than a page does."""
    if "streamlit.testing.v1" in sys.modules:
        from streamlit.components.v2 import manifest_scanner

        scan = manifest_scanner.scan_component_manifests
        if not hasattr(scan, "cache_info"):
            manifest_scanner.scan_component_manifests = cache(scan)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """The command line with an empty home, in an empty folder."""
    for name in ("STORE", "DATA", "EXECUTOR", "ARTEFACTS"):
        monkeypatch.delenv(f"MNIST_LAB_{name}", raising=False)
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")

    def call(*words: str) -> Said:
        capsys.readouterr()
        status = cli.main(words)
        return (status, *capsys.readouterr())

    return call
