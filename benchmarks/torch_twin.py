"""A preset's network and training in PyTorch, as one would write them by hand: what `throughput.py` compares with.

Only what the presets of the documents use is translated; the rest is refused. That both have the same number of
trainable weights is checked when the network is made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mnist_lab import layers, shapes
from mnist_lab.architecture import Architecture
from mnist_lab.datasets import Split
from mnist_lab.optimizers import Adadelta, Adam
from mnist_lab.training_config import OneCycle, TrainingConfig

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
# Batches by which the memory format is chosen, after as many that count for nothing.
TRIED = 20
TEST_BATCH = 256


class Unknown(Exception):
    """The network has a layer, or the training an optimizer, that is not translated."""


def network(architecture: Architecture) -> nn.Sequential:
    """The same layers; the last softmax is left to the loss.

    Raises:
        Unknown: If a layer is not translated.
    """
    analysis = shapes.analyse(architecture)
    parts = [part for row in analysis.rows for part in _translated(row)]
    if isinstance(parts[-1], nn.Softmax):
        parts.pop()
    made = nn.Sequential(*parts)
    trainable = sum(weights.numel() for weights in made.parameters())
    if trainable != analysis.trainable:
        raise Unknown(f"{trainable:,} trainable weights in PyTorch, {analysis.trainable:,} in Keras")
    return made


def _translated(row: shapes.Row) -> Iterator[nn.Module]:
    layer, shape = row.layer, row.input_shape
    assert shape is not None
    match layer:
        case layers.Conv2D(strides=(1, 1), dilation_rate=(1, 1), use_bias=True):
            yield nn.Conv2d(shape[-1], layer.filters, layer.kernel_size, padding=layer.padding)
        case layers.Dense(use_bias=True):
            # Before Flatten it works on the channels of each pixel, as a convolution of 1 by 1 does.
            yield nn.Conv2d(shape[-1], layer.units, 1) if len(shape) == 3 else nn.Linear(shape[-1], layer.units)
        case layers.MaxPooling2D(padding="valid"):
            yield nn.MaxPool2d(layer.pool_size, layer.strides)
        case layers.MaxPooling2D(padding="same", strides=(1, 1)) if all(side % 2 for side in layer.pool_size):
            yield nn.MaxPool2d(layer.pool_size, 1, [side // 2 for side in layer.pool_size])
        case layers.AveragePooling2D(padding="valid"):
            yield nn.AvgPool2d(layer.pool_size, layer.strides)
        case layers.Flatten():
            yield nn.Flatten()
        case layers.Dropout():
            yield nn.Dropout(layer.rate)
        case layers.BatchNormalization(center=True, scale=True):
            kind = nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d
            yield kind(shape[-1], eps=layer.epsilon, momentum=1 - layer.momentum)
        case layers.Activation():
            pass
        case _:
            raise Unknown(f"{row.title} is not translated to PyTorch.")
    activation = getattr(layer, "activation", "linear")
    if activation == "softmax":
        yield nn.Softmax(1)
    elif activation != "linear":
        yield ACTIVATIONS[activation]()


def _optimizer(config: TrainingConfig, model: nn.Module) -> torch.optim.Optimizer:
    match config.optimizer:
        case Adam(learning_rate=rate, beta_1=first, beta_2=second, epsilon=epsilon):
            return torch.optim.Adam(model.parameters(), rate, (first, second), epsilon)
        case Adadelta(learning_rate=rate, rho=rho, epsilon=epsilon):
            return torch.optim.Adadelta(model.parameters(), rate, rho, epsilon)
    raise Unknown(f"{config.optimizer.kind} is not translated to PyTorch.")


def images_per_second(architecture: Architecture, config: TrainingConfig, x: NDArray[np.float32], y: NDArray,
                      threads: int) -> list[float]:  # fmt: skip
    """Trains, and times every epoch.

    Both memory formats are tried for some batches, and the faster one is taken.

    Args:
        architecture: The network.
        config: Epochs, batch size and optimizer.
        x: Images ``(n, height, width, channels)``.
        y: Which digit each is, ``(n,)``.
        threads: Of PyTorch.

    Returns:
        Images per second of each epoch.

    Raises:
        Unknown: If the network or the optimizer is not translated.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(config.seed)
    images, labels = torch.from_numpy(x).permute(0, 3, 1, 2), torch.from_numpy(y.astype(np.int64))
    batch = config.batch_size

    def trained(form: torch.memory_format) -> Callable[[int], float]:
        model = network(architecture).to(memory_format=form)
        optimizer, loss_of = _optimizer(config, model), nn.CrossEntropyLoss()
        pixels = images.contiguous(memory_format=form)

        def epoch(batches: int) -> float:
            """Images per second over so many batches, with the running loss and accuracy that Keras shows, too."""
            model.train()
            order = torch.randperm(len(pixels))[: batches * batch]
            loss_sum, right = 0.0, 0
            began = time.monotonic()
            for chosen in order.split(batch):
                optimizer.zero_grad(set_to_none=True)
                said = model(pixels[chosen])
                loss = loss_of(said, labels[chosen])
                loss.backward()
                optimizer.step()
                loss_sum += loss.item() * len(chosen)
                right += int((said.argmax(1) == labels[chosen]).sum())
            return len(order) / (time.monotonic() - began)

        return epoch

    def speed(form: torch.memory_format) -> float:
        epoch = trained(form)
        epoch(TRIED)
        return epoch(TRIED)

    epoch = trained(max((torch.contiguous_format, torch.channels_last), key=speed))
    return [epoch(-(-len(images) // batch)) for _ in range(config.epochs)]


def one_cycle(architecture: Architecture, config: TrainingConfig, split: Split, threads: int) -> tuple[float, float]:
    """Trains with a one-cycle schedule, then tests.

    Args:
        architecture: The network.
        config: Epochs, batch size, optimizer and a `OneCycle`, which PyTorch has, too.
        split: The images.
        threads: Of PyTorch.

    Returns:
        Seconds of the training with its validation after each epoch, and the accuracy on the test images.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(config.seed)
    form = torch.channels_last
    began = time.monotonic()

    def tensors(images: NDArray[np.uint8], labels: NDArray) -> tuple[torch.Tensor, torch.Tensor]:
        pixels = torch.from_numpy(images)[:, None].float().div(255)
        return pixels.contiguous(memory_format=form), torch.from_numpy(labels).long()

    x, y = tensors(split.x_train, split.y_train)
    validation, test = tensors(split.x_validation, split.y_validation), tensors(split.x_test, split.y_test)
    model = network(architecture).to(memory_format=form)
    optimizer, loss_of = _optimizer(config, model), nn.CrossEntropyLoss()
    steps = config.epochs * -(-len(x) // config.batch_size)
    cycle = config.schedule
    assert isinstance(cycle, OneCycle)
    # The momentum stays as it is: so it does in Keras.
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.optimizer.learning_rate, steps, pct_start=cycle.rise, div_factor=cycle.start_divisor,
        final_div_factor=cycle.end_divisor, cycle_momentum=False,
    )  # fmt: skip

    def accuracy(images: torch.Tensor, labels: torch.Tensor) -> float:
        model.eval()
        with torch.no_grad():
            said = torch.cat([model(part).argmax(1) for part in images.split(TEST_BATCH)])
        return float((said == labels).float().mean())

    for _ in range(config.epochs):
        model.train()
        for chosen in torch.randperm(len(x)).split(config.batch_size):
            optimizer.zero_grad(set_to_none=True)
            loss_of(model(x[chosen]), y[chosen]).backward()
            optimizer.step()
            schedule.step()
        accuracy(*validation)
    return time.monotonic() - began, accuracy(*test)
