"""`Study`: models that belong together, because one document, one question or one purpose does."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Series:
    """Models that differ in one thing.

    Attributes:
        label: What they share, as ``"Document 002, 32 filters, dropout"``.
        points: ``(value of the thing that varies, name of the preset)``, in the order of the axis.
    """

    label: str
    points: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Study:
    """Models that belong together.

    A document's study, named by its number, holds the presets whose `Preset.study` is its name; so does one of this
    project's own. A question's study cuts across documents and
    holds those of its series; where only one thing varies within a series, its models can be compared.

    Attributes:
        name: A slug, as ``"000"`` or ``"kernel-size"``.
        title: The name that people read.
        about: One or two sentences: what was tried, on what data.
        cite: The document; for a question, where it is asked; or this project.
        varies: What varies in a question's series, as ``"Kernel size"``; "" otherwise.
        series: A question's series.
        caveat: What else varies, or why the figures may mislead.
    """

    name: str
    title: str
    about: str
    cite: str = ""
    varies: str = ""
    series: tuple[Series, ...] = ()
    caveat: str = ""

    @property
    def is_document(self) -> bool:
        """Whether it holds the models of one of the documents."""
        return self.name.isdigit()

    @property
    def is_question(self) -> bool:
        """Whether it asks what one thing does, rather than holding models as they are."""
        return bool(self.series)
