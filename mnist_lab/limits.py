"""What one person may ask of a server that several share; on a machine of one's own nothing is limited."""

from __future__ import annotations

from mnist_lab import formatting
from mnist_lab.errors import LimitError, NoRoomError
from mnist_lab.settings import read_limits
from mnist_lab.store import RunStore
from mnist_lab.store.people import check_queue


def check_training(parameters: int, epochs: int) -> None:
    """Looks whether a training is within what one person may ask for.

    Args:
        parameters: Of its network.
        epochs: How many it has.

    Raises:
        LimitError: If it is not.
        SettingError: If a limit has a value that cannot be used.
    """
    limits = read_limits()
    if limits.parameters is not None and parameters > limits.parameters:
        raise LimitError(
            f"This network has {parameters:,} parameters, and {limits.parameters:,} is the limit here.",
            "Make its layers smaller.",
        )
    if limits.epochs is not None and epochs > limits.epochs:
        raise LimitError(f"{epochs:,} epochs are too many: {limits.epochs:,} is the limit here.", "Ask for fewer.")


def check_room(store: RunStore, person: str | None, more: int = 0) -> None:
    """Looks whether the files of a person's runs leave room for another run.

    Args:
        store: The run store.
        person: Whose runs.
        more: Bytes that are to come, where that is known.

    Raises:
        NoRoomError: If they do not.
        SettingError: If a limit has a value that cannot be used.
    """
    most = read_limits().disk
    if most is None:
        return
    there = store.room_of(person)
    if there + more >= most:
        what = f", this one {formatting.size(more)}" if more else ""
        raise NoRoomError(
            f"Your runs take {formatting.size(there)} of disk{what}, and {formatting.size(most)} is the limit here.",
            "Delete runs that you no longer need; their room is free a day later.",
        )


def check(store: RunStore, person: str | None, parameters: int, epochs: int) -> None:
    """All that can be told before a training is queued; whether the queue has room is decided when it is queued.

    Raises:
        LimitError: If one person may not ask for it.
        SettingError: If a limit has a value that cannot be used.
    """
    check_training(parameters, epochs)
    check_room(store, person)
    most = most_queued()
    if most is not None:
        check_queue(store.waiting(person or ""), most)


def most_queued() -> int | None:
    """How many trainings of one person may wait; None for any number.

    Raises:
        SettingError: If the limit has a value that cannot be used.
    """
    return read_limits().queued
