"""Models of the project's own, for what the documents ask and their models do not answer cleanly.

Each is a published model with one thing changed, trained as that one was; so it is made from it here. Where VGG16 is
fine-tuned the rate changes as well, and one of them changes nothing else, for the others to be compared with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mnist_lab.architecture import Architecture
from mnist_lab.layers import (
    Conv2D,
    Dense,
    Flatten,
    GlobalMaxPooling2D,
    Layer,
    MaxPooling2D,
    Parallel,
    Pretrained,
    RepeatChannels,
    Rescaling,
)
from mnist_lab.studies import s001_kernel_sizes, s002_dropout, s003_layers_and_units, s003_pooling_and_filters
from mnist_lab.studies.preset import Preset

PUBLISHED = {
    preset.name: preset
    for module in (s002_dropout, s003_layers_and_units, s003_pooling_and_filters)
    for preset in module.PRESETS
}

# Means of the photographs that VGG16 was trained on, of blue, green and red; from keras.applications.vgg16.
IMAGENET_MEANS = (103.939, 116.779, 123.68)
LOW_RATE = 0.0001

Change = Callable[[Any], tuple[Layer, ...]]


def _own(
    name: str,
    study: str,
    title: str,
    of: str,
    cite: str,
    remark: str,
    changes: dict[type[Layer], Change] | None = None,
    learning_rate: float | None = None,
) -> Preset:
    """A published model, with what `changes` makes of its layers of a kind, and perhaps another learning rate."""
    base, changes, training = PUBLISHED[of], changes or {}, PUBLISHED[of].training
    if learning_rate is not None:
        training = replace(training, optimizer=replace(training.optimizer, learning_rate=learning_rate))
    layers = (changes.get(type(layer), lambda same: (same,))(layer) for layer in base.architecture.layers)
    return Preset(
        name=name,
        study=study,
        title=title,
        architecture=Architecture(tuple(layer for several in layers for layer in several)),
        training=training,
        cite=cite,
        remark=remark,
    )


def _global_pooling(dropout: str) -> Preset:
    return _own(
        f"global-pooling-002-{dropout}-dropout",
        "global-pooling",
        f"5x5, 64 filters, global max pooling, {dropout} dropout",
        f"002-{dropout}-dropout",
        f"{s002_dropout.DOCUMENT}: Flatten or what?",
        f"002-{dropout}-dropout with global max pooling in place of Flatten: 64 values instead of 1,024 reach the "
        "dense layers, and 8,320 weights instead of 131,200 read them.",
        {Flatten: lambda _: (GlobalMaxPooling2D(),)},
    )


def _rate(rate: str) -> Preset:
    return _own(
        f"learning-rate-003-{rate.replace('.', '-')}",
        "learning-rate",
        f"Fully connected, learning rate {rate}",
        "003-fully-connected",
        f"{s003_layers_and_units.DOCUMENT}: Different learning rate",
        "003-fully-connected at a rate between those of the document.",
        learning_rate=float(rate),
    )


def _activation(name: str, remark: str) -> Preset:
    def change(layer: Conv2D | Dense) -> tuple[Layer, ...]:
        return (replace(layer, activation=name) if layer.activation == "relu" else layer,)

    return _own(
        f"activation-lenet-5-{name}",
        "activation",
        f"LeNet-5, {name}",
        "lenet-5",
        f"{s001_kernel_sizes.DOCUMENT}: 3 conv layers, kernels = (7x7),(5x5),(3x3), Using {name}",
        f"lenet-5 with {name} wherever it has ReLU, the first convolution included. {remark}",
        {Conv2D: change, Dense: change},
    )


def _fine_tuning(count: int) -> Preset:
    what = {0: "frozen", 1: "the last convolution learns"}.get(count, f"the last {count} convolutions learn")
    return _own(
        f"fine-tuning-vgg16-{count}",
        "fine-tuning",
        f"VGG16, {what}, rate {LOW_RATE}",
        "002-vgg16",
        f"{s002_dropout.DOCUMENT}: Transfer Learning",
        "002-vgg16 at a tenth of its rate: low, so that the new dense layers do not wreck the convolutions while they "
        "are still guessing; no lower, as they have to learn within the ten epochs too."
        + (" It is what those with learning convolutions are compared with." if count == 0 else ""),
        {Pretrained: lambda layer: (replace(layer, trainable_layers=count),)},
        learning_rate=LOW_RATE,
    )


PRESETS = (
    _global_pooling("without"),
    _global_pooling("with"),
    _own(
        "pooling-003-max-3x3",
        "pooling",
        "CNN, 3x3 max pooling",
        "003-cnn",
        f"{s003_layers_and_units.DOCUMENT}: Different size and type of pooling layers",
        "003-cnn with windows of 3x3 in steps of 3, as 003-cnn-average-pooling has them: so size and kind of pooling "
        "can be told apart.",
        {MaxPooling2D: lambda _: (MaxPooling2D((3, 3), (3, 3)),)},
    ),
    _activation("sigmoid", "Should it guess for three epochs on end, early stopping ends it there."),
    _activation("tanh", "LeCun's network had tanh too."),
    _rate("0.0001"),
    _rate("0.01"),
    *(_fine_tuning(count) for count in range(4)),
    _own(
        "fine-tuning-vgg16-prepared",
        "fine-tuning",
        "VGG16, frozen, pixels prepared",
        "002-vgg16",
        f"{s002_dropout.DOCUMENT}: VGG16",
        "002-vgg16, given the pixels that it was trained on: 0 to 255, less the mean of each colour. It is done by a "
        "branch per colour, as Rescaling takes one number off all channels alike.",
        {
            Rescaling: lambda _: (),
            RepeatChannels: lambda _: (Parallel(tuple((Rescaling(255.0, -mean),) for mean in IMAGENET_MEANS)),),
        },
    ),
)
