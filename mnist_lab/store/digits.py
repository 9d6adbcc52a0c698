"""People's own digits in the store, and what networks said in their practice. Each belongs to one writer."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, delete, func, insert, select, update
from sqlalchemy.engine import Row

from mnist_lab.errors import StoreError
from mnist_lab.store import schema
from mnist_lab.store.database import reading, writing
from mnist_lab.store.edits import KEEP_DELETED_SECONDS, clean_name

MAX_WRITER = 60
# Each takes a kilobyte; a hundred of each digit and more of them tell all that one hand has to tell.
MAX_DIGITS = 2_000
MAX_ANSWERS = 5_000
ORIGINS = ("draw", "upload", "camera", "practice", "import")
IMAGE_SHAPE = (28, 28)

_digits, _answers = schema.digits, schema.answers


@dataclass(frozen=True, slots=True, eq=False)
class NewDigit:
    """An image to keep.

    Attributes:
        image: As a network sees it, uint8, shape ``(28, 28)``, 255 for ink.
        label: The digit that it is.
        origin: One of `ORIGINS`.
    """

    image: NDArray[np.uint8]
    label: int
    origin: str = "draw"


@dataclass(frozen=True, slots=True, eq=False)
class Digit:
    """An image that a writer keeps, with its label.

    Attributes:
        digest: Of the image: a writer keeps an image once.
        writer: Whose it is.
        label: The digit that it is, by its writer.
        image: uint8, shape ``(28, 28)``; read-only.
        origin: Where it came from, one of `ORIGINS`.
        created: When it was kept, seconds since 1970 (UTC).
    """

    digest: str
    writer: str
    label: int
    image: NDArray[np.uint8]
    origin: str
    created: float


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of images that were to be kept: how many are new, how many were there before."""

    new: int
    known: int


@dataclass(frozen=True, slots=True)
class PracticeAnswer:
    """What a network said of a digit that it was asked for in practice.

    Attributes:
        run_id: The network.
        asked: The digit that was to be drawn.
        said: What the network took it for.
        seconds: From the request to the network's answer.
        created: Seconds since 1970 (UTC).
    """

    run_id: str
    asked: int
    said: int
    seconds: float
    created: float = 0.0


class Digits:
    """The part of `RunStore` that keeps people's own digits."""

    _engine: Engine

    def digits(self, writer: str) -> list[Digit]:
        """A writer's digits, the oldest first."""
        query = select(_digits).where(_digits.c.writer == writer, _digits.c.deleted.is_(None))
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(_digits.c.created, _digits.c.digest)).all()
        return [_digit(row) for row in rows]

    def digit_labels(self, writer: str) -> dict[str, int]:
        """The labels of a writer's digits by their digests: all that a page needs that is drawn at each stroke."""
        query = select(_digits.c.digest, _digits.c.label)
        with reading(self._engine) as connection:
            rows = connection.execute(query.where(_digits.c.writer == writer, _digits.c.deleted.is_(None))).all()
        return {row.digest: row.label for row in rows}

    def writers(self) -> dict[str, int]:
        """Who keeps digits or has practised, in alphabetical order, and how many digits each keeps."""
        query = select(_digits.c.writer, func.count()).where(_digits.c.deleted.is_(None)).group_by(_digits.c.writer)
        with reading(self._engine) as connection:
            known = {str(name): 0 for name in connection.execute(select(_answers.c.writer).distinct()).scalars()}
            known |= {str(name): int(count) for name, count in connection.execute(query).all()}
        return dict(sorted(known.items()))

    def keep_digits(self, writer: str, digits: Sequence[NewDigit]) -> Kept:
        """Keeps images, all or none. An image that the writer has already stays as it is, label included.

        Raises:
            StoreError: If one is no image of a digit, the name is none, or the writer would have too many.
        """
        writer, now = clean_writer(writer), time.time()
        rows = {(row := _row(writer, digit, now + number * 1e-6))["digest"]: row for number, digit in enumerate(digits)}
        own = _digits.c.writer == writer
        with writing(self._engine) as connection:
            connection.execute(delete(_digits).where(own, _digits.c.deleted <= now - KEEP_DELETED_SECONDS))
            known = set(connection.execute(select(_digits.c.digest).where(own, _digits.c.deleted.is_(None))).scalars())
            new = [row for digest, row in rows.items() if digest not in known]
            if len(known) + len(new) > MAX_DIGITS:
                raise StoreError(
                    f"{writer} keeps {len(known):,} digits, and {len(new):,} more are too many: there may be "
                    f"{MAX_DIGITS:,}.",
                    "Delete some, or keep fewer.",
                )
            gone = [row["digest"] for row in new]
            connection.execute(delete(_digits).where(own, _digits.c.digest.in_(gone)))
            if new:
                connection.execute(insert(_digits), new)
        return Kept(len(new), len(digits) - len(new))

    def relabel_digits(self, writer: str, digests: Iterable[str], label: int) -> None:
        """Corrects the labels of some of a writer's digits.

        Raises:
            StoreError: If the label is no digit.
        """
        self._change(writer, digests, label=_label(label))

    def delete_digits(self, writer: str, digests: Iterable[str]) -> None:
        """Deletes some of a writer's digits; for a day `undelete_digits` brings them back."""
        self._change(writer, digests, deleted=time.time())

    def undelete_digits(self, writer: str, digests: Iterable[str]) -> None:
        """Brings back what was deleted.

        Raises:
            StoreError: If the writer has too many by now.
        """
        wanted = list(digests)
        count = select(func.count()).select_from(_digits)
        own = _digits.c.writer == writer
        with writing(self._engine) as connection:
            connection.execute(update(_digits).where(own, _digits.c.digest.in_(wanted)).values(deleted=None))
            if (connection.execute(count.where(own, _digits.c.deleted.is_(None))).scalar() or 0) > MAX_DIGITS:
                raise StoreError(f"{writer} has no room for these any more.", f"There may be {MAX_DIGITS:,} digits.")

    def _change(self, writer: str, digests: Iterable[str], **values: object) -> None:
        mine = (_digits.c.writer == writer) & _digits.c.digest.in_(list(digests)) & _digits.c.deleted.is_(None)
        with writing(self._engine) as connection:
            connection.execute(update(_digits).where(mine).values(**values))

    def add_answer(self, writer: str, answer: PracticeAnswer) -> None:
        """Notes what a network said in practice; of each writer the newest `MAX_ANSWERS` are kept."""
        writer = clean_writer(writer)
        own = _answers.c.writer == writer
        values = {
            "writer": writer,
            "run_id": answer.run_id,
            "asked": _label(answer.asked),
            "said": _label(answer.said),
            "seconds": float(answer.seconds),
            "created": time.time(),
        }
        newest = select(_answers.c.id).where(own).order_by(_answers.c.id.desc())
        with writing(self._engine) as connection:
            connection.execute(insert(_answers).values(**values))
            last = connection.execute(newest.offset(MAX_ANSWERS).limit(1)).scalar()
            if last is not None:
                connection.execute(delete(_answers).where(own, _answers.c.id <= last))

    def answers(self, writer: str) -> list[PracticeAnswer]:
        """What networks said in a writer's practice, the oldest first."""
        query = select(_answers).where(_answers.c.writer == writer).order_by(_answers.c.id)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return [PracticeAnswer(row.run_id, row.asked, row.said, row.seconds, row.created) for row in rows]


def clean_writer(name: str) -> str:
    """A writer's name in one line, without what cannot be shown.

    Raises:
        StoreError: If nothing is left of it, or it is too long.
    """
    cleaned = clean_name(name)
    if not cleaned or len(cleaned) > MAX_WRITER:
        raise StoreError(f"{name!r:.80} is no name to keep digits under.", f"Use 1 to {MAX_WRITER} characters.")
    return cleaned


def digest_of(image: NDArray[np.uint8]) -> str:
    """The name of an image by its pixels alone: 32 hexadecimal digits of their SHA-256."""
    return hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest()[:32]


def _label(label: int) -> int:
    if isinstance(label, bool) or not isinstance(label, (int, np.integer)) or not 0 <= label <= 9:
        raise StoreError(f"A label is a digit from 0 to 9. Received: {label!r:.40}.")
    return int(label)


def _row(writer: str, digit: NewDigit, created: float) -> dict[str, object]:
    image = np.asarray(digit.image)
    if image.shape != IMAGE_SHAPE or image.dtype != np.uint8:
        raise StoreError(f"A digit is kept as 28 x 28 bytes. Received: {image.dtype} of shape {image.shape}.")
    if not image.any():
        raise StoreError("There is no ink in this image.", "Draw a digit first.")
    if digit.origin not in ORIGINS:
        raise StoreError(f"A digit comes from {', '.join(ORIGINS)}. Received: {digit.origin!r:.40}.")
    return {
        "writer": clean_writer(writer),
        "digest": digest_of(image),
        "label": _label(digit.label),
        "image": image.tobytes(),
        "origin": digit.origin,
        "created": created,
        "deleted": None,
    }


def _digit(row: Row) -> Digit:
    if len(row.image) != IMAGE_SHAPE[0] * IMAGE_SHAPE[1]:
        # `reading` makes a sentence of it: the file was changed by another hand.
        raise StoreError(f"Image {row.digest[:8]} of {row.writer} is damaged.", "Delete it in the database.")
    image = np.frombuffer(row.image, np.uint8).reshape(IMAGE_SHAPE)
    return Digit(row.digest, row.writer, int(row.label), image, row.origin, float(row.created))
