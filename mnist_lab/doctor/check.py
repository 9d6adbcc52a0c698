"""The checks, what they are given, and what they answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mnist_lab.errors import LabError
from mnist_lab.settings import Settings, read_settings
from mnist_lab.store import RunStore
from mnist_lab.store.condition import Condition, condition_of, file_of
from mnist_lab.store.database import open_engine
from mnist_lab.store.runs import artefacts_of
from mnist_lab.store.schema import VERSION

OK, WARNING, PROBLEM = "ok", "warning", "problem"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes:
        kind: `OK`, `WARNING` (the program runs, but not as it could) or `PROBLEM`.
        text: One sentence.
        help: What helps; empty where all is well.
        done: What the repair did; then the kind says how it is now.
    """

    kind: str
    text: str
    help: str = ""
    done: str = ""


class Patient:
    """What is examined: the program as its settings make it. What cannot be had is None, and one check says why.

    Args:
        repair: Whether to mend what safely can be mended.
        quick: Whether to leave out what takes seconds.
    """

    def __init__(self, *, repair: bool = False, quick: bool = False) -> None:
        self.repair, self.quick = repair, quick
        self.trouble: LabError | None = None

    @cached_property
    def settings(self) -> Settings | None:
        """The settings; None if one is wrong, which is then `trouble`."""
        try:
            return read_settings()
        except LabError as error:
            self.trouble = error
            return None

    @property
    def file(self) -> Path | None:
        """The file of the store; None if it is on a server."""
        return None if self.settings is None else file_of(self.settings.store_url)

    @cached_property
    def condition(self) -> Condition:
        """How the store is; nothing is created for it."""
        return Condition(False) if self.settings is None else condition_of(self.settings.store_url)

    @cached_property
    def store(self) -> RunStore | None:
        """The store, if there is one that can be used; an older one is migrated by a repair only."""
        condition, settings = self.condition, self.settings
        if settings is None or not condition.exists or condition.problem or (condition.version or 0) > VERSION:
            return None
        if condition.version != VERSION and not self.repair:
            return None
        try:
            artefacts = artefacts_of(settings.home, settings.artefacts, settings.artefacts_cache)
            return RunStore(open_engine(settings.store_url), settings.home, artefacts)
        except LabError as error:
            self.trouble = error
            return None

    def look_again(self) -> None:
        """Forgets how the store was, after it was mended."""
        self.close()
        for name in ("condition", "store"):
            self.__dict__.pop(name, None)

    def close(self) -> None:
        """Closes the store."""
        if (store := self.__dict__.get("store")) is not None:
            store.close()


def listed(names: Sequence[str], between: str = ", ") -> str:
    """The first five of some names, and whether there are more."""
    return between.join(names[:5]) + (" ..." if len(names) > 5 else "")


Look = Callable[[Patient], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        name: One word.
        order: Its place among the others; those before it may have mended something.
        look: Looks, and yields at least one finding.
    """

    name: str
    order: int
    look: Look


CHECKS: dict[str, Check] = {}


def check(name: str, order: int) -> Callable[[Look], Look]:
    """Registers a function as a check."""

    def registered(look: Look) -> Look:
        CHECKS[name] = Check(name, order, look)
        return look

    return registered


def examine(patient: Patient) -> Iterator[tuple[str, Finding]]:
    """Makes all checks, one after the other, and yields the name of each with what it found. None stops the others."""
    try:
        for each in sorted(CHECKS.values(), key=lambda check: check.order):
            try:
                for finding in each.look(patient):
                    yield each.name, finding
            except LabError as error:
                yield each.name, Finding(PROBLEM, error.message, error.remedy)
            except Exception as error:
                # A doctor that falls ill helps nobody: the other checks go on.
                _log.exception("the check %s failed", each.name)
                text = f"The check {each.name} itself failed ({type(error).__name__})."
                yield each.name, Finding(PROBLEM, text, "Please report this, with what stands above.")
    finally:
        patient.close()
