"""What a report is made of: its content is put together once, as these, and written as HTML or as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_lab.figures.study import Point

History = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; those of level 2 stand in the table of contents.

    Attributes:
        text: Plain text.
        level: 1 for the report's own, 2 for a model.
        anchor: Where links lead; "" for none.
    """

    text: str
    level: int = 2
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph.

    Attributes:
        text: Plain text.
        kind: "" or ``"note"`` (small) or ``"warning"`` or ``"line"`` (a network in one line).
    """

    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Bullets:
    """Sentences, one below the other."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """The place of the table of contents."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; every row has as many cells as the head.

    Attributes:
        caption: What it shows.
        head: Names of the columns.
        rows: Plain text.
        words: How many columns, from the left, hold words; the others hold numbers.
        foot: Rows that sum up.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1
    foot: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Curves:
    """Loss and accuracy per epoch.

    Attributes:
        label: What they are of.
        published: As `Published.history` gives it.
        ours: Histories by their label, as ``"seed 42"``.
        numbers: The same as a table, of the first of ours.
    """

    label: str
    published: History
    ours: Mapping[str, History]
    numbers: Table


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """A confusion matrix.

    Attributes:
        caption: Whose it is.
        matrix: Counts; rows are true digits, columns predicted ones.
    """

    caption: str
    matrix: NDArray[np.int64]

    @property
    def numbers(self) -> Table:
        """The matrix as a table."""
        digits = range(len(self.matrix))
        rows = tuple((str(true), *(str(count or "·") for count in self.matrix[true])) for true in digits)
        return Table(self.caption, ("true ↓ predicted →", *map(str, digits)), rows, words=1)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The first images of a test with what was said of them.

    Attributes:
        caption: Which images they are, and how many are wrong.
        labels: The true digits.
        predicted: The predicted ones.
        images: uint8 of shape ``(n, 28, 28)``; None where they are not on this machine.
    """

    caption: str
    labels: NDArray[np.uint8]
    predicted: NDArray[np.int64]
    images: NDArray[np.uint8] | None


@dataclass(frozen=True, slots=True)
class Effect:
    """Accuracy against the one thing that varies.

    Attributes:
        varies: Name of that thing.
        series: Models by the label of what they share.
        numbers: The same as a table.
    """

    varies: str
    series: Mapping[str, Sequence[Point]]
    numbers: Table


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """A figure.

    Attributes:
        caption: What it shows.
        draw: Makes the Plotly figure, where figures can be shown.
        numbers: The same as a table.
        kind: "" or ``"square"`` or ``"tall"``.
    """

    caption: str
    draw: Callable[[], Any]
    numbers: Table
    kind: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Images with words below each.

    Attributes:
        caption: Which images they are, and what stands below each.
        images: uint8 of shape ``(n, 28, 28)``; None where they are not on this machine.
        words: What stands below each; several lines.
        numbers: The same as a table.
    """

    caption: str
    images: NDArray[np.uint8] | None
    words: tuple[str, ...]
    numbers: Table


Block = Heading | Text | Bullets | Contents | Table | Curves | Confusion | Grid | Effect | Chart | Sheet
