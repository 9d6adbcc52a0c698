"""The files of a run: whole or not there, and never outside their folder."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_lab.errors import ArtefactMissing, StoreError
from mnist_lab.store import RunStore
from mnist_lab.store.artefacts import LOG, MODEL, Artefacts, epoch_weights
from tests.store.conftest import Start

RUN = "0123456789abcdef" * 2
NO_IDS = ("", ".", "..", "../x", "/etc", "ABCDEF", "a/b", "a\\b", "a\0", "%2e%2e", "g" * 32, "a b", "ａ")
USES: dict[str, Callable[[Artefacts, str], object]] = {
    "folder": lambda files, run_id: files.folder(run_id),
    "path": lambda files, run_id: files.path(run_id, MODEL),
    "has": lambda files, run_id: files.has(run_id, MODEL),
    "writing": lambda files, run_id: files.writing(run_id, MODEL).__enter__(),
    "remove": lambda files, run_id: files.remove(run_id),
    "remove one": lambda files, run_id: files.remove(run_id, MODEL),
    "log_tail": lambda files, run_id: files.log_tail(run_id),
    "sweep": lambda files, run_id: files.sweep(run_id),
}


@pytest.fixture
def files(tmp_path: Path) -> Artefacts:
    return Artefacts(tmp_path / "home")


def write(files: Artefacts, content: bytes, name: str = MODEL) -> None:
    with files.writing(RUN, name) as path:
        path.write_bytes(content)


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("run_id", NO_IDS)
def test_no_id_leads_outside_the_home(files: Artefacts, use: str, run_id: str, tmp_path: Path) -> None:
    (tmp_path / MODEL).write_text("not ours")
    with pytest.raises(StoreError, match="is not a run id"):
        USES[use](files, run_id)
    assert listing(tmp_path) == [MODEL]


def test_a_file_is_written_found_replaced_and_removed(files: Artefacts) -> None:
    assert not files.has(RUN, MODEL)
    write(files, b"one")
    write(files, b"two")
    assert files.path(RUN, MODEL).read_bytes() == b"two"
    assert listing(files.root) == [f"{RUN}/{MODEL}"]
    write(files, b"", LOG)
    files.remove(RUN, MODEL)
    files.remove(RUN, MODEL)
    assert listing(files.root) == [f"{RUN}/{LOG}"]
    files.remove(RUN)
    files.remove(RUN)
    assert not files.folder(RUN).exists()


def test_a_missing_file_is_named_with_its_run(files: Artefacts) -> None:
    with pytest.raises(ArtefactMissing, match=f"Run {RUN[:8]} has no {MODEL}"):
        files.path(RUN, MODEL)


@pytest.mark.parametrize("name", [MODEL, "predictions.npz", epoch_weights(7)])
def test_the_temporary_file_keeps_the_suffix_by_which_libraries_know_the_form(files: Artefacts, name: str) -> None:
    with files.writing(RUN, name) as path:
        assert path.name.endswith(name[name.index(".") :])
        path.write_bytes(b"x")
    assert listing(files.root) == [f"{RUN}/{name}"]


def test_the_epochs_sort_by_name() -> None:
    names = [epoch_weights(epoch) for epoch in (1, 9, 10, 99, 100, 9_999, 10_000)]
    assert names == sorted(names)


def test_a_writer_that_fails_midway_leaves_the_old_file_and_no_other(files: Artefacts) -> None:
    write(files, b"old")
    with pytest.raises(ZeroDivisionError), files.writing(RUN, MODEL) as path:
        path.write_bytes(b"half of the ne")
        raise ZeroDivisionError
    assert files.path(RUN, MODEL).read_bytes() == b"old"
    assert listing(files.root) == [f"{RUN}/{MODEL}"]


@pytest.mark.parametrize("before", [None, b"old"])
def test_a_writer_that_is_killed_midway_leaves_what_was_there(
    store: RunStore, start: Start, before: bytes | None
) -> None:
    if before is not None:
        write(store.artefacts, before)
    writer = start(
        f"with opened().artefacts.writing({RUN!r}, {MODEL!r}) as path:\n"
        "    path.write_bytes(b'half of the ne')\n"
        "    print('half', flush=True)\n"
        "    time.sleep(60)\n"
    )
    assert writer.line() == "half"
    writer.kill()
    assert store.artefacts.has(RUN, MODEL) == (before is not None)
    if before is not None:
        assert store.artefacts.path(RUN, MODEL).read_bytes() == before
    write(store.artefacts, b"new")
    assert store.artefacts.path(RUN, MODEL).read_bytes() == b"new"
    store.artefacts.remove(RUN)
    assert not store.artefacts.folder(RUN).exists(), "what the killed writer left goes with the run"


def test_a_reader_sees_the_old_file_or_the_new_one_and_nothing_else(store: RunStore, start: Start) -> None:
    parts = [letter.encode() * 200_000 for letter in "ab"]
    write(store.artefacts, parts[0])
    start(
        "import itertools\n"
        "files = opened().artefacts\n"
        "for i in itertools.count():\n"
        f"    with files.writing({RUN!r}, {MODEL!r}) as path:\n"
        "        path.write_bytes(b'ab'[i % 2 : i % 2 + 1] * 200_000)\n"
    )
    seen = Counter[bytes]()
    deadline = time.monotonic() + 60
    while min(seen[b"a"], seen[b"b"]) < 30:
        assert time.monotonic() < deadline, f"it was not replaced: {seen}"
        content = store.artefacts.path(RUN, MODEL).read_bytes()
        assert content in parts
        seen[content[:1]] += 1


def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(store: RunStore, start: Start) -> None:
    write(store.artefacts, b"old")
    words = start(
        "import resource\n"
        "files = opened().artefacts\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))\n"
        "try:\n"
        f"    with files.writing({RUN!r}, {MODEL!r}) as path:\n"
        "        path.write_bytes(b'x' * 20_000)\n"
        "except LabError as error:\n"
        "    print(type(error).__name__, error)\n"
    ).output()
    assert len(words) == 1
    assert words[0].startswith(f"StoreError {MODEL} of run {RUN[:8]} cannot be written (File too large).")
    assert store.artefacts.path(RUN, MODEL).read_bytes() == b"old"
    assert [name for name in listing(store.artefacts.folder(RUN)) if not name.startswith("lab.db")] == [MODEL]


def test_a_home_in_which_no_folder_can_be_made_is_one_sentence(files: Artefacts) -> None:
    files.root.write_text("a file stands where the folder should be")
    with pytest.raises(StoreError, match="cannot be written"):
        write(files, b"x")


def test_the_log_tail_is_the_last_lines_whatever_the_bytes(files: Artefacts) -> None:
    assert files.log_tail(RUN) == ""
    write(files, b"\n".join(b"line %d" % i for i in range(100)) + b"\n\xff\n\n", LOG)
    assert files.log_tail(RUN, 3) == "line 98\nline 99\n�"
