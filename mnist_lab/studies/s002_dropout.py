"""Document 002: kernel size and number of filters, with and without dropout, and VGG16; two of 7 models so far.

It prints no evaluation: the figures are the last epoch's validation figures, and the validation set is the test set.
It sets no seed.
"""

from __future__ import annotations

from mnist_lab.architecture import Architecture
from mnist_lab.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D
from mnist_lab.studies.preset import Preset, Published
from mnist_lab.studies.study import Study
from mnist_lab.training_config import Adam, TrainingConfig

DOCUMENT = "Document 002, CNN structure, dropout and VGG16 on MNIST"

STUDIES = (
    Study(
        name="002",
        title=DOCUMENT.split(", ", 1)[1],
        about="",
        cite=DOCUMENT,
    ),
)

TRAINING = TrainingConfig(split="test-as-validation", epochs=10, batch_size=128, optimizer=Adam(learning_rate=0.001))

COUNTS = {
    "parameters": 184_458,
    "trainable_parameters": 184_266,
    "layer_parameters": (320, 128, 51_264, 256, 131_200, 1_290),
    "epochs": 10,
}


def _network(dropout: bool) -> Architecture:
    drop: tuple[Layer, ...] = (Dropout(0.5),) if dropout else ()
    first = (Conv2D(32, (3, 3)), BatchNormalization(), MaxPooling2D(), *drop)
    second = (Conv2D(64, (5, 5)), BatchNormalization(), MaxPooling2D(), *drop)
    return Architecture((*first, *second, Flatten(), Dense(128), Dense(10, "softmax")))


PRESETS = (
    Preset(
        name="002-without-dropout",
        study="002",
        title="5x5, 64 filters, without dropout",
        architecture=_network(dropout=False),
        training=TRAINING,
        published=Published(
            **COUNTS,
            test_accuracy=0.9884,
            test_loss=0.0500,
            train_accuracy=0.9979,
            train_loss=0.0066,
            validation_accuracy=(
                0.9697, 0.9906, 0.9870, 0.9907, 0.9909, 0.9883, 0.9898, 0.9904, 0.9905, 0.9884,
            ),
            validation_loss=(
                0.1204, 0.0321, 0.0420, 0.0351, 0.0358, 0.0393, 0.0414, 0.0356, 0.0378, 0.0500,
            ),
        ),
        cite=f"{DOCUMENT}: Dropout Yes or No? Without Dropout",
        remark="Its fifth epoch had 99.09 %: part of the gap to the network with dropout is the last epoch's luck.",
    ),
    Preset(
        name="002-with-dropout",
        study="002",
        title="5x5, 64 filters, with dropout",
        architecture=_network(dropout=True),
        training=TRAINING,
        published=Published(
            **COUNTS,
            test_accuracy=0.9933,
            test_loss=0.0234,
            train_accuracy=0.9885,
            train_loss=0.0349,
            validation_accuracy=(
                0.8766, 0.9874, 0.9903, 0.9901, 0.9925, 0.9925, 0.9924, 0.9921, 0.9926, 0.9933,
            ),
            validation_loss=(
                0.3821, 0.0415, 0.0288, 0.0289, 0.0224, 0.0240, 0.0252, 0.0264, 0.0239, 0.0234,
            ),
        ),
        cite=f"{DOCUMENT}: Dropout Yes or No? With Dropout",
        remark="The same network is also the last cell of the document's grid, where it reached 99.22 % and a loss of "
        "0.0253: the two differ by chance alone.",
    ),
)  # fmt: skip
