"""What a training history says, under its curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from mnist_lab.diagnosis import Finding, diagnose
from mnist_lab.store import Run
from mnist_lab.studies import Preset
from mnist_lab.ui import frame

ICONS = {"warning": "⚠️", "note": "ℹ️", "good": "✅"}
# MNIST's validation images by split; of other data and of other splits the number is not kept with the run.
_VALIDATION = {"holdout": 5_000, "test-as-validation": 10_000, "pooled-80-10-10": 7_000}


def of_run(run: Run, history: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """What a run's history says."""
    return diagnose(
        history,
        n_validation=_VALIDATION.get(run.split) if run.dataset == "mnist" else None,
        stopped_early=run.status != "finished" or run.epochs_run < int(run.training.get("epochs", 0)),
        validation_is_test=run.test_is_validation,
        diverged="NaN" in (run.reason or ""),
    )


def of_history(preset: Preset, history: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """What the curves of a training of this preset on MNIST say."""
    split = preset.training.split
    return diagnose(
        history,
        n_validation=_VALIDATION[split],
        stopped_early=len(history) < preset.training.epochs,
        validation_is_test=split == "test-as-validation",
    )


def of_published(preset: Preset) -> tuple[Finding, ...]:
    """What the curves say that a document printed of a model; nothing where it printed none."""
    return () if preset.published is None else of_history(preset, preset.published.history())


def show(findings: Iterable[Finding]) -> None:
    """Draws findings, one line each."""
    for finding in findings:
        st.markdown(f"{ICONS[finding.level]} {frame.escape(finding.text)}")
