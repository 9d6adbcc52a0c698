"""The one description of a network: a frozen tree of layers, from a grey image to the ten probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mnist_lab import fields
from mnist_lab.errors import ArchitectureError
from mnist_lab.layers import LAYERS, Layer, Parallel, Pretrained, Residual, check_layers

FORMAT = 1
INPUT_SHAPE = (28, 28, 1)
MAX_LAYERS = 200
MAX_DEPTH = 4

Path = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network: its layers in order, from a 28x28 grey image to the ten probabilities.

    Args:
        layers: The layers; `Parallel` and `Residual` hold more of them.
        input_shape: Shape of one image, without the batch.

    Raises:
        ArchitectureError: If it is nested too deeply or has too many layers. Whether the shapes fit is
            `mnist_lab.shapes.analyse`'s question: a network under construction need not fit yet.
    """

    layers: tuple[Layer, ...] = ()
    input_shape: tuple[int, int, int] = INPUT_SHAPE

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        object.__setattr__(self, "input_shape", tuple(int(size) for size in self.input_shape))
        if len(self.input_shape) != 3 or not all(1 <= size <= 1024 for size in self.input_shape):
            raise ArchitectureError(f"input_shape must be (height, width, channels). Received: {self.input_shape}.")
        check_layers(self.layers, "The network")
        total = 0
        for path, _ in self.walk():
            total += 1
            if sum(isinstance(step, str) for step in path) >= MAX_DEPTH:
                raise ArchitectureError(f"Blocks may be nested {MAX_DEPTH - 1} deep.", "Flatten the nesting.", path)
        if total > MAX_LAYERS:
            raise ArchitectureError(f"A network may have {MAX_LAYERS} layers. Received: {total}.", "Remove some.")

    def walk(self) -> Iterator[tuple[Path, Layer]]:
        """Every layer with its path, blocks before what they hold: ``((3, "branches", 1, 0), Conv2D(...))``."""
        yield from _walk(self.layers, ())

    @property
    def summary(self) -> str:
        """The layers that learn, in a few words: ``"Conv 32-64, Dense 128-10"``."""
        words: dict[str, list[str]] = {}
        for _, item in self.walk():
            size = getattr(item, "filters", None) or getattr(item, "units", None)
            if size is not None:
                words.setdefault({"Conv2D": "Conv"}.get(item.kind, item.kind), []).append(str(size))
        return ", ".join(f"{kind} {'-'.join(sizes[:6])}" for kind, sizes in words.items()) or "Network"

    def without_downloads(self) -> Architecture:
        """The same network with pretrained weights left out: for when its learnt weights are loaded anyway."""
        return replace(self, layers=tuple(_without_downloads(item) for item in self.layers))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; `from_dict` makes an equal architecture of them."""
        return {
            "format": FORMAT,
            "input_shape": list(self.input_shape),
            "layers": [layer_to_dict(item) for item in self.layers],
        }

    @classmethod
    def from_dict(cls, values: Any) -> Architecture:
        """Reads what `to_dict` wrote.

        Raises:
            ArchitectureError: If a key, a layer or a field is unknown or a value is out of range; its `path`
                names the layer at fault.
        """
        if not isinstance(values, Mapping) or not isinstance(values.get("layers"), list):
            raise ArchitectureError(
                'An architecture is an object with "layers", a list.', "See `presets --json` for examples."
            )
        unknown = sorted(set(values) - {"format", "input_shape", "layers"})
        if unknown:
            raise ArchitectureError(f"The architecture has unknown keys: {', '.join(unknown)}.", "Remove them.")
        if values.get("format", FORMAT) != FORMAT:
            raise ArchitectureError(
                f"Format {values['format']!r} of the architecture is unknown.", f"This version reads {FORMAT}."
            )
        shape = values.get("input_shape", list(INPUT_SHAPE))
        if not isinstance(shape, (list, tuple)) or not all(
            isinstance(size, int) and not isinstance(size, bool) for size in shape
        ):
            raise ArchitectureError(f"input_shape must be three whole numbers. Received: {shape!r}.")
        return cls(_layers_from(values["layers"], ()), tuple(shape))  # type: ignore[arg-type]


def _walk(layers: tuple[Layer, ...], path: Path) -> Iterator[tuple[Path, Layer]]:
    for index, item in enumerate(layers):
        here = (*path, index)
        yield here, item
        if isinstance(item, Parallel):
            for number_, branch in enumerate(item.branches):
                yield from _walk(branch, (*here, "branches", number_))
        elif isinstance(item, Residual):
            yield from _walk(item.layers, (*here, "layers"))


def _without_downloads(item: Layer) -> Layer:
    if isinstance(item, Pretrained):
        return replace(item, weights="none")
    if isinstance(item, Parallel):
        return replace(item, branches=tuple(tuple(map(_without_downloads, branch)) for branch in item.branches))
    if isinstance(item, Residual):
        return replace(item, layers=tuple(map(_without_downloads, item.layers)))
    return item


def layer_to_dict(item: Layer) -> dict[str, Any]:
    """One layer as plain JSON values, its kind under ``"layer"``."""
    values = {"layer": item.kind, **fields.to_dict(item)}
    if isinstance(item, Parallel):
        values["branches"] = [[layer_to_dict(inner) for inner in branch] for branch in item.branches]
    elif isinstance(item, Residual):
        values["layers"] = [layer_to_dict(inner) for inner in item.layers]
    return values


def layer_from_dict(values: Any, path: Path = ()) -> Layer:
    """Reads what `layer_to_dict` wrote; absent fields take their defaults.

    Raises:
        ArchitectureError: With the layer's `path`.
    """
    if not isinstance(values, Mapping) or "layer" not in values:
        raise ArchitectureError(f'Layer {where(path)}: it must be an object with "layer", its kind.', path=path)
    kind = values["layer"]
    cls = LAYERS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise ArchitectureError(
            f"Layer {where(path)}: unknown layer {kind!r}.", f"Known layers: {', '.join(LAYERS)}.", path
        )
    own = {name: value for name, value in values.items() if name != "layer"}
    inner: dict[str, Any] = {}
    if sum(isinstance(step, str) for step in path) > MAX_DEPTH:
        raise ArchitectureError(f"Blocks may be nested {MAX_DEPTH - 1} deep.", "Flatten the nesting.", path)
    if cls is Parallel and "branches" in own:
        branches = own.pop("branches")
        if not isinstance(branches, list):
            raise ArchitectureError(f"Layer {where(path)}: branches must be a list of lists.", path=path)
        inner["branches"] = tuple(_layers_from(branch, (*path, "branches", n)) for n, branch in enumerate(branches))
    if cls is Residual and "layers" in own:
        inner["layers"] = _layers_from(own.pop("layers"), (*path, "layers"))
    unknown = sorted(set(map(str, own)) - set(fields.specs(cls)))
    if unknown:
        known = ", ".join([*fields.specs(cls), *inner]) or "none"
        raise ArchitectureError(
            f"Layer {where(path)} ({kind}): unknown field {', '.join(map(repr, unknown))}.",
            f"Known fields: {known}.",
            path,
        )
    try:
        return cls(**own, **inner)
    except ArchitectureError as error:
        raise ArchitectureError(f"Layer {where(path)}: {error.message}", error.remedy, error.path or path) from error


def _layers_from(values: Any, path: Path) -> tuple[Layer, ...]:
    if not isinstance(values, list):
        raise ArchitectureError(
            f"Layer {where(path)}: a list of layers was expected. Received: {values!r:.60}.", path=path
        )
    return tuple(layer_from_dict(item, (*path, index)) for index, item in enumerate(values))


def where(path: Path) -> str:
    """A path as people count: ``(3, "branches", 1, 0)`` is ``"4, branch 2, layer 1"``."""
    words: list[str] = []
    steps = iter(path)
    for step in steps:
        if step == "branches":
            words.append(f"branch {int(next(steps, 0)) + 1}")
        elif step != "layers":
            words.append(f"layer {int(step) + 1}" if words else f"{int(step) + 1}")
    return ", ".join(words) or "1"
