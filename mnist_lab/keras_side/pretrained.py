"""Networks trained elsewhere, and the one download they need.

Keras's own download waits for ever on a line that is dead; here it is asked first whether the server answers, and
every read has a limit.
"""

from __future__ import annotations

import hashlib
import os
import socket
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import keras
import pooch

from mnist_lab.errors import DataError
from mnist_lab.layers import Pretrained

# Where keras.applications.VGG16 itself looks for its weights, and the digest of that file.
VGG16_URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"
    "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
VGG16_MD5 = "6d6bbae143d832006294945121d1f1fc"
PATIENCE = 8.0  # seconds until a server that does not answer is given up


def vgg16(layer: Pretrained, input_shape: tuple[int, ...], name: str, seed: int | None = None) -> keras.Model:
    """VGG16 without its dense layers (Simonyan and Zisserman 2014), as Keras has it.

    Args:
        layer: Which weights, and how many of its last convolutions learn; the others are frozen.
        input_shape: ``(height, width, 3)``. The weights of imagenet expect what
            `keras.applications.vgg16.preprocess_input` makes; no such step is added here.
        name: Name of the model.
        seed: For the starting weights where `layer.weights` is ``"none"``; None leaves them to Keras.

    Raises:
        DataError: If the weights of imagenet are not on this machine and cannot be downloaded.
    """
    weights = str(_weights_file()) if layer.weights == "imagenet" else None
    model = keras.applications.VGG16(include_top=False, weights=weights, input_shape=input_shape, name=name)
    convolutions = [inner for inner in model.layers if isinstance(inner, keras.layers.Conv2D)]
    for index, convolution in enumerate(convolutions):
        convolution.trainable = index >= len(convolutions) - layer.trainable_layers
        if weights is None and seed is not None:
            kernel = convolution.kernel
            kernel.assign(keras.initializers.GlorotUniform(seed=seed + index)(kernel.shape))
    return model


def _weights_file() -> Path:
    home = os.environ.get("KERAS_HOME")
    folder = (Path(home).expanduser() if home else Path.home() / ".keras") / "models"
    file = folder / VGG16_URL.rsplit("/", 1)[1]
    if file.is_file() and _md5(file) == VGG16_MD5:
        return file
    try:
        _knock(VGG16_URL, PATIENCE)
        downloader = pooch.HTTPDownloader(timeout=PATIENCE, progressbar=False)
        return Path(pooch.retrieve(VGG16_URL, f"md5:{VGG16_MD5}", file.name, folder, downloader=downloader))
    # The exceptions of sockets and of requests are OSError; pooch raises ValueError on a wrong digest.
    except (OSError, ValueError) as error:
        raise DataError(
            f"The weights of VGG16 are not on this machine and could not be downloaded ({error}).",
            f'Set its weights to "none", or put the file {VGG16_URL} into {folder}.',
        ) from error


def _md5(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()


def _knock(url: str, patience: float) -> None:
    """Opens and closes a connection to the server of a URL, or to the proxy that leads there.

    `requests` and `urllib` apply their time limit to each address of a host in turn; this one is for all together.

    Raises:
        OSError: If no address answers within `patience` seconds.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(host):
        via = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        host, port = via.hostname or "", via.port or 80
    end = time.monotonic() + patience
    failure: OSError = TimeoutError(f"no answer from {host} within {patience:g} s")
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for address in dict.fromkeys(str(info[4][0]) for info in found):
        left = end - time.monotonic()
        if left <= 0:
            break
        try:
            socket.create_connection((address, port), timeout=min(left, patience / 2)).close()
        except OSError as error:
            failure = error
        else:
            return
    raise failure
