"""Document 001: kernel sizes, padding, pooling and activations; 12 models, two of them here so far.

Trained with standalone Keras, whose Adadelta had a learning rate of 1.0.
The headline figures of its closing table are each model's best epoch on the test set; the figures printed after
training are those of the last epoch. ``test_accuracy`` is the latter, ``claimed_accuracy`` the former.
"""

from __future__ import annotations

from mnist_lab.architecture import Architecture
from mnist_lab.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from mnist_lab.studies.preset import Preset, Published
from mnist_lab.studies.study import Study
from mnist_lab.training_config import Adadelta, TrainingConfig

DOCUMENT = "Document 001, CNNs of several kernel sizes on MNIST"

STUDIES = (
    Study(
        name="001",
        title=DOCUMENT.split(", ", 1)[1],
        about="",
        cite=DOCUMENT,
    ),
)

TRAINING = TrainingConfig(split="test-as-validation", epochs=15, batch_size=128, optimizer=Adadelta(learning_rate=1.0))

PRESETS = (
    Preset(
        name="001-conv-3-3",
        study="001",
        title="Two convolutions, 3x3",
        architecture=Architecture(
            (
                Conv2D(32, (3, 3)),
                Conv2D(64, (3, 3)),
                MaxPooling2D(),
                Dropout(0.25),
                Flatten(),
                Dense(128),
                Dropout(0.5),
                Dense(10, "softmax"),
            )
        ),
        training=TRAINING,
        published=Published(
            parameters=1_199_882,
            trainable_parameters=1_199_882,
            layer_parameters=(320, 18_496, 1_179_776, 1_290),
            test_accuracy=0.9905,
            test_loss=0.031089,
            epochs=15,
            claimed_accuracy=0.9921,
            claimed_epoch=10,
            train_accuracy=0.9923,
            train_loss=0.0243,
            wall_seconds=2_210,
            validation_accuracy=(
                0.9826, 0.9856, 0.9872, 0.9890, 0.9900, 0.9908, 0.9898, 0.9917, 0.9912, 0.9921,
                0.9911, 0.9914, 0.9912, 0.9915, 0.9905,
            ),
            validation_loss=(
                0.0538, 0.0409, 0.0379, 0.0319, 0.0299, 0.0263, 0.0310, 0.0246, 0.0279, 0.0242,
                0.0280, 0.0292, 0.0300, 0.0286, 0.0311,
            ),
        ),
        cite=f"{DOCUMENT}: 2 conv layers, kernels =(3x3), Max pooling =(2x2)",
        remark="The closing table gives 99.21 %, the best epoch on the test set; the last epoch printed 99.05 %.",
    ),
    Preset(
        name="001-conv-7-5-3",
        study="001",
        title="Three convolutions, 7x7, 5x5, 3x3",
        architecture=Architecture(
            (
                Conv2D(32, (7, 7)),
                Conv2D(64, (5, 5)),
                MaxPooling2D(),
                Dropout(0.25),
                Conv2D(128, (3, 3)),
                MaxPooling2D(),
                Dropout(0.3),
                Flatten(),
                Dense(512),
                Dropout(0.5),
                Dense(10, "softmax"),
            )
        ),
        training=TRAINING,
        published=Published(
            parameters=722_186,
            trainable_parameters=722_186,
            layer_parameters=(1_600, 51_264, 73_856, 590_336, 5_130),
            test_accuracy=0.9951,
            test_loss=0.018835,
            epochs=15,
            claimed_accuracy=0.9955,
            claimed_epoch=13,
            train_accuracy=0.9947,
            train_loss=0.0169,
            validation_accuracy=(
                0.9831, 0.9890, 0.9898, 0.9922, 0.9932, 0.9941, 0.9939, 0.9922, 0.9941, 0.9939,
                0.9953, 0.9950, 0.9955, 0.9941, 0.9951,
            ),
            validation_loss=(
                0.0493, 0.0334, 0.0306, 0.0238, 0.0206, 0.0193, 0.0190, 0.0234, 0.0195, 0.0170,
                0.0149, 0.0168, 0.0150, 0.0187, 0.0188,
            ),
        ),
        cite=f"{DOCUMENT}: 3 conv layers, kernels = (7x7),(5x5),(3x3), max pooling =(2x2)",
        remark="The closing table gives 99.55 %, the best epoch on the test set; the last epoch printed 99.51 %.",
    ),
)  # fmt: skip
