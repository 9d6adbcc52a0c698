"""What the benchmark of drawings makes of strokes and of answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks import drawing as benchmark
from mnist_lab import drawing

STROKES = [[[60.0, 40.0], [200.0, 60.0], [120.0, 240.0]]]


@pytest.mark.parametrize("place", benchmark.PLACES)
@pytest.mark.parametrize("factor", sorted({*sum(benchmark.SIZES.values(), ())} - {1.5}))
@pytest.mark.parametrize("pen", benchmark.PENS)
def test_a_digit_keeps_its_shape_and_all_of_its_ink_on_the_canvas(place: str, factor: float, pen: float) -> None:
    (line,) = benchmark.placed(STROKES, factor, place, pen)
    old = np.array(STROKES[0])
    np.testing.assert_allclose(np.diff(line, axis=0), np.diff(old, axis=0) * factor)
    assert line.min() >= pen / 2 - 1e-9
    assert line.max() <= drawing.CANVAS_SIZE - pen / 2 + 1e-9


def test_places_are_apart() -> None:
    middles = [benchmark.placed(STROKES, 0.5, place, 8.0)[0].mean(0) for place in benchmark.PLACES]
    assert min(np.hypot(*(a - b)) for k, a in enumerate(middles) for b in middles[:k]) > 50


def test_the_interval_is_that_of_a_bootstrap_over_digits() -> None:
    right = np.random.default_rng(0).choice([0.0, 0.5, 1.0], 400, p=[0.02, 0.08, 0.9])
    expected = stats.bootstrap((right,), np.mean, method="percentile", rng=np.random.default_rng(2)).confidence_interval
    np.testing.assert_allclose(benchmark.interval(right), expected, atol=2e-3)
