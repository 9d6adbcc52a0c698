"""What holds for every layer of the registry; a new layer is found by itself."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
from typing import Any

import pytest

from mnist_lab import fields, shapes
from mnist_lab.architecture import MAX_DEPTH, MAX_LAYERS, Architecture, layer_from_dict, layer_to_dict, where
from mnist_lab.errors import ArchitectureError
from mnist_lab.fields import Spec
from mnist_lab.layer_rules import RULES
from mnist_lab.layers import LAYERS, Conv2D, Dense, Flatten, Layer, Parallel, Residual

KINDS = pytest.mark.parametrize("kind", LAYERS)
FIELDS = pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, cls in LAYERS.items() for name in fields.specs(cls)]
)


def allowed(spec: Spec) -> list[Any]:
    """Values of a field that must be taken: its ends and something between."""
    if spec.kind == "boolean":
        values: list[Any] = [True, False]
    elif spec.kind == "choice":
        values = list(spec.choices)
    elif spec.kind == "pair":
        values = [(int(spec.low), int(spec.high)), (2, 3)]
    elif spec.kind == "integer":
        values = [int(spec.low), int(spec.high)]
    else:
        high = math.nextafter(spec.high, -math.inf) if spec.exclusive_high else spec.high
        values = [spec.low, (spec.low + high) / 2, high]
    return values + [None] * spec.optional


def refused(spec: Spec) -> list[Any]:
    """Values of a field that must not be taken."""
    values: list[Any] = [object(), [], {}, (1, 2, 3), "nonsense", b"relu"]
    if spec.kind != "boolean":
        values += [True]
    if spec.kind in ("boolean", "choice"):
        values += [0, 1, 1.5, "", "Relu "]
    else:
        values += [math.nan, math.inf, -math.inf, spec.low - 1, spec.high + 1]
        values += [spec.high] if spec.exclusive_high else []
    if spec.kind in ("integer", "pair"):
        values += [spec.low + 0.5]
    if spec.kind == "pair":
        values += [(1, 1.5), (1,), (spec.low, spec.low - 1), (spec.high + 1, spec.low), ("3", "3"), (True, True)]
    else:
        values += [(1, 1)]
    return values + [None] * (not spec.optional)


def with_field(kind: str, name: str, value: Any) -> Layer:
    cls: Any = LAYERS[kind]
    return cls(**{name: value})


@KINDS
def test_a_layer_says_what_it_is_for(kind: str) -> None:
    cls = LAYERS[kind]
    assert cls.group
    assert len(cls.purpose) > 10
    assert inspect.getdoc(cls)
    assert not (cls.__doc__ or "").startswith(f"{kind}(")  # the dataclass's own text, made where none was written
    assert shapes.title(cls()).startswith(kind)
    assert cls().kind == kind
    assert cls in RULES


@FIELDS
def test_a_field_has_words_and_a_default_of_its_own_range(kind: str, name: str) -> None:
    spec = fields.specs(LAYERS[kind])[name]
    assert spec.label
    assert spec.help.endswith(".")
    assert fields.describe(spec)
    default = getattr(LAYERS[kind](), name)
    assert getattr(with_field(kind, name, default), name) == default


@FIELDS
def test_a_field_takes_its_whole_range(kind: str, name: str) -> None:
    for value in allowed(fields.specs(LAYERS[kind])[name]):
        layer = with_field(kind, name, value)
        assert getattr(layer, name) == value
        assert layer_from_dict(json.loads(json.dumps(layer_to_dict(layer)))) == layer


@FIELDS
def test_a_field_takes_nothing_else_and_the_error_names_it(kind: str, name: str) -> None:
    for value in refused(fields.specs(LAYERS[kind])[name]):
        with pytest.raises(ArchitectureError) as caught:
            with_field(kind, name, value)
        assert kind in caught.value.message
        assert f"{name}=" in caught.value.message, value


@KINDS
def test_every_field_of_the_dataclass_is_declared(kind: str) -> None:
    blocks = {"Parallel": {"branches"}, "Residual": {"layers"}}
    names = {field.name for field in dataclasses.fields(LAYERS[kind])}
    assert names - set(fields.specs(LAYERS[kind])) == blocks.get(kind, set())


@KINDS
def test_a_layer_is_frozen_slotted_and_hashable(kind: str) -> None:
    layer = LAYERS[kind]()
    assert not hasattr(layer, "__dict__")
    assert hash(layer) == hash(LAYERS[kind]())
    for name in [*fields.specs(LAYERS[kind]), "anything"]:
        with pytest.raises((AttributeError, TypeError)):
            setattr(layer, name, 1)


@KINDS
def test_an_unknown_field_is_an_error_that_names_it_and_the_known_ones(kind: str) -> None:
    with pytest.raises(ArchitectureError, match="'colour'") as caught:
        layer_from_dict({"layer": kind, "colour": 3}, (4,))
    assert all(name in caught.value.remedy for name in fields.specs(LAYERS[kind]))
    assert caught.value.path == (4,)
    assert "Layer 5" in caught.value.message


@KINDS
def test_absent_fields_take_their_defaults(kind: str) -> None:
    assert layer_from_dict({"layer": kind}) == LAYERS[kind]()


def test_numbers_of_json_are_put_right() -> None:
    layer = layer_from_dict({"layer": "Conv2D", "filters": 16.0, "kernel_size": 5, "strides": [2, 1]})
    assert layer == Conv2D(16, (5, 5), (2, 1))
    assert isinstance(layer, Conv2D)
    assert type(layer.filters) is int
    assert layer.kernel_size == (5, 5)


def test_strides_and_dilation_exclude_each_other() -> None:
    with pytest.raises(ArchitectureError, match=r"strides.*dilation_rate"):
        Conv2D(strides=2, dilation_rate=(1, 2))


NESTED = Architecture(
    (
        Parallel(((Conv2D(4), Residual((Conv2D(4, padding="same"),), "projection", "relu")), ()), "maximum"),
        Flatten(),
        Dense(10, "softmax"),
    ),
    (32, 20, 3),
)


def test_a_network_survives_json() -> None:
    again = Architecture.from_dict(json.loads(json.dumps(NESTED.to_dict())))
    assert again == NESTED
    assert hash(again) == hash(NESTED)


def test_walk_gives_every_layer_with_its_path_blocks_first() -> None:
    assert [(path, layer.kind) for path, layer in NESTED.walk()] == [
        ((0,), "Parallel"),
        ((0, "branches", 0, 0), "Conv2D"),
        ((0, "branches", 0, 1), "Residual"),
        ((0, "branches", 0, 1, "layers", 0), "Conv2D"),
        ((1,), "Flatten"),
        ((2,), "Dense"),
    ]


def test_a_fault_deep_in_a_file_is_found_by_its_path() -> None:
    values = NESTED.to_dict()
    values["layers"][0]["branches"][0][1]["layers"][0]["filters"] = 0
    with pytest.raises(ArchitectureError) as caught:
        Architecture.from_dict(values)
    assert caught.value.path == (0, "branches", 0, 1, "layers", 0)
    assert "1, branch 1, layer 2, layer 1" in caught.value.message
    assert "filters=0" in caught.value.message


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {},
        {"layers": {}},
        {"layers": [], "more": 1},
        {"layers": [], "format": 2},
        {"layers": [], "input_shape": "28"},
        {"layers": [], "input_shape": [28, 28]},
        {"layers": [], "input_shape": [28, 28, 0]},
        {"layers": [3]},
        {"layers": [{}]},
        {"layers": [{"layer": "Conv3D"}]},
        {"layers": [{"layer": ["Conv2D"]}]},
        {"layers": [{"layer": "Parallel", "branches": 3}]},
        {"layers": [{"layer": "Parallel", "branches": [3]}]},
        {"layers": [{"layer": "Parallel", "branches": []}]},
        {"layers": [{"layer": "Parallel", "branches": [[]] * 17}]},
        {"layers": [{"layer": "Residual", "layers": "none"}]},
        {"layers": [{"layer": "Residual", "layers": [{"layer": "Dense", 3: 4}]}]},
    ],
)
def test_what_is_no_architecture_is_an_architecture_error(values: Any) -> None:
    with pytest.raises(ArchitectureError):
        Architecture.from_dict(values)


def nested(depth: int) -> Layer:
    layer: Layer = Conv2D()
    for _ in range(depth):
        layer = Residual((layer,))
    return layer


def test_blocks_nest_to_a_depth_and_no_deeper() -> None:
    deepest = Architecture((nested(MAX_DEPTH - 1),))
    assert Architecture.from_dict(deepest.to_dict()) == deepest
    for depth in (MAX_DEPTH, MAX_DEPTH + 1, 60):
        with pytest.raises(ArchitectureError, match="nested"):
            Architecture((nested(depth),))
        with pytest.raises(ArchitectureError, match="nested"):
            Architecture.from_dict({"layers": [layer_to_dict(nested(depth))]})


def test_a_network_has_a_largest_number_of_layers_counted_inside_blocks_too() -> None:
    block = Parallel(((Conv2D(),) * 49, (Conv2D(),) * 50))
    assert len(list(Architecture((block, block)).walk())) == MAX_LAYERS
    with pytest.raises(ArchitectureError, match="201"):
        Architecture((block, block, Flatten()))


@pytest.mark.parametrize("intruder", [3, "Conv2D", None, Conv2D])
def test_what_is_no_layer_is_refused_wherever_it_stands(intruder: Any) -> None:
    for make in (
        lambda: Architecture((intruder,)),
        lambda: Parallel(((intruder,), ())),
        lambda: Residual((intruder,)),
    ):
        with pytest.raises(ArchitectureError, match="not a layer"):
            make()


def test_paths_are_told_as_people_count() -> None:
    assert where((3, "branches", 1, 0)) == "4, branch 2, layer 1"
    assert where((0, "layers", 2)) == "1, layer 3"
    assert where((6,)) == "7"
