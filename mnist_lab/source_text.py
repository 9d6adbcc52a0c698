"""The text of an exported script around its network: data, optimizer, training; and the laying out of calls."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from mnist_lab import fields, source_data
from mnist_lab.training_config import (
    Augmentation,
    Constant,
    CosineDecay,
    ExponentialDecay,
    OneCycle,
    ReduceLROnPlateau,
    Schedule,
    StepDecay,
    TrainingConfig,
    monitor_mode,
)

WIDTH = 88


def literal(value: Any) -> str:
    """A value as Python source; a pair of equal numbers as one number, as Keras allows."""
    if isinstance(value, tuple) and len(value) == 2 and value[0] == value[1]:
        return repr(value[0])
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


def call(prefix: str, function: str, arguments: list[str], indent: int, suffix: str = "") -> list[str]:
    """A call in as few lines as fit: one, or the arguments on a line, or a line for each."""
    space, joined = " " * indent, ", ".join(arguments)
    one = f"{space}{prefix}{function}({joined}){suffix}"
    if len(one) <= WIDTH or not arguments:
        return [one]
    first, last = f"{space}{prefix}{function}(", f"{space}){suffix}"
    if indent + 4 + len(joined) <= WIDTH:
        return [first, f"{space}    {joined}", last]
    return [first, *(f"{space}    {argument}," for argument in arguments), last]


def call_on_list(prefix: str, function: str, items: list[str]) -> list[str]:
    """A call, indented by four, whose one argument is a list."""
    listed = f"[{', '.join(items)}]"
    if len(listed) + 8 <= WIDTH:
        return call(prefix, function, [listed], indent=4)
    return [f"    {prefix}{function}(", "        [", *(f"            {item}," for item in items), "        ]", "    )"]


def script(name: str, training: TrainingConfig, helper: str, body: list[str]) -> str:
    """The whole script.

    Args:
        name: Any text.
        training: How the network is trained.
        helper: Functions that the network needs, or ``""``.
        body: The indented lines of ``build_model``.
    """
    title = re.sub(r'[\\"\s]+', " ", name).strip()[:60] or "A network"
    file = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "network"
    rate, setup = _schedule(training)
    needs_steps = bool(setup) or "steps_per_epoch" in "".join(rate)
    augments = training.augmentation.moves
    imports = ["import math", ""] if needs_steps else []
    imports += ["import keras"]
    imports += ["import numpy as np"] if source_data.needs_numpy(training) else []
    imports += ["import tensorflow as tf"] if augments else []
    small = source_data.is_digits(training)
    parts = [
        [f'"""{title}', "", f"Made with MNIST Lab. {source_data.packages(training)}", '"""', ""],
        [*imports, "from keras import layers"],
        ["from PIL import Image", "from sklearn.datasets import load_digits"] if small else [],
        [""],
        [f"EPOCHS = {training.epochs}", f"BATCH_SIZE = {training.batch_size}", f"SEED = {training.seed}", "", ""],
        [*source_data.helper(training), "", ""] if small else [],
        [*source_data.load_data(training), "", ""],
        [*helper.strip().splitlines(), "", ""] if helper else [],
        ["def build_model():", '    """The network; it is not compiled."""', *body, "", ""],
        [*_make_optimizer(training, rate, setup, needs_steps), "", ""],
        [*_augmentation(training.augmentation), "", ""] if augments else [],
        [*_main(training, file, needs_steps), "", ""],
        ['if __name__ == "__main__":', "    main()", ""],
    ]
    return "\n".join(line for part in parts for line in part)


def _make_optimizer(training: TrainingConfig, rate: list[str], setup: list[str], needs_steps: bool) -> list[str]:
    lines = [f"def make_optimizer({'steps_per_epoch' if needs_steps else ''}):"]
    lines += ['    """The optimizer, with its learning rate."""', *setup, *rate]
    value = "learning_rate" if rate else literal(training.optimizer.learning_rate)
    arguments = [f"learning_rate={value}"]
    defaults = type(training.optimizer)()
    for name in fields.specs(type(training.optimizer)):
        own = getattr(training.optimizer, name)
        if name != "learning_rate" and own != getattr(defaults, name):
            arguments.append(f"{name}={literal(own)}")
    return [*lines, *call("return ", f"keras.optimizers.{training.optimizer.kind}", arguments, indent=4)]


def _decay(*arguments: str, kind: str = "ExponentialDecay") -> list[str]:
    return call("learning_rate = ", f"keras.optimizers.schedules.{kind}", list(arguments), indent=4)


def _exponential(schedule: ExponentialDecay, rate: str) -> tuple[list[str], list[str]]:
    return _decay(rate, "steps_per_epoch", literal(schedule.decay_rate)), []


def _step(schedule: StepDecay, rate: str) -> tuple[list[str], list[str]]:
    return _decay(rate, f"{schedule.every} * steps_per_epoch", literal(schedule.factor), "staircase=True"), []


def _cosine(schedule: CosineDecay, rate: str) -> tuple[list[str], list[str]]:
    alpha = [f"alpha={literal(schedule.alpha)}"] * (schedule.alpha > 0)
    if not schedule.warmup_epochs:
        return _decay(rate, "EPOCHS * steps_per_epoch", *alpha, kind="CosineDecay"), []
    setup = [
        f"    rise = round({literal(schedule.warmup_epochs)} * steps_per_epoch)",
        "    fall = max(1, EPOCHS * steps_per_epoch - rise)",
    ]
    warm = [f"warmup_target={rate}", "warmup_steps=rise"]
    return _decay("0.0", "fall", *alpha, *warm, kind="CosineDecay"), setup


def _one_cycle(schedule: OneCycle, rate: str) -> tuple[list[str], list[str]]:
    start, end = literal(schedule.start_divisor), literal(schedule.end_divisor)
    setup = [
        "    total = EPOCHS * steps_per_epoch",
        f"    rise = min(max(1, round({literal(schedule.rise)} * total)), max(1, total - 1))",
        "    fall = max(1, total - rise)",
    ]
    arguments = [f"{rate} / {start}", "fall", f"alpha=1 / ({start} * {end})"]
    return _decay(*arguments, f"warmup_target={rate}", "warmup_steps=rise", kind="CosineDecay"), setup


_SCHEDULES: dict[type[Schedule], Callable[[Any, str], tuple[list[str], list[str]]]] = {
    ExponentialDecay: _exponential,
    StepDecay: _step,
    CosineDecay: _cosine,
    OneCycle: _one_cycle,
    Constant: lambda schedule, rate: ([], []),
    ReduceLROnPlateau: lambda schedule, rate: ([], []),
}


def _schedule(training: TrainingConfig) -> tuple[list[str], list[str]]:
    """The lines that make ``learning_rate`` (none where it is a number), and those that come before them."""
    return _SCHEDULES[type(training.schedule)](training.schedule, literal(training.optimizer.learning_rate))


_NO_PEN = "    # Left out here: in the lab a share of the images is written anew with a pen, or is no digit."


def _augmentation(augmentation: Augmentation) -> list[str]:
    lines: list[str] = []
    outside = 'fill_mode="constant"'
    if augmentation.zoom:
        zoom = literal(augmentation.zoom)
        lines += call("", "layers.RandomZoom", [zoom, outside], indent=12, suffix=",")
    if augmentation.shear:
        lines.append("            # Keras shears about the upper edge, the lab about the centre.")
        factor = round(min(1.0, math.tan(math.radians(augmentation.shear))), 4)
        lines += call("", "layers.RandomShear", [f"x_factor={factor}", outside], indent=12, suffix=",")
    if augmentation.rotation:
        turn = f"{literal(augmentation.rotation)} / 360"
        lines += call("", "layers.RandomRotation", [turn, outside], indent=12, suffix=",")
    if augmentation.shift:
        shift = literal(augmentation.shift)
        lines += call("", "layers.RandomTranslation", [shift, shift, outside], indent=12, suffix=",")
    return [
        "def augmented(x, y):",
        '    """Batches in random order, every image changed a little each time."""',
        # Unlike a model, a pipeline of layers works on TensorFlow's tensors whatever Keras's backend.
        "    change = layers.Pipeline(",
        "        [",
        *lines,
        "        ]",
        "    )",
        "    data = tf.data.Dataset.from_tensor_slices((x, y))",
        "    data = data.shuffle(len(x), seed=SEED).batch(BATCH_SIZE)",
        "    data = data.map(lambda images, labels: (change(images, training=True), labels))",
        "    return data.prefetch(tf.data.AUTOTUNE)",
    ]


def _callbacks(training: TrainingConfig, file: str) -> list[str]:
    lines: list[str] = []
    plateau, stopping = training.schedule, training.early_stopping
    if isinstance(plateau, ReduceLROnPlateau):
        lines += _watching("ReduceLROnPlateau", plateau, {"factor": 0.1, "patience": 10, "min_lr": 0.0})
    if stopping is not None:
        defaults = {"min_delta": 0.0, "patience": 0, "restore_best_weights": False}
        lines += _watching("EarlyStopping", stopping, defaults)
    if training.keep_checkpoints:
        lines += call("", "keras.callbacks.ModelCheckpoint", [f'"{file}-{{epoch:03d}}.keras"'], 12, ",")
    return ["        callbacks=[", *lines, "        ],"] if lines else []


def _watching(kind: str, values: Any, defaults: dict[str, Any]) -> list[str]:
    arguments = [f'monitor="{values.monitor}"', f'mode="{monitor_mode(values.monitor)}"']
    own = {name: getattr(values, name) for name in defaults}
    arguments += [f"{name}={literal(value)}" for name, value in own.items() if value != defaults[name]]
    return call("", f"keras.callbacks.{kind}", arguments, indent=12, suffix=",")


def _main(training: TrainingConfig, file: str, needs_steps: bool) -> list[str]:
    smoothing = training.label_smoothing
    loss = '"sparse_categorical_crossentropy"'
    one_hot: list[str] = []
    if smoothing:
        loss = f"keras.losses.CategoricalCrossentropy(label_smoothing={literal(smoothing)})"
        labels = ("y_train", "y_validation", *(["y_test"] * training.test_at_end))
        one_hot = [f"    {name} = keras.utils.to_categorical({name}, 10)" for name in labels]
    data = ["        x_train,", "        y_train,", "        batch_size=BATCH_SIZE,"]
    if training.augmentation.moves:
        data = ["        augmented(x_train, y_train),", "        shuffle=False,"]
    steps = ["    steps_per_epoch = math.ceil(len(x_train) / BATCH_SIZE)"] if needs_steps else []
    made = f"make_optimizer({'steps_per_epoch' if needs_steps else ''})"
    tested, kept = "test", "(x_test, y_test)"
    said = "Test: accuracy {accuracy:.4f}, loss {loss:.4f}, {len(x_test):,} images"
    if not training.test_at_end:
        tested, kept = "validation", "_"
        said = "Validation: accuracy {accuracy:.4f}, loss {loss:.4f}"
    note = [source_data.OTHER] if training.dataset == "custom" else []
    note += [_NO_PEN] if training.augmentation.writes else []
    note += source_data.FINE_TUNED if training.fine_tuning is not None else []
    return [
        "def main():",
        '    """Trains, evaluates and saves."""',
        "    keras.utils.set_random_seed(SEED)",
        *note,
        f"    (x_train, y_train), (x_validation, y_validation), {kept} = load_data()",
        *one_hot,
        "    model = build_model()",
        "    model.summary()",
        *steps,
        "    model.compile(",
        f"        optimizer={made},",
        f"        loss={loss},",
        '        metrics=["accuracy"],',
        "    )",
        "    model.fit(",
        *data,
        "        epochs=EPOCHS,",
        "        validation_data=(x_validation, y_validation),",
        *_callbacks(training, file),
        "    )",
        f"    loss, accuracy = model.evaluate(x_{tested}, y_{tested}, verbose=0)",
        f'    print(f"{said}")',
        f'    model.save("{file}.keras")',
    ]
