"""What trains the queued runs of one owner, several at a time, wherever it does so."""

from __future__ import annotations

from abc import ABC, abstractmethod

from mnist_lab.store import RunStore


class Crew(ABC):
    """Trains the queued runs of one owner, several at a time.

    It is made idle: nothing starts before the first `tick`, and workers only as there is something for them to do. All
    its methods are called by one thread.

    Args:
        store: The run store, its only channel to who queues runs and to its workers.
        owner: Whose queued runs; None for the common queue.
        size: How many runs at once.
        patient: Whether queued runs wait for better times where no worker starts, and `problem` says so; else a worker
            that does not start fails the run that it was to begin with, as nobody is there who would wait.

    Attributes:
        problem: Why none can start at present, in a sentence, or None.
        keeps_warm: Whether to have a worker ready where nothing is queued. Those that have become warm stay so anyway.
    """

    def __init__(self, store: RunStore, owner: str | None, size: int, *, patient: bool = True) -> None:
        self.store, self.owner, self.size, self.patient = store, owner, max(1, size), patient
        self.problem: str | None = None
        self.keeps_warm = False

    @property
    @abstractmethod
    def is_warm(self) -> bool:
        """Whether a worker is up, or about to be: what is queued now need not wait for one to be started."""

    @abstractmethod
    def tick(self) -> None:
        """Starts, buries and replaces workers. Called a few times a second; it never blocks for long.

        Raises:
            LabError: If the store, or what the workers run on, is away at present; the next call may do better.
            OSError: If no process can be started.
        """

    @abstractmethod
    def finish(self, seconds: float) -> None:
        """Lets the workers end what they have in hand, takes up nothing more, and closes.

        A run that was stopped is evaluated after its end: this waits for that too.

        Args:
            seconds: How long to wait at most.
        """

    @abstractmethod
    def close(self) -> None:
        """Ends all of it within seconds; what it has in hand becomes *interrupted*. A second call does nothing."""
