"""What the figures of a sweep have in common: a trial as a point, the axes of a searched field and of accuracies."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go

from mnist_lab import formatting
from mnist_lab.figures.accuracy_axis import accuracy_ticks, height_of
from mnist_lab.figures.theme import COLOURS, NEUTRAL, axis

LOOKS = {
    "complete": ("trained to the end", COLOURS[0], "circle"),
    "pruned": ("ended early", NEUTRAL, "circle-open"),
    "running": ("under way", COLOURS[4], "diamond-open"),
}
"""By state of a trial: its words, its colour, its symbol. Other states have no accuracy, and so no place."""
CHOSEN = COLOURS[1]
MANY = 300
ACCURACY = "Validation accuracy"


@dataclass(frozen=True, slots=True)
class Dot:
    """One trial.

    Attributes:
        number: What a click on it tells.
        state: Its state; see `LOOKS` for those that are drawn.
        accuracy: On the validation split, 0 to 1, or None.
        spread: Standard deviation over its seeds, or None.
        values: By the names of the axes.
        costs: By name, as ``"parameters"``; None where unknown.
    """

    number: int
    state: str
    accuracy: float | None
    spread: float | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    costs: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def is_drawn(self) -> bool:
        """Whether it has a place in a figure of accuracies."""
        return self.state in LOOKS and self.accuracy is not None and math.isfinite(self.accuracy)

    @property
    def height(self) -> float:
        """Where it stands on the axis of accuracies."""
        return height_of(self.accuracy or 0.0)

    @property
    def words(self) -> str:
        """It in a line, for the pointer."""
        return f"trial {self.number}: {formatting.percent(self.accuracy)}" + ", ended early" * (self.state == "pruned")


@dataclass(frozen=True, slots=True)
class Field:
    """An axis of what was searched.

    Attributes:
        name: Under which the trials have their values.
        label: What the page calls it.
        is_log: Whether its range is logarithmic.
        is_list: Whether its values come from a list, and stand side by side.
    """

    name: str
    label: str
    is_log: bool = False
    is_list: bool = False

    def scale(self, dots: Iterable[Dot]) -> Scale:
        """Where the values that these trials have of it stand."""
        return Scale.of((dot.values[self.name] for dot in dots if self.name in dot.values), self.is_log, self.is_list)


@dataclass(frozen=True, slots=True)
class Scale:
    """Where the values of a field stand on an axis: numbers as they are or by their logarithm, others side by side.

    Attributes:
        places: By value as text, its place; empty for numbers.
        is_log: Whether numbers stand by their logarithm.
    """

    places: Mapping[str, float]
    is_log: bool

    @classmethod
    def of(cls, values: Iterable[Any], is_log: bool = False, is_list: bool = False) -> Scale:
        """The scale of these values; None is a value beside the others, not a number."""
        found = list(values)
        if not is_list and all(is_number(value) for value in found):
            return cls({}, is_log and all(value > 0 for value in found))
        # Numbers in their order, then texts in theirs, as far as both are there.
        distinct = {formatting.setting(value): value for value in found}
        ordered = sorted(distinct, key=lambda text: _order(distinct[text]))
        return cls({text: float(place) for place, text in enumerate(ordered)}, False)

    def place(self, value: Any) -> float:
        """Where a value stands; no number where it has no place."""
        if self.places:
            return self.places.get(formatting.setting(value), math.nan)
        if not is_number(value) or (self.is_log and value <= 0):
            return math.nan
        return math.log10(value) if self.is_log else float(value)

    def ticks(self, low: float, high: float, most: int = 6) -> list[tuple[float, str]]:
        """Places and what stands there, between two places."""
        if self.places:
            return [(place, html.escape(text, quote=False)) for text, place in self.places.items()]
        if self.is_log:
            return [(math.log10(value), short(value)) for value in _log_ticks(10**low, 10**high, most)]
        return [(value, short(value)) for value in _even_ticks(low, high, most)]


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def short(value: float) -> str:
    """A number in few characters: ``"1e-4"``, ``"0.02"``, ``"128"``, ``"1.2 M"``."""
    if value and abs(value) < 1e-3:
        mantissa, _, power = f"{value:.1e}".partition("e")
        return f"{float(mantissa):g}e{int(power)}"
    return f"{value:.4g}" if abs(value) < 10_000 else formatting.count(value)


def differing(fields: Sequence[Field], dots: Iterable[Dot]) -> list[Field]:
    """The fields in which the trials differ; what is the same in all of them tells nothing."""
    seen: dict[str, set[str]] = {each.name: set() for each in fields}
    for dot in dots:
        for name, texts in seen.items():
            if name in dot.values:
                texts.add(formatting.setting(dot.values[name]))
    return [each for each in fields if len(seen[each.name]) > 1]


def add_points(
    figure: go.Figure,
    dots: Sequence[Dot],
    places: Sequence[float],
    chosen: int | None,
    *,
    uid: str = "",
    row: int | None = None,
    column: int | None = None,
    showlegend: bool = True,
) -> None:
    """Draws trials by their accuracy, a trace for each state, and a ring around the chosen one.

    Args:
        figure: Where.
        dots: Those that are drawn; others are left out.
        places: Their places on the horizontal axis.
        chosen: The number of the trial to ring, or None.
        uid: Before the traces' uids.
        row: Of a grid of panels.
        column: Of a grid of panels.
        showlegend: Whether the states are named.
    """
    where: dict[str, Any] = {} if row is None else {"row": row, "col": column}
    pairs = [(dot, place) for dot, place in zip(dots, places, strict=True) if dot.is_drawn and math.isfinite(place)]
    for state, (words, colour, symbol) in LOOKS.items():
        group = [(dot, place) for dot, place in pairs if dot.state == state]
        if not group:
            continue
        many = len(pairs) > MANY
        figure.add_scatter(
            x=[place for _, place in group], y=[dot.height for dot, _ in group], mode="markers", uid=f"{uid}{state}",
            name=words, legendgroup=state, showlegend=showlegend, customdata=[dot.number for dot, _ in group],
            text=[dot.words for dot, _ in group], hovertemplate="%{text}<extra></extra>",
            marker={"symbol": symbol, "color": colour, "size": 6 if many else 9, "opacity": 0.6 if many else 0.9,
                    "line": {"width": 1.5, "color": colour}},
            error_y=_spreads([dot for dot, _ in group], colour), **where,
        )  # fmt: skip
    ring = [(dot, place) for dot, place in pairs if dot.number == chosen]
    figure.add_scatter(
        x=[place for _, place in ring], y=[dot.height for dot, _ in ring], mode="markers", uid=f"{uid}chosen",
        name=f"trial {chosen}", legendgroup="chosen", showlegend=bool(ring) and showlegend, hoverinfo="skip",
        marker={"symbol": "circle-open", "size": 17, "color": CHOSEN, "line": {"width": 3}}, **where,
    )  # fmt: skip


def _spreads(dots: Sequence[Dot], colour: str) -> dict[str, Any] | None:
    if len(dots) > MANY or not any(dot.spread for dot in dots):
        return None
    ends = [((dot.accuracy or 0.0) + (dot.spread or 0.0), (dot.accuracy or 0.0) - (dot.spread or 0.0)) for dot in dots]
    return {
        "type": "data", "symmetric": False, "thickness": 1, "width": 3, "color": colour,
        "array": [height_of(high) - dot.height for dot, (high, _) in zip(dots, ends, strict=True)],
        "arrayminus": [dot.height - height_of(low) for dot, (_, low) in zip(dots, ends, strict=True)],
    }  # fmt: skip


def accuracy_axis(dots: Iterable[Dot], title: str | None = ACCURACY) -> dict[str, Any]:
    """The vertical axis of the trials that are drawn.

    No range is fixed: zoom survives new trials, and what is outside of the worst is seen by a double click.
    """
    heights = [dot.height for dot in dots if dot.is_drawn] or [0.0, 1.0]
    ticks = height_ticks(min(heights), max(heights))
    # Ticks also where a trial to come may stand.
    return axis(title, tickvals=[place for place, _ in ticks], ticktext=[text for _, text in ticks])


def height_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Places of accuracies and their labels, round ones where there are any."""
    room = max(0.05 * (high - low), 1e-3)
    low, high = max(0.0, low - room), high + room
    found = accuracy_ticks(low, high, 8)
    if len(found) >= 3:
        return [(height_of(tick), f"{100 * tick:.4g} %") for tick in found]
    worst, best = (1 - 10**-height for height in (low, high))
    return [(height_of(tick), f"{100 * tick:.6g} %") for tick in _even_ticks(worst, best, 5) if tick <= 1]


def _even_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two, ends included where they are round."""
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _log_ticks(low: float, high: float, most: int) -> list[float]:
    powers = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5), (1, 2, 3, 4, 5, 6, 8)):
        found = [float(f"{digit}e{power}") for power in powers for digit in digits]
        found = [value for value in found if low * 0.999 <= value <= high * 1.001]
        if len(found) >= 3:
            return found[:: math.ceil(len(found) / most)]
    return [low, high] if high > low else [low]


def _order(value: Any) -> tuple[int, Any]:
    if is_number(value):
        return (1, value)
    if isinstance(value, list | tuple) and all(is_number(each) for each in value):
        return (2, tuple(value))
    return (0, "") if value is None else (3, str(value))
