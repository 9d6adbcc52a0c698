"""`Preset`: a network, its training, and what was published about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from mnist_lab.architecture import Architecture
from mnist_lab.shapes import analyse
from mnist_lab.training_config import TrainingConfig


@dataclass(frozen=True)
class Preset:
    """A ready network with its training.

    Attributes:
        name: A slug, unique over all studies, as ``"000-model-10"``.
        study: The study it belongs to, as ``"000"``; ``"lab"`` for this project's own.
        title: The name that people read.
        architecture: The network.
        training: The training, with every rate written out as it was at the time.
        published: What was printed about it: ``test_accuracy`` and ``test_loss`` (shares, not percent), ``epochs``,
            ``parameters``, ``trainable_parameters`` and ``layer_parameters`` (one number per layer that the document's
            table lists with weights) and others; only what was really printed is there.
        cite: The document and the heading in it.
        remark: Where the document contradicts itself, or what one must know to compare.
    """

    name: str
    study: str
    title: str
    architecture: Architecture
    training: TrainingConfig
    published: Mapping[str, Any] = field(default_factory=dict)
    cite: str = ""
    remark: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "published", MappingProxyType(dict(self.published)))

    @property
    def parameters(self) -> int:
        """All weights of the network, by our own arithmetic."""
        return analyse(self.architecture).parameters

    @property
    def trainable_parameters(self) -> int:
        """The weights that training changes, by our own arithmetic."""
        return analyse(self.architecture).trainable

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as ``python -m mnist_lab presets --json`` prints them."""
        analysis = analyse(self.architecture)
        return {
            "name": self.name,
            "study": self.study,
            "title": self.title,
            "parameters": analysis.parameters,
            "trainable_parameters": analysis.trainable,
            "published": _plain(self.published),
            "training": self.training.to_dict(),
            "layers": self.architecture.to_dict()["layers"],
            "cite": self.cite,
            "remark": self.remark,
        }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
