"""Seeds against seeds: the tests against SciPy and statsmodels, and how often one network is called different."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test, ttest_ind
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from mnist_lab import seed_groups
from mnist_lab.comparison import ALPHA
from mnist_lab.paired import holm
from mnist_lab.seed_groups import PERMUTATION, WELCH, permutation, tell_apart, welch, welch_difference

SEEDS = st.lists(st.floats(0.5, 1), min_size=3, max_size=9)
IMAGES = st.lists(st.integers(9800, 9830).map(lambda right: right / 10_000), min_size=3, max_size=4)


@given(SEEDS, SEEDS, st.sampled_from([0.8, 0.95, 0.99]))
@settings(deadline=None)
def test_welch_is_that_of_statsmodels(first: list[float], second: list[float], level: float) -> None:
    if np.ptp(first) > 1e-3 and np.ptp(second) > 1e-3:
        means = CompareMeans(DescrStatsW(first), DescrStatsW(second))
        assert welch(first, second) == pytest.approx(means.ttest_ind(usevar="unequal")[1], rel=1e-6)
        expected = means.tconfint_diff(alpha=1 - level, usevar="unequal")
        assert welch_difference(first, second, level)[1:] == pytest.approx(expected, abs=1e-9)


@given(IMAGES, IMAGES)
@settings(max_examples=40, deadline=None)
def test_the_permutation_test_is_that_of_scipy(first: list[float], second: list[float]) -> None:
    this_way, either_way, dealings = permutation(first, second)
    assert dealings == math.comb(len(first) + len(second), len(first))

    def lead(a: np.ndarray, b: np.ndarray) -> int:
        # In images and without a division, so that no rounding parts what is equal.
        a, b = (np.rint(10_000 * np.asarray(each)).astype(int) for each in (a, b))
        return int(a.sum() * len(b) - b.sum() * len(a))

    def p(of: Callable[[int], int]) -> float:
        asked = permutation_test(
            (first, second), lambda a, b: of(lead(a, b)), vectorized=False, n_resamples=math.inf, alternative="greater"
        )
        return float(asked.pvalue)

    assert either_way / dealings == pytest.approx(p(abs))
    sign = 1 if lead(first, second) > 0 else -1
    assert this_way / dealings == pytest.approx(p(lambda lead: sign * lead))


def test_the_permutation_test_by_hand() -> None:
    assert permutation([4, 5, 6], [1, 2, 3]) == (1, 2, 20)
    assert permutation([4, 5, 6, 7], [1, 2, 3]) == (1, 2, 35)
    assert permutation([4, 5, 6, 5.5], [1, 2, 3]) == (1, 1, 35)
    assert permutation([1, 1, 1], [1, 1, 1]) == (20, 20, 20)
    # One of six fails: whichever group it is in, the means are as far apart.
    assert permutation([0.1, 0.9, 0.9], [0.9, 0.9, 0.9]) == (10, 20, 20)
    # Both failures on one side: of 20 dealings 4 put them to the left and 4 to the right.
    assert permutation([0.1, 0.1, 0.9], [0.9, 0.9, 0.9]) == (4, 8, 20)


def test_more_dealings_than_can_be_gone_through_are_drawn_and_always_the_same() -> None:
    generator = np.random.default_rng(5)
    first, second = generator.normal(0, 1, 12), generator.normal(0.8, 1, 12)
    this_way, either_way, dealings = permutation(first, second)
    assert dealings == seed_groups.MOST_DEALINGS < math.comb(24, 12)
    assert (this_way, either_way, dealings) == permutation(first, second)
    assert (this_way, either_way, dealings) == permutation(second[::-1], first)
    # Of normal values the t test knows how many there would be.
    assert either_way / dealings == pytest.approx(ttest_ind(first, second).pvalue, abs=0.01)


@given(SEEDS, SEEDS)
@settings(deadline=None)
def test_welchs_p_stands_or_is_raised(first: list[float], second: list[float]) -> None:
    alone, (p, by) = welch(first, second), tell_apart(first, second)
    if alone is None:
        assert (p, by) == (None, WELCH)
    else:
        assert p is not None and p >= alone
        assert p == alone or (by == PERMUTATION and alone < ALPHA)
    turned, by_turned = tell_apart(second, first)
    assert by_turned == by
    assert turned == (None if p is None else pytest.approx(p))


def test_few_seeds_that_do_not_mix_are_told_apart_by_welchs_test() -> None:
    # There are 20 dealings: a permutation test alone could tell nothing apart.
    assert tell_apart([0.991, 0.992, 0.993], [0.971, 0.973, 0.972]) == (
        pytest.approx(ttest_ind([0.991, 0.992, 0.993], [0.971, 0.973, 0.972], equal_var=False).pvalue), WELCH,
    )  # fmt: skip


def test_a_network_that_fails_with_some_seeds_is_not_told_apart_from_itself() -> None:
    # 4 of 16 fail and all 4 in one group: Welch's test finds that rare, and it happens once in 13 times.
    fails, learns = [0.1135] * 4 + [0.92, 0.921, 0.922, 0.922], [0.92, 0.918, 0.921, 0.92, 0.919, 0.922, 0.923, 0.92]
    assert welch(fails, learns) < 0.04
    p, by = tell_apart(fails, learns)
    assert by == PERMUTATION and p == pytest.approx(2 * math.comb(12, 4) / math.comb(16, 8), abs=0.03)
    assert p > ALPHA


def test_where_all_of_three_have_failed_they_are_too_few() -> None:
    fails, learns = [0.1135, 0.1135, 0.1134], [0.92, 0.921, 0.919]
    assert welch(fails, learns) < 1e-6
    assert tell_apart(fails, learns) == tell_apart(learns, fails) == (0.1, PERMUTATION)
    more = [0.1135] * 5, [0.92, 0.921, 0.919, 0.922, 0.923]
    assert tell_apart(*more) == (2 / math.comb(10, 5), PERMUTATION), "five that all fail are enough"


def test_ten_pairs_of_one_network_that_often_fails_find_nothing_more_than_once_in_twenty_times() -> None:
    generator = np.random.default_rng(8)
    times = 400
    found = 0
    for _ in range(times):
        groups = [failing(generator, 3).tolist() for _ in range(5)]
        ps = [tell_apart(*pair)[0] for pair in combinations(groups, 2)]
        found += min(holm([p for p in ps if p is not None]), default=1.0) < ALPHA
    assert found / times < 0.05 + 3.1 * math.sqrt(0.05 * 0.95 / times)


def failing(generator: np.random.Generator, seeds: int) -> np.ndarray:
    learnt = generator.random(seeds) < 0.5
    return np.where(learnt, 0.92 + 0.003 * generator.standard_normal(seeds), 0.1135)


def even(generator: np.random.Generator, seeds: int) -> np.ndarray:
    return generator.normal(0.99, 0.001, seeds)


def skewed(generator: np.random.Generator, seeds: int) -> np.ndarray:
    return 0.99 - 0.01 * generator.exponential(size=seeds)


# Welch's test alone calls 7.7 % of the failing 8 and 8 different, 11 % of the skewed 3 and 20.
ONE_NETWORK = [(failing, 8, 8), (failing, 3, 7), (even, 3, 3), (even, 3, 8), (even, 8, 8), (skewed, 3, 20)]


@pytest.mark.parametrize(("kind", "a", "b"), ONE_NETWORK)
def test_one_network_is_called_different_from_itself_at_most_once_in_twenty_times(
    kind: Callable[[np.random.Generator, int], np.ndarray], a: int, b: int
) -> None:
    generator = np.random.default_rng(4)
    times = 2000
    ps = [tell_apart(kind(generator, a), kind(generator, b))[0] for _ in range(times)]
    called = sum(p is not None and p < ALPHA for p in ps)
    # By chance so many of 2,000 may be more, once in a thousand times.
    assert called / times < 0.05 + 3.1 * math.sqrt(0.05 * 0.95 / times)
