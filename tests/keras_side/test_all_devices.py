"""One training over several devices is the training on one: the same steps, stopped and resumed alike."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from mnist_lab.errors import SettingError
from mnist_lab.keras_side.accuracy import AccuracyOfDigits, AccuracyOfShares
from mnist_lab.keras_side.backend import BACKEND
from mnist_lab.keras_side.batches import dealt_out
from tests.jobs.conftest import environment

IS_TENSORFLOW = keras.backend.backend() == "tensorflow"
FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy")
# Sums are taken in another order, and each step goes on from what came of that: seen were 3e-8.
CLOSE = 2e-5


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `two_devices` says."""
    if not IS_TENSORFLOW:
        pytest.skip("only TensorFlow trains on several devices here")
    home = tmp_path_factory.mktemp("devices")
    words = [sys.executable, "-m", "tests.keras_side.two_devices", str(home)]
    asked = subprocess.run(words, env=environment(home), capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr[-3000:]
    said: dict[str, Any] = json.loads(asked.stdout)
    return said


def figures(run: dict[str, Any]) -> list[list[float]]:
    return [[entry[key] for key in FIGURES] for entry in run["history"]]


def test_two_devices_learn_what_one_learns_also_by_batches_that_cannot_be_halved(found: dict[str, Any]) -> None:
    one, two = found["one"], found["two"]
    assert (one["status"], two["status"]) == ("finished", "finished"), two["reason"]
    assert two["device"] == f"{one['device']}, 2 at once"
    assert len(one["weights"]) == len(two["weights"]) == 6
    for mine, theirs in zip(one["weights"], two["weights"], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=CLOSE)
    np.testing.assert_allclose(np.array(figures(one))[:, 1:], np.array(figures(two))[:, 1:], atol=CLOSE)
    # One image of 151 counts once more, in a batch whose loss is another by less than 0.3.
    np.testing.assert_allclose(np.array(figures(one))[:, 0], np.array(figures(two))[:, 0], atol=0.3 / 151)
    assert figures(one)[1][0] < figures(one)[0][0] - 100 * CLOSE, "they did learn"
    assert one["test_accuracy"] == two["test_accuracy"]
    assert one["test_loss"] == pytest.approx(two["test_loss"], abs=CLOSE)


def test_on_two_devices_it_stops_and_goes_on_from_there_as_if_it_had_not(found: dict[str, Any]) -> None:
    whole, stopped, resumed = found["whole"], found["stopped"], found["resumed"]
    assert (whole["status"], stopped["status"], resumed["status"]) == ("finished", "stopped", "finished")
    assert len(stopped["history"]) == 1 and stopped["is_evaluated"]
    assert len(whole["history"]) == len(resumed["history"]) == 3
    np.testing.assert_allclose(figures(whole), figures(resumed), atol=CLOSE)
    for mine, theirs in zip(whole["weights"], resumed["weights"], strict=True):
        np.testing.assert_allclose(mine, theirs, atol=CLOSE)


@pytest.mark.parametrize(("size", "devices"), [(8, 2), (7, 2), (1, 2), (5, 4), (9, 4), (2, 4), (3, 1)])
def test_a_batch_is_dealt_out_in_equal_shares_that_weigh_what_it_weighs(size: int, devices: int) -> None:
    losses = np.arange(1, size + 1, dtype=np.float32)
    batches = tf.data.Dataset.from_tensors((losses.reshape(size, 1), np.arange(size)))
    shares = [tuple(each.numpy() for each in share) for share in dealt_out(batches, devices)]
    assert len(shares) == devices
    assert len({len(labels) for _, labels, _ in shares}) == 1
    assert np.mean([np.mean(loss[:, 0] * weight) for loss, _, weight in shares]) == pytest.approx(losses.mean())
    counted = np.concatenate([labels[weight > 0] for _, labels, weight in shares])
    np.testing.assert_array_equal(counted, np.arange(size), "each image once, in its order")


def test_what_fills_up_a_share_is_in_no_accuracy() -> None:
    right = np.eye(10, dtype=np.float32)[[3, 3, 3]]
    for metric, labels in ((AccuracyOfShares(), np.array([3, 4, 4])), (AccuracyOfDigits(), np.eye(10)[[3, 4, 4]])):
        metric.update_state(labels, right, np.array([1.5, 1.5, 0.0]))
        assert float(metric.result()) == 0.5


@pytest.mark.skipif(IS_TENSORFLOW, reason="TensorFlow can")
def test_a_backend_that_trains_on_one_device_says_so() -> None:
    with pytest.raises(SettingError, match="one device"):
        BACKEND.take_all_devices()
