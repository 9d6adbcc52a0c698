"""What is known of a run, or of a published model, beside its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mnist_lab.diagnosis import diagnose
from mnist_lab.diagnosis.finding import Finding
from mnist_lab.store import Run
from mnist_lab.studies import Preset

# Of MNIST: how many images choose the epoch.
_ON_MNIST = {"holdout": 5_000, "test-as-validation": 10_000, "pooled-80-10-10": 7_000}


def of_run(run: Run, history: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """What the history of a run says."""
    images = run.test_images
    if run.split == "holdout":
        # Of other data the number is not kept with the run.
        images = _ON_MNIST["holdout"] if run.dataset == "mnist" else None
    return diagnose(
        history,
        n_validation=images,
        stopped_early=run.status != "finished" or run.epochs_run < int(run.training.get("epochs", 0)),
        validation_is_test=run.test_is_validation,
        # The store keeps no NaN; what it keeps is the reason.
        diverged="NaN" in (run.reason or ""),
    )


def of_preset(preset: Preset, history: Sequence[Mapping[str, Any]]) -> tuple[Finding, ...]:
    """What the history of a training of this preset says, on MNIST and as it was published."""
    return diagnose(
        history,
        n_validation=_ON_MNIST[preset.training.split],
        stopped_early=len(history) < preset.training.epochs,
        validation_is_test=preset.training.test_is_validation,
    )


def of_published(preset: Preset) -> tuple[Finding, ...]:
    """What the curves say that a document printed of a model; nothing where it printed none."""
    return () if preset.published is None else of_preset(preset, preset.published.history())
