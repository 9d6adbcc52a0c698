"""The whole store in one file or folder, taken while trainings run, and back into an empty home."""

from mnist_lab.backup.making import Made, back_up
from mnist_lab.backup.restoring import Restored, restore

__all__ = ["Made", "Restored", "back_up", "restore"]
