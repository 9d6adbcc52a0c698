"""The models that ship trained with the package: a small one to start with, and a larger one for drawings."""

from __future__ import annotations

from mnist_lab.architecture import Architecture
from mnist_lab.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D
from mnist_lab.optimizers import AdamW
from mnist_lab.studies.preset import Preset
from mnist_lab.training_config import Augmentation, OneCycle, TrainingConfig

# A short training has too few steps for Keras's memory of 0.99.
MOMENTUM = 0.9


def normalised(filters: int, kernel: int, padding: str = "valid") -> tuple[Layer, ...]:
    """A convolution with ReLU, and a batch normalization."""
    return (
        Conv2D(filters, (kernel, kernel), padding=padding, kernel_initializer="he_normal"),
        BatchNormalization(momentum=MOMENTUM),
    )


def _training(epochs: int, learning_rate: float, pen: float, strangers: float = 0.0) -> TrainingConfig:
    return TrainingConfig(
        split="holdout",
        epochs=epochs,
        batch_size=128,
        label_smoothing=0.05,
        seed=7,
        optimizer=AdamW(learning_rate=learning_rate),
        schedule=OneCycle(),
        augmentation=Augmentation(rotation=15.0, shift=0.08, zoom=0.2, shear=18.0, pen=pen, strangers=strangers),
    )


STARTER = Preset(
    name="starter",
    study="lab",
    title="Starter model",
    architecture=Architecture(
        (
            *normalised(32, 5),
            MaxPooling2D(),
            *normalised(48, 3),
            *normalised(48, 3),
            MaxPooling2D(),
            *normalised(96, 3, "same"),
            Flatten(),
            Dropout(0.3),
            Dense(10, "softmax"),
        )
    ),
    training=_training(epochs=15, learning_rate=0.004, pen=0.5),
    cite="This project.",
    remark="Small enough for a CPU: under 4 million multiply-adds an image. The batch normalisation forgets "
    "faster than Keras's default (0.9 in place of 0.99), as its figures must settle within a few epochs.",
)

ROBUST = Preset(
    name="robust",
    study="lab",
    title="Robust model for drawings",
    architecture=Architecture(
        (
            *normalised(32, 5),
            MaxPooling2D(),
            *normalised(48, 3, "same"),
            *normalised(64, 3, "same"),
            MaxPooling2D(),
            *normalised(96, 3, "same"),
            *normalised(128, 3, "same"),
            MaxPooling2D(),
            *normalised(192, 3, "same"),
            Flatten(),
            Dropout(0.4),
            Dense(10, "softmax"),
        )
    ),
    training=_training(epochs=24, learning_rate=0.003, pen=0.75, strangers=0.16),
    cite="This project.",
    remark="For digits that people draw: it has seen other pens, other hands, and shapes that are no digits.",
)

PRESETS = (STARTER, ROBUST)
