"""Numbers as people read them: fixed examples, and what holds for every value."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_lab import formatting


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (999, "999"), (9_999, "9,999"), (10_000, "10 k"), (12_345, "12.3 k"), (999_499, "999 k"),
        (999_600, "1 M"), (1_199_882, "1.2 M"), (14_714_688, "14.7 M"), (2.5e9, "2.5 G"), (3e12, "3 T"),
        (4.2e15, "4,200 T"), (-1_199_882, "-1.2 M"),
    ],
)  # fmt: skip
def test_a_count_has_three_figures_and_is_exact_while_it_is_small(value: float, text: str) -> None:
    assert formatting.count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (4_800_000, "4.58 MiB"), (999.7 * 1024, "1,000 KiB"),
        (1010 * 1024, "1,010 KiB"), (1_100_000_000, "1.02 GiB"), (5 * 2**40, "5 TiB"), (5_000 * 2**40, "5,000 TiB"),
    ],
)  # fmt: skip
def test_a_size_is_in_binary_units(value: float, text: str) -> None:
    assert formatting.size(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"), (0.42, "0.4 s"), (9.94, "9.9 s"), (9.96, "10 s"), (12, "12 s"), (59.4, "59 s"),
        (59.6, "1 min 00 s"), (185, "3 min 05 s"), (3599.7, "1 h 00 min"), (7620, "2 h 07 min"),
        (None, "–"), (math.nan, "–"), (math.inf, "–"), (-1, "–"),
    ],
)  # fmt: skip
def test_a_duration_is_in_the_units_that_a_person_would_use(seconds: float | None, text: str) -> None:
    assert formatting.duration(seconds) == text


def test_shapes_shares_and_accuracies() -> None:
    assert formatting.shape((26, 26, 32)) == "26 × 26 × 32"
    assert formatting.shape((10,)) == "10"
    assert formatting.shape(None) == "?"
    assert formatting.exact(1_199_882) == "1,199,882"
    assert formatting.percent(0.99312) == "99.31 %"
    assert formatting.percent(0.5, 0) == "50 %"
    assert formatting.percent(None) == formatting.percent(math.nan) == "–"
    assert formatting.accuracy(0.9931, (0.99126, 0.99454)) == "99.31 % (99.13 – 99.45)"
    assert formatting.accuracy(0.9931) == "99.31 %"
    assert formatting.accuracy(None, (0.1, 0.2)) == "–"


def number(text: str) -> float:
    """Reads back what was written: the number before the unit."""
    return float(re.match(r"-?[\d,.]+", text).group().replace(",", ""))  # type: ignore[union-attr]


@given(st.floats(0, 1e18))
def test_no_count_or_size_is_in_powers_of_ten_or_off_by_more_than_its_last_figure(value: float) -> None:
    units = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
    steps = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
    for text, table in ((formatting.count(value), units), (formatting.size(value), steps)):
        assert "e" not in text
        back = number(text) * table[text.partition(" ")[2]]
        assert back == pytest.approx(value, rel=0.006, abs=0.51)


@given(st.floats(0, 1e9))
def test_a_duration_is_off_by_less_than_its_last_unit(seconds: float) -> None:
    text = formatting.duration(seconds)
    factors = {"h": 3600, "min": 60, "s": 1}
    words = text.split()
    back = sum(float(value) * factors[unit] for value, unit in zip(words[::2], words[1::2], strict=True))
    assert back == pytest.approx(seconds, abs={"h": 60, "min": 1, "s": 1}[words[1]])
    if words[1] != "s":
        assert float(words[2]) < 60


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "none"),
        (False, "no"),
        (True, "yes"),
        (0, "0"),
        (0.0, "0.0"),
        ("", ""),
        ([3, 5], "3 × 5"),
        (1e-7, "1e-07"),
    ],
)
def test_settings_in_words(value: object, words: str) -> None:
    assert formatting.setting(value) == words
