"""How far probabilities can be trusted: the reliability diagram, and accuracy against coverage."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from mnist_lab.calibration import Bin, Refusal
from mnist_lab.figures.accuracy_axis import accuracy_ticks, height_of
from mnist_lab.figures.theme import NEUTRAL, Look, axis, base_layout, fade, message

# Confidences come nearer to 1 than accuracies of some thousand images do.
_FINEST = 1e-6
_STRETCHED_TICKS = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 1.0)


@dataclass(frozen=True, slots=True)
class Reliability:
    """One run in a `reliability_diagram`.

    Attributes:
        name: In the legend.
        look: As `mnist_lab.figures.theme.run_looks` has it.
        bins: As `mnist_lab.calibration.reliability` has them.
    """

    name: str
    look: Look
    bins: Sequence[Bin]


def reliability_diagram(
    runs: Mapping[str, Reliability], stretched: bool = False, dark: bool = False, height: int = 560
) -> go.Figure:
    """Accuracy against confidence with Wilson's intervals, over the number of images in each bin.

    Args:
        runs: By their id, which is the uid of their line.
        stretched: Whether equal steps halve the errors and the doubts on both axes.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        The diagonal of perfect calibration, and per run a line and bars below it, which are logarithmic in the images.
    """
    if not any(run.bins for run in runs.values()):
        return message("There is no image.", dark)

    def place(share: float) -> float:
        return height_of(share, _FINEST) if stretched else share

    figure = go.Figure()
    ends = [place(0.0), place(1.0)]
    figure.add_scatter(x=ends, y=ends, mode="lines", name="perfect", uid="diagonal", hoverinfo="skip",
                       line={"width": 1.5, "dash": "dash", "color": NEUTRAL})  # fmt: skip
    for key, run in runs.items():
        name, bins, colour = html.escape(run.name, quote=False), run.bins, run.look.colour
        text = [
            f"{name}<br>{each.images:,} images, sure to {100 * each.confidence:.4g} % in the mean<br>"
            f"{100 * each.accuracy:.2f} % ({100 * each.interval[0]:.2f} – {100 * each.interval[1]:.2f}) right"
            for each in bins
        ]
        heights = [place(each.accuracy) for each in bins]
        figure.add_scatter(
            x=[place(each.confidence) for each in bins], y=heights, mode="lines+markers", name=name, uid=key,
            legendgroup=key, line={"width": 1.5, "color": colour, "dash": run.look.dash},
            marker={"size": 8, "symbol": run.look.symbol},
            text=text, hovertemplate="%{text}<extra></extra>",
            error_y={
                "type": "data", "symmetric": False, "thickness": 1.2, "width": 3, "color": fade(colour, 0.6),
                "array": [place(each.interval[1]) - here for each, here in zip(bins, heights, strict=True)],
                "arrayminus": [here - place(each.interval[0]) for each, here in zip(bins, heights, strict=True)],
            },
        )  # fmt: skip
        figure.add_bar(
            x=[(place(each.low) + place(each.high)) / 2 for each in bins], y=[each.images for each in bins],
            width=[max(place(each.high) - place(each.low), 0.004) for each in bins], yaxis="y2", name=name,
            uid=f"{key}-images", legendgroup=key, showlegend=False, text=text, textposition="none",
            hovertemplate="%{text}<extra></extra>",
            marker={"color": fade(colour, 0.35), "line": {"width": 1, "color": colour}},
        )  # fmt: skip
    lowest = min(each.confidence for run in runs.values() for each in run.bins)
    start = place(lowest) - 0.1 * (ends[1] - place(lowest)) if stretched else 0.0
    scale: dict[str, Any] = {"tickformat": ".0%"}
    if stretched:
        texts = [f"{100 * tick:.5g}%" for tick in _STRETCHED_TICKS]
        scale = {"tickvals": [place(tick) for tick in _STRETCHED_TICKS], "ticktext": texts}
    figure.layout = base_layout(
        dark,
        height,
        showlegend=True,
        barmode="overlay",
        hovermode="closest",
        xaxis=axis("Confidence", anchor="y2", range=[max(start, ends[0]), ends[1] + 0.02 * ends[1]], **scale),
        yaxis=axis("Accuracy", domain=[0.32, 1], range=[ends[0], ends[1] + 0.02 * ends[1]], **scale),
        yaxis2=axis("Images", domain=[0, 0.24], exponentformat="SI", **_of_counts(runs.values())),
    )
    return figure


def _of_counts(runs: Iterable[Reliability]) -> dict[str, Any]:
    """The scale of the bars: of powers where most images are in few bins, as those of equal width have them."""
    counts = [each.images for run in runs for each in run.bins]
    return {"type": "log", "dtick": 1} if max(counts) > 20 * min(counts) else {"rangemode": "tozero", "nticks": 4}


@dataclass(frozen=True, slots=True)
class Refusing:
    """One run in `accuracy_over_coverage`.

    Attributes:
        name: In the legend.
        look: As `mnist_lab.figures.theme.run_looks` has it.
        curve: As `mnist_lab.calibration.Coverage.curve` has it.
        chosen: At the chosen threshold; None without one.
    """

    name: str
    look: Look
    curve: Sequence[Refusal]
    chosen: Refusal | None = None


MOST_BANDS = 3


def accuracy_over_coverage(runs: Mapping[str, Refusing], dark: bool = False, height: int = 460) -> go.Figure:
    """Accuracy of the answers against the share that is answered, with the chosen threshold on the curve.

    Args:
        runs: By their id, which is the uid of their line.
        dark: As in `base_layout`.
        height: In pixels.

    Returns:
        Per run a line, a marker with Wilson's interval, and, where the runs are few, the interval along the line.
        The axis of accuracies is logarithmic in the errors.
    """
    shown = {key: run for key, run in runs.items() if run.curve}
    if not shown:
        return message("There is no image.", dark)
    figure = go.Figure()
    for key, run in shown.items():
        name, curve, colour = html.escape(run.name, quote=False), run.curve, run.look.colour
        places = [each.coverage for each in curve]
        if len(shown) <= MOST_BANDS:
            for end, fill in ((1, None), (0, "tonexty")):
                figure.add_scatter(
                    x=places, y=[height_of(each.interval[end]) for each in curve], mode="lines", hoverinfo="skip",
                    line={"width": 0, "color": colour}, fill=fill, fillcolor=fade(colour, 0.15),
                    showlegend=False, legendgroup=key, uid=f"{key}-band-{end}",
                )  # fmt: skip
        figure.add_scatter(
            x=places, y=[height_of(each.accuracy) for each in curve], mode="lines", name=name, uid=key, legendgroup=key,
            line={"width": 2, "color": colour, "dash": run.look.dash}, text=[_words(name, each) for each in curve],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
        if run.chosen is not None and run.chosen.answered:
            here, (low, high) = height_of(run.chosen.accuracy), run.chosen.interval
            figure.add_scatter(
                x=[run.chosen.coverage], y=[here], mode="markers", name=name, uid=f"{key}-chosen", legendgroup=key,
                showlegend=False, marker={"size": 12, "symbol": run.look.symbol, "color": colour,
                                          "line": {"width": 2, "color": "white"}},
                text=[_words(name, run.chosen)], hovertemplate="%{text}<extra></extra>",
                error_y={"type": "data", "symmetric": False, "thickness": 1.5, "color": colour,
                         "array": [height_of(high) - here], "arrayminus": [here - height_of(low)]},
            )  # fmt: skip
    worst = min(each.accuracy for run in shown.values() for each in run.curve)
    chosen = [run.chosen.interval[0] for run in shown.values() if run.chosen is not None and run.chosen.answered]
    worst = min([worst, *chosen])
    low, high = height_of(worst), height_of(1.0)
    room = max(0.05, 0.08 * (high - low))
    ticks = accuracy_ticks(low - room, high + room)
    figure.layout = base_layout(
        dark,
        height,
        showlegend=True,
        hovermode="closest",
        xaxis=axis("Share of the digits that is answered", tickformat=".4~%", range=_where_it_matters(shown.values())),
        yaxis=axis(
            "Accuracy of the answers",
            tickvals=[height_of(tick) for tick in ticks],
            ticktext=[f"{100 * tick:.4g}%" for tick in ticks],
            range=[low - room, high + room],
        ),
    )
    return figure


def _where_it_matters(runs: Iterable[Refusing]) -> tuple[float, float]:
    """The coverages to show: from where some run begins to err, or its threshold is, to all."""
    starts = [1.0]
    for run in runs:
        starts.append(max((each.coverage for each in run.curve if each.accuracy == 1.0), default=0.0))
        if run.chosen is not None and run.chosen.answered:
            starts.append(run.chosen.coverage)
    room = 0.15 * (1 - min(starts)) + 0.001
    return max(-0.01, min(starts) - room), 1 + 0.3 * room


def _words(name: str, refusal: Refusal) -> str:
    low, high = refusal.interval
    doubt = 1.0 - refusal.threshold
    # Near 1 the digits that matter are those of what is missing.
    threshold = f"{refusal.threshold:.4f}" if doubt > 1e-3 or doubt <= 0 else f"1 - {doubt:.2g}"
    accuracy = "–" if math.isnan(refusal.accuracy) else f"{100 * refusal.accuracy:.2f} %"
    return (
        f"{name}<br>threshold {threshold}: {100 * refusal.coverage:.2f} % answered,<br>"
        f"{accuracy} ({100 * low:.2f} – {100 * high:.2f}) of these right"
    )
