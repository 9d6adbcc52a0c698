"""Archives that mean harm, by name: each is refused in a sentence, adds nothing, and costs little."""

from __future__ import annotations

import io
import json
import pickle
import random
import stat
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mnist_lab.errors import ExchangeError, LabError
from mnist_lab.exchange import MAX_ARCHIVE, bring_in, layout
from mnist_lab.exchange.archive import Archive
from mnist_lab.store import RunStore
from tests.exchange.conftest import Door, Mouth, changed, packed, unpacked

Refused = Callable[..., str]


@pytest.fixture
def archive(door: Door) -> bytes:
    return door.archive


@pytest.fixture
def refused(door: Door) -> Refused:
    """Brings in what must be refused; returns the sentence."""

    def bring(content: bytes, match: str = ".") -> str:
        with pytest.raises(ExchangeError, match=match) as caught:
            bring_in(door.store, content, door.mouth)
        assert door.store.runs() == []
        assert [path for path in door.store.artefacts.root.iterdir() if path.is_dir()] == []
        assert "adopt" not in door.mouth.asked, "what can be refused at once is refused at once"
        assert len(str(caught.value)) < 500
        return str(caught.value)

    return bring


def with_entry(archive: bytes, name: str, content: bytes = b"x", **attributes: Any) -> bytes:
    """The archive with one more entry, whatever its name."""
    buffer = io.BytesIO(archive)
    with zipfile.ZipFile(buffer, "a") as file:
        entry = zipfile.ZipInfo(name)
        for key, value in attributes.items():
            setattr(entry, key, value)
        file.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def npz(**arrays: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in arrays.items():
            file.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def npy(header: str, content: bytes = b"") -> bytes:
    text = header.encode() + b" " * (118 - len(header) - 1) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content


def array(values: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


# The archive ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"PK\5\6" + bytes(18), b"\0" * 1000, b"%PDF-1.7" + b"x" * 5000])
def test_what_is_no_zip(refused: Refused, content: bytes) -> None:
    refused(content, "is no zip archive")


def test_an_archive_cut_short_anywhere(refused: Refused, archive: bytes) -> None:
    for share in range(1, 60):
        refused(archive[: len(archive) * share // 60], "no zip archive")


def test_an_archive_larger_than_any_run(refused: Refused) -> None:
    refused(bytes(MAX_ARCHIVE + 1), "a run has at most")


def test_a_zip_bomb(refused: Refused, archive: bytes) -> None:
    files: dict[str, bytes | None] = dict(unpacked(archive))
    bomb = packed({**files, layout.HISTORY: bytes(layout.SIZES[layout.HISTORY] + 1)}, method=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 200_000
    refused(bomb, "history.json would unpack to")


def test_a_zip_bomb_that_declares_less_than_it_holds(refused: Refused, archive: bytes) -> None:
    bomb = bytes(60_000_000)
    lying = bytearray(packed({**unpacked(archive), layout.SCRIPT: bomb[: 2**20]}))
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = squeezed.compress(bomb) + squeezed.flush()
    # One entry by hand: a stream of 60 MB behind a size of 10 bytes.
    name = layout.ARCHITECTURE.encode()
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 33, 0, len(stream), 10, len(name), 0) + name + stream
    central = (
        struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 33, 0, len(stream), 10, len(name), 0, 0, 0, 0, 0, 0)
        + name
    )
    alone = local + central + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(central), len(local), 0)
    tracemalloc.start()
    with pytest.raises(ExchangeError):
        Archive(alone, layout.SIZES).read(layout.ARCHITECTURE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
    assert lying


def test_a_directory_of_a_hundred_thousand_entries(refused: Refused) -> None:
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    central = entry * 100_000
    start = b"PK\3\4" + bytes(60)
    for count in (65_535, 100_000 % 65_536, 3):
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(central), len(start), 0)
        began = time.monotonic()
        refused(start + central + end, "files")
        assert time.monotonic() - began < 0.5


@pytest.mark.parametrize(
    "name",
    ["../run.json", "../../etc/passwd", "/etc/passwd", "C:\\run.json", "..\\run.json", "a/run.json", "run.json/",
     "RUN.JSON", "./run.json", "model.pkl", "__init__.py", "run.zip", "рun.json"],
)  # fmt: skip
def test_traversal_absolute_paths_and_other_names(refused: Refused, archive: bytes, name: str) -> None:
    refused(with_entry(archive, name), "which has no place there|no plain file|files; there may be")


def test_a_name_that_ends_before_it_ends(refused: Refused, archive: bytes) -> None:
    files: dict[str, bytes | None] = {**unpacked(archive), layout.EVENTS: None}
    named = with_entry(packed(files), f"{layout.EVENTS}_.exe").replace(b"_.exe", b"\0.exe")
    refused(named, "which has no place there")


def test_a_traversal_in_place_of_a_file_that_a_run_may_lack(refused: Refused, archive: bytes) -> None:
    files: dict[str, bytes | None] = {**unpacked(archive), layout.EVENTS: None}
    refused(with_entry(packed(files), "../evil"), "holds '../evil', which has no place there")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_a_symlink_and_its_kin(refused: Refused, archive: bytes, kind: int) -> None:
    files: dict[str, bytes | None] = {**unpacked(archive), layout.EVENTS: None}
    linked = with_entry(packed(files), layout.EVENTS, b"/etc/passwd", external_attr=(kind | 0o777) << 16)
    refused(linked, "is no plain file")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_twice(refused: Refused, archive: bytes) -> None:
    files: dict[str, bytes | None] = {**unpacked(archive), layout.EVENTS: None}
    refused(with_entry(packed(files), layout.RUN, b"{}"), "holds run.json twice")


def test_an_encrypted_member(refused: Refused, archive: bytes) -> None:
    content = bytearray(archive)
    place = content.rindex(b"PK\1\2")
    content[place + 8] |= 1
    refused(bytes(content), "is encrypted")


def test_a_way_of_packing_that_is_not_ours(refused: Refused, archive: bytes) -> None:
    files: dict[str, bytes | None] = {**unpacked(archive), layout.EVENTS: None}
    buffer = io.BytesIO(packed(files))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_LZMA) as file:
        file.writestr(layout.EVENTS, b"x" * 1000)
    refused(buffer.getvalue(), "packed in a way")


def test_something_before_or_after_the_archive(refused: Refused, archive: bytes) -> None:
    refused(b"#!/bin/sh\n" + archive, "no zip archive")
    refused(archive + b"more", "no zip archive")
    refused(archive[:-2] + b"\5\0hello", "no zip archive")


def test_a_zip_in_a_zip(refused: Refused, archive: bytes) -> None:
    refused(packed({"run.zip": archive}), "which has no place there")
    for name in (layout.RUN, layout.HISTORY, layout.MANIFEST):
        refused(packed({**unpacked(archive), name: archive}, sign=name != layout.MANIFEST), "is not JSON")
    refused(packed({**unpacked(archive), layout.PREDICTIONS: archive}), "14 files; there may be 3")


def test_a_bit_that_fell_over(refused: Refused, archive: bytes) -> None:
    files = unpacked(archive)
    for name in files:
        if name != layout.MANIFEST:
            bad = bytes([files[name][0] ^ 1]) + files[name][1:]
            refused(packed({**files, name: bad}, sign=False), f"{name} is not as the manifest has it")


# The documents --------------------------------------------------------------------------------------------------------


def test_manifests_of_another_kind_or_version(refused: Refused, archive: bytes) -> None:
    for change, words in (
        ({"kind": "a-shopping-list"}, "no exported run"),
        ({"format": 2}, "has the format 2; this program reads 1"),
        ({"format": True}, "has the format True"),
        ({"format": None}, "has the format None"),
        ({"files": {}}, "other files than its manifest lists"),
        ({"files": []}, "other files than its manifest lists"),
    ):
        refused(changed(archive, layout.MANIFEST, lambda values, c=change: {**values, **c}, sign=False), words)
    refused(changed(archive, layout.MANIFEST, lambda values: [values], sign=False), "no exported run")


@pytest.mark.parametrize("name", [*layout.NEEDED])
def test_a_part_that_is_missing(refused: Refused, archive: bytes, name: str) -> None:
    refused(packed({**unpacked(archive), name: None}), f"has no {name}")


JSON_FILES = (layout.RUN, layout.ARCHITECTURE, layout.TRAINING, layout.HISTORY, layout.POINTS)


@pytest.mark.parametrize("name", JSON_FILES)
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000, "nested too deeply|unpack to"), ('{"a":' * 9_000 + "1" + "}" * 9_000, "nested too"),
        ("[NaN]", "NaN, which is no number"), ("[-Infinity]", "which is no number"), ("[1e999]", "too large"),
        ("[" + "9" * 5000 + "]", "too large"), ("[18014398509481984]", "too large"),
        ('{"a": 1, "a": 2}', "a key twice"),
        ("[1,", "is not JSON"), ("\xff\xfe", "."), ("", "is not JSON"), ("null", "."), ("17", "."), ('"text"', "."),
    ],
    ids=lambda value: value[:14],
)  # fmt: skip
def test_json_that_is_none_or_too_much(refused: Refused, archive: bytes, name: str, text: str, words: str) -> None:
    refused(packed({**unpacked(archive), name: text.encode("latin-1")}), words)


@pytest.mark.parametrize(
    "layers",
    [
        [{"layer": "Lambda", "function": "import os"}], [{"layer": "Lambda"}], [{"layer": "TFSMLayer", "x": "/"}],
        [{"layer": "Dense", "units": 10, "activation": "lambda x: x"}], [{"layer": "Dense", "units": 10**9}],
        [{"layer": "Dense", "units": 10, "kernel_initializer": {"class_name": "Lambda"}}], [{"layer": "__class__"}],
        [{"layer": "Flatten"}] * 500, [], [{"layer": ["Dense"]}], [{"layer": "Dense", "units": {"a": [1]}}], "text",
        [[]],
        [{"class_name": "Lambda", "config": {"function": "x"}}], [{"layer": "Dense", "units": 10, "__init__": 1}],
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_a_lambda_and_other_layers_that_are_none(refused: Refused, archive: bytes, layers: Any) -> None:
    refused(changed(archive, layout.ARCHITECTURE, lambda values: {**values, "layers": layers}))


def test_blocks_within_blocks(refused: Refused, archive: bytes) -> None:
    inner: Any = {"layer": "Flatten"}
    for _ in range(200):
        inner = {"layer": "Residual", "layers": [inner]}
    refused(changed(archive, layout.ARCHITECTURE, lambda values: {**values, "layers": [inner]}), "nested")


def test_a_network_of_other_parameters_than_the_run_names(refused: Refused, archive: bytes) -> None:
    def wider(values: Any) -> None:
        values["layers"][1]["units"] = 17

    refused(changed(archive, layout.ARCHITECTURE, wider), "parameters, not the")


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 10**12}, {"epochs": -1}, {"seed": 2**40}, {"batch_size": 1e300}, {"optimizer": {"name": "x"}},
        {"optimizer": {"name": "Adam", "learning_rate": "fast"}}, {"schedule": {"name": "Lambda"}}, {"unknown": 1},
        {"augmentation": {"rotation": 1e9}}, {"split": "../x"}, {"dataset": "/etc/passwd"}, {"limit": 0},
        {"epochs": None},
        {"early_stopping": {"monitor": "__class__"}}, {"early_stopping": 5}, {"optimizer": [[]]}, {"limit": [1]},
    ],
    ids=str,
)  # fmt: skip
def test_settings_that_no_training_has(refused: Refused, archive: bytes, change: dict[str, Any]) -> None:
    refused(changed(archive, layout.TRAINING, lambda values: {**values, **change}), "not one of a run")


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../x"}, {"id": "A" * 32}, {"id": "0" * 31}, {"id": 5}, {"name": None}, {"name": "x" * 2000},
        {"notes": "x" * 3000}, {"status": "running"}, {"status": ["finished"]}, {"created": -1}, {"created": "now"},
        {"created": 1e15}, {"fingerprint": "z" * 12}, {"best_epoch": 0}, {"best_epoch": 7}, {"best_epoch": True},
        {"tags": "a,b"}, {"tags": [1]}, {"tags": ["x" * 100]}, {"tags": [str(n) for n in range(30)]},
        {"dataset": "auto"}, {"seconds": -5}, {"test_looks": 1.5}, {"test_looks": 2**60}, {"parameters": 3},
        {"test_accuracy": 1.5}, {"owner": "me"}, {"deleted": 5.0}, {"worker": "w"}, {"reason": {}}, {"device": []},
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_a_record_that_no_run_has(refused: Refused, archive: bytes, change: dict[str, Any]) -> None:
    refused(changed(archive, layout.RUN, lambda values: {**values, **change}))


def test_a_record_that_lacks_a_key(refused: Refused, archive: bytes) -> None:
    for key in json.loads(unpacked(archive)[layout.RUN]):
        lacking = changed(archive, layout.RUN, lambda values, k=key: {n: v for n, v in values.items() if n != k})
        refused(lacking, "lacks keys")


@pytest.mark.parametrize(
    "history",
    [
        [{"epoch": 1, "loss": "low"}], [{"epoch": 1, "loss": True}], [{"epoch": 0}], [{"epoch": 2}, {"epoch": 1}],
        [{"epoch": 1}, {"epoch": 1}], [{"epoch": 1.0}], [{"loss": 1.0}], [[]], [{"epoch": 1, "a b": 1}],
        [{"epoch": 1, "x" * 50: 1}], [{"epoch": 1, "loss": [1]}], [{"epoch": 10_001}], {"epoch": 1}, [None],
        [{"epoch": 1, "loss": 1e40}], [{"epoch": 1, **{f"a{n}": n for n in range(50)}}],
    ],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_a_history_with_figures_that_are_none(refused: Refused, archive: bytes, history: Any) -> None:
    refused(changed(archive, layout.HISTORY, lambda values: history), "history|epochs")


@pytest.mark.parametrize(
    "points",
    [[{}], [{"step": 1, "epoch": 1.0, "loss": 1.0}], [{"step": -1, "epoch": 1.0, "loss": 1.0, "accuracy": 1.0}],
     [{"step": 2**40, "epoch": 1.0, "loss": 1.0, "accuracy": 1.0}], {"a": 1}, [1],
     [{"step": 1, "epoch": None, "loss": 1.0, "accuracy": 1.0}], [{"step": 1, "epoch": 1, "loss": "x", "accuracy": 1}]],
    ids=lambda value: str(value)[:30],
)  # fmt: skip
def test_a_curve_with_points_that_are_none(refused: Refused, archive: bytes, points: Any) -> None:
    refused(changed(archive, layout.POINTS, lambda values: points), "curve")


# The arrays -----------------------------------------------------------------------------------------------------------

CHANCES, LABELS = np.full((3, 10), 0.1, np.float32), np.arange(3, dtype=np.uint8)
GOOD = {"probabilities": array(CHANCES), "labels": array(LABELS), "indices": array(np.arange(3))}
GIANT = "{'descr': '<f4', 'fortran_order': False, 'shape': (999999999, 10), }"


class Exploit:
    """Unpickled, it would end the tests."""

    def __reduce__(self) -> Any:
        return (exec, ("raise SystemExit('it was unpickled')",))


def pickled() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Exploit()], object), allow_pickle=True)
    return buffer.getvalue()


ARRAYS: dict[str, dict[str, bytes]] = {
    "a pickle": {"labels": pickled()},
    "a bare pickle": {"labels": pickle.dumps(Exploit())},
    "objects": {"probabilities": npy("{'descr': '|O', 'fortran_order': False, 'shape': (3, 10), }", pickle.dumps(1))},
    "a giant shape": {"probabilities": npy(GIANT)},
    "a shape of many digits": {"probabilities": npy(GIANT.replace("999999999", "9" * 30))},
    "a product that overflows": {"probabilities": npy(GIANT.replace("999999999, 10", "4294967296, 4294967296"))},
    "a shape of many axes": {"labels": npy("{'descr': '|u1', 'fortran_order': False, 'shape': (3, 1, 1), }", bytes(3))},
    "a header that is a program": {"labels": npy("__import__('os').system('true')")},
    "a header that computes": {"labels": npy("{'descr': '|u1', 'fortran_order': False, 'shape': (3*1,), }", bytes(3))},
    "fields": {"labels": npy("{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (3,), }", bytes(3))},
    "columns first": {"labels": npy("{'descr': '|u1', 'fortran_order': True, 'shape': (3,), }", bytes(3))},
    "less than declared": {"labels": array(LABELS)[:-1]},
    "more than declared": {"labels": array(LABELS) + b"x"},
    "a long header": {"labels": b"\x93NUMPY\x01\x00\xff\xff" + b"{" * 70_000},
    "version 3": {"labels": array(LABELS).replace(b"NUMPY\x01", b"NUMPY\x03")},
    "half a header": {"labels": array(LABELS)[:40]},
    "nothing": {"labels": b""},
    "other lengths": {"labels": array(np.arange(4, dtype=np.uint8))},
    "no images": {name: array(values[:0]) for name, values in
                  {"probabilities": CHANCES, "labels": LABELS, "indices": np.arange(3)}.items()},
    "nine classes": {"probabilities": array(CHANCES[:, :9].copy())},
    "a digit that is none": {"labels": array(np.array([1, 2, 10], np.uint8))},
    "a negative digit": {"labels": array(np.array([1, 2, -1], np.int8))},
    "a negative index": {"indices": array(np.array([0, 1, -1]))},
    "text": {"labels": array(np.array(["1", "2", "3"]))},
    "fractions for digits": {"labels": array(np.arange(3.0))},
    "NaN": {"probabilities": array(np.full((3, 10), np.nan, np.float32))},
    "probabilities of 100": {"probabilities": array(100 * CHANCES)},
    "negative probabilities": {"probabilities": array(CHANCES - np.eye(3, 10, dtype=np.float32))},
    "what float32 cannot hold": {"probabilities": array(np.full((3, 10), 1e300))},
}  # fmt: skip


@pytest.mark.parametrize("case", ARRAYS)
@pytest.mark.parametrize("name", [layout.PREDICTIONS, layout.VALIDATION_PREDICTIONS])
def test_arrays_that_mean_harm(refused: Refused, archive: bytes, case: str, name: str) -> None:
    hostile = packed({**unpacked(archive), name: npz(**{**GOOD, **ARRAYS[case]})})
    tracemalloc.start()
    refused(hostile, name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_an_npz_with_other_members(refused: Refused, archive: bytes) -> None:
    more = packed({**unpacked(archive), layout.PREDICTIONS: npz(**GOOD, evil=b"x")})
    refused(more, "which has no place there|files; there may be")
    less = packed({**unpacked(archive), layout.PREDICTIONS: npz(labels=GOOD["labels"])})
    refused(less, "has no probabilities.npy")
    bomb = packed({**unpacked(archive), layout.PREDICTIONS: npz(**{**GOOD, "labels": bytes(2_000_000)})})
    refused(bomb, "would unpack to")


# Chance ---------------------------------------------------------------------------------------------------------------


def mutant(chance: random.Random, content: bytes) -> bytes:
    """The content with a few bytes changed, cut out, doubled or put elsewhere."""
    changed_bytes = bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 5, 20))):
        place = chance.randrange(len(changed_bytes) + 1)
        length = chance.choice((1, 1, 2, 4, 16, 100))
        kind = chance.randrange(5)
        if kind == 0:
            changed_bytes[place : place + 1] = bytes([chance.randrange(256)])
        elif kind == 1:
            del changed_bytes[place : place + length]
        elif kind == 2:
            changed_bytes[place:place] = changed_bytes[place : place + length]
        elif kind == 3:
            changed_bytes[place : place + length] = chance.randbytes(length)
        elif place < len(changed_bytes):
            changed_bytes[place] ^= 1 << chance.randrange(8)
    return bytes(changed_bytes)


VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 10, 2**31, 2**53, -(2**53), 0.5, 1e308, -1e308, "", "x", "Dense", "\ud800", "\0", [],
    {}, [[]], [None], {"layer": "Dense"}, {"name": "Adam"}, [0, 0], [3, 3], "x" * 300,
]  # fmt: skip


def mutated(chance: random.Random, value: Any) -> Any:
    """A JSON value with something somewhere put in place of something."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        key = chance.choice(list(value))
        if chance.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: mutated(chance, value[key])}
    if isinstance(value, list) and value and chance.random() < 0.85:
        place = chance.randrange(len(value))
        return [*value[:place], mutated(chance, value[place]), *value[place + 1 :]]
    return chance.choice(VALUES)


def test_two_thousand_mutants_are_brought_in_or_refused_in_a_sentence(
    other: RunStore, archive: bytes, mouth: Mouth
) -> None:
    chance, files = random.Random(4), unpacked(archive)
    counted = {"in": 0, "out": 0}
    for number in range(2000):
        kind = number % 4
        if kind == 0:
            hostile = mutant(chance, archive)
        elif kind == 1:
            name = chance.choice(JSON_FILES)
            hostile = packed({**files, name: json.dumps(mutated(chance, json.loads(files[name]))).encode()})
        elif kind == 2:
            name = chance.choice([*JSON_FILES, layout.PREDICTIONS, layout.MANIFEST])
            hostile = packed({**files, name: mutant(chance, files[name])}, sign=name != layout.MANIFEST)
        else:
            arrays = unpacked(files[layout.PREDICTIONS])
            name = chance.choice(list(arrays))
            content = mutant(chance, arrays[name][:200]) + arrays[name][200:]
            hostile = packed({**files, layout.PREDICTIONS: packed({**arrays, name: content}, sign=False)})
        try:
            brought = bring_in(other, hostile, mouth)
        except LabError as error:
            counted["out"] += 1
            assert str(error) and "Traceback" not in str(error) and len(str(error)) < 700
        else:
            counted["in"] += 1
            # What was let in is a run like any other: it can be shown, and taken away again.
            run = brought.run
            assert run.network() and run.config() and run.to_json()
            json.dumps([run.to_json(), other.history(run.id), other.points(run.id)], allow_nan=False)
            other.delete([run.id])
    assert counted["in"] > 50 and counted["out"] > 1000, counted
    folders = {path.name for path in other.artefacts.root.iterdir() if path.is_dir()}
    assert folders == {run.id for run in other.runs(deleted=True)} and len(folders) == counted["in"]
