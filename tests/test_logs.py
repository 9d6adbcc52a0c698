"""What is noted for whoever looks after the program, and that nothing of a person is among it."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab import cli, logs
from mnist_lab.errors import StoreError
from mnist_lab.store import NewDigit, open_store
from tests.made_runs import add_run
from tests.ui.conftest import ROOT, home  # noqa: F401

PATIENCE = 240.0  # seconds; the machine may be busy with other things
MARK = "Zaphod-Beeblebrox"
PAGES = ("draw", "explain", "digits", "lab", "runs", "sweeps", "studies", "data")


def written(place: Path) -> list[dict[str, Any]]:
    """Every line, the oldest first."""
    files = sorted((place / logs.FOLDER).glob(f"{logs.FILE}*"), key=lambda path: path.name, reverse=True)
    return [json.loads(line) for path in files if path.suffix != ".lock" for line in path.read_text().splitlines()]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home whose log this process writes; the loggers and hooks are as before in the end."""
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path / "home"))
    for name in ("STORE", "DATA", "LOG_LEVEL"):
        monkeypatch.delenv(f"MNIST_LAB_{name}", raising=False)
    monkeypatch.setattr(threading, "excepthook", lambda what: None)
    monkeypatch.setattr(sys, "excepthook", lambda *what: None)
    (tmp_path / "home").mkdir()
    root, own = logging.getLogger(), logging.getLogger(logs.OWN)
    levels = root.level, own.level
    yield tmp_path / "home"
    for handler in [each for each in root.handlers if getattr(each, "of_mnist_lab", False)]:
        root.removeHandler(handler)
    for logger in logging.root.manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.handlers = [each for each in logger.handlers if not isinstance(each, logs.LinesFile)]
    root.setLevel(levels[0])
    own.setLevel(levels[1])


def test_a_line_says_when_where_what_and_of_which_run(place: Path) -> None:
    logs.set_up("app", logging.ERROR)
    logging.getLogger("mnist_lab.jobs.manager").info("run %d of %s", 3, logs.plain("lenet"), extra={"run": "abc"})
    (line,) = written(place)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    where = line.pop("where")
    assert re.fullmatch(r"tests/test_logs.py:\d+", where)
    del line["time"]
    assert line == {
        "level": "INFO", "process": "app", "pid": os.getpid(), "logger": "mnist_lab.jobs.manager",
        "message": "run 3 of lenet", "run": "abc",
    }  # fmt: skip


def test_a_text_that_nobody_vouches_for_an_error_and_a_path_do_not_get_in(place: Path) -> None:
    logs.set_up("app", logging.CRITICAL)
    log = logging.getLogger("mnist_lab.ui.frame")
    log.warning("%s of %r: %s", MARK, {MARK: Path.home()}, StoreError(MARK))
    try:
        try:
            raise OSError(28, MARK, f"/home/{MARK}")
        except OSError as error:
            raise StoreError(MARK) from error
    except StoreError:
        log.exception("a page failed")
    logging.getLogger("uvicorn.error").propagate = False
    logs.set_up("app", logging.CRITICAL)
    logging.getLogger("uvicorn.error").warning('%s - "WebSocket %s" refused', ("198.51.100.7", 5), f"/?name={MARK}")
    logging.getLogger("streamlit.runtime").warning(f"{MARK} came from 198.51.100.7")  # noqa: G004
    text = (place / logs.FOLDER / logs.FILE).read_text()
    assert MARK not in text
    assert "198.51" not in text
    assert str(ROOT) not in text and str(Path.home()) not in text
    first, failed, refused, unknown = written(place)
    assert first["message"] == "… of …: StoreError"
    assert failed["error"]["kind"] == "StoreError < OSError ENOSPC"
    assert failed["error"]["frames"][0].startswith("tests/test_logs.py:")
    assert refused["message"] == '… - "WebSocket …" refused'
    # The text of others may hold anything; where it was written is known.
    assert unknown["message"] == "" and unknown["where"].startswith("tests/test_logs.py:")


def test_an_error_that_nobody_catches_is_noted_in_a_thread_too(place: Path) -> None:
    seen: list[object] = []
    threading.excepthook = seen.append
    logs.set_up("app", logging.WARNING)
    logs.set_up("app", logging.WARNING)
    thread = threading.Thread(target=lambda: 1 // 0)
    thread.start()
    thread.join()
    sys.excepthook(ValueError, ValueError(MARK), None)
    lines = written(place)
    assert [line["level"] for line in lines] == ["CRITICAL", "CRITICAL"]
    assert [line["error"]["kind"] for line in lines] == ["ZeroDivisionError", "ValueError"]
    assert len(seen) == 1, "who printed it before still does, once"


def test_the_terminal_keeps_its_own_lines(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up("cli", logging.ERROR)
    log = logging.getLogger("mnist_lab.cli")
    log.info("not there")
    log.error("a %s went wrong", "thing")
    assert capsys.readouterr().err == "a thing went wrong\n"
    assert [line["message"] for line in written(place)] == ["not there", "a … went wrong"]


@pytest.mark.parametrize(("level", "kept"), [("debug", 4), ("", 3), ("WARNING", 2), ("ERROR", 1)])
def test_the_setting_says_what_is_noted(place: Path, monkeypatch: pytest.MonkeyPatch, level: str, kept: int) -> None:
    monkeypatch.setenv("MNIST_LAB_LOG_LEVEL", level)
    logs.set_up("app", logging.CRITICAL)
    log = logging.getLogger("mnist_lab.worker")
    for write in (log.debug, log.info, log.warning, log.error):
        write("one")
    logging.getLogger("sqlalchemy").info("of others only warnings are kept")
    assert len(written(place)) == kept


def test_nothing_is_made_where_there_is_no_home_and_a_full_disk_stops_nobody(place: Path) -> None:
    logs.set_up("app", logging.CRITICAL)
    place.rmdir()
    logging.getLogger("mnist_lab.worker").error("one")
    assert not place.exists()
    place.write_text("a file where the folder was")
    logging.getLogger("mnist_lab.worker").error("two")


WRITER = """
import logging, sys
from mnist_lab import logs
logs.MAX_BYTES, logs.LOCK_SECONDS = 20_000, 30.0
logs.set_up("train", logging.CRITICAL)
log = logging.getLogger("mnist_lab.worker")
for number in range(300):
    log.info("line %d of %d", number, int(sys.argv[1]))
"""


def test_processes_that_write_and_rotate_at_once_lose_no_line_and_mix_none(place: Path) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(number)], cwd=ROOT, env={**os.environ})
        for number in range(4)
    ]
    assert [process.wait(PATIENCE) for process in started] == [0] * 4
    files = [path for path in (place / logs.FOLDER).iterdir() if path.suffix != ".lock"]
    assert 1 < len(files) <= logs.FILES
    # Each looks before it writes: the last line of each may come on top; a busy machine may keep one from the lock.
    assert all(path.stat().st_size < 30_000 for path in files)
    lines = [line["message"] for line in written(place)]
    assert len(lines) == len(set(lines)) > 300
    for number in range(4):
        of_one = [int(line.split()[1]) for line in lines if line.endswith(f"of {number}")]
        assert of_one == sorted(of_one)


TALKER = """
import os, sys, types
from pathlib import Path
from mnist_lab import logs, worker
from mnist_lab.store.artefacts import Artefacts
logs.MAX_RUN_BYTES, logs.KEPT_RUN_BYTES, worker.LOG_SECONDS = 200_000, 50_000, 0.01
place = Path(sys.argv[1])
store = types.SimpleNamespace(artefacts=Artefacts(place))
largest = 0
with worker._log_into(store, types.SimpleNamespace(id="ab")):
    for number in range(20_000):
        os.write(1, b"%d %s\\n" % (number, b"x" * 90))
        largest = max(largest, (place / "ab" / "log.txt").stat().st_size)
print(largest)
"""


def test_a_run_that_prints_without_end_does_not_fill_the_disk(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TALKER, str(tmp_path)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    log = tmp_path / "ab" / "log.txt"
    assert log.stat().st_size <= 200_000
    assert int(done.stdout) < 1_000_000, "it printed 1.9 MB"
    assert log.read_text().splitlines()[-1].startswith("19999 ")


def test_names_notes_and_drawings_never_get_into_the_logs(home: Path, place: Path) -> None:  # noqa: F811
    store = open_store()
    run = add_run(store, name=MARK)
    store.edit(run.id, notes=f"notes of {MARK}")
    store.keep_digits(MARK, [NewDigit(np.full((28, 28), 7, np.uint8), 3)])
    store.close()
    logs.set_up("app", logging.CRITICAL)
    for page in PAGES:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE).run()
        app.switch_page(f"pages/{page}.py").run()
    logging.getLogger("mnist_lab.ui.frame").info("the pages were seen")
    assert cli.main(["show", f"no {MARK}"]) == cli.FAILED
    assert cli.main(["predict", f"/home/{MARK}/{MARK}.png"]) == cli.FAILED
    words = ["train", "--preset", "starter", "--epochs", "1", "--limit", "64"]
    process = subprocess.run(
        [sys.executable, "-m", "mnist_lab", *words, "--name", MARK], check=False,
        cwd=ROOT, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    lines = written(place)
    assert {line["process"] for line in lines} == {"app", "cli", "train"}
    messages = [line["message"] for line in lines]
    assert "the pages were seen" in messages and "asked to train" in messages
    assert "a run has ended: finished" in messages
    text = "".join(path.read_text() for path in (place / logs.FOLDER).iterdir())
    assert MARK not in text and str(place) not in text and str(Path.home()) + "/" not in text
