"""What the parts of a training have in common: an optimizer, a schedule, an augmentation, the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from mnist_lab import fields
from mnist_lab.errors import ConfigError


class Part:
    """Base of the parts of a `TrainingConfig`: checked when made.

    Raises:
        ConfigError: If a field is out of its range.
    """

    __slots__ = ()
    if TYPE_CHECKING:
        __dataclass_fields__: ClassVar[dict[str, Any]]

    def __post_init__(self) -> None:
        fields.check(self, ConfigError)

    @property
    def kind(self) -> str:
        """The name of the part, in Keras's spelling where Keras has it."""
        return type(self).__name__
