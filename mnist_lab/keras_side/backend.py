"""All that Keras leaves to its backend: devices, compilation, gradients with respect to inputs, memory that ran out.

Everything else about networks on this side goes through `keras` alone and runs on each of these backends; only the
input pipeline, see `batches`, is TensorFlow's on all of them.
"""

from __future__ import annotations

import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import MethodType
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from mnist_lab.settings import DEFAULT_BACKEND

REASON_LENGTH = 100

_log = logging.getLogger(__name__)


class Backend(ABC):
    """One of Keras's backends.

    Attributes:
        title: Its name in words.
        jit_compile: What `keras.Model.compile` is told: whether steps go through the backend's compiler.
        missing_interpolations: Those of `Resizing` that Keras has not on this backend.
    """

    title: str
    jit_compile: bool
    missing_interpolations: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._gpu: str | None = None
        self._gpu_failure = ""
        self.threads: int | None = None

    @abstractmethod
    def share_gpu_memory(self, most: int | None = None) -> None:
        """Lets other processes use the GPU too. Called before anything else.

        Args:
            most: MiB of each GPU's memory that may be taken; None to take it as it is needed.
        """

    @abstractmethod
    def share_cores(self, threads: int) -> None:
        """Computes in so many threads. Called before anything else."""

    @abstractmethod
    def gpu_name(self) -> str | None:
        """The GPU's own name; None where there is none."""

    @abstractmethod
    def gradient(self, function: Callable[[Any], Any], point: NDArray[np.float32]) -> NDArray[np.float32]:
        """The gradient of a function at a point.

        Args:
            function: Takes a tensor, returns a single number, by way of `keras.ops` and Keras's layers.
            point: Any shape.

        Returns:
            The same shape; 0 where the function does not depend on it.
        """

    @abstractmethod
    def compiled(self, model: keras.Model) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        """A model as a function from arrays to arrays, as quick as the backend makes it; it only predicts.

        Args:
            model: Its weights stay as they are while the function is used.
        """

    @abstractmethod
    def ran_out_of_memory(self, error: Exception) -> bool:
        """Whether this is how the backend says that memory did not suffice."""

    def quicken(self, part: keras.layers.Layer | keras.optimizers.Optimizer) -> None:  # noqa: B027 - most do nothing
        """Lets a part use a quicker kernel of the backend's, where Keras does not; what it does stays the same."""

    def take_threads(self, threads: int | None) -> None:
        """Computes in so many threads, as others share the machine; None for as many as there are cores."""
        self.threads = threads
        if threads is not None:
            self.share_cores(threads)

    def take_gpu(self, most_memory: int | None = None) -> None:
        """Tries whether the GPU, if there is one, can do what a training asks of it; the CPU serves where it cannot.

        Args:
            most_memory: MiB of its memory that may be taken, where others train on it too.
        """
        try:
            self.share_gpu_memory(most_memory)
            self._gpu = self.gpu_name()
            if self._gpu is not None:
                _one_step(self)
        except Exception as error:  # each backend and driver has its own
            first = (str(error).strip().splitlines() or [""])[0]
            self._gpu_failure = f"{type(error).__name__}: {first}"[:REASON_LENGTH]
            _log.warning("The GPU fails (%s); the CPU trains instead.", self._gpu_failure, exc_info=True)

    def device(self) -> AbstractContextManager[Any]:
        """Within it networks are made and trained on the device that `device_name` names."""
        return keras.device("cpu") if self._gpu_failure else nullcontext()

    def device_name(self) -> str:
        """``"CPU, 2 cores"``, or the name of the GPU that was taken; with the backend, if not the one by default."""
        words = _cpu_name(self.threads) if self._gpu is None or self._gpu_failure else self._gpu
        if keras.backend.backend() != DEFAULT_BACKEND:
            words += f", {self.title}"
        if self._gpu_failure:
            words += f", as the GPU {'' if self._gpu is None else f'({self._gpu}) '}fails: {self._gpu_failure}"
        return words


class _TensorFlow(Backend):
    title = "TensorFlow"
    jit_compile = False  # on two cores XLA was 3 to 6 times slower

    def share_gpu_memory(self, most: int | None = None) -> None:
        for gpu in tf.config.list_physical_devices("GPU"):
            if most is None:
                tf.config.experimental.set_memory_growth(gpu, True)
            else:
                limited = [tf.config.LogicalDeviceConfiguration(memory_limit=most)]
                tf.config.set_logical_device_configuration(gpu, limited)

    def share_cores(self, threads: int) -> None:
        _share_tensorflows_cores(threads)

    def gpu_name(self) -> str | None:
        gpus = tf.config.list_physical_devices("GPU")
        if not gpus:
            return None
        return str(tf.config.experimental.get_device_details(gpus[0]).get("device_name") or "GPU")

    def gradient(self, function: Callable[[Any], Any], point: NDArray[np.float32]) -> NDArray[np.float32]:
        place = tf.constant(point)
        with tf.GradientTape() as tape:
            tape.watch(place)
            value = function(place)
        return np.asarray(tape.gradient(value, place, unconnected_gradients="zero"))

    def compiled(self, model: keras.Model) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        signature = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
        function = tf.function(lambda images: model(images, training=False), input_signature=[signature])
        return lambda images: np.asarray(function(tf.constant(images)))

    def ran_out_of_memory(self, error: Exception) -> bool:
        return isinstance(error, tf.errors.ResourceExhaustedError)

    def quicken(self, part: keras.layers.Layer | keras.optimizers.Optimizer) -> None:
        # On the part itself, not in a class of ours: a saved network names Keras's classes only.
        if isinstance(part, keras.layers.BatchNormalization):
            part.call = MethodType(_normalised, part)
        elif isinstance(part, keras.optimizers.Adam) and not part.amsgrad:
            part.update_step = MethodType(_adam_step, part)
        elif isinstance(part, keras.optimizers.Adadelta):
            part.update_step = MethodType(_adadelta_step, part)


class _Jax(Backend):
    title = "JAX"
    jit_compile = True  # without it every operation of a step is dispatched by itself
    missing_interpolations = ("area",)

    def share_gpu_memory(self, most: int | None = None) -> None:
        # Read when JAX first looks for devices, which importing Keras does not make it do. It knows limits as shares of
        # a memory whose size it does not tell by then: several take what they need, each.
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        _keep_tensorflow_off_the_gpu()

    def share_cores(self, threads: int) -> None:
        # Read when JAX first looks for devices, too.
        os.environ["PJRT_NPROC"] = str(threads)
        _share_tensorflows_cores(threads)

    def gpu_name(self) -> str | None:
        import jax

        device = jax.devices()[0]
        return None if device.platform == "cpu" else str(device.device_kind)

    def gradient(self, function: Callable[[Any], Any], point: NDArray[np.float32]) -> NDArray[np.float32]:
        import jax

        return np.asarray(jax.grad(function)(keras.ops.convert_to_tensor(point)))

    def compiled(self, model: keras.Model) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        import jax

        @jax.jit
        def step(learnt: Any, others: Any, images: Any) -> Any:
            return model.stateless_call(learnt, others, images, training=False)[0]

        def predict(images: NDArray[np.float32]) -> NDArray[np.float32]:
            learnt = [variable.value for variable in model.trainable_variables]
            others = [variable.value for variable in model.non_trainable_variables]
            return np.asarray(step(learnt, others, images))

        return predict

    def ran_out_of_memory(self, error: Exception) -> bool:
        import jax

        return isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)


class _Torch(Backend):
    title = "PyTorch"
    jit_compile = False  # `torch.compile` wants a C++ compiler, and a minute for the first step
    missing_interpolations = ("area", "lanczos3", "lanczos5")

    def share_gpu_memory(self, most: int | None = None) -> None:
        import torch

        # PyTorch takes memory as it needs it.
        if most is not None and torch.cuda.is_available():
            share = most * 2**20 / torch.cuda.get_device_properties(0).total_memory
            torch.cuda.set_per_process_memory_fraction(min(1.0, share))
        _keep_tensorflow_off_the_gpu()

    def share_cores(self, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        _share_tensorflows_cores(threads)

    def gpu_name(self) -> str | None:
        import torch

        return str(torch.cuda.get_device_name(0)) if torch.cuda.is_available() else None

    def gradient(self, function: Callable[[Any], Any], point: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch

        place = keras.ops.convert_to_tensor(point).detach().clone().requires_grad_(True)
        (found,) = torch.autograd.grad(function(place), [place], allow_unused=True)
        return np.zeros_like(point) if found is None else np.asarray(keras.ops.convert_to_numpy(found))

    def compiled(self, model: keras.Model) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
        import torch

        def predict(images: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.no_grad():
                return np.asarray(keras.ops.convert_to_numpy(model(images, training=False)))

        return predict

    def ran_out_of_memory(self, error: Exception) -> bool:
        import torch

        on_cpu = isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
        return on_cpu or isinstance(error, torch.OutOfMemoryError)


def _cpu_name(threads: int | None) -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    part = "" if threads is None or threads >= cores else f"{threads} of "
    return f"CPU, {part}{cores} core{'s' if cores != 1 else ''}"


def _share_tensorflows_cores(threads: int) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def _keep_tensorflow_off_the_gpu() -> None:
    """Where another backend trains, TensorFlow only prepares images, and would take the GPU's memory for it."""
    tf.config.set_visible_devices([], "GPU")


def _normalised(
    self: keras.layers.BatchNormalization, inputs: Any, training: bool | None = None, mask: Any = None
) -> Any:
    """`BatchNormalization.call` by one kernel, where Keras multiplies and adds in a dozen, each over the whole maps."""
    maps = 4
    if not training or not self.trainable or len(inputs.shape) != maps:
        return keras.layers.BatchNormalization.call(self, inputs, training=training, mask=mask)
    channels = inputs.shape[-1]
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=self.gamma.value if self.scale else tf.ones(channels),
        offset=self.beta.value if self.center else tf.zeros(channels),
        mean=tf.zeros(0),
        variance=tf.zeros(0),
        epsilon=self.epsilon,
        is_training=True,
    )
    # The kernel estimates the variance of what the batch was drawn from; Keras keeps that of the batch.
    count = tf.cast(tf.size(inputs) // channels, tf.float32)
    for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance * (count - 1.0) / count)):
        moving.assign(moving * self.momentum + value * (1.0 - self.momentum))
    return outputs


def _adam_step(self: keras.optimizers.Adam, gradient: Any, variable: Any, learning_rate: Any) -> None:
    """`Adam.update_step` by one kernel, where Keras has some twenty operations for each variable, traced one by one."""
    index = self._get_variable_index(variable)
    step = tf.cast(self.iterations.value + 1, variable.dtype)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=self._momentums[index].value.handle,
        v=self._velocities[index].value.handle,
        beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), step),
        beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), step),
        lr=tf.cast(learning_rate, variable.dtype),
        beta1=self.beta_1,
        beta2=self.beta_2,
        epsilon=self.epsilon,
        grad=gradient,
    )


def _adadelta_step(self: keras.optimizers.Adadelta, gradient: Any, variable: Any, learning_rate: Any) -> None:
    """`Adadelta.update_step` by one kernel, as `_adam_step`."""
    index = self._get_variable_index(variable)
    tf.raw_ops.ResourceApplyAdadelta(
        var=variable.handle,
        accum=self._accumulated_grads[index].value.handle,
        accum_update=self._accumulated_delta_vars[index].value.handle,
        lr=tf.cast(learning_rate, variable.dtype),
        rho=self.rho,
        epsilon=self.epsilon,
        grad=gradient,
    )


def _one_step(backend: Backend) -> None:
    """A convolution and its gradient: the least that a training asks of a device."""
    kernel = keras.ops.ones((3, 3, 1, 2))
    images = np.ones((2, 8, 8, 1), np.float32)
    backend.gradient(lambda x: keras.ops.sum(keras.ops.square(keras.ops.conv(x, kernel, padding="same"))), images)


_BACKENDS: dict[str, type[Backend]] = {"tensorflow": _TensorFlow, "jax": _Jax, "torch": _Torch}

BACKEND = _BACKENDS[keras.backend.backend()]()
"""The backend that Keras was imported with."""
