"""A searched field as a row: what is typed makes a dimension, or a sentence."""

from __future__ import annotations

import pytest

from mnist_lab.errors import SweepError
from mnist_lab.fields import Spec, specs
from mnist_lab.layers import Conv2D, Dropout, MaxPooling2D
from mnist_lab.sweeps.dimensions import IntegerRange, NumberRange, OneOf, Repeat
from mnist_lab.sweeps.rows import (
    LIST,
    LOG,
    RANGE,
    as_kind,
    kind_of,
    kinds_of,
    list_text,
    parse_list,
    spread,
    with_high,
    with_low,
)
from mnist_lab.sweeps.searchable import searchable
from mnist_lab.training_config import EarlyStopping, OneCycle, TrainingConfig
from tests.made_sweeps import NETWORK

FILTERS, KERNEL = specs(Conv2D)["filters"], specs(Conv2D)["kernel_size"]
STRIDES, RATE = specs(MaxPooling2D)["strides"], specs(Dropout)["rate"]


def test_an_end_that_passes_the_other_pushes_it() -> None:
    each = IntegerRange("f", 8, 16)
    assert with_low(each, 12, FILTERS) == IntegerRange("f", 12, 16)
    assert with_low(each, 32, FILTERS) == IntegerRange("f", 32, 40)
    assert with_high(each, 4, FILTERS) == IntegerRange("f", 1, 4), "no lower than the field may be"
    assert with_low(IntegerRange("f", 8, 16, log=True), 32, FILTERS) == IntegerRange("f", 32, 64, log=True)
    assert with_high(NumberRange("r", 0.1, 0.4), 0.05, RATE) == NumberRange("r", 0.0, 0.05)
    assert with_low(Repeat("layers.0", 2, 1, 4), 5) == Repeat("layers.0", 2, 5, 8)


def test_a_step_that_leads_nowhere_any_more_is_given_up() -> None:
    assert with_high(IntegerRange("f", 8, 16, step=8), 32, FILTERS) == IntegerRange("f", 8, 32, step=8)
    assert with_high(IntegerRange("f", 8, 16, step=8), 30, FILTERS) == IntegerRange("f", 8, 30)


def test_another_kind_has_much_the_same_values() -> None:
    log = IntegerRange("f", 8, 64, log=True)
    assert as_kind(log, RANGE, FILTERS) == IntegerRange("f", 8, 64)
    assert as_kind(log, LIST, FILTERS) == OneOf("f", (8, 16, 32, 64))
    assert as_kind(OneOf("f", (64, 8, 32)), LOG, FILTERS) == log
    assert as_kind(IntegerRange("k", 3, 5), LIST, KERNEL) == OneOf("k", ((3, 3), (4, 4), (5, 5)))
    assert as_kind(OneOf("k", ((3, 3), (5, 7))), RANGE, KERNEL) == IntegerRange("k", 3, 7)
    zero = as_kind(NumberRange("r", 0.0, 0.5), LOG, RATE)
    assert isinstance(zero, NumberRange) and 0 < zero.low < 0.5 and zero.log


def test_a_list_is_read_as_it_is_written() -> None:
    assert parse_list("16, 32;64,,32", FILTERS) == (16, 32, 64)
    assert parse_list("3, 5, 3x7, 2 × 4", KERNEL) == ((3, 3), (5, 5), (3, 7), (2, 4))
    assert parse_list("none, 2", STRIDES) == (None, (2, 2))
    assert parse_list("0.1, 1e-3", RATE) == (0.1, 0.001)
    for values, spec in (((16, 32), FILTERS), (((3, 3), (3, 7)), KERNEL), ((None, (2, 2)), STRIDES), ((0.1,), RATE)):
        assert parse_list(list_text(values, spec), spec) == values


@pytest.mark.parametrize(("typed", "spec"), [("3.5", FILTERS), ("many", FILTERS), ("1x2x3", KERNEL), ("none", FILTERS),
                                             ("1e", RATE), ("<b>", RATE)])  # fmt: skip
def test_what_is_no_value_is_said(typed: str, spec: Spec) -> None:
    with pytest.raises(SweepError, match="cannot be read"):
        parse_list(typed, spec)


def test_some_values_of_a_range_have_its_ends_among_them() -> None:
    for each in (IntegerRange("f", 1, 1000, log=True), IntegerRange("f", 0, 30, step=10), NumberRange("r", 0.0, 0.5)):
        values = spread(each)
        assert (values[0], values[-1]) == (each.low, each.high) and values == sorted(set(values))


def test_every_field_can_be_searched_in_each_kind_that_is_offered() -> None:
    training = TrainingConfig(early_stopping=EarlyStopping(), schedule=OneCycle())
    for each in searchable(NETWORK, training):
        kinds = kinds_of(each.spec)
        assert kind_of(each.suggestion) in kinds, each.field
        for kind in kinds:
            assert kind_of(as_kind(each.suggestion, kind, each.spec)) == kind, each.field
