"""One training from its row in the store to its figures: one `fit`, whatever happens on the way."""

from __future__ import annotations

import logging
import math
import os
import shutil
import statistics
from typing import Any

import keras
import numpy as np

from mnist_lab import public, run_data
from mnist_lab.errors import JobError, LabError
from mnist_lab.heartbeat import Heartbeat
from mnist_lab.keras_side import evaluate, weights
from mnist_lab.keras_side.backend import BACKEND
from mnist_lab.keras_side.batches import batches_in_order, training_batches
from mnist_lab.keras_side.build import build
from mnist_lab.keras_side.callbacks import Control, Diverged, RecordEpoch, Stopper, StopRequested
from mnist_lab.keras_side.optimizers import make_optimizer, schedule_callbacks
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import BEST, CHECKPOINT, MODEL, epoch_weights
from mnist_lab.training_config import TrainingConfig, monitor_mode

N_CLASSES = 10
LEAST_VALIDATION_BATCH = 256

_log = logging.getLogger(__name__)


def execute(store: RunStore, run: Run, worker: str) -> None:
    """Trains a claimed run and writes all that comes of it to the store. Raises nothing: failures end in the row."""
    training = Training(store, run, worker)
    try:
        with BACKEND.device():
            training.run_it()
    except StopRequested:
        _log.info("stopped before the first batch")
        store.end(run.id, "stopped", worker=worker, reason="Stopped before it had learnt anything.")
    except Diverged:
        reason = "The loss became NaN or infinite: the steps are too large. Lower the learning rate, or normalise."
        store.end(run.id, "failed", worker=worker, reason=reason)
    except LabError as error:
        _log.exception("failed")
        store.end(run.id, "failed", worker=worker, reason=public.without_paths(str(error)))
    except Exception as error:
        # Whatever Keras raises belongs into the row, where the user sees it, and not into a dead worker.
        _log.exception("failed")
        first = public.without_paths((str(error).strip().splitlines() or [""])[0])
        reason = f"{type(error).__name__}: {first[:300]}"
        if BACKEND.ran_out_of_memory(error):
            reason = f"Memory ran out ({first[:200]}). Use a smaller batch or a smaller network."
        store.end(run.id, "failed", worker=worker, reason=reason)


class AccuracyOfDigits(keras.metrics.CategoricalAccuracy):
    """The accuracy by one-hot labels; images whose label says the same of every class are left out."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Counts a batch."""
        is_digit = keras.ops.cast(keras.ops.max(y_true, axis=-1) > 2 / N_CLASSES, "float32")
        super().update_state(y_true, y_pred, is_digit if sample_weight is None else is_digit * sample_weight)


class Training:
    """The state of one training.

    Args:
        store: The run store.
        run: A claimed run.
        worker: Name of this worker.
    """

    def __init__(self, store: RunStore, run: Run, worker: str) -> None:
        self.store, self.run, self.worker = store, run, worker
        self.config: TrainingConfig = run.config()
        self.model: keras.Model | None = None
        self.stopper: Stopper | None = None
        self.history = store.history(run.id)
        self.is_saved = False

    def run_it(self) -> None:
        """Trains, saves, evaluates."""
        with Heartbeat(self.store, self.run.id, self.worker, self._give_up) as heartbeat:
            heartbeat.progress(phase="loading")
            keras.utils.set_random_seed(self.config.seed)
            name = self.config.dataset
            data = run_data.load(self.store, self.run, name, allow_download=name == "mnist")
            dataset, split = data.dataset, data.split
            images = len(split.x_train)
            steps = math.ceil(images / self.config.batch_size)
            self.store.set_figures(
                self.run.id,
                dataset=dataset.name,
                fingerprint=split.fingerprint,
                training_images=images,
                device=BACKEND.device_name(),
            )
            if heartbeat.command == "stop":
                heartbeat.attended()
                raise StopRequested
            heartbeat.progress(phase="building")
            model = self.model = self._compiled(steps)
            first = self._resume(model, steps)
            control = Control(heartbeat, images, self.config.batch_size, self.config.epochs)
            stopped = False
            if first < self.config.epochs:
                try:
                    self._fit(model, split, control, first)
                except StopRequested:
                    heartbeat.attended()
                    stopped = True
                    if self.stopper is not None and self.stopper.restore_best_weights and self.stopper.best_weights:
                        model.set_weights(self.stopper.best_weights)
            elif self._restores_best and self.store.artefacts.has(self.run.id, BEST):
                # It was interrupted after its last epoch: the checkpoint holds the last weights, not the best.
                model.set_weights(weights.load(self.run, self.store, BEST).get_weights())
            if heartbeat.is_lost:
                return
            weights.save(model, self.store, self.run.id)
            self.is_saved = True
            heartbeat.progress(phase="evaluating")
            if stopped:
                heartbeat.flush()
                self.store.end(self.run.id, "stopped", worker=self.worker, **self._kept(stopped=True))
            predict = BACKEND.compiled(model)
            evaluation = evaluate.evaluate(predict, split.x_test, split.y_test, split.test_indices)
            evaluate.keep(evaluation, self.store, self.run.id)
            evaluate.validate(predict, split, self.store, self.run.id)
            if data.base is not None:
                evaluate.remember_base(predict, data.base, self.store, self.run.id)
            heartbeat.progress(phase="done")
        if not stopped:
            self.store.end(self.run.id, "finished", worker=self.worker, **self._kept(stopped=False))
            self.store.artefacts.remove(self.run.id, CHECKPOINT)
            self.store.artefacts.remove(self.run.id, BEST)

    def _compiled(self, steps: int) -> keras.Model:
        model = build(self.run.network(), seed=self.config.seed)
        loss: Any = "sparse_categorical_crossentropy"
        metric: Any = "accuracy"
        if self._one_hot:
            loss = keras.losses.CategoricalCrossentropy(label_smoothing=self.config.label_smoothing)
            metric = AccuracyOfDigits(name="accuracy")
        model.compile(
            optimizer=make_optimizer(self.config, steps), loss=loss, metrics=[metric], jit_compile=BACKEND.jit_compile
        )
        self._make_variables(model)
        return model

    def _make_variables(self, model: keras.Model) -> None:
        """Makes the variables of optimizer and metrics: where the first step has to, TensorFlow traces it twice."""
        model.optimizer.build(model.trainable_variables)
        x = np.zeros((1, *model.input_shape[1:]), np.float32)
        y = np.zeros((1, N_CLASSES) if self._one_hot else 1, np.float32)
        model.compute_metrics(x, y, model(x, training=False))
        model.reset_metrics()

    def _resume(self, model: keras.Model, steps: int) -> int:
        """Goes back to the last epoch that was saved; returns how many epochs are done."""
        if not self.store.artefacts.has(self.run.id, CHECKPOINT):
            self.history = []
            self.store.rewind(self.run.id, 0)
            self._start_from_parent(model)
            return 0
        model.load_weights(self.store.artefacts.path(self.run.id, CHECKPOINT))
        done = min(int(keras.ops.convert_to_numpy(model.optimizer.iterations)) // steps, len(self.history))
        self.history = [entry for entry in self.history if entry["epoch"] <= done]
        self.store.rewind(self.run.id, done)
        _log.info("going on after epoch %d", done)
        return done

    def _start_from_parent(self, model: keras.Model) -> None:
        """Gives a network that is fine-tuned the weights of the run that it goes on from."""
        tuning = self.config.fine_tuning
        if tuning is None:
            return
        parent = self.store.get(tuning.parent)
        if parent.architecture != self.run.architecture:
            raise JobError(f"Run {parent.name!r} has another network than this one.", "Fine-tune that run as it is.")
        model.set_weights(weights.load(parent, self.store).get_weights())

    def _fit(self, model: keras.Model, split: Any, control: Control, first: int) -> None:
        def labels(values: Any) -> Any:
            return np.eye(N_CLASSES, dtype=np.float32)[values] if self._one_hot else values

        size = max(self.config.batch_size, LEAST_VALIDATION_BATCH)
        callbacks: list[keras.callbacks.Callback] = [control, *schedule_callbacks(self.config)]
        if self.config.early_stopping is not None:
            best = None
            if first and self.store.artefacts.has(self.run.id, BEST):
                kept = weights.load(self.run, self.store, BEST)
                best = kept.get_weights()
            self.stopper = Stopper(self.config.early_stopping, self.history, self._save_best, best)
            callbacks.append(self.stopper)
        callbacks.append(RecordEpoch(self._record, control))
        model.fit(
            training_batches(split.x_train, labels(split.y_train), self.config, first),
            steps_per_epoch=control.steps,
            validation_data=batches_in_order(split.x_validation, labels(split.y_validation), size),
            shuffle=False,
            epochs=self.config.epochs,
            initial_epoch=first,
            callbacks=callbacks,
            verbose=0,
        )

    @property
    def _one_hot(self) -> bool:
        """Whether labels are probabilities: what is no digit has the same for every one."""
        return self.config.label_smoothing > 0 or self.config.augmentation.strangers > 0

    def _record(self, values: dict[str, Any]) -> None:
        assert self.model is not None
        epoch = values["epoch"]
        self.history.append(values)
        if values.get("loss") is not None:
            weights.save(self.model, self.store, self.run.id, CHECKPOINT, with_optimizer=True)
        if self.config.keep_checkpoints:
            weights.save(self.model, self.store, self.run.id, epoch_weights(epoch))
        self.store.add_epoch(self.run.id, values, **self._figures())
        if self.config.test_is_validation:
            self.store.count_looks(self.run.id)

    def _save_best(self) -> None:
        assert self.model is not None
        weights.save(self.model, self.store, self.run.id, BEST)

    def _figures(self) -> dict[str, Any]:
        best = best_epoch(self.history, self.config)
        entry = next((each for each in self.history if each["epoch"] == best), {})
        # The first epoch of a process builds the graph; it counts only where there is no other.
        images = self.store.get(self.run.id).training_images or 0
        speeds = [images / each["fit_seconds"] for each in self.history if each.get("fit_seconds")]
        return {
            "best_epoch": best,
            "validation_accuracy": entry.get("val_accuracy"),
            "validation_loss": entry.get("val_loss"),
            "seconds": sum(each.get("seconds") or 0.0 for each in self.history),
            "images_per_second": statistics.median(speeds[1:] or speeds) if speeds else None,
        }

    def _kept(self, *, stopped: bool) -> dict[str, Any]:
        """Which epoch's weights were saved."""
        last = len(self.history)
        return {"kept_epoch": (best_epoch(self.history, self.config) if self._restores_best else last) or None}

    @property
    def _restores_best(self) -> bool:
        return self.config.early_stopping is not None and self.config.early_stopping.restore_best_weights

    def _give_up(self) -> None:
        """Stops from the heartbeat's thread, when one batch takes longer than a user waits: the last epoch is kept."""
        if self.is_saved:
            reason = "Stopped while it was evaluated; all that it has learnt is kept."
            self.store.end(self.run.id, "stopped", worker=self.worker, reason=reason, **self._kept(stopped=True))
            os._exit(0)
        files = self.store.artefacts
        figures: dict[str, Any] = {}
        reason = "Stopped before the end of its first epoch, within a batch."
        for name in (BEST, CHECKPOINT):
            if files.has(self.run.id, name):
                with files.writing(self.run.id, MODEL) as path:
                    shutil.copyfile(files.path(self.run.id, name), path)
                reason = "Stopped within a batch; the weights of the epoch before were kept. Resume it to go on."
                figures = self._kept(stopped=True)
                break
        self.store.end(self.run.id, "stopped", worker=self.worker, reason=reason, **figures)
        os._exit(0)


def best_epoch(history: list[dict[str, Any]], config: TrainingConfig) -> int | None:
    """The first epoch with the best monitored figure: validation accuracy where nothing else is monitored."""
    monitor = config.early_stopping.monitor if config.early_stopping is not None else "val_accuracy"
    known = [(entry[monitor], entry["epoch"]) for entry in history if entry.get(monitor) is not None]
    if not known:
        return None
    sign = -1.0 if monitor_mode(monitor) == "max" else 1.0
    return min(known, key=lambda pair: (sign * pair[0], pair[1]))[1]
