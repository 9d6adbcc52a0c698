"""Document 001: kernel sizes, padding, batch normalization and activations; twelve models.

Trained with standalone Keras, whose Adadelta had a learning rate of 1.0; five models use Adam. No seed is set.
The headline figures of text and closing tables are an epoch that the author picked by the test set, not always the
best one; the figures printed after training are those of the last epoch, whose weights were kept. ``test_accuracy``
is the latter, ``claimed_accuracy`` the former. ``seconds_per_epoch`` is the median of the fifteen that are printed.
"""

from __future__ import annotations

from typing import Any

from mnist_lab.architecture import Architecture
from mnist_lab.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D
from mnist_lab.optimizers import Adadelta, Adam, Optimizer
from mnist_lab.studies.preset import Preset, Published
from mnist_lab.studies.study import Study
from mnist_lab.training_config import TrainingConfig

DOCUMENT = "Document 001, CNNs of several kernel sizes on MNIST"

STUDIES = (
    Study(
        name="001",
        title="Kernel sizes, padding and activations",
        about="Twelve CNNs of two or three convolutions, trained for 15 epochs on the 60,000 training images and "
        "judged, epoch by epoch, on the 10,000 test images. Its author concludes that more convolutions raise the test "
        "accuracy; the highest headline figure is 99.55 %, of 7x7, 5x5, 3x3 without padding.",
        cite=DOCUMENT,
        caveat="The headline figures are epochs chosen on the test set. Between most models more than the kernels "
        "changes (filters, dropout, optimizer), and one closing table names kernels that its models do not have.",
    ),
)

ADADELTA = Adadelta(learning_rate=1.0)
ADAM = Adam(learning_rate=0.001)

KERNELS_7_5_3: dict[str, Any] = {
    "parameters": 722_186,
    "trainable_parameters": 722_186,
    "layer_parameters": (1_600, 51_264, 73_856, 590_336, 5_130),
}


def _two(kernel: int, padding: str = "valid") -> tuple[Layer, ...]:
    size = (kernel, kernel)
    convolutions = (Conv2D(32, size, padding=padding), Conv2D(64, size, padding=padding))
    return *convolutions, MaxPooling2D(), Dropout(0.25), Flatten(), *_head(128)


def _seven_five_three(activation: str = "relu", padding: str = "valid") -> tuple[Layer, ...]:
    """Up to the last pooling; the first convolution is ReLU in every model."""
    return (
        Conv2D(32, (7, 7), padding=padding),
        Conv2D(64, (5, 5), padding=padding, activation=activation),
        MaxPooling2D(),
        Dropout(0.25),
        Conv2D(128, (3, 3), padding=padding, activation=activation),
        MaxPooling2D(),
        Dropout(0.3),
    )


def _three(kernel: int, normalised: bool, padding: str = "valid", stride: int = 1) -> tuple[Layer, ...]:
    """Three convolutions of one size; the padding is the first convolution's, the stride the second pooling's."""
    size = (kernel, kernel)
    normalization: tuple[Layer, ...] = (BatchNormalization(),) if normalised else ()
    first = (Conv2D(32, size, padding=padding), Conv2D(64, size), MaxPooling2D(), *normalization, Dropout(0.25))
    second = (Conv2D(80, size), MaxPooling2D((3, 3), (stride, stride), "same"), *normalization, Dropout(0.75))
    return *first, *second, Flatten(), *_head(128)


def _head(units: int, activation: str = "relu") -> tuple[Layer, ...]:
    return Dense(units, activation), Dropout(0.5), Dense(10, "softmax")


def _model(
    name: str,
    title: str,
    heading: str,
    layers: tuple[Layer, ...],
    remark: str,
    optimizer: Optimizer = ADADELTA,
    **published: Any,
) -> Preset:
    return Preset(
        name=f"001-conv-{name}",
        study="001",
        title=title,
        architecture=Architecture(layers),
        training=TrainingConfig(split="test-as-validation", epochs=15, batch_size=128, optimizer=optimizer),
        published=Published(epochs=15, **published),
        cite=f"{DOCUMENT}: {heading}",
        remark=remark,
    )


PRESETS = (
    _model(
        "3-3",
        "Two convolutions, 3x3",
        "2 conv layers, kernels =(3x3), Max pooling =(2x2)",
        _two(3),
        "The closing table gives 99.21 %, the best epoch on the test set; the last epoch printed 99.05 %.",
        parameters=1_199_882, trainable_parameters=1_199_882,
        layer_parameters=(320, 18_496, 1_179_776, 1_290),
        test_accuracy=0.9905, test_loss=0.031089, claimed_accuracy=0.9921, claimed_epoch=10,
        train_accuracy=0.9923, train_loss=0.0243, wall_seconds=2_210, seconds_per_epoch=147,
        training_accuracy=(0.9207, 0.9737, 0.9802, 0.9835, 0.9856, 0.9872, 0.9879, 0.9892, 0.9905, 0.9905,
            0.9911, 0.9913, 0.9923, 0.9927, 0.9923),
        training_loss=(0.2576, 0.0876, 0.0658, 0.0546, 0.0482, 0.0418, 0.0377, 0.0360, 0.0319, 0.0308,
            0.0285, 0.0273, 0.0254, 0.0240, 0.0243),
        validation_accuracy=(0.9826, 0.9856, 0.9872, 0.9890, 0.9900, 0.9908, 0.9898, 0.9917, 0.9912, 0.9921,
            0.9911, 0.9914, 0.9912, 0.9915, 0.9905),
        validation_loss=(0.0538, 0.0409, 0.0379, 0.0319, 0.0299, 0.0263, 0.0310, 0.0246, 0.0279, 0.0242,
            0.0280, 0.0292, 0.0300, 0.0286, 0.0311),
    ),
    _model(
        "5-5",
        "Two convolutions, 5x5",
        "2 conv layers, kernels =(5x5) max pooling = (2X2)",
        _two(5),
        "The closing table gives 99.37 %, the best epoch on the test set; the last epoch printed 99.34 %.",
        parameters=872_714, trainable_parameters=872_714,
        layer_parameters=(832, 51_264, 819_328, 1_290),
        test_accuracy=0.9934, test_loss=0.020748, claimed_accuracy=0.9937, claimed_epoch=11,
        train_accuracy=0.9948, train_loss=0.0160, wall_seconds=3_492, seconds_per_epoch=230,
        training_accuracy=(0.9303, 0.9779, 0.9836, 0.9867, 0.9881, 0.9894, 0.9910, 0.9916, 0.9923, 0.9934,
            0.9932, 0.9936, 0.9939, 0.9945, 0.9948),
        training_loss=(0.2254, 0.0742, 0.0565, 0.0456, 0.0404, 0.0346, 0.0299, 0.0285, 0.0243, 0.0218,
            0.0222, 0.0200, 0.0193, 0.0174, 0.0160),
        validation_accuracy=(0.9835, 0.9886, 0.9874, 0.9906, 0.9913, 0.9916, 0.9918, 0.9920, 0.9929, 0.9932,
            0.9937, 0.9930, 0.9936, 0.9929, 0.9934),
        validation_loss=(0.0528, 0.0325, 0.0407, 0.0272, 0.0249, 0.0248, 0.0226, 0.0227, 0.0206, 0.0198,
            0.0204, 0.0219, 0.0203, 0.0214, 0.0207),
    ),
    _model(
        "7-5-3",
        "Three convolutions, 7x7, 5x5, 3x3",
        "3 conv layers, kernels = (7x7),(5x5),(3x3), max pooling =(2x2)",
        (*_seven_five_three(), Flatten(), *_head(512)),
        "The closing table gives 99.55 %, the best epoch on the test set; the last epoch printed 99.51 %.",
        **KERNELS_7_5_3,
        test_accuracy=0.9951, test_loss=0.018835, claimed_accuracy=0.9955, claimed_epoch=13,
        train_accuracy=0.9947, train_loss=0.0169, seconds_per_epoch=230,
        training_accuracy=(0.9097, 0.9762, 0.9834, 0.9862, 0.9882, 0.9899, 0.9904, 0.9912, 0.9922, 0.9928,
            0.9926, 0.9938, 0.9941, 0.9948, 0.9947),
        training_loss=(0.2804, 0.0775, 0.0542, 0.0456, 0.0384, 0.0331, 0.0308, 0.0281, 0.0253, 0.0229,
            0.0224, 0.0192, 0.0185, 0.0173, 0.0169),
        validation_accuracy=(0.9831, 0.9890, 0.9898, 0.9922, 0.9932, 0.9941, 0.9939, 0.9922, 0.9941, 0.9939,
            0.9953, 0.9950, 0.9955, 0.9941, 0.9951),
        validation_loss=(0.0493, 0.0334, 0.0306, 0.0238, 0.0206, 0.0193, 0.0190, 0.0234, 0.0195, 0.0170,
            0.0149, 0.0168, 0.0150, 0.0187, 0.0188),
    ),
    _model(
        "3-3-same",
        "Two convolutions, 3x3, same padding",
        "2 conv layers, kernels =(3x3),(3x3),Max pooling = (2x2), padding = same",
        _two(3, "same"),
        "Text and closing table take epoch 10 with 99.17 % for the best; by the log it is epoch 12 with 99.21 %. The "
        "last epoch printed 99.17 % too.",
        parameters=1_625_866, trainable_parameters=1_625_866,
        layer_parameters=(320, 18_496, 1_605_760, 1_290),
        test_accuracy=0.9917, test_loss=0.028727, claimed_accuracy=0.9917, claimed_epoch=10,
        train_accuracy=0.9923, train_loss=0.0256, seconds_per_epoch=196,
        training_accuracy=(0.9196, 0.9735, 0.9803, 0.9833, 0.9860, 0.9875, 0.9885, 0.9890, 0.9897, 0.9903,
            0.9912, 0.9917, 0.9918, 0.9919, 0.9923),
        training_loss=(0.2618, 0.0897, 0.0656, 0.0554, 0.0471, 0.0414, 0.0382, 0.0358, 0.0338, 0.0318,
            0.0295, 0.0283, 0.0260, 0.0254, 0.0256),
        validation_accuracy=(0.9819, 0.9866, 0.9885, 0.9894, 0.9900, 0.9887, 0.9905, 0.9910, 0.9912, 0.9917,
            0.9908, 0.9921, 0.9904, 0.9920, 0.9917),
        validation_loss=(0.0563, 0.0394, 0.0325, 0.0310, 0.0295, 0.0346, 0.0272, 0.0281, 0.0286, 0.0279,
            0.0298, 0.0272, 0.0303, 0.0319, 0.0287),
    ),
    _model(
        "7-5-3-same",
        "Three convolutions, 7x7, 5x5, 3x3, same padding",
        "3 conv layers, kernels = (7x7),(5x5),(3x3), padding =same",
        (*_seven_five_three(padding="same"), Dense(128), Flatten(), *_head(128)),
        "A Dense before Flatten acts on each pixel's channels; the heading does not mention it. Text and closing "
        "table take epoch 7 with 99.43 % for the best; by the log it is epoch 11 with 99.48 %. The last epoch printed "
        "99.31 %.",
        parameters=947_466, trainable_parameters=947_466,
        layer_parameters=(1_600, 51_264, 73_856, 16_512, 802_944, 1_290),
        test_accuracy=0.9931, test_loss=0.019882, claimed_accuracy=0.9943, claimed_epoch=7,
        train_accuracy=0.9946, train_loss=0.0188, seconds_per_epoch=573,
        training_accuracy=(0.9090, 0.9751, 0.9818, 0.9850, 0.9873, 0.9891, 0.9897, 0.9904, 0.9913, 0.9924,
            0.9926, 0.9930, 0.9937, 0.9938, 0.9946),
        training_loss=(0.2878, 0.0841, 0.0623, 0.0516, 0.0436, 0.0380, 0.0350, 0.0311, 0.0293, 0.0257,
            0.0244, 0.0238, 0.0217, 0.0211, 0.0188),
        validation_accuracy=(0.9842, 0.9901, 0.9905, 0.9915, 0.9907, 0.9934, 0.9943, 0.9940, 0.9936, 0.9940,
            0.9948, 0.9940, 0.9942, 0.9946, 0.9931),
        validation_loss=(0.0494, 0.0300, 0.0283, 0.0251, 0.0270, 0.0184, 0.0172, 0.0180, 0.0187, 0.0197,
            0.0156, 0.0167, 0.0180, 0.0156, 0.0199),
    ),
    _model(
        "5-5-5",
        "Three convolutions, 5x5",
        "3 conv layers, kernels=(5x5), padding = same, strides= 1",
        _three(5, normalised=False),
        "Only the second pooling is padded, not the convolutions, whatever the heading says. The text takes epoch 9 "
        "with 99.42 % for the best; by the log epochs 13 and 15 reach 99.44 %. The closing table gives 99.42 % to "
        "three 3x3 kernels.",
        ADAM,
        parameters=550_234, trainable_parameters=550_234,
        layer_parameters=(832, 51_264, 128_080, 368_768, 1_290),
        test_accuracy=0.9944, test_loss=0.018291, claimed_accuracy=0.9942, claimed_epoch=9,
        train_accuracy=0.9931, train_loss=0.0257, wall_seconds=4_180, seconds_per_epoch=276,
        training_accuracy=(0.8973, 0.9762, 0.9821, 0.9855, 0.9860, 0.9884, 0.9891, 0.9895, 0.9904, 0.9908,
            0.9911, 0.9909, 0.9919, 0.9925, 0.9931),
        training_loss=(0.3174, 0.0798, 0.0622, 0.0500, 0.0467, 0.0399, 0.0383, 0.0357, 0.0335, 0.0314,
            0.0293, 0.0309, 0.0276, 0.0260, 0.0257),
        validation_accuracy=(0.9877, 0.9899, 0.9926, 0.9919, 0.9935, 0.9941, 0.9943, 0.9939, 0.9942, 0.9940,
            0.9930, 0.9929, 0.9944, 0.9941, 0.9944),
        validation_loss=(0.0386, 0.0317, 0.0224, 0.0240, 0.0204, 0.0186, 0.0189, 0.0178, 0.0183, 0.0202,
            0.0255, 0.0212, 0.0182, 0.0213, 0.0183),
    ),
    _model(
        "7-7-7",
        "Three convolutions, 7x7",
        "3 conv layers, kernels =(7x7), padding = same, strides =1,2",
        _three(7, normalised=False, padding="same", stride=2),
        "The first convolution and the second pooling are padded; only that pooling has stride 2. The text takes "
        "epoch 5 with 99.31 % for the best; by the log epochs 9 and 10 reach 99.42 %. The closing table has no "
        "99.31 %: its epoch 5 stands beside three 5x5 kernels and the 99.34 % of the next model.",
        ADAM,
        parameters=446_554, trainable_parameters=446_554,
        layer_parameters=(1_600, 100_416, 250_960, 92_288, 1_290),
        test_accuracy=0.9930, test_loss=0.021988, claimed_accuracy=0.9931, claimed_epoch=5,
        train_accuracy=0.9908, train_loss=0.0326, wall_seconds=8_546, seconds_per_epoch=567,
        training_accuracy=(0.8557, 0.9701, 0.9791, 0.9825, 0.9847, 0.9860, 0.9868, 0.9880, 0.9885, 0.9886,
            0.9902, 0.9909, 0.9895, 0.9905, 0.9908),
        training_loss=(0.4405, 0.1057, 0.0766, 0.0654, 0.0564, 0.0516, 0.0492, 0.0441, 0.0422, 0.0391,
            0.0356, 0.0330, 0.0357, 0.0326, 0.0326),
        validation_accuracy=(0.9856, 0.9880, 0.9914, 0.9932, 0.9931, 0.9927, 0.9933, 0.9932, 0.9942, 0.9942,
            0.9937, 0.9938, 0.9940, 0.9939, 0.9930),
        validation_loss=(0.0462, 0.0371, 0.0285, 0.0217, 0.0222, 0.0228, 0.0215, 0.0206, 0.0195, 0.0183,
            0.0202, 0.0222, 0.0195, 0.0228, 0.0220),
    ),
    _model(
        "7-7-7-norm",
        "Three convolutions, 7x7, normalised",
        "3 conv layers, kernels = (7x7), max pooling =(2x2), strides=2,1",
        _three(7, normalised=True),
        "No convolution is padded, and the second pooling is 3x3. The text takes epoch 7 with 99.34 % for the best; "
        "by the log it is epoch 9 with 99.39 %. The closing table gives 99.34 % to three 5x5 kernels, and to epoch 5.",
        ADAM,
        parameters=395_930, trainable_parameters=395_642,
        layer_parameters=(1_600, 100_416, 256, 250_960, 320, 41_088, 1_290),
        test_accuracy=0.9934, test_loss=0.023034, claimed_accuracy=0.9934, claimed_epoch=7,
        train_accuracy=0.9930, train_loss=0.0246, wall_seconds=4_779, seconds_per_epoch=318,
        training_accuracy=(0.8647, 0.9691, 0.9794, 0.9823, 0.9840, 0.9866, 0.9885, 0.9891, 0.9897, 0.9905,
            0.9914, 0.9918, 0.9919, 0.9924, 0.9930),
        training_loss=(0.4930, 0.1116, 0.0749, 0.0630, 0.0585, 0.0482, 0.0407, 0.0387, 0.0364, 0.0340,
            0.0300, 0.0297, 0.0295, 0.0274, 0.0246),
        validation_accuracy=(0.9799, 0.9884, 0.9908, 0.9914, 0.9926, 0.9931, 0.9934, 0.9920, 0.9939, 0.9931,
            0.9888, 0.9919, 0.9920, 0.9915, 0.9934),
        validation_loss=(0.0750, 0.0356, 0.0318, 0.0301, 0.0242, 0.0243, 0.0225, 0.0298, 0.0191, 0.0239,
            0.0390, 0.0316, 0.0229, 0.0245, 0.0230),
    ),
    _model(
        "5-5-5-norm",
        "Three convolutions, 5x5, normalised",
        "3 conv layers, kernels = (5x5), strides =1, max pooling = (2x2), padding = same",
        _three(5, normalised=True),
        "Only the second pooling, a 3x3 one, is padded. The text takes epoch 9 with 99.40 % for the best; by the log "
        "it is epoch 11 with 99.48 %. The closing table gives 99.40 % to three 7x7 kernels and stride 2, which this "
        "model has not.",
        ADAM,
        parameters=550_810, trainable_parameters=550_522,
        layer_parameters=(832, 51_264, 256, 128_080, 320, 368_768, 1_290),
        test_accuracy=0.9930, test_loss=0.025174, claimed_accuracy=0.9940, claimed_epoch=9,
        train_accuracy=0.9903, train_loss=0.0344, wall_seconds=4_364, seconds_per_epoch=290,
        training_accuracy=(0.9021, 0.9697, 0.9772, 0.9796, 0.9823, 0.9842, 0.9853, 0.9869, 0.9873, 0.9877,
            0.9876, 0.9884, 0.9901, 0.9900, 0.9903),
        training_loss=(0.3540, 0.1071, 0.0823, 0.0699, 0.0613, 0.0561, 0.0512, 0.0472, 0.0467, 0.0436,
            0.0429, 0.0398, 0.0358, 0.0355, 0.0344),
        validation_accuracy=(0.9415, 0.9883, 0.9911, 0.9885, 0.9886, 0.9921, 0.9900, 0.9931, 0.9940, 0.9917,
            0.9948, 0.9942, 0.9943, 0.9928, 0.9930),
        validation_loss=(0.2448, 0.0404, 0.0255, 0.0366, 0.0364, 0.0276, 0.0356, 0.0209, 0.0194, 0.0295,
            0.0171, 0.0234, 0.0196, 0.0247, 0.0252),
    ),
    _model(
        "3-3-3-norm",
        "Three convolutions, 3x3, normalised",
        "3 conv layers, kernels=(3x3), max pooling =(2x2), padding =same, strides = 1",
        _three(3, normalised=True),
        "Only the second pooling, a 3x3 one, is padded. The text takes epoch 8 with 99.37 % for the best; by the log "
        "it is the last with 99.39 %. The closing table gives 99.37 % to three 7x7 kernels and strides 1 and 2.",
        ADAM,
        parameters=1_090_970, trainable_parameters=1_090_682,
        layer_parameters=(320, 18_496, 256, 46_160, 320, 1_024_128, 1_290),
        test_accuracy=0.9939, test_loss=0.022474, claimed_accuracy=0.9937, claimed_epoch=8,
        train_accuracy=0.9871, train_loss=0.0443, wall_seconds=3_165, seconds_per_epoch=210,
        training_accuracy=(0.9030, 0.9634, 0.9704, 0.9760, 0.9781, 0.9803, 0.9818, 0.9822, 0.9833, 0.9844,
            0.9851, 0.9856, 0.9862, 0.9866, 0.9871),
        training_loss=(0.3466, 0.1333, 0.1070, 0.0898, 0.0761, 0.0718, 0.0654, 0.0631, 0.0556, 0.0547,
            0.0521, 0.0518, 0.0487, 0.0496, 0.0443),
        validation_accuracy=(0.9499, 0.9825, 0.9899, 0.9907, 0.9913, 0.9932, 0.9897, 0.9937, 0.9928, 0.9927,
            0.9928, 0.9920, 0.9932, 0.9930, 0.9939),
        validation_loss=(0.1810, 0.0575, 0.0333, 0.0327, 0.0310, 0.0253, 0.0380, 0.0234, 0.0250, 0.0300,
            0.0283, 0.0289, 0.0211, 0.0218, 0.0225),
    ),
    _model(
        "7-5-3-sigmoid",
        "Three convolutions, 7x7, 5x5, 3x3, sigmoid",
        "3 conv layers, kernels = (7x7),(5x5),(3x3), Using sigmoid",
        (*_seven_five_three("sigmoid"), Flatten(), *_head(512, "sigmoid")),
        "The first convolution remains ReLU. Text and closing table take epoch 15, the last, with 99.02 % for the "
        "best; by the log it is epoch 13 with 99.03 %. The closing table says two layers; there are three.",
        **KERNELS_7_5_3,
        test_accuracy=0.9902, test_loss=0.028496,
        train_accuracy=0.9872, train_loss=0.0419, wall_seconds=3_377, seconds_per_epoch=224,
        training_accuracy=(0.2398, 0.9069, 0.9489, 0.9620, 0.9679, 0.9727, 0.9766, 0.9791, 0.9810, 0.9818,
            0.9834, 0.9837, 0.9847, 0.9850, 0.9872),
        training_loss=(2.0295, 0.3056, 0.1639, 0.1228, 0.1018, 0.0863, 0.0743, 0.0668, 0.0615, 0.0583,
            0.0527, 0.0505, 0.0479, 0.0453, 0.0419),
        validation_accuracy=(0.8586, 0.9534, 0.9737, 0.9747, 0.9810, 0.9826, 0.9850, 0.9865, 0.9871, 0.9880,
            0.9880, 0.9884, 0.9903, 0.9901, 0.9902),
        validation_loss=(0.4800, 0.1415, 0.0888, 0.0801, 0.0593, 0.0484, 0.0439, 0.0404, 0.0391, 0.0358,
            0.0355, 0.0324, 0.0299, 0.0287, 0.0285),
    ),
    _model(
        "7-5-3-tanh",
        "Three convolutions, 7x7, 5x5, 3x3, tanh",
        "3 conv layers, kernels = (7x7),(5x5),(3x3), Using tanh",
        (*_seven_five_three("tanh"), Flatten(), *_head(512, "tanh")),
        "The first convolution remains ReLU. Text and closing table take epoch 5 with 99.30 % for the best; by the "
        "log it is epoch 14 with 99.47 %. The last epoch printed 99.25 %.",
        **KERNELS_7_5_3,
        test_accuracy=0.9925, test_loss=0.022814, claimed_accuracy=0.9930, claimed_epoch=5,
        train_accuracy=0.9944, train_loss=0.0170, wall_seconds=3_385, seconds_per_epoch=225,
        training_accuracy=(0.9316, 0.9766, 0.9811, 0.9855, 0.9862, 0.9878, 0.9896, 0.9901, 0.9911, 0.9924,
            0.9921, 0.9930, 0.9934, 0.9941, 0.9944),
        training_loss=(0.2153, 0.0755, 0.0605, 0.0466, 0.0448, 0.0382, 0.0334, 0.0302, 0.0276, 0.0242,
            0.0241, 0.0208, 0.0207, 0.0172, 0.0170),
        validation_accuracy=(0.9805, 0.9889, 0.9889, 0.9895, 0.9930, 0.9909, 0.9922, 0.9932, 0.9937, 0.9945,
            0.9932, 0.9935, 0.9936, 0.9947, 0.9925),
        validation_loss=(0.0658, 0.0332, 0.0320, 0.0343, 0.0246, 0.0295, 0.0249, 0.0206, 0.0213, 0.0188,
            0.0221, 0.0211, 0.0190, 0.0188, 0.0228),
    ),
)  # fmt: skip
