"""Single kernels of TensorFlow in place of the many operations that Keras has for the same.

Each is a method for a part of Keras's, as the part's own class has it.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


def normalised(
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


def adam_step(self: keras.optimizers.Adam, gradient: Any, variable: Any, learning_rate: Any) -> None:
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


def adadelta_step(self: keras.optimizers.Adadelta, gradient: Any, variable: Any, learning_rate: Any) -> None:
    """`Adadelta.update_step` by one kernel, as `adam_step`."""
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
