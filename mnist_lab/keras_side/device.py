"""Which device trains, in words."""

from __future__ import annotations

import os

import tensorflow as tf


def device_name() -> str:
    """``"CPU, 2 cores"``, or the GPU's own name."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return str(details.get("device_name") or "GPU")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"CPU, {cores} core{'s' if cores != 1 else ''}"


def share_gpu_memory() -> None:
    """Lets other processes use the GPU too: TensorFlow would take all of its memory at once."""
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
