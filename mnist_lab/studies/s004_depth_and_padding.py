"""Document 004: ten CNNs, from two convolutions to an inception-like one; two of them here so far.

Trained with standalone Keras, whose Adadelta had a learning rate of 1.0. No seed is set.
"""

from __future__ import annotations

from mnist_lab.architecture import Architecture
from mnist_lab.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D, Parallel
from mnist_lab.studies.preset import Preset, Published
from mnist_lab.studies.study import Study
from mnist_lab.training_config import Adadelta, TrainingConfig

DOCUMENT = "Document 004, CNN Models on MNIST"

STUDIES = (
    Study(
        name="004",
        title=DOCUMENT.split(", ", 1)[1],
        about="",
        cite=DOCUMENT,
    ),
)

TRAINING = TrainingConfig(split="test-as-validation", epochs=13, batch_size=128, optimizer=Adadelta(learning_rate=1.0))


def _conv(filters: int, kernel: int, padding: str = "valid") -> Conv2D:
    return Conv2D(filters, (kernel, kernel), padding=padding, kernel_initializer="he_normal")


def _head() -> tuple[Layer, ...]:
    dense = [(Dense(units, kernel_initializer="he_normal"), BatchNormalization(), Dropout(0.5)) for units in (512, 128)]
    return Dropout(0.25), Flatten(), *dense[0], *dense[1], Dense(10, "softmax")


INCEPTION = Parallel(
    (
        (_conv(32, 1, "same"),),
        (_conv(32, 3, "same"),),
        (_conv(32, 5, "same"),),
        (_conv(32, 1, "same"), MaxPooling2D((3, 3), (1, 1), "same")),
    )
)

PRESETS = (
    Preset(
        name="004-model-1",
        study="004",
        title="Model 1: 5x5, no padding",
        architecture=Architecture((_conv(32, 5), MaxPooling2D(), _conv(64, 5), MaxPooling2D(), *_head())),
        training=TRAINING,
        published=Published(
            parameters=646_410,
            trainable_parameters=645_130,
            layer_parameters=(832, 51_264, 524_800, 2_048, 65_664, 512, 1_290),
            test_accuracy=0.9936,
            test_loss=0.024946,
            epochs=13,
            train_accuracy=0.9941,
            train_loss=0.0196,
            validation_accuracy=(
                None, 0.9852, 0.9887, 0.9894, 0.9894, 0.9925, 0.9931, 0.9934, 0.9929, 0.9932, 0.9932, 0.9934, 0.9936,
            ),
        ),
        cite=f"{DOCUMENT}: Model 1",
        remark="The text speaks of 10 epochs; the settings and the log show 13. The line with the total is lost in the "
        "copy of the document: 646,410 is the sum of its 645,130 trainable and 1,280 other parameters.",
    ),
    Preset(
        name="004-model-10",
        study="004",
        title="Model 10: inception-like",
        architecture=Architecture(
            (
                INCEPTION,
                _conv(256, 7),
                MaxPooling2D(),
                _conv(512, 5),
                _conv(1024, 5),
                _conv(2048, 3),
                *_head(),
            )
        ),
        training=TRAINING,
        published=Published(
            parameters=37_987_722,
            trainable_parameters=37_986_442,
            layer_parameters=(
                64, 320, 832, 64, 1_605_888, 3_277_312, 13_108_224, 18_876_416, 1_049_088, 2_048, 65_664, 512, 1_290,
            ),
            test_accuracy=0.9944,
            test_loss=0.028699,
            epochs=13,
            train_accuracy=0.9980,
            train_loss=0.0067,
            validation_accuracy=(
                0.9828, 0.9874, 0.9913, 0.9919, 0.9928, 0.9936, 0.9929, 0.9926, 0.9934, 0.9941, 0.9928, 0.9933, 0.9944,
            ),
        ),
        cite=f"{DOCUMENT}: Model 10",
        remark="More than a thousand million multiply-adds an image: on a CPU, train it on few images. The conclusion "
        "blames its size for low latency, where high is meant.",
    ),
)  # fmt: skip
