"""Document 000: from one dense layer to small CNNs, one change at a time; all 13 models.

Every model was trained for 10 epochs with the test set as validation set, and one early stopping object was used for
all of them. Seven times it kept the best figure of an earlier model and so took epoch 1 for the best; those models
were trained again for as many epochs as their best one, and the log of the second training repeats the first. A fresh
object per run, as here, ends in the same weights; only in model 12, with two equal epochs, it keeps the earlier one.
As the validation set is the test set, ``test_loss`` is the printed validation loss of the epoch that was kept.
Seeds were set to 42 before each model. Times are printed as whole seconds.

The training figures come from the progress bar of an early Keras 3, which averaged running means a second time
(keras-team/keras, issue 20212). Those of the first two epochs look worse than they were: in model 3 a loss of 0.65 is
printed for the first epoch, where our own run's history has 0.34. Validation figures are right.
"""

from __future__ import annotations

from typing import Any

from mnist_lab.architecture import Architecture
from mnist_lab.layers import Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D
from mnist_lab.optimizers import Adam
from mnist_lab.studies.preset import Preset, Published
from mnist_lab.studies.study import Study
from mnist_lab.training_config import EarlyStopping, TrainingConfig

DOCUMENT = "Document 000, Convolutional Neural Networks for digit image classification"

STUDIES = (
    Study(
        name="000",
        title="From one dense layer to three convolutions",
        about="Thirteen models, each one change away from one before it: pooling, a kernel, more filters, a hidden "
        "layer, larger kernels, a second and a third convolution; trained on MNIST's 60,000 training images. The "
        "author wants few weights and high accuracy, and settles on model 10: 99.3 % with 35,030 weights. The best "
        "epoch was chosen on the test images themselves and each model was trained with one seed; models 8, 9 and 10 "
        "are at most one test image apart.",
        cite=DOCUMENT,
    ),
)

TRAINING = TrainingConfig(
    split="test-as-validation",
    epochs=10,
    batch_size=128,
    seed=42,
    optimizer=Adam(learning_rate=0.001),
    early_stopping=EarlyStopping(monitor="val_accuracy", patience=10, restore_best_weights=True),
)

HIDDEN = "Adding another dense (hidden) layer"
RETRAINED = (
    "The shared early stopping kept epoch 1, so the author trained it again for {} epochs; these are its figures."
)
ONE_WEIGHT = (
    "Its convolution has one weight: if that starts below zero, ReLU lets nothing through and 11 % is all it gets."
)


def _conv(filters: int, kernel: int, pool: int, padding: str = "valid") -> tuple[Layer, ...]:
    return Conv2D(filters, (kernel, kernel), padding=padding), MaxPooling2D((pool, pool))


def _head(hidden: bool) -> tuple[Layer, ...]:
    extra: tuple[Layer, ...] = (Dense(100), Dropout(0.5)) if hidden else ()
    return Flatten(), *extra, Dense(10, "softmax")


def _published(
    parameters: int,
    layer_parameters: tuple[int, ...],
    *,
    best_epoch: int,
    training_accuracy: tuple[float, ...],
    training_loss: tuple[float, ...],
    validation_loss: tuple[float, ...],
    **printed: Any,
) -> Published:
    kept = best_epoch - 1
    return Published(
        parameters=parameters,
        trainable_parameters=parameters,
        layer_parameters=layer_parameters,
        epochs=10,
        best_epoch=best_epoch,
        decimals=3,
        test_loss=validation_loss[kept],
        train_accuracy=training_accuracy[kept],
        train_loss=training_loss[kept],
        training_accuracy=training_accuracy,
        training_loss=training_loss,
        validation_loss=validation_loss,
        **printed,
    )


def _model(
    number: int, heading: str, convolutions: tuple[Layer, ...], hidden: bool, published: Published, remark: str
) -> Preset:
    title = f"Model {number}" if number else "Baseline"
    return Preset(
        name=f"000-model-{number}" if number else "000-baseline",
        study="000",
        title=title,
        architecture=Architecture((*convolutions, *_head(hidden))),
        training=TRAINING,
        published=published,
        cite=f"{DOCUMENT}: {heading}" + (f" ({title})" if heading != title else ""),
        remark=remark,
    )


PRESETS = (
    _model(
        0,
        "Baseline",
        _conv(1, 1, 1),
        False,
        _published(
            7_852,
            (2, 7_850),
            test_accuracy=0.927,
            best_epoch=9,
            errors_in_first_100=4,
            seconds_per_epoch=1,
            training_accuracy=(0.7030, 0.9049, 0.9146, 0.9206, 0.9236, 0.9260, 0.9273, 0.9285, 0.9290, 0.9299),
            training_loss=(1.0291, 0.3351, 0.2972, 0.2821, 0.2736, 0.2680, 0.2638, 0.2605, 0.2579, 0.2556),
            validation_accuracy=(0.9084, 0.9178, 0.9227, 0.9249, 0.9255, 0.9258, 0.9259, 0.9266, 0.9267, 0.9266),
            validation_loss=(0.3335, 0.2901, 0.2771, 0.2718, 0.2692, 0.2678, 0.2672, 0.2668, 0.2667, 0.2667),
        ),
        "The text says both that it does not learn effectively and that it does. 92.7 % is a softmax on the pixels. "
        + ONE_WEIGHT,
    ),
    _model(
        1,
        "Adding Pooling",
        _conv(1, 1, 2),
        False,
        _published(
            1_972,
            (2, 1_970),
            test_accuracy=0.918,
            best_epoch=10,
            errors_in_first_100=6,
            seconds_per_epoch=1,
            training_accuracy=(0.5493, 0.8745, 0.8942, 0.9020, 0.9061, 0.9093, 0.9120, 0.9129, 0.9139, 0.9154),
            training_loss=(1.4949, 0.4512, 0.3639, 0.3342, 0.3190, 0.3096, 0.3032, 0.2986, 0.2952, 0.2925),
            validation_accuracy=(0.8781, 0.8995, 0.9061, 0.9105, 0.9132, 0.9145, 0.9159, 0.9169, 0.9182, 0.9184),
            validation_loss=(0.4755, 0.3583, 0.3242, 0.3084, 0.2993, 0.2935, 0.2896, 0.2867, 0.2847, 0.2831),
        ),
        RETRAINED.format(10) + " The text takes 1,972 from 7,582 and calls the loss of accuracy 0.09: "
        "the baseline has 7,852 parameters, and 0.927 less 0.918 is 0.009. "
        + ONE_WEIGHT,
    ),
    _model(
        2,
        "Adding a CNN Kernel",
        _conv(1, 3, 2),
        False,
        _published(
            1_710,
            (10, 1_700),
            test_accuracy=0.920,
            best_epoch=10,
            errors_in_first_100=4,
            seconds_per_epoch=1,
            training_accuracy=(0.5618, 0.8871, 0.9027, 0.9083, 0.9117, 0.9137, 0.9152, 0.9161, 0.9174, 0.9181),
            training_loss=(1.3862, 0.3864, 0.3358, 0.3160, 0.3053, 0.2985, 0.2938, 0.2902, 0.2873, 0.2848),
            validation_accuracy=(0.8892, 0.9074, 0.9133, 0.9156, 0.9173, 0.9182, 0.9189, 0.9191, 0.9198, 0.9204),
            validation_loss=(0.3933, 0.3248, 0.3027, 0.2920, 0.2858, 0.2817, 0.2787, 0.2762, 0.2743, 0.2726),
        ),
        RETRAINED.format(10) + " The text speaks of 3x3 weights still, but every kernel before it is 1x1.",
    ),
    _model(
        3,
        "Adding Parallel CNN Kernels",
        _conv(32, 3, 2),
        False,
        _published(
            54_410,
            (320, 54_090),
            test_accuracy=0.983,
            best_epoch=10,
            errors_in_first_100=3,
            seconds_per_epoch=2,
            training_accuracy=(0.8311, 0.9636, 0.9763, 0.9812, 0.9836, 0.9855, 0.9868, 0.9881, 0.9893, 0.9900),
            training_loss=(0.6482, 0.1337, 0.0879, 0.0696, 0.0594, 0.0524, 0.0471, 0.0427, 0.0389, 0.0355),
            validation_accuracy=(0.9596, 0.9730, 0.9778, 0.9790, 0.9801, 0.9800, 0.9810, 0.9813, 0.9818, 0.9828),
            validation_loss=(0.1408, 0.0893, 0.0725, 0.0654, 0.0615, 0.0587, 0.0568, 0.0555, 0.0547, 0.0545),
        ),
        "Introduced as the first CNN, as models 1 and 2 were.",
    ),
    _model(
        4,
        HIDDEN,
        _conv(32, 3, 2),
        True,
        _published(
            542_230,
            (320, 540_900, 1_010),
            test_accuracy=0.987,
            best_epoch=9,
            errors_in_first_100=2,
            seconds_per_epoch=3,
            training_accuracy=(0.8085, 0.9590, 0.9704, 0.9749, 0.9787, 0.9810, 0.9824, 0.9852, 0.9856, 0.9872),
            training_loss=(0.6309, 0.1445, 0.1011, 0.0851, 0.0711, 0.0629, 0.0576, 0.0504, 0.0468, 0.0400),
            validation_accuracy=(0.9715, 0.9787, 0.9807, 0.9828, 0.9834, 0.9846, 0.9861, 0.9850, 0.9865, 0.9860),
            validation_loss=(0.0883, 0.0644, 0.0540, 0.0489, 0.0457, 0.0421, 0.0407, 0.0447, 0.0416, 0.0415),
        ),
        "The code makes a network named model14 and trains one named model4, whose own code is not shown: that they "
        "are the same network is taken from the text, which gives model 4 the 542,230 parameters of model14.",
    ),
    _model(
        5,
        HIDDEN,
        _conv(32, 9, 2),
        True,
        _published(
            323_734,
            (2_624, 320_100, 1_010),
            test_accuracy=0.992,
            best_epoch=9,
            errors_in_first_100=0,
            seconds_per_epoch=3,
            training_accuracy=(0.8106, 0.9645, 0.9752, 0.9779, 0.9824, 0.9856, 0.9860, 0.9861, 0.9885, 0.9898),
            training_loss=(0.6087, 0.1269, 0.0863, 0.0721, 0.0605, 0.0500, 0.0454, 0.0426, 0.0365, 0.0316),
            validation_accuracy=(0.9783, 0.9833, 0.9865, 0.9874, 0.9886, 0.9890, 0.9892, 0.9893, 0.9915, 0.9903),
            validation_loss=(0.0678, 0.0478, 0.0395, 0.0357, 0.0331, 0.0332, 0.0316, 0.0316, 0.0304, 0.0297),
        ),
        "The author's best up to here.",
    ),
    _model(
        6,
        HIDDEN,
        _conv(32, 11, 2),
        True,
        _published(
            264_214,
            (3_904, 259_300, 1_010),
            test_accuracy=0.991,
            best_epoch=10,
            errors_in_first_100=0,
            seconds_per_epoch=2,
            training_accuracy=(0.8090, 0.9626, 0.9734, 0.9785, 0.9808, 0.9844, 0.9859, 0.9867, 0.9883, 0.9894),
            training_loss=(0.6164, 0.1280, 0.0870, 0.0709, 0.0624, 0.0523, 0.0491, 0.0436, 0.0384, 0.0345),
            validation_accuracy=(0.9784, 0.9845, 0.9878, 0.9879, 0.9884, 0.9894, 0.9903, 0.9902, 0.9897, 0.9906),
            validation_loss=(0.0688, 0.0478, 0.0376, 0.0356, 0.0346, 0.0304, 0.0300, 0.0309, 0.0343, 0.0310),
        ),
        RETRAINED.format(10) + " The text goes back to 9x9: model 5 has nine more of 10,000 test images right.",
    ),
    _model(
        7,
        HIDDEN,
        _conv(16, 9, 2),
        True,
        _published(
            162_422,
            (1_312, 160_100, 1_010),
            test_accuracy=0.990,
            best_epoch=9,
            errors_in_first_100=0,
            seconds_per_epoch=2,
            training_accuracy=(0.7845, 0.9606, 0.9718, 0.9759, 0.9804, 0.9829, 0.9837, 0.9861, 0.9861, 0.9877),
            training_loss=(0.7012, 0.1369, 0.0958, 0.0814, 0.0665, 0.0577, 0.0537, 0.0461, 0.0440, 0.0406),
            validation_accuracy=(0.9748, 0.9822, 0.9850, 0.9859, 0.9879, 0.9882, 0.9878, 0.9891, 0.9896, 0.9895),
            validation_loss=(0.0831, 0.0553, 0.0452, 0.0418, 0.0361, 0.0346, 0.0371, 0.0361, 0.0321, 0.0355),
        ),
        RETRAINED.format(9) + " The text goes back to 32 filters.",
    ),
    _model(
        8,
        HIDDEN,
        (*_conv(32, 9, 2), *_conv(32, 3, 1)),
        True,
        _published(
            217_782,
            (2_624, 9_248, 204_900, 1_010),
            test_accuracy=0.993,
            best_epoch=9,
            errors_in_first_100=0,
            seconds_per_epoch=3,
            training_accuracy=(0.8053, 0.9662, 0.9768, 0.9809, 0.9850, 0.9858, 0.9879, 0.9891, 0.9904, 0.9910),
            training_loss=(0.6215, 0.1177, 0.0810, 0.0684, 0.0555, 0.0481, 0.0409, 0.0359, 0.0325, 0.0300),
            validation_accuracy=(0.9795, 0.9866, 0.9831, 0.9896, 0.9912, 0.9916, 0.9924, 0.9916, 0.9930, 0.9930),
            validation_loss=(0.0628, 0.0409, 0.0510, 0.0335, 0.0277, 0.0263, 0.0248, 0.0289, 0.0247, 0.0226),
        ),
        "Epoch 10 had the same accuracy and a lower loss; early stopping keeps the earlier of two equal epochs.",
    ),
    _model(
        9,
        HIDDEN,
        (*_conv(32, 9, 2), *_conv(32, 3, 2)),
        True,
        _published(
            64_182,
            (2_624, 9_248, 51_300, 1_010),
            test_accuracy=0.993,
            best_epoch=9,
            errors_in_first_100=1,
            seconds_per_epoch=2,
            training_accuracy=(0.7644, 0.9631, 0.9729, 0.9779, 0.9821, 0.9846, 0.9873, 0.9871, 0.9883, 0.9897),
            training_loss=(0.7453, 0.1295, 0.0900, 0.0768, 0.0630, 0.0516, 0.0435, 0.0423, 0.0380, 0.0334),
            validation_accuracy=(0.9748, 0.9850, 0.9865, 0.9885, 0.9885, 0.9909, 0.9921, 0.9924, 0.9931, 0.9921),
            validation_loss=(0.0759, 0.0450, 0.0395, 0.0332, 0.0320, 0.0256, 0.0237, 0.0240, 0.0224, 0.0250),
        ),
        "",
    ),
    _model(
        10,
        HIDDEN,
        (*_conv(32, 9, 2), *_conv(32, 3, 2), *_conv(32, 3, 1)),
        True,
        _published(
            35_030,
            (2_624, 9_248, 9_248, 12_900, 1_010),
            test_accuracy=0.993,
            best_epoch=7,
            errors_in_first_100=0,
            seconds_per_epoch=2,
            training_accuracy=(0.7192, 0.9603, 0.9723, 0.9779, 0.9818, 0.9855, 0.9863, 0.9878, 0.9890, 0.9902),
            training_loss=(0.8423, 0.1380, 0.0963, 0.0777, 0.0631, 0.0512, 0.0478, 0.0401, 0.0362, 0.0332),
            validation_accuracy=(0.9714, 0.9819, 0.9858, 0.9863, 0.9903, 0.9913, 0.9931, 0.9917, 0.9921, 0.9916),
            validation_loss=(0.0900, 0.0534, 0.0419, 0.0375, 0.0293, 0.0267, 0.0230, 0.0256, 0.0274, 0.0254),
        ),
        RETRAINED.format(7) + " The author's choice in the end. The number of epochs was chosen on the test set.",
    ),
    _model(
        11,
        HIDDEN,
        (*_conv(32, 9, 2), *_conv(32, 3, 2), *_conv(32, 3, 1)),
        False,
        _published(
            22_410,
            (2_624, 9_248, 9_248, 1_290),
            test_accuracy=0.990,
            best_epoch=10,
            errors_in_first_100=1,
            seconds_per_epoch=2,
            training_accuracy=(0.7976, 0.9712, 0.9811, 0.9850, 0.9869, 0.9888, 0.9910, 0.9916, 0.9927, 0.9938),
            training_loss=(0.7007, 0.0968, 0.0639, 0.0518, 0.0447, 0.0382, 0.0333, 0.0290, 0.0255, 0.0218),
            validation_accuracy=(0.9628, 0.9792, 0.9818, 0.9823, 0.9822, 0.9816, 0.9862, 0.9884, 0.9901, 0.9905),
            validation_loss=(0.1176, 0.0651, 0.0549, 0.0513, 0.0502, 0.0559, 0.0429, 0.0368, 0.0321, 0.0313),
        ),
        RETRAINED.format(10),
    ),
    _model(
        12,
        HIDDEN,
        (*_conv(32, 9, 2), *_conv(32, 3, 2, "same"), *_conv(32, 3, 1)),
        True,
        _published(
            51_030,
            (2_624, 9_248, 9_248, 28_900, 1_010),
            test_accuracy=0.991,
            best_epoch=9,
            errors_in_first_100=0,
            seconds_per_epoch=3,
            training_accuracy=(0.7597, 0.9632, 0.9747, 0.9790, 0.9838, 0.9859, 0.9886, 0.9888, 0.9895, 0.9906),
            training_loss=(0.7358, 0.1292, 0.0874, 0.0711, 0.0568, 0.0481, 0.0405, 0.0387, 0.0352, 0.0309),
            validation_accuracy=(0.9717, 0.9806, 0.9823, 0.9883, 0.9913, 0.9908, 0.9885, 0.9910, 0.9913, 0.9908),
            validation_loss=(0.0832, 0.0580, 0.0573, 0.0359, 0.0294, 0.0304, 0.0359, 0.0263, 0.0279, 0.0274),
        ),
        RETRAINED.format(9) + " Epochs 5 and 9 had the same accuracy: a fresh early stopping keeps epoch 5, with a "
        "loss of 0.0294. The text says 0.988, the evaluation and the list below it 0.991; the list is headed Model 11.",
    ),
)  # fmt: skip
