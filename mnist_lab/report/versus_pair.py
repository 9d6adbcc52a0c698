"""What the report of two runs says of the images that both were asked."""

from __future__ import annotations

from collections.abc import Iterator

from mnist_lab.comparison import Comparison, Interval
from mnist_lab.figures.pair import confusion_difference, difference_forest
from mnist_lab.report import words
from mnist_lab.report.blocks import Block, Chart, Heading, Sheet, Table, Text
from mnist_lab.report.compared import Compared, Part
from mnist_lab.report.words import NONE


def two(compared: Compared, pair: Comparison) -> Iterator[Block]:
    """What two runs say of the same images: digit by digit, their confusions, and the images that part them."""
    if compared.moves is None:
        return
    a, b = pair.names
    yield Heading("Digit by digit", 2, "digits")
    yield _digits(pair)
    yield Heading("Confusions", 2, "confusions")
    came, left = compared.moves.came, compared.moves.left
    change = compared.moves.difference
    rows = tuple((str(true), *(_signed(int(each)) for each in change[true])) for true in range(len(change)))
    caption = f"Confusion matrix of B, {b}, less that of A, {a}, in images; on the diagonal more is better"
    head = ("true ↓ predicted →", *map(str, range(len(change))))
    yield Chart(caption, lambda: confusion_difference(came, left), Table(caption, head, rows), "square")
    yield Heading("Images that part them", 2, "images")
    titles = {"only_a": f"Only A, {a}, is right", "only_b": f"Only B, {b}, is right", "neither": "Both are wrong"}
    for part in compared.parts:
        yield from _part(part, titles[part.name])


def _digits(pair: Comparison) -> Chart:
    digits = pair.digits
    caption = f"Recall of A, {pair.names[0]}, less that of B, {pair.names[1]}, per digit, with 95 % intervals"
    rows = tuple(
        (
            str(each.digit),
            f"{each.paired.images:,}",
            str(each.paired.only_a),
            str(each.paired.only_b),
            difference(each.difference, each.interval) if each.paired.images else NONE,
            p_value(each.p),
            p_value(each.corrected) if each.paired.images else NONE,
        )
        for each in digits
    )
    head = ("Digit", "Images", "Only A right", "Only B right", "Recall, A less B (points)", "p", "p, corrected")
    numbers = Table(f"{caption}; p by McNemar's exact test, corrected (Holm) for the ten digits", head, rows, words=0)
    return Chart(
        f"{caption}; a diamond where they differ by more than ten looks would find by chance",
        lambda: difference_forest(
            [each.difference for each in digits],
            [each.interval for each in digits],
            [each.stands_out for each in digits],
        ),
        numbers,
    )


def _part(part: Part, name: str) -> Iterator[Block]:
    if not part.count:
        yield Text(f"{name}: no image.")
        return
    shown = len(part.labels)
    which = f"the {shown} surest mistakes of {part.count:,} images" if shown < part.count else f"{_images(shown)}"
    said = [list(zip(*each, strict=True)) for each in part.said]
    captions = tuple(
        f"is {label}\nA: {first}, {_sure(p)}\nB: {second}, {_sure(q)}"
        for label, (first, p), (second, q) in zip(part.labels, *said, strict=True)
    )
    rows = tuple(
        (str(index), str(label), str(first), _sure(p), str(second), _sure(q))
        for index, label, (first, p), (second, q) in zip(part.indices, part.labels, *said, strict=True)
    )
    head = ("Image", "It is", "A says", "A is sure", "B says", "B is sure")
    yield Sheet(
        f"{name}: {which}. Below each: what it is, what A says and how surely, and what B says.",
        part.images,
        captions,
        Table(f"{name}: {which}", head, rows, words=0),
    )


def _images(count: int) -> str:
    return f"{count:,} image{'s' * (count != 1)}"


def _sure(probability: float) -> str:
    return "> 99 %" if 0.995 <= probability < 1 else f"{100 * probability:.0f} %"


def _signed(value: int) -> str:
    return f"{value:+}".replace("-", "−") if value else "·"


def difference(by: float | None, interval: Interval | None) -> str:
    """A difference of accuracies in points: ``"0.12 (0.01 to 0.23)"``."""
    if by is None or interval is None:
        return NONE
    value, low, high = (f"{100 * each + 0.0:.2f}".replace("-0.00", "0.00") for each in (by, *interval))
    return f"{value} ({low} to {high})".replace("-", "−")


def p_value(value: float | None) -> str:
    """A p value in a column of them."""
    return NONE if value is None else words.chance(value).removeprefix("p = ").removeprefix("p ")
