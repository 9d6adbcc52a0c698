"""McNemar's test and Holm's correction against SciPy, hand values and their edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from mnist_lab.paired import Paired, holm, mcnemar


def asked(both: int, only_a: int, only_b: int, neither: int) -> Paired:
    labels = np.full(both + only_a + only_b + neither, 7)
    right = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [both, only_a, only_b, neither], axis=0).astype(bool)
    return mcnemar(labels, np.where(right[:, 0], 7, 1), np.where(right[:, 1], 7, 2))


@given(*[st.integers(0, 300)] * 4)
def test_counts_and_p_are_those_of_the_binomial_test(both: int, only_a: int, only_b: int, neither: int) -> None:
    found = asked(both, only_a, only_b, neither)
    assert (found.both, found.only_a, found.only_b, found.neither) == (both, only_a, only_b, neither)
    assert found.images == both + only_a + only_b + neither
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert found.p == pytest.approx(expected, rel=1e-9, abs=1e-300)


BY_HAND = [(0, 0, 1), (1, 0, 1), (0, 2, 0.5), (5, 0, 2 / 32), (0, 6, 2 / 64), (1, 7, 2 * 9 / 256), (4, 4, 1), (3, 4, 1)]


@pytest.mark.parametrize(("only_a", "only_b", "p"), BY_HAND)
def test_hand_values(only_a: int, only_b: int, p: float) -> None:
    assert asked(90, only_a, only_b, 3).p == pytest.approx(p)
    assert asked(0, only_b, only_a, 0).p == pytest.approx(p), "which is first does not matter"


def test_thousands_of_images_do_not_underflow_to_nonsense() -> None:
    assert 0 <= asked(0, 9000, 10, 0).p < 1e-300
    assert asked(0, 5000, 5000, 0).p == 1.0


def test_no_images_at_all_tell_nothing() -> None:
    assert mcnemar([], [], []) == Paired(0, 0, 0, 0, 1.0)


@pytest.mark.parametrize("shapes", [((3,), (3,), (2,)), ((3,), (2,), (3,)), ((3, 1), (3, 1), (3, 1))])
def test_other_shapes_are_refused(shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(ValueError, match="one label and two predictions"):
        mcnemar(*(np.zeros(shape, int) for shape in shapes))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.5]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_keeps_the_order_and_never_lowers(ps: list[float]) -> None:
    corrected = holm(ps)
    assert all(p <= each <= 1 for p, each in zip(ps, corrected, strict=True))
    pairs = sorted(zip(ps, corrected, strict=True))
    assert [each for _, each in pairs] == sorted(corrected)
    assert not ps or min(corrected) == pytest.approx(min(1, len(ps) * min(ps)))


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_holm_refuses_what_is_no_p(p: float) -> None:
    with pytest.raises(ValueError, match=r"0\.\.1"):
        holm([0.5, p])
