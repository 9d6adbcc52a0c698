"""Document 002: kernel size and number of filters, with and without dropout, and VGG16; all 7 models.

It prints no evaluation: the figures are the last epoch's validation figures, and the validation set is the test set.
It sets no seed and names no learning rate, so Adam has its default. A generator of augmented images and a scheduler
are imported but never used.
"""

from __future__ import annotations

from functools import partial

from mnist_lab.architecture import Architecture
from mnist_lab.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPooling2D,
    Pretrained,
    RepeatChannels,
    Rescaling,
    Resizing,
)
from mnist_lab.optimizers import Adam
from mnist_lab.studies.preset import Preset, Published
from mnist_lab.studies.study import Study
from mnist_lab.training_config import TrainingConfig

DOCUMENT = "Document 002, CNN structure, dropout and VGG16 on MNIST"

STUDIES = (
    Study(
        name="002",
        title="Kernels, filters, dropout and VGG16",
        about="A grid of four networks, whose second convolution has 3x3 or 5x5 kernels and 32 or 64 filters; the best "
        "of them without and with dropout; and VGG16 with frozen weights. All were trained on MNIST's 60,000 training "
        "images and watched on the test images. The author prefers 5x5 with 64 filters, finds dropout better (99.33 % "
        "against 98.84 %), and explains VGG16's 95.45 % by features that were learned on photographs. Each figure is "
        "from the last epoch of one run without a seed, so small gaps mean little; and VGG16 saw pixels that were not "
        "prepared for it.",
        cite=DOCUMENT,
    ),
)

TRAINING = TrainingConfig(split="test-as-validation", epochs=10, batch_size=128, optimizer=Adam(learning_rate=0.001))


def _network(kernel: int, filters: int, dropout: bool = True) -> Architecture:
    drop: tuple[Layer, ...] = (Dropout(0.5),) if dropout else ()
    first = (Conv2D(32, (3, 3)), BatchNormalization(), MaxPooling2D(), *drop)
    second = (Conv2D(filters, (kernel, kernel)), BatchNormalization(), MaxPooling2D(), *drop)
    return Architecture((*first, *second, Flatten(), Dense(128), Dense(10, "softmax")))


# The document copies the channels before it resizes; both orders give the same pixels.
VGG16 = Architecture(
    (
        Rescaling(255.0),
        Resizing(32, 32),
        RepeatChannels(3),
        Pretrained("VGG16", weights="imagenet", trainable_layers=0),
        Flatten(),
        Dense(128),
        BatchNormalization(),
        Dropout(0.5),
        Dense(10, "softmax"),
    )
)


def _published(
    parameters: int,
    trainable_parameters: int,
    layer_parameters: tuple[int, ...],
    *,
    seconds_per_epoch: int,
    training_accuracy: tuple[float, ...],
    training_loss: tuple[float, ...],
    validation_accuracy: tuple[float, ...],
    validation_loss: tuple[float, ...],
) -> Published:
    return Published(
        parameters=parameters,
        trainable_parameters=trainable_parameters,
        layer_parameters=layer_parameters,
        epochs=10,
        test_accuracy=validation_accuracy[-1],
        test_loss=validation_loss[-1],
        train_accuracy=training_accuracy[-1],
        train_loss=training_loss[-1],
        seconds_per_epoch=seconds_per_epoch,
        training_accuracy=training_accuracy,
        training_loss=training_loss,
        validation_accuracy=validation_accuracy,
        validation_loss=validation_loss,
    )


# Its 5x5 network with 64 filters was trained three times.
_five_64 = partial(_published, 184_458, 184_266, (320, 128, 51_264, 256, 131_200, 1_290))


def _model(name: str, title: str, heading: str, network: Architecture, published: Published, remark: str) -> Preset:
    return Preset(
        name=name,
        study="002",
        title=title,
        architecture=network,
        training=TRAINING,
        published=published,
        cite=f"{DOCUMENT}: {heading}",
        remark=remark,
    )


PRESETS = (
    _model(
        "002-grid-3x3-32",
        "Grid: 3x3, 32 filters",
        "Model Structure - CNN (3x3, 32 filters)",
        _network(3, 32),
        _published(
            113_642,
            113_514,
            (320, 128, 9_248, 128, 102_528, 1_290),
            seconds_per_epoch=3,
            training_accuracy=(0.8801, 0.9616, 0.9725, 0.9768, 0.9793, 0.9807, 0.9837, 0.9830, 0.9846, 0.9854),
            training_loss=(0.3935, 0.1244, 0.0895, 0.0738, 0.0646, 0.0597, 0.0530, 0.0513, 0.0463, 0.0443),
            validation_accuracy=(0.8674, 0.9787, 0.9858, 0.9897, 0.9899, 0.9906, 0.9910, 0.9899, 0.9910, 0.9920),
            validation_loss=(0.3901, 0.0581, 0.0414, 0.0292, 0.0282, 0.0279, 0.0275, 0.0295, 0.0288, 0.0265),
        ),
        "Two test images short of the grid's best, with three fifths of its weights.",
    ),
    _model(
        "002-grid-3x3-64",
        "Grid: 3x3, 64 filters",
        "Model Structure - CNN (3x3, 64 filters)",
        _network(3, 64),
        _published(
            225_418,
            225_226,
            (320, 128, 18_496, 256, 204_928, 1_290),
            seconds_per_epoch=3,
            training_accuracy=(0.9035, 0.9682, 0.9778, 0.9810, 0.9833, 0.9851, 0.9869, 0.9873, 0.9875, 0.9890),
            training_loss=(0.3160, 0.1016, 0.0707, 0.0604, 0.0528, 0.0477, 0.0417, 0.0395, 0.0392, 0.0342),
            validation_accuracy=(0.8431, 0.9821, 0.9896, 0.9882, 0.9885, 0.9898, 0.9919, 0.9916, 0.9913, 0.9888),
            validation_loss=(0.4756, 0.0507, 0.0321, 0.0368, 0.0356, 0.0338, 0.0266, 0.0275, 0.0284, 0.0404),
        ),
        "Its last epoch is a poor one: the seventh had 99.19 % and a loss of 0.0266.",
    ),
    _model(
        "002-grid-5x5-32",
        "Grid: 5x5, 32 filters",
        "Model Structure - CNN (5x5, 32 filters)",
        _network(5, 32),
        _published(
            93_162,
            93_034,
            (320, 128, 25_632, 128, 65_664, 1_290),
            seconds_per_epoch=3,
            training_accuracy=(0.8850, 0.9616, 0.9720, 0.9757, 0.9798, 0.9807, 0.9821, 0.9833, 0.9848, 0.9847),
            training_loss=(0.3701, 0.1219, 0.0891, 0.0777, 0.0633, 0.0587, 0.0563, 0.0530, 0.0479, 0.0454),
            validation_accuracy=(0.8149, 0.9848, 0.9880, 0.9914, 0.9905, 0.9896, 0.9903, 0.9914, 0.9921, 0.9909),
            validation_loss=(0.5515, 0.0435, 0.0360, 0.0281, 0.0287, 0.0335, 0.0318, 0.0274, 0.0287, 0.0281),
        ),
        "Its ninth epoch had 99.21 %, one test image short of the figure for which the author prefers 64 filters.",
    ),
    _model(
        "002-grid-5x5-64",
        "Grid: 5x5, 64 filters",
        "Model Structure - CNN (5x5, 64 filters)",
        _network(5, 64),
        _five_64(
            seconds_per_epoch=3,
            training_accuracy=(0.9115, 0.9696, 0.9773, 0.9817, 0.9835, 0.9855, 0.9860, 0.9866, 0.9876, 0.9892),
            training_loss=(0.2906, 0.0962, 0.0709, 0.0573, 0.0507, 0.0464, 0.0438, 0.0405, 0.0384, 0.0334),
            validation_accuracy=(0.9147, 0.9856, 0.9901, 0.9908, 0.9920, 0.9929, 0.9918, 0.9918, 0.9923, 0.9922),
            validation_loss=(0.2584, 0.0420, 0.0293, 0.0299, 0.0231, 0.0259, 0.0283, 0.0267, 0.0267, 0.0253),
        ),
        "The author's best of the grid, by two test images. The same network was trained again with dropout for "
        "the next question and reached 99.33 %: the two differ by chance alone.",
    ),
    _model(
        "002-without-dropout",
        "5x5, 64 filters, without dropout",
        "Dropout Yes or No? Without Dropout",
        _network(5, 64, dropout=False),
        _five_64(
            seconds_per_epoch=3,
            training_accuracy=(0.9654, 0.9879, 0.9922, 0.9948, 0.9964, 0.9963, 0.9962, 0.9973, 0.9972, 0.9979),
            training_loss=(0.1142, 0.0380, 0.0250, 0.0161, 0.0122, 0.0117, 0.0112, 0.0086, 0.0080, 0.0066),
            validation_accuracy=(0.9697, 0.9906, 0.9870, 0.9907, 0.9909, 0.9883, 0.9898, 0.9904, 0.9905, 0.9884),
            validation_loss=(0.1204, 0.0321, 0.0420, 0.0351, 0.0358, 0.0393, 0.0414, 0.0356, 0.0378, 0.0500),
        ),
        "Its fifth epoch had 99.09 %: part of the gap to the network with dropout is the last epoch's luck.",
    ),
    _model(
        "002-with-dropout",
        "5x5, 64 filters, with dropout",
        "Dropout Yes or No? With Dropout",
        _network(5, 64),
        _five_64(
            seconds_per_epoch=3,
            training_accuracy=(0.9092, 0.9707, 0.9779, 0.9806, 0.9838, 0.9849, 0.9873, 0.9876, 0.9888, 0.9885),
            training_loss=(0.2958, 0.0951, 0.0699, 0.0612, 0.0513, 0.0467, 0.0422, 0.0385, 0.0361, 0.0349),
            validation_accuracy=(0.8766, 0.9874, 0.9903, 0.9901, 0.9925, 0.9925, 0.9924, 0.9921, 0.9926, 0.9933),
            validation_loss=(0.3821, 0.0415, 0.0288, 0.0289, 0.0224, 0.0240, 0.0252, 0.0264, 0.0239, 0.0234),
        ),
        "The same network is also the last cell of the document's grid, where it reached 99.22 % and a loss of "
        "0.0253: the two differ by chance alone.",
    ),
    _model(
        "002-vgg16",
        "VGG16, frozen",
        "VGG16",
        VGG16,
        _published(
            14_782_154,
            67_210,
            (14_714_688, 65_664, 512, 1_290),
            seconds_per_epoch=9,
            training_accuracy=(0.8386, 0.9178, 0.9305, 0.9338, 0.9382, 0.9412, 0.9425, 0.9446, 0.9461, 0.9476),
            training_loss=(0.5105, 0.2586, 0.2207, 0.2051, 0.1919, 0.1824, 0.1781, 0.1724, 0.1677, 0.1620),
            validation_accuracy=(0.9317, 0.9431, 0.9487, 0.9472, 0.9516, 0.9500, 0.9527, 0.9530, 0.9556, 0.9545),
            validation_loss=(0.2133, 0.1763, 0.1594, 0.1608, 0.1486, 0.1547, 0.1431, 0.1441, 0.1329, 0.1400),
        ),
        "The images are read anew for it and keep their values of 0 to 255, without the preprocessing that VGG16 was "
        "trained with; hence the Rescaling. The text names that network's usual input as 224 by 244 pixels; the "
        "code takes 32. Its last lines propose to retrain the last layers, but nothing of the kind was run. "
        "The first epoch took 68 seconds.",
    ),
)  # fmt: skip
