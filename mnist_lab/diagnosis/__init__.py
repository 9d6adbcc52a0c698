"""What the history of a training says, in words: where it overfits, what its learning rate did, which epoch is best.

`diagnose` looks at four curves, loss and accuracy over the training and the validation images, and applies one rule
after the other. Each rule's docstring, in `mnist_lab.diagnosis.failures`, `mnist_lab.diagnosis.course` and
`mnist_lab.diagnosis.choice`, states it with its figures; they were set on the curves of the documents
(`mnist_lab.studies`) and on drawn noise. In them "the end" is the mean of the last three epochs that are known; a hole
in a curve is passed over. Where rules would contradict each other, all but the first are silent:

- a network that diverged, learns nothing or has too high a learning rate is judged no further but for its best epoch;
- too low a learning rate, overfitting, an unfinished training, memorising and underfitting exclude each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mnist_lab.diagnosis import choice, course, failures
from mnist_lab.diagnosis.finding import KINDS, LEVELS, Finding
from mnist_lab.diagnosis.story import Story, read

__all__ = ["KINDS", "LEVELS", "Finding", "diagnose"]


def diagnose(
    history: Sequence[Mapping[str, Any]],
    *,
    n_validation: int | None = None,
    classes: int = 10,
    stopped_early: bool = False,
    validation_is_test: bool = False,
    diverged: bool = False,
) -> tuple[Finding, ...]:
    """Says what the history of a training shows.

    Args:
        history: One mapping per epoch with ``epoch``, ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``. Any of
            them may be absent, None or NaN; without ``epoch`` the place counts, from 1.
        n_validation: How many validation images there are; without it nothing is said about noise.
        classes: How many classes there are, for what guessing achieves.
        stopped_early: Whether early stopping ended it: then it is never called unfinished.
        validation_is_test: Whether the validation images are the test images.
        diverged: Whether it was ended because the loss was no longer a number. A history that shows this with a NaN
            need not say it; one that went through JSON has lost it.

    Returns:
        The findings, the most important first; () where the history says nothing yet.

    Raises:
        ValueError: If there are fewer than two classes.
    """
    story = read(
        history,
        n_validation=n_validation,
        classes=classes,
        stopped_early=stopped_early,
        validation_is_test=validation_is_test,
        diverged=diverged,
    )
    found = [_first(story, failures.diverged, failures.dead, failures.rate_too_high)]
    if found == [None]:
        main = _first(
            story,
            course.rate_too_low,
            course.overfitting,
            course.unfinished,
            course.memorising,
            course.underfitting,
            course.healthy,
        )
        found = [main, choice.chosen_on_test(story), choice.noise(story)]
    found.append(choice.best_epoch(story))
    said = [finding for finding in found if finding is not None]
    return tuple(sorted(said, key=lambda each: (LEVELS.index(each.level), KINDS.index(each.kind))))


def _first(story: Story, *rules: Callable[[Story], Finding | None]) -> Finding | None:
    return next((finding for rule in rules if (finding := rule(story)) is not None), None)
