"""Files that are brought in or named by a setting: archives of runs, predictions, people's digits, MNIST, weights."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mnist_lab import mnist_files
from mnist_lab.errors import ArtefactMissing
from mnist_lab.exchange import FORMS, Source, arrays, bring_in, digit_files, layout
from mnist_lab.store import RunStore
from mnist_lab.store.artefacts import Artefacts
from mnist_lab.store.database import open_engine
from tests.exchange.conftest import Mouth, packed, unpacked, whole_run
from tests.exchange.test_digit_files import DIGITS, IMAGES, LABELS, idx, png
from tests.torture.fuzz.guard import Target
from tests.torture.fuzz.links import GIANTS, ODD_NUMBERS, ODD_TEXTS
from tests.torture.fuzz.mutation import changed_value, mutant, signed_png
from tests.torture.fuzz.pictures import small_png

_ZIP_WORDS = [b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6", b"PK\6\7", b"../../x", b"/etc/passwd", b"run.json",
    b"C:\\x", b"\0",
              b"\xff\xff\xff\xff", b"\x01\x00\x10\x00", b"\x08\x00", b"\x0e\x00", b"\x63\x00"]  # fmt: skip
_NPY_WORDS = [b"\x93NUMPY", b"'|O'", b"'<f4'", b"'<i8'", b"'>f2'", b"(999999999, 999999999)", b"(-1,)", b"(0,)",
    b"True",
              b"lambda: 1", b"__import__('os')", b"(" * 200, b"-" * 500, b"'<U9999'", b"[('a', '<f4')]", b"'|V9'",
              b"'<M8[D]'",
              b"9" * 60, b"\x80\x04cposix\nsystem\n."]  # fmt: skip
_JSON_FILES = (layout.RUN, layout.ARCHITECTURE, layout.TRAINING, layout.HISTORY, layout.POINTS, layout.MANIFEST)


def _npz(values: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in values.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def _npy(values: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def archives(folder: Path) -> Target:
    """Exported runs: bytes of the archive, values of its documents, texts and arrays within a manifest that agrees."""
    stores = []
    for name in ("from", "into"):
        home = folder / name
        stores.append(RunStore(open_engine(f"sqlite:///{home / 'lab.db'}"), home))
    run = whole_run(stores[0])
    mouth = Mouth(stores[0], run)
    archive = FORMS["zip"].make(Source(stores[0], run, mouth))
    files = unpacked(archive)
    slim = {name: content for name, content in files.items() if name in layout.NEEDED}
    documents = {name: json.loads(files[name]) for name in _JSON_FILES}
    wanted = [packed(slim), packed(files, method=zipfile.ZIP_DEFLATED), archive]
    others = [None, True, *ODD_NUMBERS, *ODD_TEXTS, *(GIANTS.values()), [], {}, [[]], [None], {"epoch": 1}]

    def make(chance: random.Random) -> tuple[str, bytes]:
        kind, base = chance.randrange(5), files if chance.random() < 0.5 else slim
        if kind == 0:
            return "archives of runs", mutant(chance, wanted, _ZIP_WORDS)
        name = chance.choice(_JSON_FILES)
        sign = name != layout.MANIFEST
        if kind in (1, 2):
            value = changed_value(chance, documents[name], others)
            try:
                return "archives of runs", packed({**base, name: json.dumps(value).encode()}, sign=sign)
            except ValueError:  # a number of thousands of digits
                return "archives of runs", packed({**base, name: b"9" * 5000}, sign=sign)
        if kind == 3:
            return "archives of runs", packed(
                {**base, name: mutant(chance, [files[name]], [b"NaN", b"[" * 999])}, sign=sign
            )
        content = mutant(chance, [files[layout.PREDICTIONS]], _ZIP_WORDS + _NPY_WORDS)
        return "archives of runs", packed({**base, layout.PREDICTIONS: content})

    def feed(content: bytes) -> bool:
        brought = bring_in(stores[1], content, mouth)
        # What was let in is a run like any other: it can be shown and taken away again.
        found = brought.run
        assert found.network() and found.config()
        json.dumps([found.to_json(), stores[1].history(found.id), stores[1].points(found.id)], allow_nan=False)
        if brought.is_new:
            stores[1].delete([found.id])
            stores[1].purge(older_than=-1.0)
        return True

    return Target(feed, make, first=[*wanted, b"x"])


def predictions(folder: Path) -> Target:
    """Predictions as `.npz`: as they come with a run, and as they lie in the store's folder."""
    chances = np.full((5, 10), 0.1, np.float32)
    good = {"probabilities": _npy(chances), "labels": _npy(np.arange(5, dtype=np.uint8)), "indices": _npy(np.arange(5))}
    whole = [_npz(good)]
    kept = Artefacts(folder / "artefacts")
    with kept.writing("ab", "x.npz") as path:
        path.write_bytes(whole[0])

    def make(chance: random.Random) -> tuple[str, bytes]:
        if chance.random() < 0.3:
            return ".npz files", mutant(chance, whole, _ZIP_WORDS)
        name = chance.choice(list(good))
        content = good[name]
        head = mutant(chance, [content[:128]], _NPY_WORDS)
        return ".npz files", _npz(
            {**good, name: head + content[128:] if chance.random() < 0.7 else mutant(chance, [content])}
        )

    def feed(content: bytes) -> bool:
        path = kept.path("ab", "x.npz")
        path.write_bytes(content)
        try:
            kept.arrays("ab", "x.npz", list(good))
        except ArtefactMissing:
            pass
        found = arrays.read(content, "predictions.npz")
        assert len(found.labels) == len(found.probabilities) > 0
        return True

    return Target(feed, make, first=[*whole, b"x"])


def digits(folder: Path) -> Target:
    """People's digits: zips of PNGs and pairs of IDX files."""
    zips = [digit_files.png_zip(DIGITS[:2]), digit_files.png_zip(DIGITS[:1])]
    images, labels = [idx(IMAGES[:3]), idx(IMAGES[:3], pack=False)], [idx(LABELS[:3]), idx(LABELS[:3], pack=False)]
    pngs = [png(image) for image in IMAGES[:3]]
    names = [
        "7-x.png",
        "7.png",
        "../7-x.png",
        "/7.png",
        "7\0.png",
        "7-\u202e.png",
        "con.png",
        "7-x.png.exe",
        "7-x.svg",
        "𝟕.png",
    ]

    def make(chance: random.Random) -> tuple[str, dict[str, bytes]]:
        kind = chance.randrange(5)
        if kind == 0:
            return "zips of PNGs", {"a.zip": mutant(chance, zips, _ZIP_WORDS)}
        if kind in (1, 2):
            content = mutant(chance, pngs, [b"IHDR", b"IDAT", b"tRNS", b"PLTE", b"IEND", b"acTL", b"iCCP"])
            content = signed_png(content) if chance.random() < 0.5 else small_png(chance)
            files = {f"{chance.randrange(10)}-{number}.png": each for number, each in enumerate([content, pngs[0]])}
            name = chance.choice([*names, *["7-y.png"] * 10])
            return "zips of PNGs", {"a.zip": packed({**files, name: content}, sign=False)}
        pair = [chance.choice(images), chance.choice(labels)]
        which = chance.randrange(2)
        if pair[which][:2] == b"\x1f\x8b" and chance.random() < 0.6:
            pair[which] = gzip.compress(mutant(chance, [gzip.decompress(pair[which])]), mtime=0)
        else:
            pair[which] = mutant(
                chance, [pair[which]], [b"\x1f\x8b", b"\0\0\x08\x03", b"\0\0\x0d\x03", b"\xff\xff\xff\xff"]
            )
        return "IDX files", dict(zip(("a", "b"), pair, strict=True))

    def feed(files: dict[str, bytes]) -> bool:
        return len(digit_files.read(files)) > 0

    good = [{"a.zip": zips[0]}, {"a": images[0], "b": labels[0]}, {"a.zip": b"PK"}, {}]
    return Target(feed, make, first=good)


def _mnist(count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2 * count, 28, 28), np.uint8)
    labels = (np.arange(2 * count) % 10).astype(np.uint8)
    return {"x_train": images[:count], "y_train": labels[:count], "x_test": images[count:], "y_test": labels[count:]}


def mnist(folder: Path) -> Target:
    """What MNIST_LAB_DATA may name: four IDX files, gzipped or not, or an `.npz` of any making."""
    parts = _mnist(20)
    plain = {name: mnist_files.idx_header(array) + array.tobytes() for name, array in parts.items()}
    good = {name: _npy(array) for name, array in parts.items()}
    whole = [_npz(good)]
    place = folder / "data"
    place.mkdir()

    def make(chance: random.Random) -> tuple[str, dict[str, bytes]]:
        kind = chance.randrange(4)
        if kind == 0:
            return "MNIST as .npz", {"mnist.npz": mutant(chance, whole, _ZIP_WORDS)}
        name = chance.choice(list(parts))
        if kind == 1:
            content = mutant(chance, [good[name][:128]], _NPY_WORDS) + good[name][128:]
            return "MNIST as .npz", {"mnist.npz": _npz({**good, name: content})}
        files = {mnist_files.PARTS[part]: content for part, content in plain.items()}
        content = mutant(chance, [plain[name][:16]], [b"\xff\xff\xff\xff", b"\0\0\x0d\x03"]) + plain[name][16:]
        if kind == 2:
            content = mutant(chance, [gzip.compress(content, mtime=0)], [b"\x1f\x8b"])
        return "MNIST as IDX", {**files, mnist_files.PARTS[name]: content}

    def feed(files: dict[str, bytes]) -> bool:
        for path in place.iterdir():
            path.unlink()
        for name, content in files.items():
            (place / name).write_bytes(content)
        found = mnist_files.read(mnist_files.files_of(place))
        assert found.x_train.dtype == np.uint8 and found.y_train.max() <= 9
        mnist_files.is_mnist(found)
        return True

    return Target(feed, make, first=[{"mnist.npz": whole[0]}, {"mnist.npz": b"x"}])


# Weights --------------------------------------------------------------------------------------------------------------

_H5_WORDS = [b"\x89HDF\r\n\x1a\n", b"TREE", b"HEAP", b"SNOD", b"OHDR", b"OCHK", b"FRHP", b"FHDB", b"BTHD", b"GCOL",
    b"\xff" * 8,
             b"/etc/passwd\0", b"layers\0", b"vars\0", b"..", b"NCSAmult", b"NCSAfami"]  # fmt: skip


@contextmanager
def _small_weights(folder: Path) -> Iterator[Any]:
    """A file as Keras writes it for a flattening and ten units, made without Keras."""
    import h5py

    with h5py.File(folder / "made.weights.h5", "w") as file:
        dense = file.create_group("layers/dense/vars")
        dense.create_dataset("0", data=np.linspace(-1, 1, 7840, dtype=np.float32).reshape(784, 10))
        dense.create_dataset("1", data=np.zeros(10, np.float32))
        file.create_group("layers/flatten/vars")
        file.create_group("vars")
        yield file


def _mutated_weights(chance: random.Random, samples: list[bytes]) -> tuple[str, bytes]:
    content = chance.choice(samples)
    # The numbers themselves are most of it, and any number is one.
    size = min(len(content), 6000)
    start = chance.choice((0, 0, 0, max(0, len(content) - size)))
    part = mutant(chance, [content[start : start + size]], _H5_WORDS)
    return "weights", content[:start] + part + content[start + size :]


def weights_looked_at(folder: Path) -> Target:
    """Weights as far as they are looked at before Keras sees them."""
    from mnist_lab.keras_side import foreign

    with _small_weights(folder) as made:
        made.flush()
    samples = [(folder / "made.weights.h5").read_bytes()]
    path = folder / "weights.h5"

    def feed(content: bytes) -> bool:
        path.write_bytes(content)
        foreign.check(path, 7850)
        return True

    return Target(
        feed, lambda chance: _mutated_weights(chance, samples), first=[samples[0], b"x"], needs_address_space=True
    )


def weights_loaded(folder: Path) -> Target:
    """Weights into a network of ours, by the question that the inference process answers."""
    from mnist_lab.architecture import Architecture
    from mnist_lab.keras_side.build import build
    from mnist_lab.keras_side.infer import Answers
    from mnist_lab.layers import Dense, Flatten

    network = Architecture((Flatten(), Dense(10, "softmax")))
    build(network, seed=1).save_weights(folder / "own.weights.h5")
    own = (folder / "own.weights.h5").read_bytes()
    answers = Answers(RunStore(open_engine(f"sqlite:///{folder / 'home' / 'lab.db'}"), folder / "home"))
    some, none = np.zeros((2, 28, 28), np.uint8), np.zeros((0, 28, 28), np.uint8)

    def feed(content: bytes) -> bool:
        # Asking takes longer than all the rest.
        images = some if content[-1] % 10 == 0 else none
        ours, said = answers.adopt(network.to_dict(), content, images)
        assert len(ours) > 7850 * 4 and said.shape == (len(images), 10)
        return True

    return Target(feed, lambda chance: _mutated_weights(chance, [own]), first=[own, b"x"], needs_address_space=True)


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def overlapping_zip(names: list[str], inner: bytes) -> bytes:
    """A zip whose entries are all the same bytes of the file, as in Fifield's bombs: small itself, large unpacked."""
    squeezed = zipfile.ZipFile(buffer := io.BytesIO(), "w", zipfile.ZIP_DEFLATED, compresslevel=9)
    squeezed.writestr(names[0], inner)
    squeezed.close()
    content = buffer.getvalue()
    start = content.index(b"PK\1\2")
    entry = bytearray(content[start : start + 46])
    struct.pack_into("<HHH", entry, 28, 0, 0, 0)
    central = b""
    for name in names:
        struct.pack_into("<H", entry, 28, len(name))
        central += bytes(entry) + name.encode()
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(names), len(names), len(central), start, 0)
    return content[:start] + central + end
