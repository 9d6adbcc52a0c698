"""A study as a table: what was published of each model, and beside it what was measured here."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from mnist_lab import formatting
from mnist_lab.figures.study import Point, effect
from mnist_lab.layer_line import layer_line
from mnist_lab.studies import Preset, Study, members, studies
from mnist_lab.study_plan import Matching, Setting
from mnist_lab.study_results import PROJECT, YOU, figures_of, judged
from mnist_lab.ui import frame, state
from mnist_lab.ui.plot import plot

FLATTERED = (
    "  \n⚠️ Where the split is test-as-validation, the test images also served for validation, as in the documents: "
    "published and measured accuracies are flattered."
)


def pick_study() -> Study:
    """Lets the user choose a study; the address keeps the choice, so that it can be sent to others."""
    known = studies()
    asked = str(st.query_params.get("study", "")) or state.get("study", "")
    names = list(known)
    widget = "pick-study"

    def changed() -> None:
        name = st.session_state[widget]
        state.put("study", name)
        st.query_params["study"] = name

    def words(name: str) -> str:
        study = known[name]
        if study.is_question:
            return f"Question: {study.title}"
        return f"Document {name}: {study.title}" if study.is_document else study.title

    index = names.index(asked) if asked in known else 0
    name = st.selectbox("Study", names, index, format_func=words, key=widget, on_change=changed)
    study = known[name]
    st.markdown(frame.escape(study.about))
    st.caption(frame.escape(study.cite) + (f"  \n⚠️ {frame.escape(study.caveat)}" if study.caveat else ""))
    return study


def study_frame(
    presets: tuple[Preset, ...], setting: Setting, matching: Matching, *, with_study: bool = False
) -> pd.DataFrame:
    """The table as a frame, one row a model, unknown figures missing; accuracies in percent."""
    rows = []
    for preset in presets:
        published = preset.published
        ours, by = figures_of(preset, setting, matching)
        inside = judged(ours, published, setting, "mnist" if by == PROJECT else matching.dataset)
        rows.append(
            {
                "Model": f"{preset.study} {preset.title}" if with_study and published is not None else preset.title,
                "Parameters": preset.parameters,
                "Published": _percent(published and published.test_accuracy),
                "Measured": _percent(ours and ours.accuracy),
                "By": f"{by}, on MNIST" if by == PROJECT and matching.dataset != "mnist" else by,
                "95 % interval": "" if ours is None else _interval(ours.interval),
                "Published is": {None: "", True: "inside", False: "outside"}[inside],
                "Split": ("⚠️ " if preset.training.test_is_validation else "") + preset.training.split,
                "Seeds": None if ours is None else ours.seeds,
                "Spread": _percent(ours and ours.spread),
                "Published loss": published and published.test_loss,
                "Measured loss": ours and ours.loss,
                "Epochs": ours and ours.epochs,
                "Time": "" if ours is None else formatting.duration(ours.seconds),
                "Layers": layer_line(preset.analysis),
            }
        )
    types = dict.fromkeys(("Published", "Published loss", "Measured", "Spread", "Measured loss", "Epochs"), float)
    return pd.DataFrame(rows).astype({**types, "Seeds": "Int64"})


def _percent(share: Any) -> float | None:
    return None if share is None else 100 * share


def _interval(interval: tuple[float, float]) -> str:
    return f"{100 * interval[0]:.2f} – {100 * interval[1]:.2f}"


def table(study: Study, setting: Setting, matching: Matching) -> list[Preset]:
    """Draws the table; returns the selected models, in the table's order."""
    presets = members(study)
    number = st.column_config.NumberColumn
    text = st.column_config.TextColumn
    key = f"selected-models.{study.name}"
    kept = state.get(key, ())
    event: Any = st.dataframe(
        study_frame(presets, setting, matching, with_study=study.is_question),
        hide_index=True,
        width="stretch",
        height=35 * (len(presets) + 1) + 3,
        # A click on a figure selects too: then the table is drawn anew with that selection.
        key=f"study-table.{study.name}.{state.get('study-clicks', 0)}",
        placeholder="–",
        alt=f"The models of {study.title}",
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={
            "selection": {
                "rows": [index for index, preset in enumerate(presets) if preset.name in kept],
                "columns": [],
                "cells": [],
            }
        },
        column_config={
            "Model": text(pinned=True),
            "Parameters": number(format="localized"),
            "Published": number(format="%.2f %%", help="Test accuracy that the document printed."),
            "Published loss": number(format="%.4f"),
            "Measured": number(format="%.2f %%", help="Mean test accuracy over the seeds."),
            "95 % interval": text(
                help="Up to two seeds: by the number of test images alone, which says nothing of how seeds differ. "
                "From three seeds on: where another training's accuracy would fall, by their spread. In percent."
            ),
            "Spread": number(format="%.2f", help="Standard deviation over the seeds, in percentage points."),
            "Measured loss": number(format="%.4f"),
            "Published is": text(
                help="Whether the published accuracy lies inside the interval of what was measured "
                "as it was published, on MNIST; else nothing is said. It is taken as exactly as it was printed: "
                "99.3 % may have been 99.25 %."
            ),
            "Split": text(help="⚠️: the test images also chose the epoch, in the document and here; flattered."),
            "Epochs": number(format="%.3g", help="Run, in the mean."),
            "Time": text(help="Of one training, in the mean."),
            "Layers": text(
                width="large", help="Sizes and layers in turn. ReLU and the last softmax go without saying."
            ),
            "By": text(help="Your own runs in this setting, or else those that the project ships."),
        },
    )
    chosen = [presets[index] for index in event.selection.rows if index < len(presets)]
    state.put(key, tuple(preset.name for preset in chosen))
    if any(preset.training.test_is_validation for preset in presets):
        st.caption(FLATTERED.strip())
    return chosen


def effect_series(study: Study, setting: Setting, matching: Matching) -> dict[str, list[Point]]:
    """The points of a question's series by their label.

    The project measured on MNIST: where there are own runs on other images, its figures make no line with them.
    """
    known = {preset.name: preset for preset in members(study)}
    results = {name: figures_of(preset, setting, matching) for name, preset in known.items()}
    only_own = matching.dataset != "mnist" and any(by == YOU for _, by in results.values())
    series = {}
    for each in study.series:
        points = []
        for value, name in each.points:
            ours, by = results[name]
            ours = None if only_own and by == PROJECT else ours
            published = known[name].published
            points.append(
                Point(
                    value,
                    name,
                    None if published is None else published.test_accuracy,
                    None if ours is None else ours.accuracy,
                    None if ours is None else ours.interval,
                )
            )
        series[each.label] = points
    return series


def effect_figure(study: Study, setting: Setting, matching: Matching) -> None:
    """A question's answer: accuracy against the one thing that varies."""
    series = effect_series(study, setting, matching)
    known = {point.preset for points in series.values() for point in points}
    label = f"Accuracy against {study.varies}"
    clicked = plot(effect(study.varies, series), f"effect-{study.name}", on_click=True, label=label)
    if clicked is not None and clicked.get("customdata") in known:
        state.put(f"selected-models.{study.name}", (clicked["customdata"],))
        state.put("study-clicks", state.get("study-clicks", 0) + 1)
    st.caption(
        "Open circles: published. Filled, with 95 % intervals: measured, by you or by the project. Equal steps upwards "
        "halve the errors. Click a point to select its model."
        + FLATTERED
        * any(preset.training.test_is_validation for preset in members(study))
    )
