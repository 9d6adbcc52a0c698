"""The files of runs in an object store: a real S3 server, a folder and a dictionary by fsspec's names for them.

What every place promises is asked of the folder too. What the store has is looked at past the program, by fsspec alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from mnist_lab.errors import ArtefactMissing, StoreError
from mnist_lab.store import cache, objects
from mnist_lab.store.artefacts import CHECKPOINT, LOG, MODEL, PREDICTIONS, Artefacts, epoch_weights
from mnist_lab.store.bucket import Bucket
from mnist_lab.store.objects import ObjectArtefacts
from tests.object_store import SECRET, Door, Server, let_in
from tests.store.test_artefacts import NO_IDS, USES
from tests.zygote import ROOT

RUN, OTHER = "0123456789abcdef" * 2, "fedcba9876543210" * 2
LIMIT = 10**9
Machine = Callable[[str], Any]


@pytest.fixture(params=["folder", "file", "memory", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """Where the files of runs are; None for a folder."""
    if request.param == "s3":
        found: str = request.getfixturevalue("s3_url")
        return found
    return {"file": f"file://{tmp_path}/a bucket/runs", "memory": f"memory://{uuid.uuid4().hex}/runs"}.get(
        request.param
    )


@pytest.fixture
def machine(url: str | None, tmp_path: Path) -> Machine:
    """Another view of the same files by each call, from a machine of this name; the folder is shared by all."""

    def made(name: str, limit: int = LIMIT) -> Artefacts:
        return Artefacts(tmp_path / "home") if url is None else ObjectArtefacts(Bucket(url), tmp_path / name, limit)

    return made


@pytest.fixture
def files(machine: Machine) -> Artefacts:
    made: Artefacts = machine("here")
    return made


def remote(parameter: str = "url") -> Any:
    """Only where there is an object store."""
    return pytest.mark.parametrize(parameter, ["file", "memory", "s3"], indirect=True)


on_s3 = pytest.mark.parametrize("url", ["s3"], indirect=True)


def write(files: Artefacts, content: bytes, name: str = MODEL, run_id: str = RUN) -> None:
    with files.writing(run_id, name) as path:
        path.write_bytes(content)


def there(url: str) -> dict[str, bytes]:
    """All objects by what follows the URL, hidden ones too, past the program."""
    options = {"use_listings_cache": False, "skip_instance_cache": True} if url.startswith("s3") else {}
    view, root = fsspec.core.url_to_fs(url, **options)
    found = view.find(root, detail=True) if view.exists(root) else {}
    names = [path for path, entry in found.items() if entry["type"] == "file"]
    return {path.removeprefix(root).lstrip("/"): view.cat_file(path) for path in names}


class Counted:
    """What is asked of a bucket, by question."""

    def __init__(self, files: ObjectArtefacts, patch: pytest.MonkeyPatch) -> None:
        self.asked: Counter[str] = Counter()
        for name in ("objects", "every", "look_at", "get", "put"):
            patch.setattr(files.bucket, name, self._counting(name, getattr(files.bucket, name)))

    def _counting(self, name: str, true: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **more: Any) -> Any:
            self.asked[name] += 1
            return true(*given, **more)

        return counted


# What every place promises -------------------------------------------------------------------------------------------


def test_a_file_is_written_found_replaced_and_removed(files: Artefacts, machine: Machine) -> None:
    assert not files.has(RUN, MODEL) and files.names(RUN) == [] and files.size(RUN) == 0
    assert files.changed(RUN, MODEL) == 0.0 and files.mark(RUN, MODEL) is None
    began = time.time()
    write(files, b"one")
    first = files.mark(RUN, MODEL)
    write(files, b"second")
    write(files, b"said", PREDICTIONS)
    write(files, b"", LOG, OTHER)
    for view in (files, machine("elsewhere")):
        assert view.has(RUN, MODEL) and view.path(RUN, MODEL).read_bytes() == b"second"
        assert view.names(RUN) == [MODEL, PREDICTIONS] and view.size(RUN) == 10
        assert view.mark(RUN, MODEL) not in (None, first)
        assert abs(view.changed(RUN, MODEL) - began) < 60.0
        assert view.having([RUN, OTHER], MODEL) == {RUN} and view.having([RUN, OTHER], LOG) == {OTHER}
        assert view.run_ids() == [RUN, OTHER] and view.sizes([RUN, OTHER]) == 10
    files.remove(RUN, MODEL)
    files.remove(RUN, MODEL)
    assert not files.has(RUN, MODEL) and files.has(RUN, PREDICTIONS)
    with pytest.raises(ArtefactMissing, match=f"Run {RUN[:8]} has no {MODEL}"):
        files.path(RUN, MODEL)
    files.remove(RUN)
    files.remove(RUN)
    assert not files.has(RUN, PREDICTIONS) and files.has(OTHER, LOG)


@pytest.mark.parametrize("name", [MODEL, "predictions.npz", epoch_weights(7)])
def test_the_file_to_write_and_the_one_to_read_keep_the_suffix_by_which_libraries_know_the_form(
    files: Artefacts, name: str
) -> None:
    with files.writing(RUN, name) as path:
        assert path.name.endswith(name[name.index(".") :])
        path.write_bytes(b"x")
    assert files.path(RUN, name).name == name


def test_a_writer_that_fails_midway_leaves_the_old_file_and_no_other(files: Artefacts, tmp_path: Path) -> None:
    write(files, b"old")
    with pytest.raises(ZeroDivisionError), files.writing(RUN, MODEL) as path:
        path.write_bytes(b"half of the ne")
        raise ZeroDivisionError
    assert files.path(RUN, MODEL).read_bytes() == b"old" and files.names(RUN) == [MODEL]
    assert b"half of the ne" not in [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("url", ["memory"], indirect=True)
@pytest.mark.parametrize("run_id", NO_IDS)
def test_no_id_leads_elsewhere(files: Artefacts, use: str, run_id: str) -> None:
    with pytest.raises(StoreError, match="is not a run id"):
        USES[use](files, run_id)


def test_of_two_who_claim_a_run_one_has_it_and_none_that_has_files(files: Artefacts, machine: Machine) -> None:
    other = machine("elsewhere")
    got = [files.claim(RUN), other.claim(RUN), files.claim(RUN)]
    assert got == [True, False, False]
    assert files.names(RUN) == [] and not files.has(RUN, ".claim")
    write(files, b"x", run_id=OTHER)
    assert not other.claim(OTHER)
    files.remove(RUN)
    assert other.claim(RUN)


def test_the_log_tail_is_the_last_lines_whatever_the_bytes(files: Artefacts) -> None:
    assert files.log_tail(RUN) == ""
    write(files, b"\n".join(b"line %d" % i for i in range(100)) + b"\n\xff\n\n", LOG)
    assert files.log_tail(RUN, 3) == "line 98\nline 99\n�"


# What another machine sees -------------------------------------------------------------------------------------------


@remote()
def test_who_takes_a_run_up_sees_what_another_machine_wrote_last(machine: Machine) -> None:
    here, elsewhere = machine("here"), machine("elsewhere")
    # Of one length, and within one second: only the content tells them apart.
    for number in range(4):
        write(here, b"epoch %d" % number, CHECKPOINT)
        elsewhere.begin(RUN)
        assert elsewhere.path(RUN, CHECKPOINT).read_bytes() == b"epoch %d" % number
    here.remove(RUN, CHECKPOINT)
    elsewhere.begin(RUN)
    assert not elsewhere.has(RUN, CHECKPOINT)


@remote()
def test_who_only_looks_sees_it_after_two_seconds_and_a_new_file_at_once(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, elsewhere = machine("here"), machine("elsewhere")
    write(here, b"one")
    assert elsewhere.path(RUN, MODEL).read_bytes() == b"one" and not elsewhere.has(RUN, PREDICTIONS)
    write(here, b"said", PREDICTIONS)
    assert elsewhere.has(RUN, PREDICTIONS), "a no is not kept"
    write(here, b"two")
    now = time.monotonic()
    monkeypatch.setattr(objects.time, "monotonic", lambda: now + objects.KNOWN_SECONDS + 1.0)
    assert elsewhere.path(RUN, MODEL).read_bytes() == b"two"


@remote()
def test_an_object_has_the_bytes_and_the_name_that_it_was_given_and_nothing_is_beside_it(
    files: Artefacts, url: str
) -> None:
    content = os.urandom(300_000)
    write(files, content)
    write(files, content[::-1], CHECKPOINT)
    assert there(url) == {f"{RUN}/{MODEL}": content, f"{RUN}/{CHECKPOINT}": content[::-1]}
    files.remove(RUN)
    assert there(url) == {}


# The copy on this machine --------------------------------------------------------------------------------------------


@remote()
def test_what_has_not_changed_is_fetched_once(files: ObjectArtefacts, monkeypatch: pytest.MonkeyPatch) -> None:
    write(files, b"one")
    counted = Counted(files, monkeypatch)
    monkeypatch.setattr(objects, "KNOWN_SECONDS", 0.0)
    for _ in range(3):
        path = files.path(RUN, MODEL)
    assert counted.asked["get"] == 1
    changed = path.stat().st_mtime_ns
    files.path(RUN, MODEL)
    assert path.stat().st_mtime_ns == changed, "who remembers a model by the time of its file loads it once"
    write(files, b"two")
    assert files.path(RUN, MODEL).read_bytes() == b"two" and counted.asked["get"] == 2


@pytest.mark.parametrize("url", ["memory"], indirect=True)
def test_the_copies_are_bounded_and_what_was_used_longest_ago_goes_first(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cache, "IN_USE_SECONDS", 0.0)
    files = machine("here", limit=250_000)
    counted = Counted(files, monkeypatch)
    runs = [uuid.uuid4().hex for _ in range(6)]
    for run_id in runs:
        write(files, bytes(100_000), run_id=run_id)
        files.path(run_id, MODEL)
        files.path(runs[0], MODEL)
        here = [path for path in (tmp_path / "here").rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in here) <= 250_000
    assert counted.asked["get"] == 6, "the one that is used all the time is never fetched again"
    assert files.path(runs[1], MODEL).read_bytes() == bytes(100_000)
    assert counted.asked["get"] == 7, "what went is fetched again"
    kept = {path.parent.parent.name for path in (tmp_path / "here").rglob(MODEL)}
    assert kept == {runs[0], runs[1]}, "and empty folders go too"


@pytest.mark.parametrize("url", ["memory"], indirect=True)
def test_what_somebody_was_told_of_just_now_stays_beyond_the_bound(machine: Machine) -> None:
    files = machine("here", limit=10)
    for name in (MODEL, PREDICTIONS):
        write(files, bytes(100), name)
    paths = [files.path(RUN, name) for name in (MODEL, PREDICTIONS)]
    assert all(path.is_file() for path in paths)


def test_a_page_may_ask_of_a_thousand_runs_in_one_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = ObjectArtefacts(Bucket(f"memory://{uuid.uuid4().hex}"), tmp_path, LIMIT)
    runs = [uuid.uuid4().hex for _ in range(1_000)]
    for number, run_id in enumerate(runs):
        write(files, b"x", MODEL if number % 2 else LOG, run_id)
    counted = Counted(files, monkeypatch)
    assert files.having(runs, MODEL) == set(runs[1::2])
    assert files.sizes(runs) == 1_000
    assert counted.asked == {"every": 2}


# Whole or not at all -------------------------------------------------------------------------------------------------

WRITER = """\
import sys
from pathlib import Path
from mnist_lab.store.bucket import Bucket
from mnist_lab.store.objects import ObjectArtefacts
files = ObjectArtefacts(Bucket(sys.argv[1]), Path(sys.argv[2]), 10**9)
files.begin("{run}")
for number in range({times}):
    with files.writing("{run}", "{name}") as path:
        path.write_bytes(b"%08d" % number * ({size} // 8))
        print("sending", flush=True)
"""


def started(url: str, home: Path, *, times: int, size: int) -> subprocess.Popen[str]:
    script = WRITER.format(run=RUN, name=MODEL, times=times, size=size)
    return subprocess.Popen(
        [sys.executable, "-c", script, url, str(home)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.parametrize("url", ["file", "s3"], indirect=True)
def test_a_writer_that_is_killed_while_it_sends_leaves_the_old_object_or_the_new_one(
    machine: Machine, url: str, tmp_path: Path
) -> None:
    size = 16_000_000
    files = machine("here")
    seen = Counter[bytes]()
    for pause in (0.0, 0.05):
        write(files, b"old")
        writer = started(url, tmp_path / "killed", times=1, size=size)
        assert writer.stdout is not None and writer.stdout.readline() == "sending\n"
        time.sleep(pause)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        content = there(url)[f"{RUN}/{MODEL}"]
        assert content in (b"old", b"00000000" * (size // 8))
        seen[content[:3]] += 1
        files.look_again()
        assert files.names(RUN) == [MODEL]
    assert seen[b"old"] >= 1, seen
    left = ObjectArtefacts(Bucket(url), tmp_path / "killed", LIMIT)
    left.sweep(RUN)
    assert not [path for path in (tmp_path / "killed").rglob("*") if path.is_file()], "what it left here is swept"


@pytest.mark.parametrize("url", ["file", "s3"], indirect=True)
def test_a_reader_sees_the_old_object_or_the_new_one_and_nothing_else(
    machine: Machine, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "KNOWN_SECONDS", 0.0)
    files = machine("here")
    write(files, b"99999999" * 25_000)
    writer = started(url, tmp_path / "elsewhere", times=40, size=200_000)
    seen = set()
    is_over = False
    while not is_over:
        is_over = writer.poll() is not None
        content = files.path(RUN, MODEL).read_bytes()
        assert content == content[:8] * 25_000
        seen.add(content[:8])
    writer.communicate()
    assert writer.returncode == 0 and {b"99999999", b"00000039"} <= seen


# A network that fails ------------------------------------------------------------------------------------------------


@pytest.fixture
def door(object_server: Server, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """A way to the server for what is made from now on."""
    made = Door(object_server.port)
    let_in(monkeypatch, made.port)
    yield made
    made.close()


@on_s3
def test_a_network_that_is_away_for_a_moment_is_not_noticed(door: Door, machine: Machine, url: str) -> None:
    files = machine("here")
    write(files, b"old")
    door.shut()
    later = threading.Timer(2.0, door.open)
    later.start()
    write(files, b"new")
    later.join()
    assert there(url) == {f"{RUN}/{MODEL}": b"new"}


@on_s3
def test_a_network_that_stays_away_is_one_sentence_and_nothing_that_is_here_is_lost(
    door: Door, machine: Machine, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnist_lab.store.bucket.PAUSES", (0.1,))
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 2)
    files, elsewhere = machine("here"), machine("elsewhere")
    files.begin(RUN)
    for name in (CHECKPOINT, MODEL):
        write(files, b"old", name)
    door.shut()
    # Twice, as a training that insists does.
    for name in (CHECKPOINT, CHECKPOINT, MODEL):
        with pytest.raises(StoreError) as caught:
            write(files, b"newer", name)
    assert "\n" not in str(caught.value) and url in str(caught.value) and caught.value.remedy
    assert SECRET not in str(caught.value)
    began = time.monotonic()
    for use in (files.has, files.path, files.changed):
        with pytest.raises(StoreError):
            use(RUN, PREDICTIONS)
    assert time.monotonic() - began < 3.0, "who asks next does not wait anew"
    assert sorted(path.name for path in files.unsent()) == [CHECKPOINT, MODEL]
    assert files.log_tail(RUN) == ""

    door.open()
    files.bucket._silent_until = 0.0
    write(elsewhere, b"of another machine", CHECKPOINT)
    again = machine("here")
    again.begin(RUN)
    assert again.path(RUN, MODEL).read_bytes() == b"newer", "it is sent when the run is taken up here again"
    assert again.path(RUN, CHECKPOINT).read_bytes() == b"of another machine", "but nothing newer is overwritten"
    assert again.unsent() == []


# The log -------------------------------------------------------------------------------------------------------------


def say(files: Artefacts, words: str) -> Path:
    path = files.log(RUN)
    with path.open("a") as log:
        log.write(words)
    return path


def test_a_log_goes_on_on_another_machine_where_it_was_left(machine: Machine) -> None:
    here, elsewhere = machine("here"), machine("elsewhere")
    path = say(here, "one\n")
    here.send_log(RUN, path)
    assert elsewhere.log_tail(RUN) == "one", "while it is written"
    with path.open("a") as log:
        log.write("two\n")
    assert here.log_tail(RUN) == "one\ntwo", "on the machine that writes it at once"
    here.send_log(RUN, path, is_over=True)
    assert here.names(RUN) == [LOG]
    elsewhere.look_again()
    elsewhere.send_log(RUN, say(elsewhere, "three\n"), is_over=True)
    here.look_again()
    for view in (here, elsewhere, machine("a third")):
        assert view.log_tail(RUN) == "one\ntwo\nthree" and view.names(RUN) == [LOG]


SAYS = """\
import os, sys
from pathlib import Path
from mnist_lab.store.bucket import Bucket
from mnist_lab.store.objects import ObjectArtefacts
files = ObjectArtefacts(Bucket(sys.argv[1]), Path(sys.argv[2]), 10**9)
path = files.log("{run}")
with path.open("a") as log:
    log.write("sent\\n")
files.send_log("{run}", path)
with path.open("a") as log:
    log.write("last words\\n")
os._exit(9)
"""


@pytest.mark.parametrize("url", ["file"], indirect=True)
@pytest.mark.parametrize("way", ["swept", "taken up"])
def test_what_a_process_that_died_had_not_sent_of_its_log_is_not_lost(
    machine: Machine, url: str, tmp_path: Path, way: str
) -> None:
    died = [sys.executable, "-c", SAYS.format(run=RUN), url, str(tmp_path / "here")]
    assert subprocess.run(died, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False).returncode == 9
    here = machine("here")
    assert machine("elsewhere").log_tail(RUN) == "sent" and here.log_tail(RUN) == "sent\nlast words"
    if way == "swept":
        here.sweep_all([])
        assert machine("elsewhere").log_tail(RUN) == "sent\nlast words"
    else:
        here.send_log(RUN, say(here, "and on\n"), is_over=True)
        assert machine("elsewhere").log_tail(RUN) == "sent\nlast words\nand on"
    assert not [path for path in here.folder(RUN).iterdir() if path.is_file()]


def test_the_log_of_a_process_that_lives_is_left_alone(machine: Machine) -> None:
    here = machine("here")
    path = say(here, "one\n")
    here.sweep(RUN)
    here.sweep_all([])
    assert path.read_text() == "one\n"
