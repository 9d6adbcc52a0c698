"""Sweeps as TOML files, to be read, changed by hand, and kept beside what came of them.

A file has ``name``, ``[search]``, ``[training]``, one ``[[searched]]`` for each dimension, and the network: ``preset``,
by name and with its training, or ``[architecture]`` in full. TOML has no word for nothing: what is nothing is left out,
and in a list it is ``{}``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mnist_lab import studies
from mnist_lab.errors import LabError, SweepError
from mnist_lab.sweeps.sweep import Sweep

_KEYS = ("name", "preset", "search", "training", "searched", "architecture")
_HEAD = "# A sweep of MNIST Lab: `python -m mnist_lab sweep FILE.toml`\n\n"
# Larger files are none that a person wrote.
_MOST_BYTES = 10**6


def write_toml(sweep: Sweep) -> str:
    """A sweep as TOML; `read_toml` makes an equal sweep of it."""
    # Python reads TOML but does not write it.
    import tomli_w

    values = sweep.to_dict()
    known = {"name": values["name"], **{key: values[key] for key in ("search", "training")}}
    whole = {**known, "searched": values["dimensions"], "architecture": values["architecture"]}
    return _HEAD + tomli_w.dumps(_without_nothing(whole))


def read_toml(text: str) -> Sweep:
    """Reads what `write_toml` or a person wrote.

    Raises:
        SweepError: If it is no TOML, a key is unknown, or a part of it cannot be used.
    """
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SweepError(f"The sweep is no TOML: {error}.", "Put that line right.") from error
    if unknown := sorted(set(values) - set(_KEYS)):
        raise SweepError(f"The sweep has unknown keys: {', '.join(unknown)}.", f"Known: {', '.join(_KEYS)}.")
    if ("preset" in values) == ("architecture" in values):
        raise SweepError("A sweep has a network: a preset, or an architecture.", 'Write preset = "000-model-3", say.')
    training = values.get("training", {})
    architecture = values.get("architecture")
    if "preset" in values:
        architecture, training = _preset(values["preset"], training)
    return Sweep.from_dict(
        {
            "name": values.get("name", ""),
            "search": values.get("search", {}),
            "training": _with_nothing(training),
            "dimensions": _with_nothing(values.get("searched", [])),
            "architecture": _with_nothing(architecture),
        }
    )


def read_file(path: Path) -> Sweep:
    """Reads a file.

    Raises:
        SweepError: If it cannot be read, or holds no sweep.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SweepError(f"{path} is too large for a sweep.", "Give the path of a TOML file.")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SweepError(f"{path} cannot be read ({error.strerror}).", "Give the path of a TOML file.") from error
    except UnicodeDecodeError as error:
        raise SweepError(f"{path} is no text in UTF-8.", "Give the path of a TOML file.") from error
    return read_toml(text)


def _preset(name: Any, training: Any) -> tuple[Any, Any]:
    if not isinstance(name, str) or not isinstance(training, Mapping):
        raise SweepError("A preset is named by a text, and training is a table.")
    try:
        preset = studies.preset(name)
    except LabError as error:
        raise SweepError(error.message, error.remedy) from error
    return preset.architecture.to_dict(), {**preset.training.to_dict(), **training}


def _without_nothing(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nothing(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [{} if each is None else _without_nothing(each) for each in value]
    return value


def _with_nothing(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _with_nothing(each) for key, each in value.items()}
    if isinstance(value, list):
        return [None if each == {} else _with_nothing(each) for each in value]
    return value
