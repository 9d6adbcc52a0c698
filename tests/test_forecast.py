"""What a training will take: the probe's arithmetic, earlier runs before it, and the refusal of what is too large."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import pytest

from mnist_lab import formatting, shapes
from mnist_lab.architecture import Architecture
from mnist_lab.errors import TooLargeError
from mnist_lab.forecast import BASE_BYTES, RUNS_CONSIDERED, Cost, Forecast, Probe, forecast, read_probe
from mnist_lab.layers import Conv2D, Dense, Flatten, MaxPooling2D
from mnist_lab.optimizers import SGD, Adam
from mnist_lab.store import Run
from mnist_lab.training_config import TrainingConfig

SMALL = Architecture((Flatten(), Dense(10, "softmax")))
LARGE = Architecture((Conv2D(16), MaxPooling2D(), Flatten(), Dense(10, "softmax")))
CONFIG = TrainingConfig(batch_size=128)
PROBE = Probe(fixed=1e-3, layer=2e-4, weight=3e-9, each=1e-9, value=2e-9)

COSTS = (
    Cost(8_000, 800, 2, 8_000),
    Cost(9_000, 900, 9, 2_000),
    Cost(250_000, 33_000, 4, 50_000),
    Cost(6_000_000, 60_000, 5, 60_000),
    Cost(2_000_000, 2_800, 4, 2_000_000),
)


def earlier(architecture: Architecture, images_per_second: float | None, batch_size: int = 128) -> Run:
    """A finished run of this speed."""
    values: dict[str, Any] = dict.fromkeys(field.name for field in dataclasses.fields(Run))
    analysis = shapes.analyse(architecture)
    return Run(
        **values
        | {
            "architecture": architecture.to_dict(),
            "training": TrainingConfig(batch_size=batch_size).to_dict(),
            "multiply_adds": analysis.multiply_adds,
            "training_images": 1000,
            "images_per_second": images_per_second,
            "created": time.time(),
        }
    )


def ahead(architecture: Architecture = LARGE, config: TrainingConfig = CONFIG, **more: Any) -> Forecast:
    return forecast(shapes.analyse(architecture), config, **{"images": 1000, "probe": PROBE, **more})


def test_a_probe_finds_the_five_numbers_that_explain_five_networks() -> None:
    costs = COSTS
    probe = Probe.from_measured([(cost, PROBE.seconds(cost, 128)) for cost in costs], 128)
    assert probe.fixed == pytest.approx(PROBE.fixed)
    assert probe.layer == pytest.approx(PROBE.layer)
    assert probe.weight == pytest.approx(PROBE.weight)
    assert probe.each == pytest.approx(PROBE.each)
    assert probe.value == pytest.approx(PROBE.value)
    assert probe.seconds(Cost(1_000_000, 10_000, 5, 1_000), 100) == pytest.approx(1e-5 + 1e-5 + 3e-8 + 1e-3 + 2e-5)


@pytest.mark.parametrize("seconds", [(5e-4, 4e-4, 3e-4, 2e-4, 1e-4), (*[1e-9] * 4, 1.0), (1.0, *[1e-9] * 4)])
def test_a_probe_that_was_disturbed_is_never_negative(seconds: tuple[float, ...]) -> None:
    costs = COSTS
    probe = Probe.from_measured(list(zip(costs, seconds, strict=True)), 128)
    assert min(probe.to_dict().values()) >= 0
    assert probe.seconds(Cost(1, 1, 1, 1), 128) > 0


def test_a_probe_goes_through_the_store_unchanged() -> None:
    assert read_probe(PROBE.to_dict()) == PROBE
    assert read_probe(None) is None


def test_a_probe_of_an_earlier_version_is_measured_anew() -> None:
    assert read_probe({"fixed": 1e-5, "each": 1e-9}) is None


def test_without_any_measurement_the_seconds_are_unknown_and_the_memory_is_not() -> None:
    found = ahead(probe=None)
    assert found.seconds_per_epoch is None
    assert found.memory_bytes > BASE_BYTES
    assert "measured" in found.basis


def test_the_probe_gives_the_seconds_of_an_epoch() -> None:
    network = shapes.analyse(LARGE)
    step = 1e-3 + 2e-4 * len(network.rows) + 3e-9 * network.trainable
    seconds = step / CONFIG.batch_size + 1e-9 * network.multiply_adds + 2e-9 * network.activation_values
    assert ahead(images=500).seconds_per_epoch == pytest.approx(500 * seconds)
    assert "probe" in ahead().basis


def test_earlier_runs_of_the_same_cost_speak_for_themselves_by_their_median() -> None:
    runs = [earlier(LARGE, speed) for speed in (100.0, 400.0, 200.0)]
    assert ahead(earlier=runs).seconds_per_epoch == pytest.approx(1000 / 200)
    assert ahead(earlier=runs, probe=None).seconds_per_epoch == pytest.approx(1000 / 200)
    assert "3 earlier runs" in ahead(earlier=runs).basis
    assert "1 earlier run " in ahead(earlier=runs[:1]).basis


def test_only_the_newest_runs_count() -> None:
    runs = [earlier(LARGE, 100.0)] * RUNS_CONSIDERED + [earlier(LARGE, 1e6)] * 100
    assert ahead(earlier=runs).seconds_per_epoch == pytest.approx(10.0)


def test_runs_of_another_cost_or_batch_correct_the_probe_once_there_are_two() -> None:
    plain = ahead().seconds_per_epoch
    assert plain is not None
    small, large = (PROBE.seconds(Cost.of(shapes.analyse(each)), size) for each, size in ((SMALL, 128), (LARGE, 8)))
    # They took twice and four times what the probe says.
    others = [earlier(SMALL, 1 / (2 * small)), earlier(LARGE, 1 / (4 * large), batch_size=8)]
    assert ahead(earlier=others).seconds_per_epoch == pytest.approx(3 * plain)
    assert ahead(earlier=others[:1]).seconds_per_epoch == pytest.approx(plain)


def test_runs_that_never_had_a_speed_say_nothing() -> None:
    assert ahead(earlier=[earlier(LARGE, None)] * 5) == ahead()


def test_memory_grows_with_the_batch_by_two_values_for_each_activation() -> None:
    one, two = (ahead(config=TrainingConfig(batch_size=size)).memory_bytes for size in (100, 200))
    assert two - one == 100 * 2 * 4 * shapes.analyse(LARGE).activation_values > 0


def test_memory_grows_with_the_images_and_with_what_the_optimizer_keeps() -> None:
    assert ahead(images=2000).memory_bytes - ahead(images=1000).memory_bytes == 1000 * 28 * 28 * 4
    adam, sgd = (ahead(config=TrainingConfig(optimizer=each)).memory_bytes for each in (Adam(), SGD()))
    assert adam - sgd == 4 * shapes.analyse(LARGE).trainable


def test_what_does_not_fit_is_refused_with_both_figures() -> None:
    found = ahead(available_bytes=ahead().memory_bytes - 1)
    assert not found.fits
    with pytest.raises(TooLargeError) as caught:
        found.check()
    assert formatting.size(found.memory_bytes) in str(caught.value)
    assert formatting.size(found.available_bytes) in str(caught.value)
    assert "batch" in str(caught.value)


def test_what_just_fits_is_not_refused() -> None:
    found = ahead(available_bytes=ahead().memory_bytes)
    assert found.fits
    assert found.problem is None
    found.check()


def test_no_machine_of_today_trains_a_layer_of_ten_billion_weights() -> None:
    huge = Architecture((Conv2D(512, padding="same"), Conv2D(512, padding="same"), Flatten(), Dense(25_000), Dense(10)))
    with pytest.raises(TooLargeError):
        ahead(huge, TrainingConfig(batch_size=4096)).check()
