"""One training from its row in the store to its figures: one `fit`, whatever happens on the way."""

from __future__ import annotations

import faulthandler
import logging
import math
import os
import re
import shutil
import statistics
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import keras
import numpy as np

from mnist_lab import formatting, public, run_data
from mnist_lab.errors import ArtefactMissing, DataError, JobError, LabError, StoreError
from mnist_lab.heartbeat import Heartbeat
from mnist_lab.keras_side import checkpoint, evaluate, weights
from mnist_lab.keras_side.accuracy import N_CLASSES, AccuracyOfDigits, AccuracyOfShares
from mnist_lab.keras_side.backend import BACKEND
from mnist_lab.keras_side.batches import batches_in_order, dealt_out, training_batches
from mnist_lab.keras_side.build import build
from mnist_lab.keras_side.callbacks import Agree, Control, Diverged, RecordEpoch, Stopper, StopRequested
from mnist_lab.keras_side.insist import NotWritten, insist
from mnist_lab.keras_side.optimizers import make_optimizer, schedule_callbacks
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import BEST, CHECKPOINT, MODEL, epoch_weights
from mnist_lab.training_config import TrainingConfig

LEAST_VALIDATION_BATCH = 256
# For so long a training waits for a disk that cannot be written, and its end for a store.
DISK_PATIENCE_SECONDS = 60.0
END_PATIENCE_SECONDS = 600.0

_log = logging.getLogger(__name__)


def execute(store: RunStore, run: Run, worker: str) -> bool:
    """Trains a claimed run and writes all that comes of it to the store. Raises nothing: failures end in the row.

    Returns:
        Whether this process may go on: where memory ran out, it is not to be trusted with another run, and where the
        end of this one cannot be written, its own end is what tells others of it.
    """
    try:
        return _execute(store, run, worker)
    except NotWritten:
        _log.exception("its end was not written")
        return False


def _execute(store: RunStore, run: Run, worker: str) -> bool:
    def end(status: str, reason: str) -> None:
        # It is shown to all and travels with the run; the log has the whole of it.
        reason = public.without_paths(reason)
        insist(lambda: store.end(run.id, status, worker=worker, reason=reason), END_PATIENCE_SECONDS)

    try:
        training = Training(store, run, worker)
        with BACKEND.device():
            training.run_it()
    except StopRequested:
        _log.info("stopped before the first batch")
        end("stopped", "Stopped before it had learnt anything.")
    except Diverged:
        reason = "The loss became NaN or infinite: the steps are too large. Lower the learning rate, or normalise."
        end("failed", reason)
    except NotWritten as error:
        _log.exception("interrupted")
        end("interrupted", f"{error} Then resume it from its last epoch.")
    except LabError as error:
        _log.exception("failed")
        end("failed", str(error))
    except Exception as error:
        # Whatever Keras raises belongs into the row, where the user sees it, and not into a dead worker.
        _log.exception("failed")
        # TensorFlow names the node first, which says nothing to a reader.
        first = re.sub(r"^\{\{.*?\}\}\s*", "", (str(error).strip().splitlines() or [""])[0])
        if isinstance(error, MemoryError) or BACKEND.ran_out_of_memory(error):
            end("failed", f"Memory ran out ({first[:200]}). Use a smaller batch or a smaller network.")
            return False
        end("failed", f"{type(error).__name__}: {first[:300]}")
    return True


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
        self.heartbeat = Heartbeat(store, run.id, worker, self._give_up, self._hung)
        self.history = store.history(run.id)
        self.has_begun = bool(self.history)
        self.is_saved = False

    def run_it(self) -> None:
        """Trains, saves, evaluates."""
        with self.heartbeat as heartbeat:
            heartbeat.progress(phase="loading")
            self._insist(self._take_up)
            keras.utils.set_random_seed(self.config.seed)
            data = self._data()
            split = data.split
            images = len(split.x_train)
            steps = math.ceil(images / self.config.batch_size)
            if heartbeat.command == "stop":
                heartbeat.attended()
                raise StopRequested
            heartbeat.progress(phase="building")
            model = self.model = self._compiled(steps)
            first = self._resume(model, steps)
            control = Control(heartbeat, images, self.config.batch_size, self.config.epochs)
            stopped = False
            if first < self.config.epochs and not (self.stopper and self.stopper.has_decided):
                try:
                    self._fit(model, split, control, first)
                except StopRequested:
                    heartbeat.attended()
                    stopped = True
                    self._restore_best(model)
            else:
                # It was interrupted after its last epoch: the checkpoint holds the last weights, not the best.
                self._restore_best(model)
            if heartbeat.is_lost:
                return
            self._insist(lambda: weights.save(model, self.store, self.run.id))
            self.is_saved = True
            heartbeat.progress(phase="evaluating")
            if stopped:
                heartbeat.flush()
                self._end("stopped")
            predict = self._predict(model)
            if self.config.test_at_end:
                evaluation = evaluate.evaluate(predict, split.x_test, split.y_test, split.test_indices)
                self._insist(lambda: evaluate.keep(evaluation, self.store, self.run.id))
            is_all = not self.config.test_at_end
            self._insist(lambda: evaluate.validate(predict, split, self.store, self.run.id, is_all=is_all))
            if data.base is not None and self.config.test_at_end:
                base = data.base
                self._insist(lambda: evaluate.remember_base(predict, base, self.store, self.run.id))
            heartbeat.progress(phase="done")
        if not stopped:
            self._end("finished")
            self.store.artefacts.remove(self.run.id, CHECKPOINT)
            self.store.artefacts.remove(self.run.id, BEST)

    def _take_up(self) -> None:
        self.store.artefacts.begin(self.run.id)
        self.has_begun = self.has_begun or self.store.artefacts.has(self.run.id, CHECKPOINT)

    def _data(self) -> run_data.RunData:
        """The images, which must be those that it was begun on."""
        run = self.run
        name = (run.dataset if self.has_begun else None) or self.config.dataset
        # A fine-tuned run's data have another name than those that they are mixed with.
        data = run_data.load(self.store, run, name, allow_download="mnist" in (name, self.config.dataset))
        images, fingerprint = len(data.split.x_train), data.split.fingerprint
        if self.has_begun and run.fingerprint and (run.training_images, run.fingerprint) != (images, fingerprint):
            raise DataError(
                f"Run {run.name!r} was begun on other images than {data.dataset.title} has now.",
                "Load its network and train anew.",
            )
        figures = {"dataset": data.dataset.name, "fingerprint": fingerprint, "training_images": images}
        self._insist(lambda: self.store.set_figures(run.id, **figures, device=BACKEND.device_name()))
        return data

    def _compiled(self, steps: int) -> keras.Model:
        model = build(self.run.network(), seed=self.config.seed)
        loss: Any = "sparse_categorical_crossentropy"
        metric: Any = "accuracy" if BACKEND.devices == 1 else AccuracyOfShares(name="accuracy")
        if self._one_hot:
            loss = keras.losses.CategoricalCrossentropy(label_smoothing=self.config.label_smoothing)
            metric = AccuracyOfDigits(name="accuracy")
        model.compile(
            optimizer=make_optimizer(self.config, steps),
            loss=loss,
            **{"metrics" if BACKEND.devices == 1 else "weighted_metrics": [metric]},
            jit_compile=BACKEND.jit_compile,
        )
        self._make_variables(model)
        return model

    def _make_variables(self, model: keras.Model) -> None:
        """Makes the variables of optimizer and metrics: where the first step has to, TensorFlow traces it twice."""
        model.optimizer.build(model.trainable_variables)
        if BACKEND.devices > 1:  # what each counts by itself cannot be counted outside a step
            return
        x = np.zeros((1, *model.input_shape[1:]), np.float32)
        y = np.zeros((1, N_CLASSES) if self._one_hot else 1, np.float32)
        model.compute_metrics(x, y, model(x, training=False))
        model.reset_metrics()

    def _resume(self, model: keras.Model, steps: int) -> int:
        """Goes back to the last epoch that was saved; returns how many epochs are done.

        Raises:
            ArtefactMissing: If what it goes on from is gone or damaged; its history is left as it is.
        """
        if not self.has_begun:
            self._insist(lambda: self.store.rewind(self.run.id, 0))
            self._start_from_parent(model)
        else:
            stored = {entry["epoch"]: entry for entry in self.history}
            saved = checkpoint.load(model, self.store, self.run, steps)
            # What the process had no more time to tell the store is in the checkpoint only.
            self.history = [stored.get(entry["epoch"], entry) for entry in saved]
            self._insist(lambda: self.store.rewind(self.run.id, len(saved)))
            for entry in saved:
                if entry["epoch"] not in stored:
                    self._insist(lambda entry=entry: self._add(entry))  # type: ignore[misc]
            _log.info("going on after epoch %d", len(saved))
        if self.config.early_stopping is not None:
            self.stopper = Stopper(self.config.early_stopping, self.history)
            if self.history and self.stopper.restore_best_weights:
                self.stopper.take_up(self._best_weights(model, self.stopper.best_epoch + 1))
        return len(self.history)

    def _best_weights(self, model: keras.Model, epoch: int) -> list[Any]:
        """The weights of the best epoch so far: those of the checkpoint, which is written first, or of a file."""
        if epoch == len(self.history):
            self._insist(self._save_best)
            return list(model.get_weights())
        kept = build(self.run.network().without_downloads())
        found = weights.put_into(kept, self.run, self.store, BEST).get("epoch", epoch)
        if found != epoch:
            raise ArtefactMissing(
                f"{BEST} of run {self.run.name!r} is of epoch {found}, where epoch {epoch} is the best.",
                "Train it again.",
            )
        return list(kept.get_weights())

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
        callbacks: list[keras.callbacks.Callback] = [control, *schedule_callbacks(self.config, self.history)]
        if self.stopper is not None:
            callbacks.append(self.stopper)
        callbacks.append(RecordEpoch(self._record, control))
        batches = training_batches(split.x_train, labels(split.y_train), self.config, first)
        validation = batches_in_order(split.x_validation, labels(split.y_validation), size)
        if (devices := BACKEND.devices) > 1:
            batches = BACKEND.distributed(dealt_out(batches, devices))
            callbacks.append(Agree(BACKEND.agree))
            validation = BACKEND.distributed(dealt_out(validation.repeat(), devices))
        model.fit(
            batches,
            steps_per_epoch=control.steps,
            validation_data=validation,
            # Where images end that were dealt out Keras learns only by an error.
            validation_steps=math.ceil(len(split.x_validation) / size) if devices > 1 else None,
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
        self.history.append(values)
        self._insist(lambda: self._keep(values))

    def _keep(self, values: dict[str, Any]) -> None:
        """Writes an epoch down. Its process may end after any step of it: the order is what `_resume` counts on."""
        assert self.model is not None
        epoch = values["epoch"]
        if self.config.keep_checkpoints:
            weights.save(self.model, self.store, self.run.id, epoch_weights(epoch))
        # From here on it is done, and is not done again.
        if values.get("loss") is not None:
            checkpoint.save(self.model, self.store, self.run.id, self.history)
        if self.stopper is not None and self.stopper.keeps(epoch):
            self._save_best()
        self._add(values)

    def _add(self, values: dict[str, Any]) -> None:
        looks = int(self.config.test_is_validation)
        self.store.add_epoch(self.run.id, values, looks=looks, worker=self.worker, **self._figures())

    def _insist(self, write: Callable[[], Any]) -> None:
        """Writes what the training cannot do without; see `insist`. A stop ends the waiting."""
        files = self.store.artefacts

        def meanwhile() -> bool:
            self.heartbeat.progress(phase=f"waiting for {files.waits_for}")
            return not (self.heartbeat.command == "stop" or self.heartbeat.is_lost)

        insist(write, max(DISK_PATIENCE_SECONDS, files.patience_seconds), meanwhile)

    def _end(self, status: str) -> None:
        figures = self._kept()
        self._insist(lambda: self.store.end(self.run.id, status, worker=self.worker, **figures))

    def _predict(self, model: keras.Model) -> evaluate.Predict:
        """The model as a function; each call shows that the training still moves."""
        predict = BACKEND.compiled(model)

        def moving(images: Any) -> Any:
            answer = predict(images)
            self.heartbeat.moved(by_a_batch=True)
            return answer

        return moving

    def _save_best(self) -> None:
        assert self.model is not None
        weights.save(self.model, self.store, self.run.id, BEST, note={"epoch": len(self.history)})

    def _restore_best(self, model: keras.Model) -> None:
        if self.stopper is not None and self.stopper.restore_best_weights and self.stopper.best_weights:
            model.set_weights(self.stopper.best_weights)

    def _figures(self) -> dict[str, Any]:
        best = self.config.best_epoch(self.history)
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

    def _kept(self) -> dict[str, Any]:
        """Which epoch's weights were saved."""
        kept: int | None = len(self.history)
        if self._restores_best:
            # A gain that is too small to count does not make an epoch the best for early stopping.
            kept = self.stopper.best_epoch + 1 if self.stopper and kept else self.config.best_epoch(self.history)
        return {"kept_epoch": kept or None}

    @property
    def _restores_best(self) -> bool:
        return self.config.early_stopping is not None and self.config.early_stopping.restore_best_weights

    def _give_up(self) -> None:
        """Stops from the heartbeat's thread, when one batch takes longer than a user waits: the last epoch is kept."""
        if self.is_saved:
            reason = "Stopped while it was evaluated; all that it has learnt is kept."
            self._end_process("stopped", reason, **self._kept())
            return
        files = self.store.artefacts
        figures: dict[str, Any] = {}
        reason = "Stopped before the end of its first epoch, within a batch."
        with suppress(StoreError):
            if found := [name for name in (BEST, CHECKPOINT) if files.has(self.run.id, name)]:
                reason = "Stopped within a batch. Resume it to go on after the epoch before."
                with files.writing(self.run.id, MODEL) as path:
                    shutil.copyfile(files.path(self.run.id, found[0]), path)
                reason = "Stopped within a batch; the weights of the epoch before were kept. Resume it to go on."
                figures = self._kept()
        self._end_process("stopped", reason, **figures)

    def _hung(self, seconds: float) -> None:
        """Ends from the heartbeat's thread, when the main thread has not moved for far too long."""
        # Into the log: where every thread stands.
        faulthandler.dump_traceback(2)
        reason = f"The training hung: nothing moved for {formatting.duration(seconds)}. Resume it from its last epoch."
        self._end_process("interrupted", reason)

    def _end_process(self, status: str, reason: str, **figures: Any) -> None:
        """Ends run and process from the heartbeat's thread; if the store is away, others see that it is gone."""
        with suppress(StoreError):
            self.store.end(self.run.id, status, worker=self.worker, reason=reason, **figures)
        os._exit(0)
