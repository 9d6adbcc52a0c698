"""What a history says: the documents' own curves, drawn curves for each rule with a near miss, and any noise at all."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_lab.diagnosis import KINDS, LEVELS, Finding, diagnose, subjects
from mnist_lab.diagnosis.choice import noise_of
from mnist_lab.diagnosis.story import Curve
from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.studies import preset, presets
from mnist_lab.training_config import TrainingConfig

History = list[dict[str, Any]]
# What the course of a training is called; of these there is one at most.
COURSES = {
    "diverged", "dead", "rate-too-high", "rate-too-low", "overfitting", "unfinished", "memorising", "underfitting",
    "healthy",
}  # fmt: skip
LN_10 = math.log(10)


def history(**curves: Any) -> History:
    """A history of curves given by name, as long as the longest."""
    epochs = max((len(curve) for curve in curves.values()), default=0)
    return [
        {"epoch": at + 1, **{name: curve[at] for name, curve in curves.items() if at < len(curve)}}
        for at in range(epochs)
    ]


def course(entries: History, **facts: Any) -> Finding | None:
    """The one finding about the course of a training."""
    found = [finding for finding in diagnose(entries, **facts) if finding.kind in COURSES]
    assert len(found) <= 1
    return found[0] if found else None


def kind(entries: History, **facts: Any) -> str | None:
    finding = course(entries, **facts)
    return finding and finding.kind


def of_kind(kind: str, entries: History, **facts: Any) -> Finding | None:
    return next((finding for finding in diagnose(entries, **facts) if finding.kind == kind), None)


# The documents --------------------------------------------------------------------------------------------------------


def published(name: str) -> tuple[History, dict[str, Any]]:
    """The printed history of a preset, with the losses of the closing table in the last epoch, and what is known."""
    found = preset(name)
    assert found.published is not None
    entries = found.published.history()
    assert entries, f"{name} has no curves"
    on_test = found.training.split == "test-as-validation"
    if on_test and "loss" not in entries[-1] and found.published.train_loss is not None:
        entries[-1] |= {"loss": found.published.train_loss, "val_loss": found.published.test_loss}
    facts = {
        "n_validation": 10_000 if on_test else 7_000,
        "validation_is_test": on_test,
        "stopped_early": len(entries) < found.training.epochs,
    }
    return entries, facts


# What the authors say they saw, and where the printed figures say the same.
CONFIRMED = [
    ("001-conv-3-3", "overfitting", 11),  # overfits from epoch 11
    ("001-conv-3-3-same", "overfitting", 8),  # overfits; the author says from 11 on, but see below
    ("002-without-dropout", "overfitting", 3),  # dropout lessens overfitting
    ("002-with-dropout", "healthy", None),
    ("003-fully-connected-small", "underfitting", 14),  # too few layers: underfitted
    ("003-fully-connected-large", "overfitting", 5),  # overfits; the authors say after the second epoch
    ("003-fully-connected-few-units", "underfitting", 15),  # training accuracy far below validation: too few units
    ("003-learning-rate-0-05", "rate-too-high", 6),  # very bad, the steps being too large
    ("003-learning-rate-0-00001", "rate-too-low", 57),  # good, but 54 epochs in place of 6
    ("003-cnn", "healthy", None),  # not overfitted
    ("003-cnn-long", "healthy", None),  # not overfitted
    ("003-cnn-few-filters", "underfitting", 19),  # underfitted
    ("003-cnn-many-filters", "memorising", 6),  # seems overfitted
    ("003-cnn-pooling-5", "underfitting", 12),  # underfitted
    ("004-model-4", "memorising", 13),  # some overfitting: training loss next to nothing
    ("004-model-6", "memorising", 13),  # overfits very easily
    ("004-model-7", "memorising", 13),  # slight overfitting
    ("004-model-9", "memorising", 13),  # overfits
    ("004-model-1", None, None),  # does not overfit yet
    ("004-model-2", None, None),  # less overfitting than the others
    ("004-model-5", None, None),  # no great overfitting, unlike model 4
    ("004-model-10", None, None),  # overfitting not as bad as in others
]


@pytest.mark.parametrize(("name", "expected", "epoch"), CONFIRMED)
def test_what_authors_say_is_found_in_their_figures(name: str, expected: str | None, epoch: int | None) -> None:
    entries, facts = published(name)
    finding = course(entries, **facts)
    assert (finding and finding.kind) == expected, finding
    assert finding is None or finding.epoch == epoch


# What the authors say and their printed figures do not bear out.
NOT_BORNE_OUT = [
    # "Overfits after 11 epochs": validation loss then stays within 3 % of its level, training loss falls by a quarter.
    ("001-conv-5-5", "healthy", None),
    # "Overfits from epoch 14": its loss is lowest in epoch 11; two higher epochs are too few to tell a rise.
    ("001-conv-7-5-3", "healthy", None),
    # "Started to overfit": validation loss falls until epoch 7 of 9, and training accuracy is 0.1 points above it.
    ("003-fully-connected", "healthy", None),
    # "Overfits after the third epoch": validation loss is lowest in epoch 8 and rises by less than it wobbles.
    ("003-fully-connected-many-units", "memorising", 9),
    # Counted among those that overfit slightly; training loss is two fifths of validation loss, as in model 5.
    ("004-model-8", None, None),
]


@pytest.mark.parametrize(("name", "expected", "epoch"), NOT_BORNE_OUT)
def test_where_the_figures_say_less_than_the_author(name: str, expected: str | None, epoch: int | None) -> None:
    entries, facts = published(name)
    finding = course(entries, **facts)
    assert (finding and finding.kind) == expected, finding
    assert finding is None or finding.epoch == epoch


def test_same_padding_overfits_earlier_than_its_author_says() -> None:
    # "Best epoch 10, overfits from 11": validation loss was as low as ever in epoch 7, accuracy is highest in epoch 12.
    entries, _ = published("001-conv-3-3-same")
    losses = [entry["val_loss"] for entry in entries]
    assert losses.index(min(losses)) + 1 == 7 and min(losses[7:]) == min(losses)
    best = of_kind("best-epoch", entries)
    assert best is not None and best.epoch == 12


@pytest.mark.parametrize(
    ("name", "epoch"),
    [
        # Document 001 names a best epoch below each model; for the first three it is that of the highest accuracy.
        ("001-conv-3-3", 10), ("001-conv-5-5", 11), ("001-conv-7-5-3", 13),
        # For these it is not: the author says 10, 7, 9, 5, 7, 9, 8, 15 and 5.
        ("001-conv-3-3-same", 12), ("001-conv-7-5-3-same", 11), ("001-conv-5-5-5", 13), ("001-conv-7-7-7", 9),
        ("001-conv-7-7-7-norm", 9), ("001-conv-5-5-5-norm", 11), ("001-conv-3-3-3-norm", 15),
        ("001-conv-7-5-3-sigmoid", 13), ("001-conv-7-5-3-tanh", 14),
        # Document 000 trains again up to the epoch that it calls the best.
        ("000-baseline", 9), ("000-model-1", 10), ("000-model-2", 10), ("000-model-6", 10), ("000-model-7", 9),
        ("000-model-10", 7), ("000-model-11", 10),
        # Model 12 has the same accuracy in epoch 5 as in epoch 9, which its author takes.
        ("000-model-12", 5),
        ("003-fully-connected", 6), ("003-learning-rate-0-00001", 54),
    ],
)  # fmt: skip
def test_the_best_epoch_is_the_first_with_the_highest_accuracy(name: str, epoch: int) -> None:
    best = of_kind("best-epoch", published(name)[0])
    assert best is not None and (best.epoch, best.level) == (epoch, "good")


def test_the_baseline_learns_though_not_much() -> None:
    # Document 000's task says that it does not learn effectively, the author that it does. It learns: 93 %, no more.
    finding = course(*published("000-baseline")[:1])
    assert finding is not None and finding.kind == "underfitting" and "92.9 %" in finding.text


def test_convergence_in_document_000() -> None:
    # "All converged very fast after two epochs, the first step was large." The first step is the largest by far in all
    # thirteen; but four of them were still falling at the end.
    names = [name for name, found in presets().items() if found.study == "000"]
    assert len(names) == 13
    courses = {}
    for name in names:
        entries, facts = published(name)
        losses = [entry["loss"] for entry in entries]
        steps = [before - after for before, after in itertools.pairwise(losses)]
        assert steps[0] > 5 * max(steps[1:]), name
        courses[name] = kind(entries, **facts)
    assert {name for name, found in courses.items() if found == "unfinished"} == {
        "000-model-3", "000-model-5", "000-model-9", "000-model-11",
    }  # fmt: skip
    assert "rate-too-low" not in courses.values()


def test_sigmoid_was_stopped_too_soon() -> None:
    # The author calls its last epoch the best: it was still falling.
    assert kind(*published("001-conv-7-5-3-sigmoid")[:1]) == "unfinished"


def test_every_published_history_is_read_in_words() -> None:
    for name, found in presets().items():
        if found.published is None:
            continue
        entries, facts = published(name)
        findings = diagnose(entries, **facts)
        best = next(finding for finding in findings if finding.kind == "best-epoch")
        accuracies = {entry["epoch"]: entry["val_accuracy"] for entry in entries if "val_accuracy" in entry}
        assert accuracies[best.epoch] == max(accuracies.values()), name
        assert all(text_is_sound(finding.text) for finding in findings), name


def test_the_choice_on_the_test_images_is_named() -> None:
    entries, facts = published("001-conv-7-5-3")
    finding = of_kind("chosen-on-test", entries, **facts)
    assert finding is not None and finding.epoch == 13
    assert "99.55 %" in finding.text and "99.51 %" in finding.text  # what its author claims, and what was trained
    assert of_kind("chosen-on-test", entries, **facts | {"validation_is_test": False}) is None
    entries, facts = published("004-model-9")  # its best epoch is the last
    assert of_kind("chosen-on-test", entries, **facts) is None


# Each rule, and a near miss -------------------------------------------------------------------------------------------

FALLING = [0.9, 0.4, 0.28, 0.2, 0.15, 0.12, 0.09, 0.07, 0.05, 0.04]
GOOD = [0.8, 0.93, 0.95, 0.965, 0.972, 0.978, 0.981, 0.983, 0.985, 0.987]


def test_overfitting() -> None:
    turned = [0.5, 0.3, 0.2, 0.16, 0.15, 0.16, 0.17, 0.18, 0.19, 0.2]
    finding = course(history(loss=FALLING, accuracy=GOOD, val_loss=turned))
    assert finding is not None and (finding.kind, finding.epoch, finding.level) == ("overfitting", 6, "warning")
    assert "0.150 in epoch 5" in finding.text and "0.190" in finding.text and "from epoch 6" in finding.text
    # A rise of less than 5 %.
    flat = [0.5, 0.3, 0.2, 0.16, 0.15, 0.151, 0.152, 0.153, 0.154, 0.155]
    assert kind(history(loss=FALLING, accuracy=GOOD, val_loss=flat)) == "memorising"
    # The training loss does not fall on: it is the training that goes wrong.
    stuck = FALLING[:5] + [0.15] * 5
    assert kind(history(loss=stuck, accuracy=GOOD, val_loss=turned)) != "overfitting"
    # The rise is no larger than the wobble.
    wobbly = [0.5, 0.3, 0.2, 0.15, 0.17, 0.14, 0.18, 0.14, 0.18, 0.16]
    assert kind(history(loss=FALLING, accuracy=GOOD, val_loss=wobbly)) != "overfitting"
    # Two epochs after the turn are too few.
    assert kind(history(loss=FALLING[:7], accuracy=GOOD, val_loss=turned[:7])) != "overfitting"
    # Nobody knows whether the training loss falls.
    assert kind(history(accuracy=GOOD, val_loss=turned)) is None


def test_overfitting_is_told_from_noise_as_often_as_the_rule_says() -> None:
    random = np.random.default_rng(0)
    epochs = np.arange(15)
    train = 0.3 * np.exp(-epochs / 5) + 0.005
    flat = 0.04 + 0.1 * np.exp(-epochs / 0.8)
    shapes = {"flat": flat, "rising": flat + 0.0012 * np.maximum(0, epochs - 4), "falling": 0.04 + np.exp(-epochs / 5)}
    said: Counter[str] = Counter()
    for name, shape in shapes.items():
        for _ in range(1000):
            drawn = {"loss": train * random.normal(1, 0.03, 15), "val_loss": shape * random.normal(1, 0.1, 15)}
            said[name] += kind(history(**drawn)) == "overfitting"
    # Of 1,000, chance moves these figures by 26 and 18.
    assert said["flat"] == pytest.approx(220, abs=26) and said["rising"] == pytest.approx(910, abs=18)
    assert said["falling"] <= 2


def test_memorising() -> None:
    flat = [0.5, 0.3, 0.2, 0.16, 0.15, 0.151, 0.152, 0.153, 0.154, 0.155]
    finding = course(history(loss=FALLING, val_loss=flat))
    assert finding is not None and (finding.kind, finding.epoch, finding.level) == ("memorising", 6, "note")
    # Training loss stays near the validation loss.
    near = [0.9, 0.4, 0.28, 0.2, 0.17, 0.16, 0.15, 0.14, 0.135, 0.13]
    assert kind(history(loss=near, val_loss=flat)) == "healthy"
    # Without a turn: the two losses of the last epoch, a fifth and a quarter.
    assert kind(history(loss=[0.01], val_loss=[0.05])) == "memorising"
    assert kind(history(loss=[0.0125], val_loss=[0.05])) is None
    # A fifth of next to nothing.
    assert kind(history(loss=[0.001], val_loss=[0.006])) is None


def test_unfinished() -> None:
    finding = course(history(loss=FALLING, accuracy=GOOD, val_loss=FALLING))
    assert finding is not None and (finding.kind, finding.epoch, finding.level) == ("unfinished", 10, "note")
    assert kind(history(loss=FALLING, accuracy=GOOD, val_loss=FALLING), stopped_early=True) == "healthy"
    # 4 % in three epochs is as good as done, 6 % is not.
    for share, expected in ((0.96, "healthy"), (0.94, "unfinished")):
        done = [0.5, 0.3, 0.2, 0.18, 0.151, 0.150, 0.149, 0.151 * share, 0.150 * share, 0.149 * share]
        assert kind(history(loss=FALLING, accuracy=GOOD, val_loss=done), n_validation=7000) == expected
    # The lowest is three epochs ago.
    assert kind(history(loss=FALLING, accuracy=GOOD, val_loss=[*FALLING[:7], 0.06, 0.064, 0.062])) != "unfinished"
    # Few epochs.
    assert kind(history(val_loss=[0.2, 0.17])) == "unfinished"
    assert kind(history(val_loss=[0.2, 0.19])) is None
    assert kind(history(val_loss=[0.2, 0.18, 0.17, 0.15])) == "unfinished"
    assert kind(history(val_loss=[0.2, 0.18, 0.18, 0.17])) is None
    assert kind(history(val_loss=[0.2])) is None


def test_underfitting() -> None:
    low = [0.8, 0.9, 0.93, 0.95, 0.955, 0.958, 0.96, 0.961, 0.962, 0.963]
    losses = {"loss": [0.6, 0.3, 0.25, 0.2, 0.19, 0.18, 0.175, 0.174, 0.173, 0.172]}
    losses["val_loss"] = [value - 0.001 for value in losses["loss"]]
    finding = course(history(accuracy=low, val_accuracy=low, **losses))
    assert finding is not None and (finding.kind, finding.epoch, finding.level) == ("underfitting", 10, "warning")
    assert "96.2 %" in finding.text
    enough = [value + 0.01 for value in low]
    assert kind(history(accuracy=enough, val_accuracy=enough, **losses)) == "healthy"
    # Below the validation accuracy: by 1.1 points with 10,000 images, by 0.9, and by 1.1 with too few images to tell.
    above = [value + 0.011 for value in enough]
    finding = course(history(accuracy=enough, val_accuracy=above, **losses), n_validation=10_000)
    assert finding is not None and (finding.kind, finding.level) == ("underfitting", "note")
    assert "1.10 points" in finding.text
    assert kind(history(accuracy=enough, val_accuracy=[value + 0.009 for value in enough], **losses)) == "healthy"
    assert kind(history(accuracy=enough, val_accuracy=above, **losses), n_validation=100) == "healthy"
    # A training that is still getting better, or too slowly, is not too small a network.
    assert kind(history(loss=FALLING, accuracy=low, val_loss=FALLING)) == "unfinished"
    # A few epochs say nothing.
    assert kind(history(accuracy=low[:4])) is None


def test_a_learning_rate_that_is_too_high() -> None:
    jumping = [2.5, 0.63, 0.53, 0.53, 0.61, 0.5, 0.6, 0.6]
    low = [0.55, 0.8, 0.83, 0.83, 0.81, 0.85, 0.82, 0.81]
    finding = course(history(loss=jumping, accuracy=low))
    assert finding is not None and (finding.kind, finding.epoch, finding.level) == ("rate-too-high", 6, "warning")
    # The same height without the jumps is a network that is too small.
    steady = [2.5, 0.63, 0.57, 0.55, 0.54, 0.535, 0.53, 0.53]
    assert kind(history(loss=steady, accuracy=low)) == "underfitting"
    # Jumps at a low loss that comes down again are the wobble of any training.
    wobbly = [0.9, 0.2, 0.1, 0.08, 0.1, 0.05, 0.06, 0.045]
    assert kind(history(loss=wobbly, accuracy=[0.98] * 8, val_loss=[0.3, 0.1, 0.07, 0.06, 0.06, 0.06, 0.06, 0.06])) != (
        "rate-too-high"
    )
    # It rises again: at the end twice the lowest, and then a little less than that.
    again = [0.9, 0.2, 0.1, 0.05, 0.08, 0.1, 0.13]
    assert kind(history(loss=again)) == "rate-too-high"
    assert kind(history(loss=[*again[:4], 0.07, 0.09, 0.1])) is None
    # Worse than guessing.
    assert kind(history(loss=[9.0, 2.9, 2.6, 3.1, 2.8, 2.9], accuracy=[0.1] * 6)) == "rate-too-high"


def test_a_learning_rate_that_is_too_low() -> None:
    slow = [2.0 * 0.93**epoch for epoch in range(30)]
    rising = [0.5 + 0.4 * (1 - 0.9**epoch) for epoch in range(30)]
    finding = course(history(loss=slow, accuracy=rising, val_loss=slow))
    assert finding is not None and (finding.kind, finding.epoch, finding.level) == ("rate-too-low", 30, "warning")
    assert "it took 21 epochs" in finding.text  # nine more halve it: 0.93 ** 9 is 0.52, 0.93 ** 10 is 0.48
    # After half as many epochs it shows by the loss that is left, and by its fall.
    assert kind(history(loss=slow[:12], val_loss=slow[:12])) == "rate-too-low"
    # Without validation images the training loss tells.
    assert kind(history(loss=slow)) == "rate-too-low"
    # After five epochs only where next to nothing has happened.
    creeping = [2.30, 2.25, 2.18, 2.10, 2.0]
    assert kind(history(loss=creeping, accuracy=[0.12, 0.2, 0.3, 0.35, 0.4], val_loss=creeping)) == "rate-too-low"
    assert kind(history(loss=[value / 2 for value in creeping], accuracy=[0.7] * 5)) == "underfitting"
    # It goes up and down; or it was fast and has slowed down.
    wavy = [value * (1.1 if epoch % 4 == 0 else 1) for epoch, value in enumerate(slow)]
    assert kind(history(loss=wavy, val_loss=wavy)) != "rate-too-low"
    ordinary = [0.1 + 1.5 * 0.5**epoch for epoch in range(20)]
    assert kind(history(loss=ordinary, val_loss=ordinary)) == "healthy"
    # Document 003's average pooling took 9 epochs, and not all of its steps go down.
    assert kind(*published("003-cnn-average-pooling")[:1]) != "rate-too-low"


def test_a_dead_network() -> None:
    guesses = {"loss": [2.31, 2.302, 2.302, 2.301, 2.302], "accuracy": [0.11, 0.112, 0.112, 0.11, 0.111]}
    finding = course(history(**guesses, val_loss=[2.302] * 5, val_accuracy=[0.1135] * 5))
    assert finding is not None and (finding.kind, finding.epoch, finding.level) == ("dead", 1, "warning")
    assert [each.kind for each in diagnose(history(**guesses), n_validation=100)] == ["dead"]
    # It learnt, and died.
    died = course(history(loss=[0.8, 0.4, 2.31, 2.303, 2.302, 2.302], accuracy=[0.7, 0.88, 0.14, 0.11, 0.11, 0.11]))
    assert died is not None and (died.kind, died.epoch) == ("dead", 3) and "88.0 %" in died.text
    # It is waking up; and three classes of ten images are not ten of them.
    assert kind(history(loss=[2.302, 2.302, 2.301, 2.25, 2.0], accuracy=[0.11, 0.11, 0.112, 0.2, 0.3])) != "dead"
    assert kind(history(loss=[1.099] * 5, accuracy=[0.34] * 5)) != "dead"
    assert kind(history(loss=[1.099] * 5, accuracy=[0.34] * 5), classes=3) == "dead"
    # The loss is not that of guessing, whatever the accuracy says.
    assert kind(history(loss=[1.5] * 5, accuracy=[0.1] * 5)) != "dead"
    # One epoch is too early to say.
    assert kind(history(loss=[2.302], accuracy=[0.11])) is None
    # Only the validation images are known.
    assert kind(history(val_loss=[2.302] * 3, val_accuracy=[0.1] * 3)) == "dead"


def test_a_diverged_training() -> None:
    nan = math.nan
    entries = history(loss=[0.5, 0.3, nan, nan], accuracy=[0.8, 0.9, 0.3, 0.1], val_accuracy=[0.9, 0.92, 0.1, 0.1])
    findings = diagnose(entries, n_validation=1000)
    assert [(each.kind, each.epoch, each.level) for each in findings] == [
        ("diverged", 3, "warning"),
        ("best-epoch", 2, "good"),
    ]
    assert kind(history(loss=[nan])) == kind(history(loss=[2.0, math.inf])) == kind(history(loss=[1e20])) == "diverged"
    # A hole, as validation knows better; and one in the middle.
    assert kind(history(loss=[0.5, nan], val_loss=[0.4, 0.39])) is None
    assert kind(history(loss=[0.5, nan], val_accuracy=[0.9, 0.9])) is None
    assert kind(history(loss=[0.5, nan, 0.3])) is None
    # JSON has no NaN; who knows says it.
    told = of_kind("diverged", history(loss=[0.5, None]), diverged=True)
    assert told is not None and told.epoch == 2
    assert [each.kind for each in diagnose([], diverged=True)] == ["diverged"]


def test_healthy() -> None:
    near = [value + 0.005 for value in FALLING[:9]] + [0.046]
    finding = course(history(loss=FALLING, accuracy=GOOD, val_loss=near, val_accuracy=GOOD), stopped_early=True)
    assert finding is not None and (finding.kind, finding.epoch, finding.level) == ("healthy", None, "good")
    assert kind(history(loss=FALLING[:5], val_loss=near[:5]), stopped_early=True) == "healthy"
    assert kind(history(loss=FALLING[:4], val_loss=near[:4]), stopped_early=True) is None


def test_the_choice_of_an_epoch_within_the_noise() -> None:
    entries = history(val_accuracy=[0.9, 0.97, 0.9700, 0.9720, 0.9690])
    finding = of_kind("noise", entries, n_validation=10_000)
    assert finding is not None and (finding.epoch, finding.level) == (4, "note")
    # 1.96 √(0.972 · 0.028 / 10,000) is 0.32 points: epochs 2, 3 and 5 lie within.
    assert "0.32 points" in finding.text and "3 other epochs" in finding.text and "10,000" in finding.text
    assert of_kind("noise", entries, n_validation=1_000_000) is None
    assert of_kind("noise", entries) is None and of_kind("noise", entries, n_validation=0) is None
    equal = of_kind("noise", history(val_accuracy=[0.9, 0.97, 0.97]), n_validation=1000)
    assert equal is not None and equal.epoch == 2 and "has the accuracy of epoch 3" in equal.text
    assert "1 other epoch is" in equal.text
    assert of_kind("noise", entries[:1], n_validation=100) is None


def test_the_noise_by_hand() -> None:
    assert noise_of(0.99, 10_000) == pytest.approx(1.96 * math.sqrt(0.99 * 0.01 / 10_000), rel=0.02)
    assert noise_of(1.0, 100) == pytest.approx(1.96 * math.sqrt(102 * 2 / 104**3))
    assert noise_of(0.9, None) is None and noise_of(0.9, 0) is None


def test_the_best_epoch() -> None:
    both = of_kind("best-epoch", history(val_accuracy=[0.9, 0.98, 0.98], val_loss=[0.3, 0.09, 0.08]))
    assert both is not None and both.epoch == 2 and "epoch 3 (0.0800)" in both.text and "98.00 %" in both.text
    one = of_kind("best-epoch", history(val_accuracy=[0.9, 0.98], val_loss=[0.3, 0.09]))
    assert one is not None and one.text.startswith("Epoch 2 is best")
    loss = of_kind("best-epoch", history(val_loss=[0.3, 0.09, 0.1]))
    assert loss is not None and loss.epoch == 2
    assert of_kind("best-epoch", history(loss=[0.3], accuracy=[0.9])) is None
    assert of_kind("best-epoch", history(val_accuracy=[0.1, 0.12])) is None


# The figures of the rules, from both sides ---------------------------------------------------------------------------


def two_sided(value: float) -> tuple[float, float]:
    """A little more and a little less."""
    return value * 1.01, value * 0.99


def test_edges_of_overfitting_and_memorising() -> None:
    loss = [0.9, 0.4, 0.28, 0.2, 0.15, 0.14, 0.14, 0.12, 0.12, 0.12]
    level = [0.5, 0.3, 0.2, 0.16, 0.15, 0.15, 0.15, 0.15]  # smooth: the wobble is less than a twentieth
    for rise, expected in zip(two_sided(0.05), ("overfitting", "memorising"), strict=True):
        curve = [0.15 * 1.4, *[0.15] * 16, *[0.15 * (1 + rise)] * 3]
        assert kind(history(loss=np.linspace(0.3, 0.1, 20).tolist(), val_loss=curve)) == expected
    rising = [*level, 0.155, 0.16, 0.165, 0.17, 0.18, 0.19, 0.2, 0.21]
    for end, expected in zip(two_sided(0.9 * 0.2), ("healthy", "overfitting"), strict=True):
        assert kind(history(loss=[0.3, 0.25, 0.22, 0.21, *[0.2] * 4, *[end] * 8], val_loss=rising)) == expected
    # Three epochs after the turn are enough, two are not; five in all are enough.
    turned = [0.5, 0.15, 0.18, 0.19, 0.2]
    assert kind(history(loss=loss[:5], val_loss=turned)) == "overfitting"
    assert kind(history(loss=loss[:5], val_loss=[0.5, 0.3, 0.15, 0.2, 0.3])) != "overfitting"
    # The training loss must be known after the turn.
    assert kind(history(loss=loss[:2], val_loss=turned)) is None
    for end, expected in zip(two_sided(0.75 * 0.15), ("healthy", "memorising"), strict=True):
        falls = [*loss[:4], *[0.15] * 4, *[end] * 3]  # three quarters of what it was, and of the validation loss
        assert kind(history(loss=falls, val_loss=[*level, 0.15, 0.15, 0.15])) == expected
    for validation, expected in zip(two_sided(0.01), ("memorising", None), strict=True):
        assert kind(history(loss=[0.0], val_loss=[validation])) == expected
    for train, expected in zip(two_sided(0.06 / 5), (None, "memorising"), strict=True):
        assert kind(history(loss=[train], val_loss=[0.06])) == expected


def test_edges_of_a_learning_rate_that_is_too_low() -> None:
    # Within twice the lowest in epoch 10 or 9.
    for epoch, expected in ((10, "rate-too-low"), (9, None)):
        curve = [0.2 * 0.97**at for at in range(epoch - 1)] + [0.05 * 0.999**at for at in range(30)]
        assert kind(history(val_loss=curve), stopped_early=True) == expected
    # After ten epochs, above a twentieth of ln(10), and 2 % an epoch.
    for last, expected in zip(two_sided(LN_10 / 20), ("rate-too-low", None), strict=True):
        curve = [last * 1.05 ** (9 - at) for at in range(10)]
        assert kind(history(val_loss=curve), stopped_early=True) == expected
        assert kind(history(val_loss=curve[1:]), stopped_early=True) is None
    for fall, expected in ((0.979, "rate-too-low"), (0.981, None)):
        assert kind(history(val_loss=[fall**at for at in range(12)]), stopped_early=True) == expected
    # After five, above half of ln(10).
    for last, expected in zip(two_sided(LN_10 / 2), ("rate-too-low", None), strict=True):
        curve = [last * 1.05 ** (4 - at) for at in range(5)]
        assert kind(history(val_loss=curve), stopped_early=True) == expected
        assert kind(history(val_loss=curve[1:]), stopped_early=True) is None
    # Nine steps of ten go down, or eight; the lowest is the third from the end, or the fourth.
    steady = [2.2 * 0.97**at for at in range(11)]
    assert kind(history(val_loss=[*steady[:5], 2.0, *steady[6:]]), stopped_early=True) == "rate-too-low"
    assert kind(history(val_loss=[*steady[:5], 2.0, *steady[6:8], 2.0, *steady[9:]]), stopped_early=True) is None
    creeping = [2.3 * 0.99**at for at in range(21)]
    for last, expected in ((3, "rate-too-low"), (4, None)):
        drop = [*creeping[:-last], 1.5, *[2.0 - at / 10 for at in range(last - 1)]]
        assert kind(history(val_loss=drop), stopped_early=True) == expected


def test_edges_of_a_learning_rate_that_is_too_high() -> None:
    for height, expected in zip(two_sided(LN_10 / 10), ("rate-too-high", None), strict=True):
        low = height / 1.06
        curve = [2.0, low, low * 1.11, low, low * 1.11, height, height, height]
        assert kind(history(loss=curve)) == expected
    for jump, expected in ((1.11, "rate-too-high"), (1.09, None)):
        curve = [2.0, 0.5, 0.5 * jump, 0.5, 0.5 * jump, 0.53, 0.53, 0.53]
        assert kind(history(loss=curve)) == expected
    for end, expected in zip(two_sided(1.05), ("rate-too-high", None), strict=True):
        assert kind(history(loss=[2.0, 0.5, 0.6, 0.5, 0.6, *[0.5 * end] * 3])) == expected
    assert kind(history(loss=[2.0, 0.5, 0.6, 0.55, 0.54, 0.54, 0.54])) is None  # one jump
    for end, expected in zip(two_sided(LN_10 / 50), ("rate-too-high", None), strict=True):
        assert kind(history(loss=[0.5, 0.02, *[end] * 3])) == expected
        assert kind(history(loss=[0.02, *[end] * 3])) is None  # four epochs
    for end, expected in zip(two_sided(1.05 * LN_10), ("rate-too-high", "dead"), strict=True):
        assert kind(history(loss=[end * 1.2, *[end] * 4], accuracy=[0.1] * 5)) == expected
    # Steady falls are no jumps, however high the loss.
    assert kind(history(loss=[4.0, 3.5, 3.2, 3.0, 2.9], accuracy=[0.1] * 5)) == "rate-too-low"


def test_edges_of_a_dead_network() -> None:
    for accuracy, expected in zip(two_sided(0.15), (None, "dead"), strict=True):
        assert kind(history(loss=[LN_10] * 4, accuracy=[accuracy] * 4)) == expected
    for loss, expected in ((1.049, "dead"), (1.051, None), (0.951, "dead"), (0.949, None)):
        assert kind(history(loss=[loss * LN_10] * 4, accuracy=[0.1] * 4)) == expected
    for spread, expected in ((0.0099, "dead"), (0.0101, None)):
        assert kind(history(loss=[LN_10, LN_10, LN_10 * (1 + spread)], accuracy=[0.1] * 3)) == expected
    # Three epochs at chance at the end, or two of three; both of two.
    assert kind(history(loss=[0.9, LN_10, LN_10, LN_10], accuracy=[0.7, 0.1, 0.1, 0.1])) == "dead"
    assert kind(history(loss=[0.9, LN_10, LN_10], accuracy=[0.7, 0.1, 0.1])) is None
    assert kind(history(loss=[LN_10] * 2, accuracy=[0.1] * 2)) == "dead"


def test_edges_of_underfitting_and_unfinished() -> None:
    for accuracy, expected in zip(two_sided(0.97), (None, "underfitting"), strict=True):
        assert kind(history(accuracy=[accuracy] * 5)) == expected
        assert kind(history(accuracy=[accuracy] * 4)) is None
    for gap, expected in ((0.0101, "underfitting"), (0.0099, None)):
        assert kind(history(accuracy=[0.98] * 5, val_accuracy=[0.98 + gap] * 5)) == expected
        assert kind(history(accuracy=[0.98] * 5, val_accuracy=[0.98 + gap] * 4)) is None
    far = course(history(accuracy=[0.49] * 5))
    near = course(history(accuracy=[0.51] * 5))
    assert far and near and "learning rate" in far.text and "learning rate" not in near.text
    for share, expected in ((0.949, "unfinished"), (0.951, None)):
        assert kind(history(val_loss=[0.2] * 3 + [0.2 * share] * 2 + [0.19 * share])) is not None
        assert kind(history(val_loss=[0.2] * 4 + [0.2] * 2 + [0.2] * 3 + [0.2 * share] * 2 + [0.2 * share])) is None
        curve = [0.2, 0.2, 0.2, 0.2 * share + 0.001, 0.2 * share, 0.2 * share - 0.001]
        assert kind(history(val_loss=curve)) == expected
    for share, expected in ((0.899, "unfinished"), (0.901, None)):
        for before, after in ((2, 2), (3, 2)):
            curve = [0.2] * before + [0.2 * share + 0.001, 0.2 * share - 0.001]
            assert kind(history(val_loss=curve)) == expected, (before, after)
        assert kind(history(val_loss=[0.3, 0.2, 0.2 * share])) == expected
    for curve, span in (([0.2, 0.1], "the last epoch"), ([0.2, 0.2, 0.1, 0.1], "the last 2 epochs")):
        found = course(history(val_loss=curve))
        assert found is not None and f"in {span} it is 50 % lower" in found.text


def test_edges_of_the_choice() -> None:
    assert of_kind("noise", history(val_accuracy=[0.96, 0.96]), n_validation=100) is not None
    assert of_kind("noise", history(val_accuracy=[0.96]), n_validation=100) is None
    three = of_kind("noise", history(val_accuracy=[0.96] * 3), n_validation=100)
    assert three is not None and "2 other epochs are" in three.text
    noise = noise_of(0.96, 1000)
    assert noise is not None
    for lead, expected in zip(two_sided(noise), (False, True), strict=True):
        assert (of_kind("noise", history(val_accuracy=[0.96, 0.96 - lead]), n_validation=1000) is not None) is expected
    assert of_kind("chosen-on-test", history(val_accuracy=[0.96, 0.95]), validation_is_test=True) is not None
    assert of_kind("chosen-on-test", history(val_accuracy=[0.95, 0.96]), validation_is_test=True) is None
    for accuracy, expected in zip(two_sided(0.15), (True, False), strict=True):
        assert (of_kind("best-epoch", history(val_accuracy=[accuracy])) is not None) is expected


def test_a_share_beyond_one_is_a_hole() -> None:
    best = of_kind("best-epoch", history(val_accuracy=[0.9, 1.05, 0.95]))
    assert best is not None and best.epoch == 3


# Anything at all ------------------------------------------------------------------------------------------------------


def text_is_sound(text: str) -> bool:
    """Whole sentences without a figure that is none."""
    return text[0].isupper() and text.endswith(".") and not any(word in text for word in ("nan", "inf ", "None", "–"))


FIGURES = st.one_of(
    st.floats(0, 1),
    st.floats(0, 3),
    st.sampled_from([0.1, 0.1135, LN_10, 0.98, 0.0, 1.0]),
    st.floats(),
    st.none() | st.just("?") | st.booleans() | st.integers(-3, 10**20) | st.just(10**400),
)
NAMES = ("loss", "accuracy", "val_loss", "val_accuracy")
WILD = st.lists(
    st.fixed_dictionaries({}, optional={"epoch": FIGURES | st.integers(1, 50), **dict.fromkeys(NAMES, FIGURES)}),
    max_size=25,
)


@st.composite
def plausible(draw: st.DrawFn) -> History:
    """Curves as trainings draw them, with noise and holes."""
    epochs = draw(st.integers(1, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    at = np.arange(epochs)
    curves = {}
    for name in NAMES:
        speed, floor, slope = draw(st.floats(0.3, 60)), draw(st.floats(0, 2.3)), draw(st.sampled_from([0, 0.01, 0.1]))
        losses = floor + (2.4 - floor) * np.exp(-at / speed) + slope * np.maximum(0, at - epochs // 2)
        losses *= random.normal(1, draw(st.sampled_from([0, 0.03, 0.3])), epochs)
        values = np.exp(-np.abs(losses)) if name.endswith("accuracy") else np.abs(losses)
        values[random.random(epochs) < draw(st.sampled_from([0, 0, 0.3]))] = draw(st.sampled_from([np.nan, np.inf]))
        curves[name] = values.tolist()
    return history(**curves)


def test_overfitting_begins_in_an_epoch_that_is_known() -> None:
    losses = {"loss": [0.9, 0.5, 0.3, 0.2, 0.12, 0.08, 0.05], "val_loss": [0.9, 0.5, 0.3, 0.32, 0.36, 0.4, 0.44]}
    curve = history(**losses)
    sparse = [{**entry, "epoch": 5 * entry["epoch"]} for entry in curve]
    found = course(curve), course(sparse)
    assert [finding and (finding.kind, finding.epoch) for finding in found] == [("overfitting", 4), ("overfitting", 20)]


@given(
    WILD | plausible(),
    st.none() | st.integers(-1, 10**6),
    st.integers(2, 1000),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=600, deadline=None)
def test_any_history_is_read_without_contradiction(
    entries: History, n_validation: int | None, classes: int, stopped_early: bool, on_test: bool, diverged: bool
) -> None:
    facts = {"n_validation": n_validation, "classes": classes, "stopped_early": stopped_early, "diverged": diverged}
    findings = diagnose(entries, validation_is_test=on_test, **facts)
    kinds = [finding.kind for finding in findings]
    assert len(set(kinds)) == len(kinds) and set(kinds) <= set(KINDS)
    # One course at most: never too high and too low, dead and overfitting, overfitting and unfinished.
    assert len(set(kinds) & COURSES) <= 1
    places = [(LEVELS.index(finding.level), KINDS.index(finding.kind)) for finding in findings]
    assert places == sorted(places)
    known = {entry.get("epoch") for entry in entries} | set(range(1, len(entries) + 2))
    for finding in findings:
        assert text_is_sound(finding.text), finding.text
        assert finding.epoch is None or finding.epoch in known
    if set(kinds) & {"diverged", "dead", "rate-too-high"}:
        assert not set(kinds) & {"noise", "chosen-on-test"}
    assert ("diverged" in kinds) >= diverged and ("unfinished" not in kinds or not stopped_early)


@given(plausible(), st.data())
@settings(max_examples=100, deadline=None)
def test_a_hole_is_a_hole_however_it_is_written(entries: History, data: st.DataObject) -> None:
    whole = [{name: value for name, value in entry.items() if math.isfinite(value)} for entry in entries]
    # Where the last training loss is the hole no NaN is written for a loss: that would be a divergence.
    names = [name for name in NAMES if name != "loss" or "loss" in whole[-1]]
    ways = st.sampled_from([{}, dict.fromkeys(names), dict.fromkeys(names, math.nan)])
    holes = [{**data.draw(ways), **entry} for entry in whole]
    assert diagnose(whole, n_validation=1000) == diagnose(holes, n_validation=1000)


def test_an_empty_history_says_nothing() -> None:
    assert diagnose([]) == () and diagnose([{}, {"epoch": 2}]) == ()


def test_epochs_without_a_number_are_counted() -> None:
    best = of_kind("best-epoch", [{"val_loss": 0.5}, {"val_loss": 0.2, "epoch": math.nan}, {"val_loss": 0.3}])
    assert best is not None and best.epoch == 2
    best = of_kind("best-epoch", [{"val_loss": 0.5, "epoch": 11}, {"val_loss": 0.2, "epoch": np.int64(12)}])
    assert best is not None and best.epoch == 12


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="Received: classes=1"):
        diagnose([], classes=1)


def test_the_most_important_comes_first() -> None:
    turned = [0.5, 0.3, 0.2, 0.16, 0.15, 0.16, 0.17, 0.18, 0.19, 0.2]
    findings = diagnose(history(loss=FALLING, val_loss=turned, val_accuracy=GOOD), n_validation=500)
    assert [finding.kind for finding in findings] == ["overfitting", "noise", "best-epoch"]


def test_the_wobble_is_the_standard_deviation_of_independent_noise() -> None:
    noise = np.random.default_rng(0).normal(1, 0.05, 4000)
    assert Curve(tuple(range(4000)), tuple(noise)).wobble() == pytest.approx(0.05, rel=0.05)
    assert Curve((1, 2), (0.5, 0.3)).wobble() == 0 == Curve((), ()).falls()


def test_every_kind_is_told_of_somewhere() -> None:
    """No kind is documented that no rule gives."""
    from pathlib import Path

    import mnist_lab.diagnosis

    folder = Path(mnist_lab.diagnosis.__file__).parent
    source = "".join((folder / f"{name}.py").read_text(encoding="utf-8") for name in ("failures", "course", "choice"))
    assert {name for name in KINDS if f'Finding("{name}"' in source} == set(KINDS)


# Runs and presets -----------------------------------------------------------------------------------------------------


def test_a_run_says_of_itself_how_many_images_chose_its_epoch_and_whether_it_diverged(tmp_path: Path) -> None:
    store = RunStore(open_engine(f"sqlite:///{tmp_path / 'lab.db'}"), tmp_path)
    entry = preset("000-model-8")
    history = entry.published.history() if entry.published else []
    run = store.create(entry.architecture, entry.training, preset=entry.name)
    store.set_figures(run.id, dataset="mnist", status="finished", test_images=10_000, epochs_run=10)
    assert subjects.of_run(store.get(run.id), history) == subjects.of_published(entry) != ()
    store.set_figures(run.id, reason="The loss became NaN or infinite: the steps are too large.", status="failed")
    assert subjects.of_run(store.get(run.id), history)[0].kind == "diverged"
    held_out = store.create(entry.architecture, TrainingConfig(), preset=None)
    assert "noise" not in {each.kind for each in subjects.of_run(held_out, history)}, "its images are not known yet"
    store.close()


def test_what_was_not_published_says_nothing() -> None:
    assert subjects.of_published(preset("starter")) == ()
