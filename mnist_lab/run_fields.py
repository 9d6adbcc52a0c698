"""What can be asked of a run: its figures and every setting of its training and its network, each under a flat name."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mnist_lab.architecture import Architecture
from mnist_lab.comparison import is_by_lot
from mnist_lab.errors import LabError
from mnist_lab.fields import specs
from mnist_lab.layers import LAYERS
from mnist_lab.optimizers import OPTIMIZERS
from mnist_lab.run_settings import training_of
from mnist_lab.store import Run
from mnist_lab.training_config import SCHEDULES, TrainingConfig

Scalar = str | int | float | bool | None
Value = Scalar | tuple[Scalar, ...]
Settings = Mapping[str, Value]
Kind = Literal["text", "number", "share", "flag", "many"]

SAME_BUT_SEED = "same but for the seed"
NETWORK = "network"
LAYER_KINDS = "layer kinds"
TAGS = "tags"
# What decides nothing of what comes out, or is known better from the run itself.
_NO_SETTING = ("dataset", "split")
_DEFAULTS = TrainingConfig().to_dict()


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that stands in a run's own record.

    Attributes:
        label: What the page calls it.
        kind: ``"text"``, ``"number"``, ``"share"`` (0 to 1, shown as a percentage), ``"flag"`` or ``"many"`` (several
            values at once).
        of: Its value of a run; None where it is unknown.
        help: One sentence, where the label does not say it all.
        setting: Whether it is a choice rather than a result, so that its values can be listed and grouped by.
    """

    label: str
    kind: Kind
    of: Callable[[Run], Value]
    help: str = ""
    setting: bool = False


MARK = "⚠️: the test images also chose the epoch; flattered."
FIGURES: dict[str, Figure] = {
    "starred": Figure("★", "flag", lambda run: run.starred, setting=True),
    "name": Figure("Name", "text", lambda run: run.name),
    "status": Figure("Status", "text", lambda run: run.status, setting=True),
    "test_accuracy": Figure("Test accuracy", "share", lambda run: run.test_accuracy,
                            f"On the images kept for the test. {MARK}"),
    "interval": Figure("95 % interval", "text", lambda run: run.test_accuracy_low,
                       "Of the test accuracy; sorted by its lower end."),
    "test_loss": Figure("Test loss", "number", lambda run: run.test_loss),
    "split": Figure("Split", "text", lambda run: run.split, MARK, setting=True),
    "validation_accuracy": Figure("Validation accuracy", "share", lambda run: run.validation_accuracy,
                                  f"Of the epoch whose weights were kept. {MARK}"),
    "validation_loss": Figure("Validation loss", "number", lambda run: run.validation_loss,
                              "Of the epoch whose weights were kept."),
    "test_looks": Figure("Test looks", "number", lambda run: run.test_looks,
                         "How often figures of the test images were reckoned."),
    "best_epoch": Figure("Best epoch", "number", lambda run: run.best_epoch, "By the figure that was watched."),
    "kept_epoch": Figure("Kept epoch", "number", lambda run: run.kept_epoch, "Whose weights were kept."),
    "epochs_run": Figure("Epochs", "number", lambda run: run.epochs_run),
    "parameters": Figure("Parameters", "number", lambda run: run.parameters),
    "trainable_parameters": Figure("Trainable parameters", "number", lambda run: run.trainable_parameters),
    "multiply_adds": Figure("Multiply-adds", "number", lambda run: run.multiply_adds, "For one image."),
    "images_per_second": Figure("Images/s", "number", lambda run: run.images_per_second, "While training."),
    "prediction_seconds": Figure("Prediction (µs)", "number",
                                 lambda run: None if run.prediction_seconds is None else 1e6 * run.prediction_seconds,
                                 "Microseconds an image, in large batches."),
    "seconds": Figure("Seconds", "number", lambda run: run.seconds, "Spent training."),
    "preset": Figure("Preset", "text", lambda run: run.preset, setting=True),
    "sweep": Figure("Sweep", "text", lambda run: run.sweep and run.sweep[:8], "The id of the sweep that made it.",
                    setting=True),
    "trial": Figure("Trial", "number", lambda run: run.trial, "Its number within the sweep."),
    "dataset": Figure("Data", "text", lambda run: run.dataset, setting=True),
    "training_images": Figure("Training images used", "number", lambda run: run.training_images),
    "test_images": Figure("Test images", "number", lambda run: run.test_images),
    "device": Figure("Device", "text", lambda run: run.device, setting=True),
    "created": Figure("Created", "number", lambda run: run.created),
    TAGS: Figure("Tags", "many", lambda run: tuple(run.tags or ()), setting=True),
    "notes": Figure("Notes", "text", lambda run: run.notes or None),
    "id": Figure("Id", "text", lambda run: run.id[:8]),
}  # fmt: skip

# By metric: its best epoch, in the metric's own direction. What they are of a run stands in its history.
BEST: dict[str, Figure] = {
    "best.val_accuracy": Figure("Best validation accuracy (epoch)", "share", lambda run: None, f"The highest. {MARK}"),
    "best.val_loss": Figure("Best validation loss (epoch)", "number", lambda run: None, f"The lowest. {MARK}"),
    "best.accuracy": Figure("Best training accuracy (epoch)", "share", lambda run: None, "The highest."),
    "best.loss": Figure("Best training loss (epoch)", "number", lambda run: None, "The lowest."),
}
FIGURES |= BEST
# The columns of the table where none were chosen.
USUAL = (
    "starred", "name", "status", "test_accuracy", "interval", "split", "validation_accuracy", "test_looks",
    "best_epoch", "epochs_run", "parameters", "images_per_second", "seconds", "dataset", "device", "tags", "created",
    "notes", "id",
)  # fmt: skip


class SettingsOf:
    """Flattens the settings of runs and remembers them: a run's settings never change.

    The names are those of `TrainingConfig`, the parts' after a point, as ``optimizer.learning_rate``; of the network
    there are ``layers`` (how many, those within blocks too), ``Conv2D layers`` (how many of a kind), ``layer kinds``,
    one value a layer ``Conv2D.filters``, and ``network``, which equal networks share. None is a setting that is not
    set; zero and false are values.

    Attributes:
        best: By run id, what the store knows of the best epochs; empty until it is asked.
    """

    def __init__(self) -> None:
        self.best: Mapping[str, Mapping[str, tuple[float, int]]] = {}
        self._known: dict[str, Settings] = {}
        self._networks: dict[int, tuple[dict[str, Any], dict[str, Value]]] = {}

    def __call__(self, run: Run) -> Settings:
        """The settings of one run."""
        known = self._known.get(run.id)
        if known is None:
            training = dict(_flat(_training(run)))
            seedless = {name: value for name, value in training.items() if name not in ("seed", "keep_checkpoints")}
            network = self._network(run.architecture)
            same = json.dumps([network[NETWORK], seedless], sort_keys=True)
            known = self._known[run.id] = {**training, **network, SAME_BUT_SEED: same}
        return known

    def _network(self, architecture: dict[str, Any]) -> dict[str, Value]:
        # The object is kept with what was made of it, so that no other can come to have its number.
        known = self._networks.get(id(architecture))
        if known is None:
            known = self._networks[id(architecture)] = architecture, network_settings(architecture)
        return known[1]

    def value(self, run: Run, name: str) -> Value:
        """A figure or a setting of a run; None where it has none.

        Of what runs have in common that differ in their seed alone, see `SAME_BUT_SEED`.
        """
        found: Value
        if name in BEST:
            return self.best.get(run.id, {}).get(name.removeprefix("best."), (None, 0))[0]
        if name in FIGURES:
            found = FIGURES[name].of(run)
        elif name == SAME_BUT_SEED:
            fingerprint = None if is_by_lot(run) else run.fingerprint
            return json.dumps([self(run)[name], _data(run), run.split, fingerprint])
        else:
            found = self(run).get(name)
            if found is None and name.removesuffix(" layers") in LAYERS:
                return 0
        return None if isinstance(found, float) and math.isnan(found) else found


def network_settings(architecture: Mapping[str, Any]) -> dict[str, Value]:
    """What can be asked of a network, from its JSON form; see `SettingsOf`."""
    fields: dict[str, list[Scalar]] = {}
    kinds: dict[str, int] = {}
    for layer in _layers(architecture.get("layers", ())):
        kind = str(layer.get("layer"))
        kinds[kind] = kinds.get(kind, 0) + 1
        for name, value in layer.items():
            if name not in ("layer", "branches", "layers"):
                fields.setdefault(f"{kind}.{name}", []).append(_scalar(value))
    return {
        "layers": sum(kinds.values()),
        LAYER_KINDS: tuple(sorted(kinds)),
        **{f"{kind} layers": count for kind, count in kinds.items()},
        **{name: tuple(values) for name, values in fields.items()},
        NETWORK: _network_words(architecture),
    }


def _network_words(architecture: Mapping[str, Any]) -> str:
    """The layers that learn, and a mark that no other network has: ``"Conv2D 32-64, Dense 10 · 3f09ac"``."""
    mark = hashlib.sha256(json.dumps(architecture, sort_keys=True).encode()).hexdigest()[:8]
    try:
        return f"{Architecture.from_dict(architecture).summary} · {mark}"
    except LabError:  # of another version
        return mark


def _layers(layers: Any) -> Iterator[Mapping[str, Any]]:
    for layer in layers:
        yield layer
        for branch in layer.get("branches", ()):
            yield from _layers(branch)
        # Residual holds layers; a list of anything else is a field.
        if layer.get("layer") == "Residual":
            yield from _layers(layer.get("layers", ()))


def _training(run: Run) -> dict[str, Any]:
    """The settings of a run's training, with those that it left to their defaults."""
    return run.training if _is_complete(run.training) else training_of(run)


def _is_complete(training: Mapping[str, Any]) -> bool:
    """Whether no setting was left to its default; reading a configuration takes a hundred times longer."""
    augmentation = training.get("augmentation")
    if training.keys() != _DEFAULTS.keys() or not isinstance(augmentation, Mapping):
        return False
    return augmentation.keys() == _DEFAULTS["augmentation"].keys() and all(
        isinstance(part, Mapping)
        and (cls := registry.get(part.get("name", "")))
        and part.keys() - {"name"} == {*specs(cls)}
        for part, registry in ((training["optimizer"], OPTIMIZERS), (training["schedule"], SCHEDULES))
    )


def _data(run: Run) -> str | None:
    """What was asked for, perhaps "auto", matters less than what it came to."""
    return run.dataset or run.training.get("dataset", _DEFAULTS["dataset"])


def _flat(settings: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Value]]:
    for key, value in settings.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            if name == "early_stopping":
                yield name, True
            yield from _flat(value, f"{name}.")
        elif name == "early_stopping":
            yield name, value is not None
        elif name not in _NO_SETTING:
            yield name, _scalar(value)


def _scalar(value: Any) -> Scalar:
    if isinstance(value, (list, tuple)):
        return "×".join(str(each) for each in value)
    return value if isinstance(value, (str, int, float, bool, type(None))) else json.dumps(value, sort_keys=True)


def words(value: Value) -> str:
    """A value as the page shows it; a dash where there is none."""
    if isinstance(value, tuple):
        return ", ".join(words(each) for each in value) or "–"
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def label(name: str) -> str:
    """What the page calls a figure or a setting."""
    return FIGURES[name].label if name in FIGURES else name
