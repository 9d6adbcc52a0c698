"""The picture of the network, checked by its traces, its geometry and its words."""

import itertools

import pytest

from mnist_lab.architecture import Architecture
from mnist_lab.figures.network import family, network_diagram
from mnist_lab.figures.network_layout import Layout, block_height, block_width, build_tree
from mnist_lab.figures.theme import FAULT
from mnist_lab.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
    Parallel,
    Residual,
)
from mnist_lab.shapes import analyse

SIMPLE = Architecture(
    (
        Conv2D(32, (3, 3), activation="relu"), MaxPooling2D(), Conv2D(64, (3, 3)), Flatten(), Dropout(0.5),
        Dense(10, activation="softmax"),
    )
)  # fmt: skip
NESTED = Architecture(
    (
        Conv2D(8, (3, 3), padding="same"),
        Parallel(
            (
                (Conv2D(8, (1, 1)),),
                (),
                (Conv2D(8, (1, 1)), Residual((Conv2D(8, (3, 3), padding="same"), BatchNormalization()))),
            )
        ),
        GlobalAveragePooling2D(),
        Dense(10, activation="softmax"),
    )
)
IMPOSSIBLE = Architecture((Conv2D(8, (3, 3)), MaxPooling2D((9, 9)), Conv2D(8, (7, 7)), Flatten(), Dense(10)))
DEEP = Architecture(
    (
        *itertools.chain.from_iterable(
            (Conv2D(32, (3, 3), padding="same"), BatchNormalization(), Activation("relu")) for _ in range(7)
        ),
        MaxPooling2D(), Flatten(), Dropout(0.3), Dense(10, activation="softmax"),
    )
)  # fmt: skip
ALL = {"simple": SIMPLE, "nested": NESTED, "impossible": IMPOSSIBLE, "deep": DEEP}


def laid_out(architecture):
    rows = analyse(architecture).rows
    layout = Layout(rows)
    layout.place(build_tree(rows), 0, 0)
    return layout.picture, {block.row.path: block for block in layout.picture.blocks}


@pytest.mark.parametrize("name", ALL)
def test_every_layer_is_one_trace_that_knows_its_path(name):
    rows = analyse(ALL[name]).rows
    figure = network_diagram(rows)
    assert [tuple(trace.meta) for trace in figure.data] == [row.path for row in rows]
    assert len({trace.uid for trace in figure.data}) == len(rows)


@pytest.mark.parametrize("name", ALL)
def test_blocks_stand_apart(name):
    _, blocks = laid_out(ALL[name])
    for one, other in itertools.combinations(blocks.values(), 2):
        apart_x = one.x + one.width + one.skew <= other.x or other.x + other.width + other.skew <= one.x
        apart_y = one.y + one.height + one.skew <= other.y or other.y + other.height + other.skew <= one.y
        assert apart_x or apart_y, (one.row.path, other.row.path)


@pytest.mark.parametrize("name", ALL)
def test_all_is_inside_the_picture(name):
    figure = network_diagram(analyse(ALL[name]).rows)
    (left, right), (low, high) = figure.layout.xaxis.range, figure.layout.yaxis.range
    for trace in figure.data:
        assert left <= min(trace.x) and max(trace.x) <= right
        assert low <= min(trace.y) and max(trace.y) <= high
    for note in figure.layout.annotations:
        assert left <= note.x <= right and low <= note.y <= high


def test_blocks_grow_with_maps_and_channels():
    heights = [block_height((size, size, 8), 28, 256, 110) for size in (28, 14, 7, 3, 1)]
    assert heights == sorted(heights, reverse=True) and heights[0] == 110 and heights[-1] >= 12
    widths = [block_width((7, 7, channels)) for channels in (1, 2, 4, 8)]
    steps = [b - a for a, b in itertools.pairwise(widths)]
    assert steps[0] > 0 and steps == pytest.approx([steps[0]] * 3), "the width is logarithmic"
    assert block_width((9216,)) < block_width((7, 7, 32))
    assert block_height((128,), 28, 256, 110) > block_height((10,), 28, 256, 110)


def test_layers_follow_each_other_to_the_right():
    _, blocks = laid_out(SIMPLE)
    places = [blocks[(i,)].x for i in range(6)]
    assert places == sorted(places)


def test_branches_lie_beside_each_other_and_meet_at_the_merge():
    picture, blocks = laid_out(NESTED)
    first, third = blocks[1, "branches", 0, 0], blocks[1, "branches", 2, 0]
    assert first.y > third.y + third.height
    merge = next(merge for merge in picture.merges if merge.row.path == (1,))
    assert merge.x > max(block.x + block.width for path, block in blocks.items() if path[:1] == (1,))
    ends = [points[-1] for points in picture.lines]
    assert ends.count((merge.x, merge.y)) == 3, "three lanes, the empty one too"


def test_a_residual_block_has_a_way_around_its_layers():
    picture, blocks = laid_out(NESTED)
    (way,) = picture.skips
    inside = [block for path, block in blocks.items() if "layers" in path]
    assert len(inside) == 2
    assert max(y for _, y in way) >= max(block.y + block.height + block.skew for block in inside)
    assert way[0][0] < min(block.x for block in inside) and way[-1][0] > max(block.x for block in inside)
    shapes = network_diagram(analyse(NESTED).rows).layout.shapes
    assert [shape.name for shape in shapes].count("skip") == 1


def test_labels_say_shape_and_parameters():
    notes = [note.text for note in network_diagram(analyse(SIMPLE).rows).layout.annotations]
    label = next(note for note in notes if "32, 3×3" in note)
    assert "<b>Conv2D</b>" in label and "26 × 26 × 32" in label and "320 params" in label
    assert any(note.startswith("<b>Image</b>") and "28 × 28 × 1" in note for note in notes)


def test_a_faulty_layer_is_outlined_and_says_why():
    rows = analyse(IMPOSSIBLE).rows
    figure = network_diagram(rows)
    faulty = [row.problem is not None for row in rows]
    assert faulty.count(True) == 1
    assert [trace.line.color == FAULT for trace in figure.data] == faulty
    trace = figure.data[faulty.index(True)]
    reason = rows[faulty.index(True)].problem
    assert reason.split()[0] in trace.text and " ".join(reason.split()[-3:]) in trace.text.replace("<br>", " ")
    assert all(trace.line.dash == "dot" for trace in figure.data[faulty.index(True) + 1 :])


def test_colours_tell_the_kinds_apart():
    kinds = ("Conv2D", "MaxPooling2D", "Dense", "BatchNormalization", "Dropout", "Activation", "Parallel", "Flatten")
    assert len({family(kind)[1] for kind in kinds}) == len(kinds)
    figure = network_diagram(analyse(SIMPLE).rows)
    assert figure.data[0].fillcolor != figure.data[1].fillcolor
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert shown == ["Convolution", "Pooling", "Shape", "Dropout", "Dense"]


def test_the_picture_is_as_wide_as_its_layers_need_and_never_stretched():
    short, long = network_diagram(analyse(SIMPLE).rows).layout, network_diagram(analyse(DEEP).rows).layout
    assert 500 < short.width < 900 < long.width < 2600
    for layout in (short, long):
        assert layout.yaxis.scaleanchor == "x"
        assert layout.width - layout.xaxis.range[1] == pytest.approx(24, abs=1), "one unit is one pixel"


def test_a_network_without_layers_says_so():
    assert "no layers" in network_diagram([]).layout.annotations[0].text
