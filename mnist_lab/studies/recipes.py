"""This project's own recipes: one for speed, one for few weights, one for accuracy.

They were chosen on validation images and are measured on the test images by `benchmarks/reproduce.py`, the weights of
the last epoch, several seeds each. Widths and rates are round numbers that were settled on in a few trials.
"""

from __future__ import annotations

from mnist_lab.architecture import Architecture
from mnist_lab.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPooling2D,
)
from mnist_lab.optimizers import Adam, AdamW
from mnist_lab.studies.preset import Preset
from mnist_lab.studies.starter import MOMENTUM, normalised
from mnist_lab.studies.study import Study
from mnist_lab.training_config import Augmentation, OneCycle, TrainingConfig

STUDY = "recipes"


def _thin(filters: int, padding: str = "valid") -> tuple[Layer, ...]:
    """A convolution whose bias is left to the normalisation after it: fewer weights."""
    return (
        Conv2D(filters, (3, 3), padding=padding, activation="linear", use_bias=False, kernel_initializer="he_normal"),
        BatchNormalization(momentum=MOMENTUM),
        Activation("relu"),
    )


FAST = Preset(
    name="fast",
    study=STUDY,
    title="Fast",
    architecture=Architecture(
        (
            Conv2D(24, (5, 5), activation="relu"),
            MaxPooling2D(),
            Conv2D(48, (5, 5), activation="relu"),
            MaxPooling2D(),
            Flatten(),
            Dense(256, "relu"),
            Dense(10, "softmax"),
        )
    ),
    training=TrainingConfig(epochs=1, optimizer=Adam(0.01, beta_1=0.7), schedule=OneCycle()),
    cite="This project.",
    remark="Seconds on a laptop. The rate rises to 0.01 and falls to nearly nothing within the one epoch; the short "
    "memory of the gradient (beta_1 0.7) follows it.",
)

SMALL = Preset(
    name="small",
    study=STUDY,
    title="Small",
    architecture=Architecture(
        (
            *_thin(8),
            *_thin(10),
            MaxPooling2D(),
            *_thin(16, "same"),
            *_thin(16, "same"),
            MaxPooling2D(),
            *_thin(10),
            Flatten(),
            Dense(10, "softmax"),
        )
    ),
    training=TrainingConfig(
        epochs=30,
        optimizer=AdamW(0.01),
        schedule=OneCycle(),
        augmentation=Augmentation(rotation=8.0, shift=0.06, zoom=0.08, shear=6.0),
    ),
    cite="This project.",
    remark="Under 8,000 weights. The last maps are few and of 4 by 4, so that a Dense layer sees where something is "
    "and still has few weights; many epochs of gently changed images make up for the rest.",
)

ACCURATE = Preset(
    name="accurate",
    study=STUDY,
    title="Accurate",
    architecture=Architecture(
        (
            *normalised(32, 5),
            MaxPooling2D(),
            *normalised(64, 3),
            *normalised(64, 3),
            MaxPooling2D(),
            *normalised(128, 3, "same"),
            Flatten(),
            Dropout(0.4),
            Dense(10, "softmax"),
        )
    ),
    training=TrainingConfig(
        epochs=24,
        label_smoothing=0.05,
        optimizer=AdamW(0.004),
        schedule=OneCycle(),
        augmentation=Augmentation(rotation=12.0, shift=0.08, zoom=0.12, shear=10.0),
    ),
    cite="This project.",
    remark="Changed images, softened labels, dropout and a rate that falls to nearly nothing. Several seeds of it make "
    "an ensemble (Runs, Ensemble) that errs less than each.",
)

PRESETS = (FAST, SMALL, ACCURATE)

STUDIES = (
    Study(
        name=STUDY,
        title="Recipes: fast, small or accurate",
        about="How far does one get in a single epoch, with fewer than 8,000 weights, or with a little patience? Three "
        "recipes of this project, each with the weights of its last epoch.",
        cite="This project.",
        caveat="The recipes differ in everything: this says what each reaches, not what one thing does.",
    ),
)
