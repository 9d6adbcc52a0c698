"""What is well with the program on this machine and what is not, and what can safely be mended.

To add a check, add a function under ``@check`` to a module here: it looks at one thing, and says what it found.
"""

from __future__ import annotations

import importlib
import pkgutil

from mnist_lab.doctor.check import CHECKS, OK, PROBLEM, WARNING, Finding, Patient, examine

# Each registers its checks.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["CHECKS", "OK", "PROBLEM", "WARNING", "Finding", "Patient", "examine"]
