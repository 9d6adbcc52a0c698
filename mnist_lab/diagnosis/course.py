"""Rules for the course of a training that learns: too slow, too short, too long, too small a network."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean

from mnist_lab.diagnosis import words
from mnist_lab.diagnosis.choice import noise_of
from mnist_lab.diagnosis.finding import Finding
from mnist_lab.diagnosis.story import Story
from mnist_lab.formatting import percent

CAPABLE = 0.97  # training accuracy that nearly any network with convolutions reaches on MNIST


def rate_too_low(story: Story) -> Finding | None:
    """The loss falls in 90 % of its steps or more, is lowest in one of the last three epochs, and one of three:

    - 10 epochs or more: it took 10 or more to come within twice its lowest;
    - 10 epochs or more: it is still above 5 % of ln(classes), and fell by 2 % per epoch or more over the last five;
    - 5 epochs or more: it is still above half of ln(classes).

    It is the validation loss; where less than five epochs of it are known, the training loss.
    """
    name, loss = ("Validation", story.val_loss) if len(story.val_loss) >= 5 else ("Training", story.loss)
    if len(loss) < 5 or loss.falls() < 0.9 or loss.lowest < len(loss) - 3:
        return None
    lowest, last, epochs = min(loss.values), loss.values[-1], loss.epochs[-1]
    near = next(epoch for epoch, value in zip(loss.epochs, loss.values, strict=True) if value <= 2 * lowest)
    if len(loss) >= 10 and near >= 10:
        slow = f"it took {near} epochs to come within twice its lowest value, {words.loss(lowest)}"
    elif len(loss) >= 10 and last > 0.05 * story.guessing and last <= 0.98**5 * loss.values[-6]:
        slow = f"it is {words.loss(last)} after {epochs} epochs and still falls by 2 % an epoch or more"
    elif last > 0.5 * story.guessing:
        slow = (
            f"it is still {words.loss(last)} after {epochs} epochs, where guessing gives {words.loss(story.guessing)}"
        )
    else:
        return None
    remedy = "A learning rate three to ten times as large would get there sooner."
    return Finding("rate-too-low", f"{name} loss falls steadily but slowly: {slow}. {remedy}", epochs, "warning")


@dataclass(frozen=True, slots=True)
class _Turn:
    """Where the validation loss stops falling.

    Attributes:
        epoch: The epoch of the turn.
        after: The next known epoch.
        lowest: The validation loss in it.
        level: The smoothed validation loss around it.
        end: The validation loss at the end.
        train: The training loss in it.
        train_end: The training loss at the end.
    """

    epoch: int
    after: int
    lowest: float
    level: float
    end: float
    train: float
    train_end: float


def _turn(story: Story) -> _Turn | None:
    """The turn of the validation loss, if three epochs or more follow it.

    The loss is smoothed over three epochs, or five where 20 or more are known. Its level is that of the first epoch
    within half a wobble of the smoothed minimum, so that a lower value that comes later by luck does not count; the
    turn is the lowest of the three epochs around that one.
    """
    loss = story.val_loss
    if len(loss) < 5:
        return None
    smooth = loss.smooth()
    enough = min(smooth[1:]) + loss.wobble() / 2
    level_at = next(at for at, value in enumerate(smooth) if at and value <= enough)
    at = min(range(level_at - 1, min(len(loss), level_at + 2)), key=loss.values.__getitem__)
    train = story.loss.at(loss.epochs[at])
    if len(loss) - 1 - at < 3 or train is None or story.loss.epochs[-1] <= loss.epochs[at]:
        return None
    return _Turn(
        loss.epochs[at], loss.epochs[at + 1], loss.values[at], smooth[level_at], loss.end, train, story.loss.end
    )


def overfitting(story: Story) -> Finding | None:
    """After its turn, see `_turn`, the validation loss ends 5 % or more and one wobble or more above its level there,
    while the training loss ends 10 % or more below. Overfitting begins in the epoch after the turn.

    How often it is said of 100 trainings of 15 epochs with noise of 10 % and a training loss that falls: of 22 whose
    validation loss is flat from the fourth epoch on (10 of 10 epochs; most others are called memorising or healthy), of
    91 where it rises from the sixth on by 3 % of its minimum an epoch, of none where it falls throughout.
    """
    turn = _turn(story)
    if turn is None or turn.train_end > 0.9 * turn.train:
        return None
    if turn.end < turn.level + max(0.05 * turn.level, story.val_loss.wobble()):
        return None
    text = (
        f"Validation loss gets down to {words.loss(turn.lowest)} in epoch {turn.epoch} and averages "
        f"{words.loss(turn.end)} over the last three, while training loss falls on from {words.loss(turn.train)} to "
        f"{words.loss(turn.train_end)}: the network overfits from epoch {turn.after}. Stop earlier, or add dropout "
        "or augmentation."
    )
    return Finding("overfitting", text, turn.after, "warning")


def unfinished(story: Story) -> Finding | None:
    """The validation loss is lowest in one of the last two epochs, and

    - 6 epochs or more: the mean of the last three is 5 % and one wobble of these six or more below that of the three
      before;
    - 4 or 5: the mean of the last two is 10 % or more below that of the two before;
    - 2 or 3: the last is 10 % or more below the one before.

    Never after early stopping, which saw no gain for a while.
    """
    loss = story.val_loss
    if story.stopped_early or len(loss) < 2 or loss.lowest < len(loss) - 2:
        return None
    many = 3 if len(loss) >= 6 else 2 if len(loss) >= 4 else 1
    now, before = fmean(loss.values[-many:]), fmean(loss.values[-2 * many : -many])
    share, least = (0.95, loss.wobble(6)) if many == 3 else (0.9, 0.0)
    if before <= 0 or now > share * before or before - now < least:
        return None
    span = f"the last {many} epochs it is" if many > 1 else "the last epoch it is"
    text = (
        f"Validation loss is still falling: it is {words.loss(loss.values[-1])} in epoch {loss.epochs[-1]}, and in "
        f"{span} {percent(1 - now / before, 0)} lower than before. More epochs would help."
    )
    return Finding("unfinished", text, loss.epochs[-1], "note")


def memorising(story: Story) -> Finding | None:
    """The network knows its training images much better than others, though validation loss need not rise. One of two:

    - since its turn, see `_turn`, the validation loss has got no better, and the training loss ends 25 % or more below
      its level there, and 25 % or more below the validation loss;
    - the training loss ends at a fifth of the validation loss or less, and 0.01 or more below it.
    """
    turn = _turn(story)
    if turn is not None and turn.train_end <= 0.75 * min(turn.train, turn.end):
        text = (
            f"Validation loss has got no better since epoch {turn.epoch}, {words.loss(turn.level)} around it and "
            f"{words.loss(turn.end)} at the end, while training loss fell from {words.loss(turn.train)} to "
            f"{words.loss(turn.train_end)}: the network begins to learn its training images by heart. Stop earlier, or "
            "add dropout or augmentation."
        )
        return Finding("memorising", text, turn.after, "note")
    if not len(story.loss) or not len(story.val_loss):
        return None
    train, validation = story.loss.end, story.val_loss.end
    if train > validation / 5 or validation - train < 0.01:
        return None
    text = (
        f"Training loss ends at {words.loss(train)}, validation loss at {words.loss(validation)}: the network knows "
        "its training images by heart. Dropout, augmentation or more images will do more for it than more epochs."
    )
    return Finding("memorising", text, story.val_loss.epochs[-1], "note")


def underfitting(story: Story) -> Finding | None:
    """After five epochs or more, training accuracy ends below 97 %; or one point or more, and more than the noise of
    `noise_of`, below validation accuracy.

    Training accuracy is a mean over the epoch, with dropout at work. Both put it a little below validation accuracy
    without harm: by 0.2 to 0.8 points in most of the documents' networks.
    """
    if len(story.accuracy) < 5:
        return None
    train = story.accuracy.end
    validation = story.val_accuracy.end if len(story.val_accuracy) >= 5 else None
    if validation is not None and validation - train >= max(0.01, noise_of(validation, story.n_validation) or 0.0):
        text = (
            f"Training accuracy ({percent(train, 1)}) stays {words.points(validation - train)} below validation "
            f"accuracy ({percent(validation, 1)}): dropout takes too much of the network away while it trains, or it "
            "has too few filters and units. Less dropout or a larger network would learn more."
        )
    elif train < CAPABLE:
        other = " A learning rate that is far off can also be the reason." if train < 0.5 else ""
        text = (
            f"Training accuracy gets no further than {percent(train, 1)}: the network is too small for its task, or "
            f"held back by too much dropout. Add layers, filters or units.{other}"
        )
    else:
        return None
    return Finding("underfitting", text, story.accuracy.epochs[-1], "warning" if train < CAPABLE else "note")


def healthy(story: Story) -> Finding | None:
    """Both losses are known for five epochs or more, and no rule before this one applies."""
    if min(len(story.loss), len(story.val_loss)) < 5:
        return None
    losses = f"{words.loss(story.loss.end)} and {words.loss(story.val_loss.end)}"
    text = f"Training and validation loss run together to the end ({losses}): no sign of overfitting or underfitting."
    return Finding("healthy", text, None, "good")
