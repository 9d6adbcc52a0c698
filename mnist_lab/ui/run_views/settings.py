"""What was set, one column a run."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from mnist_lab import formatting
from mnist_lab.shapes import title
from mnist_lab.store import Run
from mnist_lab.ui.run_views import Shown, view


@view("Settings", 30)
def settings(shown: Shown) -> None:
    """What was set, one column a run."""
    runs = shown.chosen
    frames = {f"{run.name} ({run.id[:6]})": _flat(run) for run in runs}
    side = pd.DataFrame(frames).fillna("–")
    if len(runs) > 1 and st.toggle("Only what differs", True, key="only-differences"):
        side = side[side.nunique(axis=1) > 1]
    if side.empty:
        st.caption("They have the same settings.")
    else:
        st.dataframe(side.rename_axis("Setting"), width="stretch", key="settings")


def _flat(run: Run) -> dict[str, str]:
    flat: dict[str, str] = {"status": run.status, "preset": run.preset or "–", "data": run.dataset or "–"}
    for number, layer in enumerate(run.network().layers):
        flat[f"layer {number + 1}"] = title(layer)
    flat["parameters"] = f"{run.parameters:,}"
    for key, value in run.training.items():
        if isinstance(value, dict):
            flat.update({f"{key} {name}" if name != "name" else key: _text(inner) for name, inner in value.items()})
        else:
            flat[key] = _text(value)
    flat["test accuracy"] = formatting.accuracy(run.test_accuracy, run.test_accuracy_interval)
    return flat


def _text(value: Any) -> str:
    return "–" if value is None else str(value)
