"""What watches a training from inside: progress, stop and pause, early stopping that survives a restart."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras

from mnist_lab import niceness
from mnist_lab.heartbeat import Heartbeat
from mnist_lab.training_config import EarlyStopping, ReduceLROnPlateau, monitor_mode


class StopRequested(Exception):
    """The user asked the training to stop."""


class Diverged(Exception):
    """The loss is no longer a number."""


class Control(keras.callbacks.Callback):
    """Looks at the command after every batch, and hands figures to the heartbeat as often as that writes them.

    Keras reports running means over the epoch; the points of the curve are the means since the point before.

    Args:
        heartbeat: Where figures go and the command is read.
        images: Training images per epoch.
        batch_size: Images per batch.
        epochs: Epochs in all.
        paused_seconds: Called with the length of each pause, which is no training time.
    """

    def __init__(self, heartbeat: Heartbeat, images: int, batch_size: int, epochs: int) -> None:
        super().__init__()
        self.heartbeat = heartbeat
        self.steps = math.ceil(images / batch_size)
        self.batch_size = batch_size
        self.epochs = epochs
        self.paused_seconds = 0.0
        self.training_seconds = 0.0
        self.speed: float | None = None
        self._epoch = 0
        self._due = 0.0
        self._point_due = 0.0
        self._seen = (0, 0.0, 0.0)
        self._mark = (0.0, 0)
        self._batches_began = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the clock of the epoch."""
        self._epoch = epoch
        self._seen = (0, 0.0, 0.0)
        self._batches_began = time.monotonic()
        self._mark = (self._batches_began, 0)
        self.heartbeat.progress(phase="training", epoch=epoch + 1, epochs=self.epochs, step=0, steps=self.steps)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Obeys the command; reports if it is time."""
        self.heartbeat.moved(by_a_batch=True)
        if self.heartbeat.command or self.heartbeat.is_lost:
            self._obey()
        now = time.monotonic()
        if batch + 1 == self.steps:
            self.training_seconds = now - self._batches_began
        if now >= self._due or batch + 1 == self.steps:
            is_first = self._due == 0.0
            self._due = now + self.heartbeat.period
            is_point = now >= self._point_due or batch + 1 == self.steps
            if is_point:
                self._point_due = now + self.heartbeat.point_period
            self._report(batch + 1, now, logs or {}, is_point)
            if is_first:
                # Whoever pressed Train waits for this point; from here on the page goes first.
                self.heartbeat.flush()
                niceness.stand_back()

    def on_test_begin(self, logs: Any = None) -> None:
        """Says that the validation images are being looked at."""
        self.heartbeat.progress(phase="validating")

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Obeys a stop also while validating."""
        self.heartbeat.moved(by_a_batch=True)
        if self.heartbeat.command == "stop" or self.heartbeat.is_lost:
            self._obey()

    def _obey(self) -> None:
        began = time.monotonic()
        while self.heartbeat.command == "pause" and not self.heartbeat.is_lost:
            self.heartbeat.status("paused")
            time.sleep(0.05)
        paused = time.monotonic() - began
        self.paused_seconds += paused
        self._batches_began += paused
        self._mark = (self._mark[0] + paused, self._mark[1])
        if self.heartbeat.command == "stop" or self.heartbeat.is_lost:
            self.heartbeat.attended()
            raise StopRequested
        self.heartbeat.status("running")

    def _report(self, step: int, now: float, logs: dict[str, Any], is_point: bool) -> None:
        loss, accuracy = float(logs.get("loss", math.nan)), float(logs.get("accuracy", math.nan))
        before, loss_before, accuracy_before = self._seen
        if not math.isfinite(loss):
            raise Diverged
        if is_point and step > before:
            share = step - before
            self._seen = (step, loss, accuracy)
            # The last batch of an epoch may be smaller; the share is by batches, which errs by less than a batch.
            self.heartbeat.point(
                self._epoch * self.steps + step,
                self._epoch + step / self.steps,
                max(0.0, (loss * step - loss_before * before) / share),
                min(1.0, max(0.0, (accuracy * step - accuracy_before * before) / share)),
            )
        elapsed, done = now - self._mark[0], step - self._mark[1]
        if elapsed > 0 and done > 0 and (self._epoch or step > 1):
            speed = done * self.batch_size / elapsed
            # The first batches build the graph; a moving mean forgets them soon.
            self.speed = speed if self.speed is None else 0.7 * self.speed + 0.3 * speed
        self._mark = (now, step)
        left = None
        if self.speed:
            images_left = (self.steps - step + (self.epochs - self._epoch - 1) * self.steps) * self.batch_size
            left = images_left / self.speed
        self.heartbeat.progress(
            phase="training", step=step, images_per_second=self.speed, seconds_left=left, loss=loss, accuracy=accuracy
        )


class Agree(keras.callbacks.Callback):
    """Calls a function before each look at the validation images.

    Args:
        agree: Called with the model.
    """

    def __init__(self, agree: Callable[[keras.Model], None]) -> None:
        super().__init__()
        self._agree = agree

    def on_test_begin(self, logs: Any = None) -> None:
        """The devices that trained it come to one opinion, which is then looked at and saved."""
        self._agree(self.model)


class RecordEpoch(keras.callbacks.Callback):
    """Hands each finished epoch on, with its learning rate and time.

    Args:
        record: Called with ``{"epoch": 1, "loss": ..., "seconds": ...}``.
        control: Whose clock tells pauses.
    """

    def __init__(self, record: Callable[[dict[str, Any]], None], control: Control) -> None:
        super().__init__()
        self._record, self._control = record, control
        self._began = 0.0
        self._paused = 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the clock."""
        self._began = time.monotonic()
        self._paused = self._control.paused_seconds

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Hands the epoch on."""
        figures = {name: finite(value) for name, value in (logs or {}).items()}
        figures["learning_rate"] = finite(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        seconds = time.monotonic() - self._began - (self._control.paused_seconds - self._paused)
        # The curve goes first: an epoch that is in the history is in the curve, whatever ends the process next.
        self._control.heartbeat.flush()
        self._record({"epoch": epoch + 1, **figures, "seconds": seconds, "fit_seconds": self._control.training_seconds})
        if figures.get("loss") is None:
            raise Diverged


class Stopper(keras.callbacks.EarlyStopping):
    """Keras's early stopping, made anew for each run, that can go on after an interruption.

    Args:
        settings: Monitor, patience and the rest.
        history: Epochs of the run so far, as the store gives them.

    Attributes:
        has_decided: Whether the run has ended with the last of these epochs.
    """

    def __init__(self, settings: EarlyStopping, history: Sequence[dict[str, Any]]) -> None:
        super().__init__(
            monitor=settings.monitor,
            patience=settings.patience,
            min_delta=settings.min_delta,
            mode=monitor_mode(settings.monitor),
            restore_best_weights=settings.restore_best_weights,
        )
        self.best: Any
        self.best_weights: Any
        self.best_epoch: int
        self.wait: int
        self.has_decided = False
        self._history = list(history)
        self._known_best: list[Any] | None = None
        self.on_train_begin()

    def keeps(self, epoch: int) -> bool:
        """Whether the weights of an epoch, counted from 1, are those that it would restore now."""
        return bool(self.restore_best_weights) and self.best_epoch == epoch - 1

    def take_up(self, best_weights: list[Any]) -> None:
        """Gives it the best weights of the epochs so far."""
        self._known_best = self.best_weights = best_weights

    def on_train_begin(self, logs: Any = None) -> None:
        """Takes up where an interrupted run left off."""
        super().on_train_begin(logs)
        if self.monitor_op is None:  # a second time would turn the sign of its smallest gain
            self._set_monitor_op()
        for entry in self._history:
            value = _monitored(entry, self.monitor)
            self.wait += 1
            self.has_decided = False
            if self._is_improvement(value, self.best):
                self.best, self.best_epoch, self.wait = value, entry["epoch"] - 1, 0
            else:
                self.has_decided = self.wait >= self.patience
        self.best_weights = self._known_best


class Plateau(keras.callbacks.ReduceLROnPlateau):
    """Keras's schedule that waits for a plateau, made anew for each run, that can go on after an interruption.

    The learning rate itself is part of the optimizer's state.

    Args:
        settings: Monitor, patience and the rest.
        history: Epochs of the run so far, as the store gives them.
    """

    def __init__(self, settings: ReduceLROnPlateau, history: Sequence[dict[str, Any]]) -> None:
        super().__init__(
            monitor=settings.monitor,
            mode=monitor_mode(settings.monitor),
            factor=settings.factor,
            patience=settings.patience,
            min_lr=settings.min_lr,
        )
        self.best: Any
        self._history = list(history)

    def on_train_begin(self, logs: Any = None) -> None:
        """Takes up where an interrupted run left off."""
        super().on_train_begin(logs)
        if self.monitor_op is None:
            self._set_monitor_op()
        rate = math.inf
        for entry in self._history:
            value = _monitored(entry, self.monitor)
            before, rate = rate, entry.get("learning_rate") or 0.0
            if self._is_improvement(value, self.best):
                self.best, self.wait = value, 0
            else:
                # At its smallest, the rate falls no more, and the waiting is not begun anew.
                self.wait = 0 if rate < before else self.wait + 1


def _monitored(entry: dict[str, Any], name: str) -> float:
    """A figure of an epoch as Keras had it: what is None in the history was no number."""
    value = entry.get(name)
    return math.nan if value is None else float(value)


def finite(value: Any) -> float | None:
    """A plain number, or None where it is not one: JSON has no NaN."""
    number = float(value)
    return number if math.isfinite(number) else None
