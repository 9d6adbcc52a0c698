"""Rules for trainings that went wrong altogether."""

from __future__ import annotations

from mnist_lab.diagnosis import words
from mnist_lab.diagnosis.finding import Finding
from mnist_lab.diagnosis.story import INFINITE, Curve, Story, number
from mnist_lab.formatting import percent


def diverged(story: Story) -> Finding | None:
    """The loss is NaN or beyond 1e12 in the last epoch that records a training loss; or it is known to have diverged.

    NaN is a mere hole, and no divergence, where the same epoch has a validation loss, or a validation accuracy above
    1.5 times chance: weights that are no longer numbers give neither.
    """
    losses = [(at, number(entry.get("loss"))) for at, entry in zip(story.epochs, story.history, strict=True)]
    recorded = [(at, value) for at, value in losses if value is not None]
    since = story.epochs[-1] if story.epochs else None
    shown = bool(recorded) and not recorded[-1][1] <= INFINITE and not _lives(story, recorded[-1][0])
    if not (shown or story.diverged):
        return None
    if shown:
        while recorded and not recorded[-1][1] <= INFINITE:
            since = recorded.pop()[0]
    where = f"In epoch {since} the" if shown else "The"
    text = f"{where} loss is no longer a number: the training has diverged. Lower the learning rate, to a tenth."
    return Finding("diverged", text, since, "warning")


def _lives(story: Story, epoch: int) -> bool:
    accuracies = dict(zip(story.val_accuracy.epochs, story.val_accuracy.values, strict=True))
    return epoch in story.val_loss.epochs or accuracies.get(epoch, 0.0) > story.chance


def _guesses(story: Story) -> tuple[Curve, Curve, int] | None:
    """Accuracy, loss, and the place since when the accuracy is within 1.5 times chance: the last three epochs, or both
    of two, at least. Training figures where there are two, else those of the validation images.
    """
    accuracy = story.accuracy if len(story.accuracy) >= 2 else story.val_accuracy
    loss = story.loss if len(story.loss) >= 2 else story.val_loss
    if len(accuracy) < 2 or len(loss) < 2:
        return None
    since = len(accuracy)
    while since and accuracy.values[since - 1] <= story.chance:
        since -= 1
    return (accuracy, loss, since) if len(accuracy) - since >= min(3, len(accuracy)) else None


def dead(story: Story) -> Finding | None:
    """It guesses: in the last three epochs (or both of two) accuracy is within 1.5 times chance, and the loss within
    5 % of ln(classes), which is what guessing costs, and within 1 % of it the same.
    """
    guesses = _guesses(story)
    if guesses is None:
        return None
    accuracy, loss, since = guesses
    last = loss.values[-3:]
    near = all(abs(value / story.guessing - 1) <= 0.05 for value in last)
    if not near or max(last) - min(last) > 0.01 * story.guessing:
        return None
    epoch = accuracy.epochs[since]
    figures = f"accuracy {percent(accuracy.end, 1)} and loss {words.loss(loss.end)} are no better than guessing"
    if since:
        best = percent(accuracy.values[accuracy.highest], 1)
        text = f"The network has died in epoch {epoch}, after {best}: {figures}. Lower the learning rate, to a tenth."
    else:
        text = (
            f"The network has learnt nothing: {figures}. Try a tenth of the learning rate, then ten times as much, and "
            "another activation or initialization."
        )
    return Finding("dead", text, epoch, "warning")


def rate_too_high(story: Story) -> Finding | None:
    """The training loss of five epochs or more does not stay down. One of three:

    - it ends above a tenth of ln(classes) and 5 % or more above its lowest, and rose twice by 10 % or more in an epoch;
    - it ends at twice its lowest or more, and above a fiftieth of ln(classes);
    - accuracy is within 1.5 times chance in the last three epochs, the loss ends 5 % or more above ln(classes), and
      less than 90 % of its steps go down.
    """
    loss = story.loss
    if len(loss) < 5:
        return None
    lowest, epoch, end = loss.values[loss.lowest], loss.epochs[loss.lowest], loss.end
    jumps = sum(after >= 1.1 * before for before, after in zip(loss.values, loss.values[1:], strict=False))
    unsteady = end >= 0.1 * story.guessing and end >= 1.05 * lowest and jumps >= 2
    again = end >= 2 * lowest and end >= 0.02 * story.guessing
    worse = _guesses(story) is not None and end >= 1.05 * story.guessing and loss.falls() < 0.9
    if not (unsteady or again or worse):
        return None
    course = f"Training loss is lowest in epoch {epoch} ({words.loss(lowest)}), {words.loss(end)} over the last three"
    what = "it jumps instead of falling" if unsteady else "it rises again" if again else "that is worse than guessing"
    text = f"{course}: {what}. The steps are too large; lower the learning rate, to a tenth at first."
    return Finding("rate-too-high", text, epoch, "warning")
