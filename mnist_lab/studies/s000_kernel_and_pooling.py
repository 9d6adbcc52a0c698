"""Document 000: from one dense layer to small CNNs, one change at a time; 13 models, seven of them here so far.

Every model was trained for 10 epochs with the test set as validation set, and one early stopping object was used for
all of them. Seven times it kept the best figure of an earlier model and so took epoch 1 for the best; those models
were trained again for as many epochs as their best one. A fresh object per run, as here, ends in the same weights.
As the validation set is the test set, ``test_loss`` is the printed validation loss of the epoch that was kept.
"""

from __future__ import annotations

from typing import Any

from mnist_lab.architecture import Architecture
from mnist_lab.layers import Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D
from mnist_lab.studies.preset import Preset, Published
from mnist_lab.studies.study import Study
from mnist_lab.training_config import Adam, EarlyStopping, TrainingConfig

DOCUMENT = "Document 000, Convolutional Neural Networks for digit image classification"

STUDIES = (
    Study(
        name="000",
        title=DOCUMENT.split(", ", 1)[1],
        about="",
        cite=DOCUMENT,
    ),
)

TRAINING = TrainingConfig(
    split="test-as-validation",
    epochs=10,
    batch_size=128,
    seed=42,
    optimizer=Adam(learning_rate=0.001),
    early_stopping=EarlyStopping(monitor="val_accuracy", patience=10, restore_best_weights=True),
)

RETRAINED = (
    "The shared early stopping kept epoch 1, so the author trained it again for {} epochs; these are its figures."
)


def _conv(filters: int, kernel: int, pool: int) -> tuple[Layer, ...]:
    return Conv2D(filters, (kernel, kernel)), MaxPooling2D((pool, pool))


def _head(hidden: bool) -> tuple[Layer, ...]:
    extra: tuple[Layer, ...] = (Dense(100), Dropout(0.5)) if hidden else ()
    return Flatten(), *extra, Dense(10, "softmax")


def _model(
    number: int, convolutions: tuple[Layer, ...], hidden: bool, heading: str, published: dict[str, Any], remark: str
) -> Preset:
    title = f"Model {number}" if number else "Baseline"
    return Preset(
        name=f"000-model-{number}" if number else "000-baseline",
        study="000",
        title=title,
        architecture=Architecture((*convolutions, *_head(hidden))),
        training=TRAINING,
        published=Published(epochs=10, trainable_parameters=published["parameters"], decimals=3, **published),
        cite=f"{DOCUMENT}: {heading}" + (f" ({title})" if heading != title else ""),
        remark=remark,
    )


PRESETS = (
    _model(
        0,
        _conv(1, 1, 1),
        False,
        "Baseline",
        {
            "parameters": 7_852,
            "layer_parameters": (2, 7_850),
            "test_accuracy": 0.927,
            "test_loss": 0.2667,
            "best_epoch": 9,
            "train_accuracy": 0.9299,
            "train_loss": 0.2556,
            "errors_in_first_100": 4,
            "validation_accuracy": (
                0.9084, 0.9178, 0.9227, 0.9249, 0.9255, 0.9258, 0.9259, 0.9266, 0.9267, 0.9266,
            ),
            "validation_loss": (
                0.3335, 0.2901, 0.2771, 0.2718, 0.2692, 0.2678, 0.2672, 0.2668, 0.2667, 0.2667,
            ),
        },
        "The text says both that it does not learn effectively and that it does. 92.7 % is a softmax on the pixels.",
    ),
    _model(
        1,
        _conv(1, 1, 2),
        False,
        "Adding Pooling",
        {
            "parameters": 1_972,
            "layer_parameters": (2, 1_970),
            "test_accuracy": 0.918,
            "test_loss": 0.2831,
            "best_epoch": 10,
            "train_accuracy": 0.9154,
            "train_loss": 0.2925,
            "errors_in_first_100": 6,
            "validation_accuracy": (
                0.8781, 0.8995, 0.9061, 0.9105, 0.9132, 0.9145, 0.9159, 0.9169, 0.9182, 0.9184,
            ),
            "validation_loss": (
                0.4755, 0.3583, 0.3242, 0.3084, 0.2993, 0.2935, 0.2896, 0.2867, 0.2847, 0.2831,
            ),
        },
        RETRAINED.format(10) + " The text takes 1,972 from 7,582 and calls the loss of accuracy 0.09: "
        "the baseline has 7,852 parameters, and 0.927 less 0.918 is 0.009.",
    ),
    _model(
        2,
        _conv(1, 3, 2),
        False,
        "Adding a CNN Kernel",
        {
            "parameters": 1_710,
            "layer_parameters": (10, 1_700),
            "test_accuracy": 0.920,
            "test_loss": 0.2726,
            "best_epoch": 10,
            "train_accuracy": 0.9181,
            "train_loss": 0.2848,
            "errors_in_first_100": 4,
            "validation_accuracy": (
                0.8892, 0.9074, 0.9133, 0.9156, 0.9173, 0.9182, 0.9189, 0.9191, 0.9198, 0.9204,
            ),
            "validation_loss": (
                0.3933, 0.3248, 0.3027, 0.2920, 0.2858, 0.2817, 0.2787, 0.2762, 0.2743, 0.2726,
            ),
        },
        RETRAINED.format(10),
    ),
    _model(
        3,
        _conv(32, 3, 2),
        False,
        "Adding Parallel CNN Kernels",
        {
            "parameters": 54_410,
            "layer_parameters": (320, 54_090),
            "test_accuracy": 0.983,
            "test_loss": 0.0545,
            "best_epoch": 10,
            "train_accuracy": 0.9900,
            "train_loss": 0.0355,
            "errors_in_first_100": 3,
            "validation_accuracy": (
                0.9596, 0.9730, 0.9778, 0.9790, 0.9801, 0.9800, 0.9810, 0.9813, 0.9818, 0.9828,
            ),
            "validation_loss": (
                0.1408, 0.0893, 0.0725, 0.0654, 0.0615, 0.0587, 0.0568, 0.0555, 0.0547, 0.0545,
            ),
        },
        "",
    ),
    _model(
        5,
        _conv(32, 9, 2),
        True,
        "Adding another dense (hidden) layer",
        {
            "parameters": 323_734,
            "layer_parameters": (2_624, 320_100, 1_010),
            "test_accuracy": 0.992,
            "test_loss": 0.0304,
            "best_epoch": 9,
            "train_accuracy": 0.9898,
            "train_loss": 0.0316,
            "errors_in_first_100": 0,
            "validation_accuracy": (
                0.9783, 0.9833, 0.9865, 0.9874, 0.9886, 0.9890, 0.9892, 0.9893, 0.9915, 0.9903,
            ),
            "validation_loss": (
                0.0678, 0.0478, 0.0395, 0.0357, 0.0331, 0.0332, 0.0316, 0.0316, 0.0304, 0.0297,
            ),
        },
        "",
    ),
    _model(
        8,
        (*_conv(32, 9, 2), *_conv(32, 3, 1)),
        True,
        "Adding another dense (hidden) layer",
        {
            "parameters": 217_782,
            "layer_parameters": (2_624, 9_248, 204_900, 1_010),
            "test_accuracy": 0.993,
            "test_loss": 0.0247,
            "best_epoch": 9,
            "train_accuracy": 0.9910,
            "train_loss": 0.0300,
            "errors_in_first_100": 0,
            "validation_accuracy": (
                0.9795, 0.9866, 0.9831, 0.9896, 0.9912, 0.9916, 0.9924, 0.9916, 0.9930, 0.9930,
            ),
            "validation_loss": (
                0.0628, 0.0409, 0.0510, 0.0335, 0.0277, 0.0263, 0.0248, 0.0289, 0.0247, 0.0226,
            ),
        },
        "",
    ),
    _model(
        10,
        (*_conv(32, 9, 2), *_conv(32, 3, 2), *_conv(32, 3, 1)),
        True,
        "Adding another dense (hidden) layer",
        {
            "parameters": 35_030,
            "layer_parameters": (2_624, 9_248, 9_248, 12_900, 1_010),
            "test_accuracy": 0.993,
            "test_loss": 0.0230,
            "best_epoch": 7,
            "train_accuracy": 0.9902,
            "train_loss": 0.0332,
            "errors_in_first_100": 0,
            "validation_accuracy": (
                0.9714, 0.9819, 0.9858, 0.9863, 0.9903, 0.9913, 0.9931, 0.9917, 0.9921, 0.9916,
            ),
            "validation_loss": (
                0.0900, 0.0534, 0.0419, 0.0375, 0.0293, 0.0267, 0.0230, 0.0256, 0.0274, 0.0254,
            ),
        },
        RETRAINED.format(7) + " The author's choice in the end. The number of epochs was chosen on the test set.",
    ),
)  # fmt: skip
