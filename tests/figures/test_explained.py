"""Figures of the Explain page: where cells lie, scales with their zero in the middle, points with their words."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_lab.figures.attribution import attribution_map, said_by_runs
from mnist_lab.figures.explained import plane, through_epochs
from mnist_lab.figures.maps import grid_of, map_grid, number_table


@pytest.mark.parametrize("shape", [(24, 24, 32), (5, 5, 6), (1, 1, 7), (13, 4, 1)])
def test_each_cell_of_a_grid_of_maps_is_the_value_that_it_says(shape: tuple[int, int, int]) -> None:
    values = np.random.default_rng(0).normal(size=shape)
    grid, drawn = grid_of(values), map_grid(values).data[0].z
    found = {}
    for y, x in np.ndindex(drawn.shape):
        unit = grid.unit_at(x, y)
        assert (unit is None) == np.isnan(drawn[y, x])
        if unit is not None:
            found[unit] = drawn[y, x]
            assert drawn[y, x] == pytest.approx(values[unit], rel=1e-6)
    assert len(found) == values.size


def test_scales_have_their_zero_in_the_middle_or_at_their_end() -> None:
    maps = map_grid(np.array([-3.0, 1.0]).reshape(1, 2, 1)).data[0]
    assert (maps.zmin, maps.zmax) == (-3, 3)
    assert map_grid(np.ones((2, 2, 1)), limits=(0, 4)).data[0].zmax == 4
    values = attribution_map(np.zeros((28, 28), np.uint8), np.array([[0.5, -2.0]]), "%{z}").data[1]
    assert (values.zmin, values.zmax) == (-2, 2)


def test_numbers_outside_the_map_are_dots() -> None:
    table = number_table(np.array([[0.0, -0.001], [1.5, 2.0]]), np.array([[False, True], [True, True]])).data[0]
    assert [list(row) for row in table.text] == [["·", "0.00"], ["1.50", "2.00"]]


def test_points_are_coloured_by_digit_and_the_wrong_ones_apart() -> None:
    points = np.arange(8.0).reshape(4, 2)
    figure = plane(points, [3, 3, 5, 5], [3, 4, 5, 5], list("abcd"), np.array([9.0, 9.0]), "mine", ("x", "y"))
    traces = {trace.uid: trace for trace in figure.data}
    assert [told[0] for told in traces["digit-3"].customdata] == [0]
    assert [told[0] for told in traces["digit-5"].customdata] == [2, 3]
    assert [list(told) for told in traces["wrong"].customdata] == [[1, "b: is 3, it says 4"]]
    assert list(traces["own"].x) == [9.0] and traces["own"].customdata[0][0] == 4


def test_ten_lines_and_ten_columns() -> None:
    said = np.full((3, 10), 0.01)
    said[:, 7] = 0.91
    lines = {trace.uid: trace for trace in through_epochs([1, 2, 5], said).data}
    assert list(lines["7"].y) == [0.91] * 3 and lines["7"].showlegend and not lines["2"].showlegend
    heat = said_by_runs(["one", "two", "three"], said).data[0]
    assert heat.z.shape == (3, 10) and heat.text[0][7] == "91"
