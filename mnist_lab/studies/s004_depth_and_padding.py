"""Document 004: ten CNNs, from two convolutions to an inception-like one.

Trained with standalone Keras, whose Adadelta had a learning rate of 1.0. No seed is set.
The copy of the document has lost the lines with the losses and the training accuracies of every epoch, and with the
first epochs' validation accuracies; ``train_accuracy`` and ``train_loss`` are those of the last epoch, from its
closing table. Times are lost too.
"""

from __future__ import annotations

from typing import Any

from mnist_lab.architecture import Architecture
from mnist_lab.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D, Parallel
from mnist_lab.optimizers import Adadelta
from mnist_lab.studies.preset import Preset, Published
from mnist_lab.studies.study import Study
from mnist_lab.training_config import TrainingConfig

DOCUMENT = "Document 004, CNN Models on MNIST"

STUDIES = (
    Study(
        name="004",
        title="Kernel sizes, padding and rarer pooling",
        about="Ten CNNs with two dense layers behind them, trained for 13 epochs on the 60,000 training images and "
        "judged on the 10,000 test images: kernels of 5x5, 3x3 and 7x7, first without and then with padding, pooling "
        "after every second convolution only, and parallel branches. Its author prefers the rarer pooling (models 7, 8 "
        "and 9), finds that the padded models overfit most, and sees no gain in the far larger model 10.",
        cite=DOCUMENT,
        caveat="The models lie within 25 of 10,000 test images after one training each, and many a curve moves as much "
        "from one epoch to the next. Two of the three padded models are also deeper and wider than those without.",
    ),
)

TRAINING = TrainingConfig(split="test-as-validation", epochs=13, batch_size=128, optimizer=Adadelta(learning_rate=1.0))

HEAD_512 = (2_048, 65_664, 512, 1_290)
HEAD_256 = (131_328, 1_024, 32_896, 512, 1_290)


def _conv(filters: int, kernel: int, padding: str = "valid") -> Conv2D:
    return Conv2D(filters, (kernel, kernel), padding=padding, kernel_initializer="he_normal")


def _slow_pool() -> MaxPooling2D:
    """A pooling whose window moves by one pixel."""
    return MaxPooling2D(strides=(1, 1))


def _head(units: int = 512) -> tuple[Layer, ...]:
    dense = [(Dense(n, kernel_initializer="he_normal"), BatchNormalization(), Dropout(0.5)) for n in (units, 128)]
    return Dropout(0.25), Flatten(), *dense[0], *dense[1], Dense(10, "softmax")


INCEPTION = Parallel(
    (
        (_conv(32, 1, "same"),),
        (_conv(32, 3, "same"),),
        (_conv(32, 5, "same"),),
        (_conv(32, 1, "same"), MaxPooling2D((3, 3), (1, 1), "same")),
    )
)


def _model(number: int, what: str, layers: tuple[Layer, ...], remark: str, **published: Any) -> Preset:
    return Preset(
        name=f"004-model-{number}",
        study="004",
        title=f"Model {number}: {what}",
        architecture=Architecture(layers),
        training=TRAINING,
        published=Published(epochs=13, **published),
        cite=f"{DOCUMENT}: Model {number}",
        remark=remark,
    )


PRESETS = (
    _model(
        1,
        "5x5, no padding",
        (_conv(32, 5), MaxPooling2D(), _conv(64, 5), MaxPooling2D(), *_head()),
        "The text speaks of 10 epochs; the settings and the log show 13. The line with the total is lost in the copy "
        "of the document: 646,410 is the sum of its 645,130 trainable and 1,280 other parameters.",
        parameters=646_410, trainable_parameters=645_130,
        layer_parameters=(832, 51_264, 524_800, *HEAD_512),
        test_accuracy=0.9936, test_loss=0.024946, train_accuracy=0.9941, train_loss=0.0196,
        validation_accuracy=(
            None, 0.9852, 0.9887, 0.9894, 0.9894, 0.9925, 0.9931, 0.9934, 0.9929, 0.9932, 0.9932, 0.9934, 0.9936,
        ),
    ),
    _model(
        2,
        "3x3, no padding",
        (_conv(32, 3), MaxPooling2D(), _conv(64, 3), _slow_pool(), _conv(128, 3), MaxPooling2D(), *_head()),
        "The figures of epochs 1 and 2 are lost in the copy of the document.",
        parameters=1_211_274, trainable_parameters=1_209_994,
        layer_parameters=(320, 18_496, 73_856, 1_049_088, *HEAD_512),
        test_accuracy=0.9940, test_loss=0.021181, train_accuracy=0.9952, train_loss=0.0151,
        validation_accuracy=(
            None, None, 0.9885, 0.9840, 0.9933, 0.9902, 0.9929, 0.9924, 0.9903, 0.9935, 0.9937, 0.9929, 0.9940,
        ),
    ),
    _model(
        3,
        "7x7, no padding",
        (_conv(32, 7), MaxPooling2D(), _conv(64, 7), _slow_pool(), *_head()),
        "The figures of epochs 1 to 3 are lost in the copy of the document.",
        parameters=696_330, trainable_parameters=695_050,
        layer_parameters=(1_600, 100_416, 524_800, *HEAD_512),
        test_accuracy=0.9929, test_loss=0.030900, train_accuracy=0.9969, train_loss=0.0108,
        validation_accuracy=(
            None, None, None, 0.9918, 0.9919, 0.9923, 0.9923, 0.9930, 0.9918, 0.9894, 0.9927, 0.9921, 0.9929,
        ),
    ),
    _model(
        4,
        "5x5, with padding",
        (
            _conv(32, 5, "same"), MaxPooling2D(), _conv(128, 5, "same"), MaxPooling2D(), _conv(256, 3), _conv(512, 5),
            *_head(256),
        ),
        "Its plan announces unpadded 3x3 kernels; the last convolution, 5x5, is unpadded too. The figures of epochs 1 "
        "and 2 are lost in the copy of the document.",
        parameters=3_842_890, trainable_parameters=3_842_122,
        layer_parameters=(832, 102_528, 295_168, 3_277_312, *HEAD_256),
        test_accuracy=0.9937, test_loss=0.028838, train_accuracy=0.9994, train_loss=0.0020,
        validation_accuracy=(
            None, None, 0.9901, 0.9904, 0.9913, 0.9914, 0.9937, 0.9923, 0.9940, 0.9937, 0.9945, 0.9943, 0.9937,
        ),
    ),
    _model(
        5,
        "3x3, with padding",
        (
            _conv(32, 3, "same"), MaxPooling2D(), _conv(64, 3, "same"), MaxPooling2D(), _conv(128, 3), _slow_pool(),
            *_head(),
        ),
        "Beside its curve the author sees no great overfitting; the conclusion counts it among the three that overfit "
        "very easily. The figures of epochs 1 and 2 are lost in the copy of the document.",
        parameters=1_211_274, trainable_parameters=1_209_994,
        layer_parameters=(320, 18_496, 73_856, 1_049_088, *HEAD_512),
        test_accuracy=0.9938, test_loss=0.024092, train_accuracy=0.9968, train_loss=0.0104,
        validation_accuracy=(
            None, None, 0.9892, 0.9899, 0.9923, 0.9878, 0.9917, 0.9895, 0.9920, 0.9928, 0.9922, 0.9944, 0.9938,
        ),
    ),
    _model(
        6,
        "7x7, with padding",
        (_conv(64, 7, "same"), MaxPooling2D(), _conv(256, 7, "same"), MaxPooling2D(), _conv(512, 7), *_head(256)),
        "Its plan announces some 3x3 kernels; drawing, code and parameters have 7x7 only, the last one unpadded. The "
        "figures of epochs 1 and 2 are lost in the copy of the document.",
        parameters=7_396_362, trainable_parameters=7_395_594,
        layer_parameters=(3_200, 803_072, 6_423_040, *HEAD_256),
        test_accuracy=0.9938, test_loss=0.029870, train_accuracy=0.9994, train_loss=0.0022,
        validation_accuracy=(
            None, None, 0.9916, 0.9896, 0.9925, 0.9907, 0.9925, 0.9928, 0.9938, 0.9942, 0.9937, 0.9933, 0.9938,
        ),
    ),
    _model(
        7,
        "two pairs, 5x5-3x3",
        (_conv(32, 5), _conv(64, 3), MaxPooling2D(), _conv(128, 5), _conv(256, 3), _slow_pool(), *_head()),
        "Its plan announces kernels of all sizes; there are 5x5 and 3x3. The figures of epochs 1 and 2 are lost in "
        "the copy of the document.",
        parameters=2_686_602, trainable_parameters=2_685_322,
        layer_parameters=(832, 18_496, 204_928, 295_168, 2_097_664, *HEAD_512),
        test_accuracy=0.9948, test_loss=0.023325, train_accuracy=0.9988, train_loss=0.0042,
        validation_accuracy=(
            None, None, 0.9925, 0.9934, 0.9940, 0.9945, 0.9907, 0.9940, 0.9947, 0.9945, 0.9954, 0.9941, 0.9948,
        ),
    ),
    _model(
        8,
        "two pairs, 5x5, then 3x3",
        (_conv(32, 5, "same"), _conv(64, 5), MaxPooling2D(), _conv(128, 3), _conv(256, 3), MaxPooling2D(), *_head()),
        "The drawn line of sizes leaves one 3x3 convolution out: it goes from 12x12 to 8x8 at once. Dropout and batch "
        "normalization are announced in between; the code has them where all models have them, around the dense "
        "layers. The figures of epochs 1 and 2 are lost in the copy of the document.",
        parameters=2_588_298, trainable_parameters=2_587_018,
        layer_parameters=(832, 51_264, 73_856, 295_168, 2_097_664, *HEAD_512),
        test_accuracy=0.9951, test_loss=0.019591, train_accuracy=0.9979, train_loss=0.0078,
        validation_accuracy=(
            None, None, 0.9905, 0.9918, 0.9945, 0.9926, 0.9944, 0.9927, 0.9935, 0.9940, 0.9930, 0.9953, 0.9951,
        ),
    ),
    _model(
        9,
        "two pairs, 3x3, then 5x5",
        (_conv(32, 3, "same"), _conv(64, 3), MaxPooling2D(), _conv(128, 5), _conv(256, 5), _slow_pool(), *_head()),
        "Dropout and batch normalization are announced in between; the code has them where all models have them, "
        "around the dense layers. The figures of epochs 1 and 2 are lost in the copy of the document.",
        parameters=3_210_378, trainable_parameters=3_209_098,
        layer_parameters=(320, 18_496, 204_928, 819_456, 2_097_664, *HEAD_512),
        test_accuracy=0.9954, test_loss=0.022201, train_accuracy=0.9988, train_loss=0.0035,
        validation_accuracy=(
            None, None, 0.9913, 0.9937, 0.9928, 0.9928, 0.9953, 0.9937, 0.9942, 0.9949, 0.9945, 0.9939, 0.9954,
        ),
    ),
    _model(
        10,
        "inception-like",
        (INCEPTION, _conv(256, 7), MaxPooling2D(), _conv(512, 5), _conv(1024, 5), _conv(2048, 3), *_head()),
        "More than a thousand million multiply-adds an image: on a CPU, train it on few images. The conclusion blames "
        "its size for low latency, where high is meant. The end of its listing, with the call that trains it, is lost "
        "in the copy of the document.",
        parameters=37_987_722, trainable_parameters=37_986_442,
        layer_parameters=(64, 320, 832, 64, 1_605_888, 3_277_312, 13_108_224, 18_876_416, 1_049_088, *HEAD_512),
        test_accuracy=0.9944, test_loss=0.028699, train_accuracy=0.9980, train_loss=0.0067,
        validation_accuracy=(
            0.9828, 0.9874, 0.9913, 0.9919, 0.9928, 0.9936, 0.9929, 0.9926, 0.9934, 0.9941, 0.9928, 0.9933, 0.9944,
        ),
    ),
)  # fmt: skip
