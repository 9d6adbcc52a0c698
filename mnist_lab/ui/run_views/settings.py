"""What was set, one column a run; and apart from it, what came out."""

from __future__ import annotations

import html
from collections.abc import Callable

import pandas as pd
import streamlit as st

from mnist_lab import formatting, metrics, run_settings
from mnist_lab.errors import LabError
from mnist_lab.figures.curves import best_epoch
from mnist_lab.store import Run
from mnist_lab.store.artefacts import VALIDATION_PREDICTIONS
from mnist_lab.ui import state
from mnist_lab.ui.results import predictions
from mnist_lab.ui.run_columns import Line, run_columns, signed
from mnist_lab.ui.run_views import Shown, view

DIFFERENT = "#D55E00"
FLATTERED = "⚠️"


@view("Settings", 30)
def settings(shown: Shown) -> None:
    """Draws what was set, by default only what differs, and what came out."""
    runs = shown.chosen
    st.markdown("##### Settings side by side" if len(runs) > 1 else "##### Settings")
    every, different = run_settings.settings(runs), run_settings.differing(runs)
    is_all = len(runs) == 1 or st.toggle("All settings", **state.kept_widget("all-settings", False))
    listed = every if is_all else different
    if listed:
        run_columns(
            runs, "Setting", [_setting(name, values, runs, name in different) for name, values in listed.items()]
        )
    if len(runs) > 1:
        count = f"{len(different)} of {len(every)} settings differ" if different else "They have the same settings"
        st.caption(f"{count}. {run_settings.ABSENT}: the run has no such setting.")
    st.markdown("##### Results")
    run_columns(runs, "Result", results(shown))
    if any(run.test_is_validation for run in runs):
        st.caption(f"{FLATTERED} The test images also served for validation: these figures are flattered.")


def _setting(name: str, values: dict[str, object], runs: list[Run], differs: bool) -> Line:
    words = [formatting.setting(values[run.id]) if run.id in values else run_settings.ABSENT for run in runs]
    mark = differs and len(runs) > 1
    return Line(name, [
        signed("≠", text, DIFFERENT) if mark and text != words[0] else html.escape(text) for text in words
    ])  # fmt: skip


def results(shown: Shown) -> list[Line]:
    """What came out of each run: accuracies with intervals, and the best epoch of each metric in its own direction."""
    runs = shown.chosen
    histories = {run.id: pd.DataFrame(shown.store.history(run.id)) for run in runs}

    def line(head: str, words: Callable[[Run], str], marked: bool = False) -> Line:
        texts = [words(run) for run in runs]
        return Line(head, [
            html.escape(f"{FLATTERED} {text}" if marked and run.test_is_validation and text != "–" else text)
            for run, text in zip(runs, texts, strict=True)
        ])  # fmt: skip

    return [
        line(
            "Test accuracy (95 %)", lambda run: formatting.accuracy(run.test_accuracy, run.test_accuracy_interval), True
        ),
        line("Test loss", lambda run: _figure(run.test_loss), True),
        line(
            "Highest validation accuracy (95 %)",
            lambda run: _best(histories[run.id], "val_accuracy", _images(run)),
            True,
        ),
        line("Lowest validation loss", lambda run: _best(histories[run.id], "val_loss"), True),
        line("Highest training accuracy", lambda run: _best(histories[run.id], "accuracy")),
        line("Lowest training loss", lambda run: _best(histories[run.id], "loss")),
        line("Epochs", lambda run: f"{run.epochs_run} of {run.training.get('epochs', '?')}"),
        line("Weights kept", lambda run: f"of epoch {run.kept_epoch}" if run.kept_epoch else "–"),
        line("Looks at the test set", lambda run: f"{run.test_looks:,}"),
        line("Training time", lambda run: formatting.duration(run.seconds)),
        line("Status", lambda run: run.status),
    ]


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _best(history: pd.DataFrame, metric: str, images: int | None = None) -> str:
    best = best_epoch(history, metric)
    if best is None:
        return "–"
    value = float(history.loc[history["epoch"] == best, metric].iloc[0])
    if not metric.endswith("accuracy"):
        return f"{_figure(value)} in epoch {best}"
    interval = metrics.accuracy_interval(round(value * images), images) if images else None
    return f"{formatting.accuracy(value, interval)} in epoch {best}"


def _images(run: Run) -> int | None:
    """How many images a run was validated on, where it is known."""
    if run.test_is_validation:
        return run.test_images
    try:
        return len(predictions(run, VALIDATION_PREDICTIONS).labels)
    except LabError:
        return None
