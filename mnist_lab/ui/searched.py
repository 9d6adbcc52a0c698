"""What a session searches: the marked fields of the network and the training on its workbench, and how to search."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ParamSpec

from mnist_lab.architecture import Architecture
from mnist_lab.errors import LabError
from mnist_lab.sweeps.dimensions import Dimension, Repeat, name_of
from mnist_lab.sweeps.labels import labels_of
from mnist_lab.sweeps.marks import follow
from mnist_lab.sweeps.sweep import Search, Sweep
from mnist_lab.sweeps.ways import siblings_of, spec_of
from mnist_lab.training_config import TrainingConfig

P = ParamSpec("P")


@dataclass
class Searched:
    """What is searched, and how.

    Attributes:
        dimensions: The marked fields, in the order in which they were marked.
        search: How to search.
        name: Of the next sweep; empty for one that is made up.
        said: What became of marks that nobody removed, or "".
        problem: Why the last change was refused, or "".
        revision: Changes whenever widgets must be drawn anew.
        drawn: The revision that the page was drawn from last.
    """

    dimensions: tuple[Dimension, ...] = ()
    search: Search = field(default_factory=Search)
    name: str = ""
    said: str = ""
    problem: str = ""
    revision: int = 0
    drawn: int = 0

    def while_drawn(self, act: Callable[P, None]) -> Callable[P, None]:
        """What a widget drawn from this calls: nothing happens once the widgets have been drawn anew.

        See `Workbench.while_drawn`. Changes that come together, as of one who types and then clicks, are all made.
        """
        drawn = self.drawn

        def called(*args: P.args, **kwargs: P.kwargs) -> None:
            if self.drawn == drawn:
                act(*args, **kwargs)

        return called

    @property
    def names(self) -> list[str]:
        """The names of what is searched."""
        return [name_of(each) for each in self.dimensions]

    # What people do -------------------------------------------------------------------------------------------------

    def put(self, dimensions: Iterable[Dimension]) -> None:
        """Searches these from now on; the widgets are drawn anew, as one end may have pushed the other."""
        self.dimensions, self.said, self.problem = tuple(dimensions), "", ""
        self.revision += 1

    def remove(self, name: str) -> None:
        """Searches a field no more."""
        self.put(each for each in self.dimensions if name_of(each) != name)

    def refuse(self, error: LabError) -> None:
        """Says why a change was refused, and has the widgets show what is."""
        self.problem = str(error)
        self.revision += 1

    def take_up(self, sweep: Sweep) -> None:
        """Searches what a sweep searches, as it does."""
        self.search, self.name = sweep.search, sweep.name
        self.put(sweep.dimensions)

    def sweep(self, architecture: Architecture, training: TrainingConfig) -> Sweep:
        """The sweep that this asks for.

        Raises:
            SweepError: If there is none.
        """
        return Sweep(architecture, training, self.dimensions, self.search, self.name)

    # What follows from changes of the network and the training -----------------------------------------------------

    def follow(self, before: Architecture, after: Architecture, training: TrainingConfig) -> tuple[Dimension, ...]:
        """Follows a network that was changed.

        Args:
            before: As it was.
            after: As it is.
            training: As it is.

        Returns:
            What can be searched no more, by the names of before.
        """
        if not self.dimensions:
            self.said = ""
            return ()
        labels = labels_of(before, training, self.dimensions)
        kept, dropped = follow(self.dimensions, before, after)
        self.dimensions = kept
        self._say([labels[name_of(each)] for each in dropped], "layer")
        self.look(after, training)
        return dropped

    def look(self, architecture: Architecture, training: TrainingConfig) -> None:
        """Drops what there is no more, as the fields of an optimizer that another one lacks."""
        if not self.dimensions:
            return
        gone = [each for each in self.dimensions if not is_there(each, architecture, training)]
        if gone:
            self.dimensions = tuple(each for each in self.dimensions if each not in gone)
            self._say([each.field.removeprefix("training.") for each in gone], "field")

    def revive(self, dropped: Iterable[Dimension], architecture: Architecture, training: TrainingConfig) -> None:
        """Searches again what was dropped by a step that is undone."""
        names = self.names
        again = [each for each in dropped if name_of(each) not in names and is_there(each, architecture, training)]
        self.dimensions = (*self.dimensions, *again)
        if again:
            self.said = ""

    def _say(self, labels: list[str], what: str) -> None:
        self.said = ""
        if labels:
            there = f"its {what} is" if len(labels) == 1 else f"their {what}s are"
            self.said = f"No longer searched, as {there} gone: {', '.join(labels)}."


def is_there(each: Dimension, architecture: Architecture, training: TrainingConfig) -> bool:
    """Whether a network and a training have what a dimension varies."""
    try:
        if isinstance(each, Repeat):
            beside, place = siblings_of(architecture, each.field)
            return place + each.layers <= len(beside)
        spec_of(architecture, training, each.field)
    except LabError:
        return False
    return True
