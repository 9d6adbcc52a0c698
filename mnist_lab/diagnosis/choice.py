"""Rules for the choice of an epoch: which one is best, and how much that means."""

from __future__ import annotations

import math

from mnist_lab.diagnosis import words
from mnist_lab.diagnosis.finding import Finding
from mnist_lab.diagnosis.story import Story
from mnist_lab.formatting import exact, percent


def noise_of(accuracy: float, images: int | None) -> float | None:
    """95 % noise of the difference between two epochs' accuracies on the same images: 1.96 √(p(1-p)/n).

    This is the noise of one accuracy. The difference of two on different images has √2 as much; but two epochs of one
    training are judged on the same images and make many mistakes in common, and if half of them are common it comes
    down to this. p is taken with two mistakes and two successes more, so that none does not mean no noise (Agresti and
    Coull 1998).
    """
    if images is None or images <= 0:
        return None
    share = (accuracy * images + 2) / (images + 4)
    return 1.96 * math.sqrt(share * (1 - share) / (images + 4))


def noise(story: Story) -> Finding | None:
    """Another epoch's validation accuracy is less than the noise of `noise_of` below that of the best epoch."""
    accuracy = story.val_accuracy
    if len(accuracy) < 2:
        return None
    best, epoch = accuracy.values[accuracy.highest], accuracy.epochs[accuracy.highest]
    least = noise_of(best, story.n_validation)
    if least is None or story.n_validation is None or best <= story.chance:
        return None
    others = [(best - value, at) for at, value in zip(accuracy.epochs, accuracy.values, strict=True) if at != epoch]
    close = [other for other in others if other[0] < least]
    if not close:
        return None
    lead, rival = min(close)
    leads = f"leads epoch {rival} by {words.points(lead)}" if lead else f"has the accuracy of epoch {rival}"
    many = f"{len(close)} other epochs are" if len(close) > 1 else "1 other epoch is"
    text = (
        f"Epoch {epoch} {leads}. With {exact(story.n_validation)} validation images, less than {words.points(least)} "
        f"is chance, and {many} as close: which one is best is luck."
    )
    return Finding("noise", text, epoch, "note")


def chosen_on_test(story: Story) -> Finding | None:
    """The validation images are the test images, and the best of two epochs or more is better than the last."""
    accuracy = story.val_accuracy
    if not story.validation_is_test or len(accuracy) < 2 or accuracy.values[-1] >= max(accuracy.values):
        return None
    best, epoch = accuracy.values[accuracy.highest], accuracy.epochs[accuracy.highest]
    text = (
        f"The validation images are the test images: {percent(best)} in epoch {epoch} is the best of {len(accuracy)} "
        f"looks at them, too good for a test accuracy. The last epoch has {percent(accuracy.values[-1])}."
    )
    return Finding("chosen-on-test", text, epoch, "note")


def best_epoch(story: Story) -> Finding | None:
    """The first epoch with the highest validation accuracy, if that is above 1.5 times chance; and the first with the
    lowest validation loss. Where only one of the curves is known, it decides.
    """
    accuracy, loss = story.val_accuracy, story.val_loss
    if not len(accuracy) and not len(loss):
        return None
    lowest = f"({words.loss(min(loss.values))})" if len(loss) else ""
    by_loss = loss.epochs[loss.lowest] if len(loss) else None
    if not len(accuracy):
        return Finding("best-epoch", f"Validation loss is lowest in epoch {by_loss} {lowest}.", by_loss, "good")
    best, epoch = accuracy.values[accuracy.highest], accuracy.epochs[accuracy.highest]
    if best <= story.chance:
        return None
    if by_loss == epoch:
        text = (
            f"Epoch {epoch} is best: validation accuracy is highest ({percent(best)}), validation loss lowest {lowest}."
        )
    else:
        other = f"; validation loss is lowest in epoch {by_loss} {lowest}" if lowest else ""
        text = f"Validation accuracy is highest in epoch {epoch} ({percent(best)}){other}."
    return Finding("best-epoch", text, epoch, "good")
