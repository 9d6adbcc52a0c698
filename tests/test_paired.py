"""Two networks on the same images: test, interval and correction against SciPy, statsmodels, R, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import binomtest, multinomial, norm
from sklearn.metrics import confusion_matrix
from statsmodels.stats import contingency_tables
from statsmodels.stats.multitest import multipletests

from mnist_lab import metrics
from mnist_lab.paired import Paired, difference, holm, mcnemar, moves, sets


def asked(both: int, only_a: int, only_b: int, neither: int) -> Paired:
    labels = np.full(both + only_a + only_b + neither, 7)
    right = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [both, only_a, only_b, neither], axis=0).astype(bool)
    return mcnemar(labels, np.where(right[:, 0], 7, 1), np.where(right[:, 1], 7, 2))


@given(*[st.integers(0, 300)] * 4)
@settings(deadline=None)
def test_counts_and_p_are_those_of_the_binomial_test(both: int, only_a: int, only_b: int, neither: int) -> None:
    found = asked(both, only_a, only_b, neither)
    assert (found.both, found.only_a, found.only_b, found.neither) == (both, only_a, only_b, neither)
    assert found.images == both + only_a + only_b + neither
    expected = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    assert found.p == pytest.approx(expected, rel=1e-9, abs=1e-300)


@given(*[st.integers(0, 300)] * 4)
@settings(deadline=None)
def test_p_is_that_of_statsmodels_too(both: int, only_a: int, only_b: int, neither: int) -> None:
    # Without a parting there is nothing to test: statsmodels answers NaN or 1 by its version, and here it is 1.
    if only_a + only_b:
        expected = contingency_tables.mcnemar([[both, only_a], [only_b, neither]], exact=True).pvalue
        assert asked(both, only_a, only_b, neither).p == pytest.approx(expected, rel=1e-6, abs=1e-300)


@pytest.mark.parametrize("table", [(0, 1, 0, 0), (0, 0, 1, 0), (1, 0, 0, 0), (0, 0, 0, 1)])
def test_one_image_proves_nothing(table: tuple[int, ...]) -> None:
    found = asked(*table)
    assert found.p == 1.0 == contingency_tables.mcnemar(np.reshape(table, (2, 2)), exact=True).pvalue
    middle, low, high = difference(found)
    assert middle == table[1] - table[2]
    assert low < 0 < high, "the interval of one image holds an advantage of either"


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
@settings(deadline=None)
def test_holm_keeps_the_order_and_never_lowers(ps: list[float]) -> None:
    corrected = holm(ps)
    assert all(p <= each <= 1 for p, each in zip(ps, corrected, strict=True))
    pairs = sorted(zip(ps, corrected, strict=True))
    assert [each for _, each in pairs] == sorted(corrected)
    assert not ps or min(corrected) == pytest.approx(min(1, len(ps) * min(ps)))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=45), st.booleans())
@settings(deadline=None)
def test_holm_is_that_of_statsmodels(ps: list[float], has_equals: bool) -> None:
    ps = [round(p, 1) for p in ps] if has_equals else ps
    is_rejected, expected, *_ = multipletests(ps, alpha=0.05, method="holm")
    assert holm(ps) == pytest.approx(expected.tolist(), abs=1e-12)
    # On the border itself rounding decides.
    certain = np.abs(expected - 0.05) > 1e-9
    assert (np.array(holm(ps)) < 0.05)[certain].tolist() == is_rejected[certain].tolist()


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_holm_refuses_what_is_no_p(p: float) -> None:
    with pytest.raises(ValueError, match=r"0\.\.1"):
        holm([0.5, p])


# Which images ---------------------------------------------------------------------------------------------------------


ANSWERS = st.lists(st.tuples(*[st.integers(0, 3)] * 3), max_size=40)


@given(ANSWERS)
@settings(deadline=None)
def test_the_sets_are_the_images_that_were_counted(answers: list[tuple[int, int, int]]) -> None:
    labels, a, b = np.array(answers, int).reshape(-1, 3).T
    found, counts = sets(labels, a, b), mcnemar(labels, a, b)
    assert [len(found.only_a), len(found.only_b), len(found.neither)] == [counts.only_a, counts.only_b, counts.neither]
    assert found.only_a.tolist() == [i for i, (true, x, y) in enumerate(answers) if x == true != y]
    assert found.only_b.tolist() == [i for i, (true, x, y) in enumerate(answers) if y == true != x]
    assert found.neither.tolist() == [i for i, (true, x, y) in enumerate(answers) if true not in (x, y)]


def test_sets_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="one label and two predictions"):
        sets([1, 2], [1, 2], [1])


@given(ANSWERS)
@settings(deadline=None)
def test_moves_lead_from_one_confusion_matrix_to_the_other(answers: list[tuple[int, int, int]]) -> None:
    labels, a, b = np.array(answers, int).reshape(-1, 3).T
    found = moves(labels, a, b)
    if answers:
        before, after = (confusion_matrix(labels, said, labels=range(10)) for said in (a, b))
        np.testing.assert_array_equal(found.difference, after - before)
    for true, digit in ((0, 0), (1, 2), (3, 3)):
        assert found.came[true, digit] == sum(t == true and y == digit != x for t, x, y in answers)
        assert found.left[true, digit] == sum(t == true and x == digit != y for t, x, y in answers)


def test_moves_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="one label and two predictions"):
        moves([1, 2], [1, 2], [1])


# The difference and its interval --------------------------------------------------------------------------------------


def counts(both: int, only_a: int, only_b: int, neither: int) -> Paired:
    return Paired(both, only_a, only_b, neither, 1.0)


# Made elsewhere: by the R package contingencytables (complete response before and after therapy, Cavo et al. 2012), and
# by scoreci.mp of the R package PropCIs (at 90 %).
BY_R = [((59, 6, 16, 80), 0.95, (-0.0621, -0.1240, -0.0054)), ((565, 28, 25, 0), 0.9, (0.0049, -0.0148, 0.0247))]


@pytest.mark.parametrize(("table", "level", "expected"), BY_R)
def test_intervals_are_those_of_r(table: tuple[int, ...], level: float, expected: tuple[float, ...]) -> None:
    assert difference(counts(*table), level) == pytest.approx(expected, abs=5.1e-5)


def statistic(d: float, b: int, c: int, n: int) -> float:
    """Tango's statistic, the most likely share looked for by a search in place of his formula."""

    def unlikely(q: float) -> float:
        shares = (q + d, q, 1 - 2 * q - d)
        seen = (b, c, n - b - c)
        return -sum(k * math.log(max(share, 1e-300)) for k, share in zip(seen, shares, strict=True) if k)

    low, high = max(0.0, -d), (1 - d) / 2
    q = minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    return (b - c - n * d) / math.sqrt(n * (2 * q + d - d * d))


@given(st.integers(0, 60), st.integers(1, 30), st.integers(1, 30), st.sampled_from([0.8, 0.95, 0.99]))
@settings(deadline=None)
def test_the_ends_solve_the_equation_of_the_score(same: int, b: int, c: int, level: float) -> None:
    n, z = same + b + c, norm.ppf((1 + level) / 2)
    middle, low, high = difference(counts(same, b, c, 0), level)
    assert middle == (b - c) / n
    by_search = [
        brentq(lambda d: statistic(d, b, c, n) - z, -1 + 1e-6, middle),
        brentq(lambda d: statistic(d, b, c, n) + z, middle, 1 - 1e-6),
    ]
    assert (low, high) == pytest.approx(by_search, abs=1e-4)


@given(*[st.integers(0, 400)] * 4)
@settings(deadline=None)
def test_an_interval_is_in_order_and_turns_with_the_networks(both: int, b: int, c: int, neither: int) -> None:
    middle, low, high = difference(counts(both, b, c, neither))
    if both + b + c + neither == 0:
        assert math.isnan(middle) and math.isnan(low) and math.isnan(high)
        return
    assert -1 <= low <= middle <= high <= 1
    assert low < high
    assert difference(counts(neither, c, b, both)) == (-middle, -high, -low), "what both do alike tells nothing"
    inner = difference(counts(both, b, c, neither), 0.5)
    assert low <= inner[1] and inner[2] <= high
    # It is the counterpart of McNemar's test by chi-squared.
    z = norm.ppf(0.975)
    if abs((b - c) ** 2 - z * z * (b + c)) > 1e-6:
        assert (low > 0 or high < 0) == ((b - c) ** 2 > z * z * (b + c))


@pytest.mark.parametrize("n", [1, 2, 10, 10_000])
def test_networks_that_never_part_may_still_differ_by_what_so_many_images_do_not_show(n: int) -> None:
    z = norm.ppf(0.975)
    middle, low, high = difference(counts(n - 1, 0, 0, 1))
    assert (middle, low, high) == pytest.approx((0, -z * z / (n + z * z), z * z / (n + z * z)))
    # As Wilson's interval has it for none of n.
    assert high == pytest.approx(metrics.accuracy_interval(0, n)[1])


@pytest.mark.parametrize("n", [1, 2, 10, 10_000])
def test_networks_that_always_part_to_the_same_side(n: int) -> None:
    z = norm.ppf(0.975)
    expected = (1, (n - z * z) / (n + z * z), 1)
    assert difference(counts(0, n, 0, 0)) == pytest.approx(expected)
    assert difference(counts(0, 0, n, 0)) == pytest.approx((-1, -1, -expected[1]))


def test_networks_that_always_part_to_both_sides() -> None:
    middle, low, high = difference(counts(0, 5000, 5000, 0))
    assert middle == 0
    assert high == -low == pytest.approx(norm.ppf(0.975) / 100, rel=1e-3)


@pytest.mark.parametrize("shares", [(0.96, 0.015, 0.005, 0.02), (0.6, 0.2, 0.1, 0.1), (0.985, 0.005, 0.005, 0.005)])
def test_the_interval_holds_the_truth_as_often_as_it_says(shares: tuple[float, ...]) -> None:
    draws = np.random.default_rng(20).multinomial(1000, shares, size=3000)
    truth = shares[1] - shares[2]
    intervals = [difference(counts(*map(int, draw)))[1:] for draw in draws]
    assert 0.93 < np.mean([low <= truth <= high for low, high in intervals]) < 0.97


# Images, and the shares of them that only one gets right. A score interval holds its level on average and not in each
# point; where hardly an image parts the networks it holds more.
EXACTLY = [(20, 0.1, 0.1), (20, 0.3, 0.1), (20, 0.45, 0.45), (50, 0.02, 0.02), (50, 0.1, 0.04), (50, 0.3, 0.05)]


@pytest.mark.parametrize(("n", "share_a", "share_b"), EXACTLY)
def test_over_all_outcomes_of_few_images_the_interval_holds_the_truth(n: int, share_a: float, share_b: float) -> None:
    outcomes = [(b, c) for b in range(n + 1) for c in range(n + 1 - b)]
    b, c = np.array(outcomes).T
    chance = multinomial.pmf(np.stack([b, c, n - b - c], axis=1), n, [share_a, share_b, 1 - share_a - share_b])
    assert chance.sum() == pytest.approx(1)
    truth = share_a - share_b
    ends = np.array([difference(counts(n - b - c, b, c, 0))[1:] for b, c in outcomes])
    holds = (ends[:, 0] <= truth + 1e-12) & (truth - 1e-12 <= ends[:, 1])
    assert 0.93 <= chance[holds].sum() <= 1
    # Wald's, b - c plus and minus z standard errors, does not: this is why it is not used.
    half = norm.ppf(0.975) * np.sqrt(np.maximum(0, b + c - (b - c) ** 2 / n)) / n
    by_wald = np.abs((b - c) / n - truth) <= half + 1e-12
    assert chance[by_wald].sum() < chance[holds].sum() + 0.02


@pytest.mark.parametrize("n", [1, 6, 20, 40])
@pytest.mark.parametrize("share", [0.05, 0.3, 1.0])
def test_networks_equally_good_are_told_apart_at_most_once_in_twenty_times(n: int, share: float) -> None:
    parted = np.arange(n + 1)
    chance = 0.0
    for k in parted:  # so many images part the two, and half of these are the first's on average
        only_a = np.arange(k + 1)
        split = multinomial.pmf(np.stack([only_a, k - only_a], axis=1), k, [0.5, 0.5]) if k else np.ones(1)
        called = [asked(n - k, int(a), int(k - a), 0).p < 0.05 for a in only_a]
        chance += multinomial.pmf([k, n - k], n, [share, 1 - share]) * split[called].sum()
    assert chance <= 0.05


@pytest.mark.parametrize("level", [0, 1, float("nan")])
def test_a_level_lies_between_0_and_1(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        difference(counts(1, 1, 1, 1), level)
