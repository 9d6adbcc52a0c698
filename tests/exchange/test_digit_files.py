"""Digits taken away and brought in: read by others, written by others, and files that mean harm."""

from __future__ import annotations

import gzip
import io
import random
import stat
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from mnist_lab import mnist_files
from mnist_lab.errors import ExchangeError
from mnist_lab.exchange import digit_files
from mnist_lab.exchange.digit_files import MAX_PNG
from mnist_lab.store import Digit
from mnist_lab.store.digits import MAX_DIGITS, digest_of

N = 23


def ink(number: int) -> np.ndarray:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 4:24] = np.random.default_rng(number).integers(0, 256, (20, 20), np.uint8)
    return image


IMAGES = np.stack([ink(number) for number in range(N)])
LABELS = (np.arange(N) * 7 % 10).astype(np.uint8)
DIGITS = [
    Digit(digest_of(image), "Anna", int(label), image, "draw", float(number))
    for number, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True))
]


def idx(array: np.ndarray, *, pack: bool = True) -> bytes:
    """An IDX file by hand."""
    content = b"\0\0\x08" + bytes([array.ndim]) + b"".join(struct.pack(">I", size) for size in array.shape)
    content += array.tobytes()
    return gzip.compress(content, mtime=0) if pack else content


def png(image: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", **options)
    return buffer.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def same(found: list, images: np.ndarray = IMAGES, labels: np.ndarray = LABELS) -> None:
    wanted = {image.tobytes(): int(label) for image, label in zip(images, labels, strict=True)}
    assert {digit.image.tobytes(): digit.label for digit in found} == wanted
    assert len(found) == len(labels)
    assert {digit.origin for digit in found} == {"import"}


# There and back -------------------------------------------------------------------------------------------------------


def test_idx_files_are_those_that_mnist_is_made_of() -> None:
    made = [each.make(DIGITS) for each in digit_files.FORMS["idx"]]
    assert gzip.decompress(made[0]) == idx(IMAGES, pack=False)
    assert gzip.decompress(made[1]) == idx(LABELS, pack=False)
    assert mnist_files.parse_idx(gzip.decompress(made[0]), "x").shape == (N, 28, 28)


def test_pngs_are_read_by_pillow_and_their_names_begin_with_their_digit() -> None:
    with zipfile.ZipFile(io.BytesIO(digit_files.png_zip(DIGITS))) as archive:
        read = {np.asarray(Image.open(archive.open(name))).tobytes(): int(name[0]) for name in archive.namelist()}
    assert read == {image.tobytes(): int(label) for image, label in zip(IMAGES, LABELS, strict=True)}


@pytest.mark.parametrize("form", digit_files.FORMS)
def test_what_was_taken_away_is_brought_in_as_it_was(form: str) -> None:
    same(digit_files.read({digit_files.file_name("../Ann", f): f.make(DIGITS) for f in digit_files.FORMS[form]}))
    assert not any("/" in digit_files.file_name("../Ann", each) for each in digit_files.FORMS[form])


@pytest.mark.parametrize("pack", [True, False])
@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_idx_files_of_others_are_read_in_either_order_packed_or_not(pack: bool, names: tuple[str, str]) -> None:
    same(digit_files.read({names[0]: idx(LABELS, pack=pack), names[1]: idx(IMAGES)}))


def test_pngs_of_others_are_read_in_colour_too_with_names_of_their_own() -> None:
    colour = np.repeat(IMAGES[1][:, :, None], 3, axis=2)
    binary = io.BytesIO()
    Image.fromarray((IMAGES[2] > 127).astype(np.uint8) * 255).convert("1").save(binary, "PNG")
    files = {"7.png": png(IMAGES[0]), "0-a b_c.png": png(colour), "3 (1).png": binary.getvalue()}
    found = digit_files.read({"mine.zip": zipped(files)})
    same(found, np.stack([IMAGES[0], IMAGES[1], (IMAGES[2] > 127).astype(np.uint8) * 255]), np.array([7, 0, 3]))


def test_as_many_as_there_may_be_are_written_and_read() -> None:
    rng = np.random.default_rng(0)
    many = rng.integers(0, 256, (MAX_DIGITS, 28, 28), np.uint8) // 2
    digits = [Digit(digest_of(one), "A", 1, one, "draw", 0.0) for one in many]
    assert len(digit_files.read({"a.zip": digit_files.png_zip(digits)})) == MAX_DIGITS


# What is refused ------------------------------------------------------------------------------------------------------


def refused(files: Mapping[str, bytes], match: str = ".") -> str:
    with pytest.raises(ExchangeError, match=match) as caught:
        digit_files.read(files)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert caught.value.remedy
    return str(caught.value)


def in_words(value: bytes | str) -> str:
    """The name of a case: files are no names, and gzip writes the time into them."""
    return value if isinstance(value, str) else ""


def of_one(content: bytes, name: str = "7-x.png") -> dict[str, bytes]:
    return {"mine.zip": zipped({"1-good.png": png(IMAGES[0]), name: content})}


WITH_TEXT = PngImagePlugin.PngInfo()
WITH_TEXT.add_text("bomb", "x" * 900_000, zip=True)


def wide(width: int, height: int) -> bytes:
    """A PNG that claims a size."""
    good = png(IMAGES[0])
    header = struct.pack(">II", width, height) + good[24:29]
    return good[:16] + header + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + good[33:]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is no PNG"), (b"GIF89a", "is no PNG"), (png(IMAGES[0])[:200], "not a whole PNG"),
        (png(IMAGES[0])[:-12], "not a whole PNG"), (png(IMAGES[0]) + b"more", "is damaged"),
        (png(IMAGES[0]).replace(b"IDAT", b"iDAT"), "is damaged"), (wide(50_000, 50_000), "50,000 x 50,000 pixels"),
        (wide(28, 29), "28 x 29"), (png(IMAGES[0].astype(np.uint16) * 256), "16 bits"),
        (png(255 - IMAGES[0]), "dark ink on light"), (png(np.zeros((28, 28), np.uint8)), "is empty"),
        (png(IMAGES[0]) + bytes(MAX_PNG), "would unpack to"),
    ],
    ids=in_words,
)  # fmt: skip
def test_one_png_that_cannot_be_used_refuses_the_whole(content: bytes, words: str) -> None:
    refused(of_one(content), words)


@pytest.mark.parametrize(
    "name",
    ["x.png", "10-a.png", "-1.png", "../7.png", "/7.png", "7/../../x.png", "7\\x.png", "7-.png", "7-a.PNG", "7-a.jpg",
     "٧-a.png", "7-" + "a" * 90 + ".png", "7-a.png/"],
)  # fmt: skip
def test_a_name_that_says_no_digit_or_leads_elsewhere_is_refused(name: str) -> None:
    refused(of_one(png(IMAGES[1]), name), "has no place there")


def test_a_png_with_texts_that_unpack_to_much_is_read_without_them() -> None:
    tracemalloc.start()
    found = digit_files.read(of_one(png(IMAGES[1], pnginfo=WITH_TEXT)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(found[1].image, IMAGES[1])
    assert peak < 600_000


def test_links_and_passwords_and_doubles_and_too_many_are_refused() -> None:
    link = zipfile.ZipInfo("7-x.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    refused({"a.zip": buffer.getvalue()}, "a link")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("7-x.png", png(IMAGES[0]))
        archive.writestr("7-x.png", png(IMAGES[1]))
    refused({"a.zip": buffer.getvalue()}, "twice")
    began = time.monotonic()
    refused({"a.zip": zipped({f"7-{number}.png": b"" for number in range(MAX_DIGITS + 1)})}, "files; there may be")
    assert time.monotonic() - began < 5
    refused({"a.zip": zipped({})}, "no zip archive")


def test_one_image_with_two_labels_is_refused_and_with_one_is_one() -> None:
    refused(of_one(png(IMAGES[0]), "8-other.png"), "same image, once as a 1, once as a 8")
    assert len(digit_files.read(of_one(png(IMAGES[0]), "1-other.png"))) == 2


def test_a_zip_cut_short_anywhere_is_refused() -> None:
    whole = digit_files.png_zip(DIGITS)
    for share in range(1, 40):
        refused({"a.zip": whole[: len(whole) * share // 40]})


@pytest.mark.parametrize("seed", range(6))
def test_damaged_bytes_are_a_sentence_or_do_no_harm(seed: int) -> None:
    rng = random.Random(seed)
    wholes: list[Callable[[], dict[str, bytes]]] = [
        lambda: {"a.zip": digit_files.png_zip(DIGITS[:3])},
        lambda: {"i": idx(IMAGES[:3], pack=seed % 2 > 0), "l": idx(LABELS[:3])},
    ]
    for whole in wholes:
        for _ in range(30):
            files = {name: bytearray(content) for name, content in whole().items()}
            for content in files.values():
                for _ in range(rng.choice((1, 5))):
                    content[rng.randrange(len(content))] = rng.randrange(256)
            try:
                digit_files.read({name: bytes(content) for name, content in files.items()})
            except ExchangeError as error:
                assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (idx(IMAGES[:-1]), idx(LABELS), "22 images and 23 labels"),
        (idx(IMAGES), idx(LABELS + 3), "labels are 0 to 9"),
        (idx(IMAGES[:, :27]), idx(LABELS), "28 x 27"),
        (idx(IMAGES), idx(IMAGES), "not one of images and one of labels"),
        (idx(LABELS), idx(LABELS), "not one of images and one of labels"),
        (idx(IMAGES)[:-5], idx(LABELS), "not a whole gzip file"),
        (idx(IMAGES) + b"\0", idx(LABELS), "not a whole gzip file"),
        (idx(IMAGES, pack=False)[:-5], idx(LABELS), "announces"),
        (idx(IMAGES, pack=False)[:9], idx(LABELS), "within its header"),
        (idx(IMAGES[:0]), idx(LABELS[:0]), "at least one"),
        (b"\x1f\x8b" + bytes(50), idx(LABELS), "is damaged"),
        (b"PK\3\4", idx(LABELS), "does not begin as an IDX file"),
        (idx(np.concatenate([IMAGES[:-1], IMAGES[:1] * 0])), idx(LABELS), "image 23 is empty"),
        (b"\0\0\x08\3" + struct.pack(">3I", 2**31, 2**31, 2**31), idx(LABELS), "announces"),
        (gzip.compress(bytes(40_000_000)), idx(LABELS), "unpacks to more"),
    ],
    ids=in_words,
)
def test_idx_files_that_cannot_be_used_are_refused(images: bytes, labels: bytes, words: str) -> None:
    tracemalloc.start()
    refused({"images": images, "labels": labels}, words)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


@pytest.mark.parametrize("files", [{}, {"a": b""}, {"a": b"", "b": b"", "c": b""}, {"a": idx(IMAGES)}])
def test_what_is_neither_is_refused(files: dict[str, bytes]) -> None:
    refused(files, "neither one zip")


def test_a_file_larger_than_any_is_refused_unread() -> None:
    refused({"a.zip": b"PK\3\4" + bytes(digit_files.MAX_FILE)}, "more than")
