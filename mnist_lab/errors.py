"""Every exception that a user may meet. Each names the thing at fault and carries its remedy."""

from __future__ import annotations

LONGEST = 1500


class LabError(Exception):
    """Base of all errors that are shown to a user.

    Args:
        message: What is wrong, in one sentence that names the thing at fault. It may quote what was received; how long
            that is, a stranger may have chosen: what is longer than `LONGEST` is cut.
        remedy: What the user can do about it; may be empty.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message = _cut(message)
        self.remedy = _cut(remedy)
        super().__init__(f"{self.message} {self.remedy}".strip())


def _cut(words: str) -> str:
    return words if len(words) <= LONGEST else f"{words[:LONGEST]} …"


class SettingError(LabError):
    """An environment variable has a value that cannot be used."""


class ArchitectureError(LabError):
    """A description of a network is malformed: unknown layer, unknown field, value out of range.

    Args:
        path: Where in the tree, as ``(2,)`` or ``(2, "branches", 0, 1)``; empty for the whole network.
    """

    def __init__(self, message: str, remedy: str = "", path: tuple[int | str, ...] = ()) -> None:
        self.path = path
        super().__init__(message, remedy)


class ConfigError(LabError):
    """A training setting has a value that cannot be used."""


class DataError(LabError):
    """A data set is missing, damaged or of another form than expected."""


class DrawingError(LabError):
    """A picture or drawing cannot be turned into a digit image."""


class StoreError(LabError):
    """The run store cannot be opened, read or written."""


class RunNotFound(StoreError):
    """No run has this id or name."""


class ArtefactMissing(StoreError):
    """A run lacks the file that was asked for (its model, its predictions ...)."""


class JobError(LabError):
    """A training cannot be queued, started or controlled."""


class LimitError(JobError):
    """One person asks for more than the server gives one person (see `mnist_lab.limits`)."""


class NoRoomError(LimitError):
    """One person has as much already as the server gives one person, so that nothing more can be queued."""


class TooLargeError(JobError):
    """A network would not fit into memory."""


class InferenceError(LabError):
    """The inference process did not answer, or answered with an error."""


class PresetNotFound(LabError):
    """No preset has this name."""


class StudyNotFound(LabError):
    """No study has this name."""


class ExchangeError(LabError):
    """A run cannot be taken away in the form asked for, or a file that holds one cannot be brought in."""


class LinkError(LabError):
    """A link is damaged, of a newer version, too long, or holds what cannot be."""


class SweepError(LabError):
    """A sweep cannot be: nothing is searched, a range is empty, or it would choose by the test images."""
