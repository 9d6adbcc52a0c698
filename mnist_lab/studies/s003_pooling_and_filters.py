"""Document 003: its CNNs (convolutions, filters, pooling, dense layers) and LeNet-5, the other nine of 16 models.

What holds for all 16 is told in `s003_layers_and_units`.
"""

from __future__ import annotations

from mnist_lab.architecture import Architecture
from mnist_lab.layers import AveragePooling2D, Conv2D, Dense, Dropout, Flatten, Layer, MaxPooling2D
from mnist_lab.studies.preset import Preset, Published
from mnist_lab.studies.s003_layers_and_units import DOCUMENT, LAST, RESTORING, TRAINING

OTHER_TEST = "It was tested on other images than most models of the document."


def _network(filters: tuple[int, ...], pooling: Layer, *then: Layer) -> Architecture:
    """Convolutions of 3x3, each followed by the same pooling, then what stands between Flatten and the output."""
    pairs = ((Conv2D(count, (3, 3)), pooling) for count in filters)
    return Architecture((*(layer for pair in pairs for layer in pair), Flatten(), *then, Dense(10, "softmax")))


PRESETS = (
    Preset(
        name="003-cnn",
        study="003",
        title="CNN",
        architecture=_network((32, 64), MaxPooling2D((2, 2), (2, 2)), Dropout(0.5)),
        training=TRAINING,
        published=Published(
            parameters=34_826, trainable_parameters=34_826, layer_parameters=(320, 18_496, 16_010),
            test_accuracy=0.987714, test_loss=0.037807, test_precision=0.988835, test_recall=0.986857,
            test_micro_f1=0.987714, decimals=6, epochs=12, seconds_per_epoch=3,
            train_accuracy=0.9890, train_loss=0.0345,
            training_accuracy=(
                0.7586, 0.9654, 0.9750, 0.9781, 0.9844, 0.9820, 0.9856, 0.9865, 0.9868, 0.9881, 0.9866, 0.9890,
            ),
            training_loss=(
                0.7757, 0.1093, 0.0831, 0.0692, 0.0525, 0.0548, 0.0452, 0.0416, 0.0412, 0.0366, 0.0414, 0.0345,
            ),
            validation_accuracy=(
                0.9740, 0.9833, 0.9866, 0.9886, 0.9895, 0.9899, 0.9903, 0.9898, 0.9918, 0.9911, 0.9911, 0.9911,
            ),
            validation_loss=(
                0.0861, 0.0568, 0.0478, 0.0391, 0.0364, 0.0351, 0.0332, 0.0349, 0.0303, 0.0307, 0.0335, 0.0316,
            ),
            auc_per_digit=(
                0.998699, 0.994625, 0.991225, 0.991463, 0.993535, 0.994905, 0.994365, 0.992382, 0.991746, 0.989058,
            ),
        ),
        cite=f"{DOCUMENT}: Basic Multi-layer CNN",
        remark=f"The text says 98.7 %, the log 98.77 %. {LAST}",
    ),
    Preset(
        name="003-cnn-short",
        study="003",
        title="CNN, one convolution",
        architecture=_network((32,), MaxPooling2D((2, 2), (2, 2)), Dropout(0.5)),
        training=TRAINING,
        published=Published(
            parameters=54_410, trainable_parameters=54_410, layer_parameters=(320, 54_090),
            test_accuracy=0.982143, test_loss=0.061842, test_precision=0.984095, test_recall=0.981143,
            test_micro_f1=0.982143, decimals=6, epochs=25, seconds_per_epoch=3,
            train_accuracy=0.9851, train_loss=0.0442,
            training_accuracy=(
                0.7976, 0.9442, 0.9582, 0.9648, 0.9663, 0.9702, 0.9717, 0.9728, 0.9759, 0.9759, 0.9771, 0.9803, 0.9793,
                0.9799, 0.9815, 0.9815, 0.9825, 0.9822, 0.9831, 0.9842, 0.9856, 0.9849, 0.9850, 0.9855, 0.9851,
            ),
            training_loss=(
                0.7126, 0.1896, 0.1387, 0.1196, 0.1106, 0.0965, 0.0908, 0.0875, 0.0787, 0.0759, 0.0730, 0.0632, 0.0649,
                0.0647, 0.0569, 0.0576, 0.0528, 0.0555, 0.0516, 0.0481, 0.0466, 0.0456, 0.0454, 0.0454, 0.0442,
            ),
            validation_accuracy=(
                0.9453, 0.9629, 0.9719, 0.9737, 0.9765, 0.9788, 0.9805, 0.9824, 0.9817, 0.9824, 0.9828, 0.9827, 0.9837,
                0.9844, 0.9846, 0.9846, 0.9850, 0.9851, 0.9861, 0.9853, 0.9853, 0.9867, 0.9866, 0.9857, 0.9864,
            ),
            validation_loss=(
                0.1849, 0.1285, 0.0996, 0.0876, 0.0805, 0.0732, 0.0660, 0.0633, 0.0615, 0.0580, 0.0567, 0.0567, 0.0559,
                0.0534, 0.0537, 0.0508, 0.0503, 0.0502, 0.0498, 0.0483, 0.0496, 0.0469, 0.0479, 0.0476, 0.0483,
            ),
            auc_per_digit=(
                0.994640, 0.992897, 0.991805, 0.991545, 0.988224, 0.985579, 0.993254, 0.985141, 0.985952, 0.990896,
            ),
        ),
        cite=f"{DOCUMENT}: Different number of convolutional layers (short)",
        remark=LAST,
    ),
    Preset(
        name="003-cnn-long",
        study="003",
        title="CNN, four convolutions",
        architecture=_network((32, 64, 128, 512), MaxPooling2D((2, 2), (1, 1)), Dense(128), Dropout(0.5)),
        training=RESTORING,
        published=Published(
            parameters=17_461_642, trainable_parameters=17_461_642,
            layer_parameters=(320, 18_496, 73_856, 590_336, 16_777_344, 1_290),
            test_accuracy=0.991857, test_loss=0.033895, test_precision=0.992139, test_recall=0.991714,
            test_micro_f1=0.991857, decimals=6, epochs=9, best_epoch=6, seconds_per_epoch=18,
            train_accuracy=0.9895, train_loss=0.0322,
            training_accuracy=(0.8446, 0.9740, 0.9790, 0.9824, 0.9888, 0.9895, 0.9911, 0.9911, 0.9925),
            training_loss=(0.5369, 0.0900, 0.0727, 0.0553, 0.0370, 0.0322, 0.0295, 0.0277, 0.0235),
            validation_accuracy=(0.9812, 0.9846, 0.9880, 0.9915, 0.9925, 0.9941, 0.9916, 0.9932, 0.9924),
            validation_loss=(0.0644, 0.0481, 0.0360, 0.0303, 0.0300, 0.0272, 0.0321, 0.0221, 0.0280),
            auc_per_digit=(
                0.999038, 0.998195, 0.992991, 0.994531, 0.994793, 0.995633, 0.996897, 0.999361, 0.992585, 0.990134,
            ),
            confusion=(
                (654, 0, 0, 0, 0, 0, 0, 0, 0, 0),
                (0, 765, 0, 0, 0, 0, 0, 1, 0, 1),
                (1, 1, 697, 1, 0, 0, 0, 3, 1, 0),
                (0, 0, 0, 707, 0, 0, 0, 2, 0, 0),
                (0, 0, 0, 0, 670, 0, 1, 0, 0, 2),
                (1, 1, 0, 0, 0, 648, 0, 0, 0, 2),
                (1, 0, 0, 1, 0, 1, 697, 0, 0, 0),
                (0, 0, 0, 0, 0, 1, 0, 745, 0, 0),
                (0, 0, 0, 1, 0, 0, 0, 0, 683, 2),
                (0, 1, 0, 0, 3, 1, 0, 1, 0, 703),
            ),
        ),
        cite=f"{DOCUMENT}: Different number of convolutional layers (long)",
        remark="The text gives about 99.2 % on training, validation and test images and 19 s per epoch; the log of "
        "the epoch that was kept has 98.95, 99.41 and 99.19 %, and only the first epoch took 19 s. The "
        "confusion matrix has 31 errors, the log 57: it was made after the images had been split once more, "
        f"as its counts of each digit show, so that most of its images had been used in training. {OTHER_TEST}",
    ),
    Preset(
        name="003-cnn-few-filters",
        study="003",
        title="CNN, few filters",
        architecture=_network((4, 16), MaxPooling2D((2, 2), (2, 2)), Dropout(0.5)),
        training=TRAINING,
        published=Published(
            parameters=4_642, trainable_parameters=4_642, layer_parameters=(40, 592, 4_010),
            test_accuracy=0.978714, test_loss=0.069789, test_precision=0.981351, test_recall=0.977286,
            test_micro_f1=0.978714, decimals=6, epochs=19, seconds_per_epoch=3,
            train_accuracy=0.9701, train_loss=0.0978,
            training_accuracy=(
                0.5863, 0.9202, 0.9398, 0.9512, 0.9565, 0.9586, 0.9604, 0.9629, 0.9628, 0.9654, 0.9644, 0.9667, 0.9677,
                0.9672, 0.9676, 0.9683, 0.9694, 0.9705, 0.9701,
            ),
            training_loss=(
                1.2412, 0.2660, 0.1972, 0.1631, 0.1448, 0.1358, 0.1321, 0.1219, 0.1195, 0.1119, 0.1154, 0.1106, 0.1048,
                0.1069, 0.1051, 0.1029, 0.0990, 0.0960, 0.0978,
            ),
            validation_accuracy=(
                0.9508, 0.9649, 0.9716, 0.9760, 0.9786, 0.9810, 0.9827, 0.9824, 0.9821, 0.9841, 0.9854, 0.9850, 0.9850,
                0.9857, 0.9861, 0.9866, 0.9863, 0.9864, 0.9859,
            ),
            validation_loss=(
                0.1895, 0.1206, 0.0964, 0.0831, 0.0728, 0.0668, 0.0647, 0.0597, 0.0588, 0.0542, 0.0537, 0.0522, 0.0522,
                0.0490, 0.0488, 0.0472, 0.0461, 0.0482, 0.0482,
            ),
            auc_per_digit=(
                0.996532, 0.995013, 0.990274, 0.981557, 0.991891, 0.989417, 0.989444, 0.981500, 0.980476, 0.986003,
            ),
        ),
        cite=f"{DOCUMENT}: Different number of filters per layer (few)",
        remark=f"The text says 97.8 %, the log 97.87 %. {LAST}",
    ),
    Preset(
        name="003-cnn-many-filters",
        study="003",
        title="CNN, many filters",
        architecture=_network((128, 512), MaxPooling2D((2, 2), (2, 2)), Dropout(0.5)),
        training=TRAINING,
        published=Published(
            parameters=719_626, trainable_parameters=719_626, layer_parameters=(1_280, 590_336, 128_010),
            test_accuracy=0.990286, test_loss=0.043248, test_precision=0.990424, test_recall=0.990000,
            test_micro_f1=0.990286, decimals=6, epochs=10, seconds_per_epoch=8,
            train_accuracy=0.9961, train_loss=0.0112,
            training_accuracy=(0.8824, 0.9837, 0.9862, 0.9897, 0.9921, 0.9925, 0.9941, 0.9946, 0.9956, 0.9961),
            training_loss=(0.3990, 0.0521, 0.0429, 0.0320, 0.0249, 0.0233, 0.0185, 0.0156, 0.0137, 0.0112),
            validation_accuracy=(0.9824, 0.9857, 0.9896, 0.9899, 0.9900, 0.9899, 0.9915, 0.9906, 0.9899, 0.9903),
            validation_loss=(0.0549, 0.0435, 0.0343, 0.0361, 0.0323, 0.0347, 0.0343, 0.0346, 0.0362, 0.0365),
            auc_per_digit=(
                0.996257, 0.994091, 0.998403, 0.993960, 0.991433, 0.997804, 0.995794, 0.991314, 0.992619, 0.994815,
            ),
        ),
        cite=f"{DOCUMENT}: Different number of filters per layer (many)",
        remark="The text calls its accuracy slightly lower than that of 003-cnn; by the logs it is higher, 99.03 % "
        f"against 98.77 %. {LAST}",
    ),
    Preset(
        name="003-cnn-pooling-5",
        study="003",
        title="CNN, 5x5 pooling",
        architecture=_network((32, 64), MaxPooling2D((5, 5), (3, 3)), Dropout(0.5)),
        training=TRAINING,
        published=Published(
            parameters=19_466, trainable_parameters=19_466, layer_parameters=(320, 18_496, 650),
            test_accuracy=0.971571, test_loss=0.097699, test_precision=0.977086, test_recall=0.968571,
            test_micro_f1=0.971571, decimals=6, epochs=12, seconds_per_epoch=3,
            train_accuracy=0.9370, train_loss=0.2055,
            training_accuracy=(
                0.4443, 0.8335, 0.8815, 0.8988, 0.9092, 0.9143, 0.9239, 0.9248, 0.9260, 0.9333, 0.9316, 0.9370,
            ),
            training_loss=(
                1.6386, 0.5372, 0.3899, 0.3313, 0.2954, 0.2813, 0.2496, 0.2431, 0.2384, 0.2130, 0.2164, 0.2055,
            ),
            validation_accuracy=(
                0.9205, 0.9482, 0.9600, 0.9629, 0.9681, 0.9701, 0.9704, 0.9706, 0.9766, 0.9762, 0.9746, 0.9730,
            ),
            validation_loss=(
                0.3402, 0.2031, 0.1599, 0.1329, 0.1220, 0.1032, 0.1051, 0.0936, 0.0853, 0.0826, 0.0828, 0.0853,
            ),
            auc_per_digit=(
                0.994836, 0.994157, 0.984190, 0.971972, 0.986027, 0.980091, 0.992857, 0.982312, 0.979603, 0.976144,
            ),
        ),
        cite=f"{DOCUMENT}: Different size and type of pooling layers (5x5, stride 3)",
        remark=LAST,
    ),
    Preset(
        name="003-cnn-average-pooling",
        study="003",
        title="CNN, average pooling",
        architecture=_network((32, 64), AveragePooling2D((3, 3), (3, 3)), Dropout(0.5)),
        training=TRAINING,
        published=Published(
            parameters=21_386, trainable_parameters=21_386, layer_parameters=(320, 18_496, 2_570),
            test_accuracy=0.985714, test_loss=0.052663, test_precision=0.986676, test_recall=0.983857,
            test_micro_f1=0.985714, decimals=6, epochs=31, seconds_per_epoch=3,
            train_accuracy=0.9779, train_loss=0.0730,
            training_accuracy=(
                0.5197, 0.8837, 0.9156, 0.9272, 0.9325, 0.9364, 0.9435, 0.9474, 0.9495, 0.9541, 0.9546, 0.9573, 0.9601,
                0.9603, 0.9636, 0.9636, 0.9654, 0.9668, 0.9683, 0.9704, 0.9713, 0.9708, 0.9710, 0.9731, 0.9739, 0.9734,
                0.9740, 0.9758, 0.9755, 0.9748, 0.9779,
            ),
            training_loss=(
                1.4358, 0.3783, 0.2821, 0.2438, 0.2236, 0.2054, 0.1861, 0.1737, 0.1644, 0.1554, 0.1508, 0.1422, 0.1312,
                0.1299, 0.1196, 0.1184, 0.1094, 0.1074, 0.1010, 0.0975, 0.0961, 0.0930, 0.0942, 0.0892, 0.0863, 0.0864,
                0.0884, 0.0799, 0.0820, 0.0779, 0.0730,
            ),
            validation_accuracy=(
                0.9248, 0.9437, 0.9548, 0.9618, 0.9654, 0.9674, 0.9729, 0.9732, 0.9769, 0.9769, 0.9788, 0.9784, 0.9805,
                0.9812, 0.9814, 0.9821, 0.9834, 0.9837, 0.9843, 0.9833, 0.9846, 0.9856, 0.9843, 0.9863, 0.9861, 0.9867,
                0.9857, 0.9876, 0.9867, 0.9867, 0.9859,
            ),
            validation_loss=(
                0.2705, 0.1960, 0.1518, 0.1290, 0.1161, 0.1074, 0.1005, 0.0930, 0.0846, 0.0813, 0.0804, 0.0769, 0.0703,
                0.0670, 0.0651, 0.0651, 0.0589, 0.0578, 0.0559, 0.0564, 0.0562, 0.0506, 0.0512, 0.0492, 0.0492, 0.0491,
                0.0478, 0.0442, 0.0449, 0.0441, 0.0446,
            ),
            auc_per_digit=(
                0.997597, 0.996434, 0.989932, 0.990256, 0.993108, 0.992318, 0.994365, 0.995073, 0.982143, 0.989241,
            ),
        ),
        cite=f"{DOCUMENT}: Different size and type of pooling layers (average)",
        remark="The text explains the lower accuracy by averaging in place of the maximum; but the windows also "
        f"grew, from 2x2 to 3x3. {LAST}",
    ),
    Preset(
        name="003-cnn-more-dense",
        study="003",
        title="CNN, more dense layers",
        architecture=_network((32, 64), MaxPooling2D((2, 2), (2, 2)), Dense(128), Dense(32), Dropout(0.5)),
        training=TRAINING,
        published=Published(
            parameters=228_202, trainable_parameters=228_202, layer_parameters=(320, 18_496, 204_928, 4_128, 330),
            test_accuracy=0.988857, test_loss=0.066640, test_precision=0.989278, test_recall=0.988571,
            test_micro_f1=0.988857, decimals=6, epochs=14, seconds_per_epoch=3,
            train_accuracy=0.9852, train_loss=0.0443,
            training_accuracy=(
                0.6736, 0.9378, 0.9598, 0.9712, 0.9771, 0.9722, 0.9800, 0.9808, 0.9838, 0.9811, 0.9835, 0.9859, 0.9883,
                0.9852,
            ),
            training_loss=(
                0.9434, 0.2156, 0.1334, 0.0965, 0.0784, 0.0962, 0.0635, 0.0566, 0.0508, 0.0570, 0.0483, 0.0452, 0.0371,
                0.0443,
            ),
            validation_accuracy=(
                0.9759, 0.9835, 0.9863, 0.9895, 0.9866, 0.9895, 0.9903, 0.9905, 0.9916, 0.9921, 0.9925, 0.9902, 0.9918,
                0.9913,
            ),
            validation_loss=(
                0.0790, 0.0600, 0.0479, 0.0405, 0.0548, 0.0438, 0.0368, 0.0331, 0.0382, 0.0343, 0.0376, 0.0450, 0.0395,
                0.0439,
            ),
            auc_per_digit=(
                0.999015, 0.995109, 0.994695, 0.994121, 0.993614, 0.994121, 0.994048, 0.991235, 0.990476, 0.991687,
            ),
        ),
        cite=f"{DOCUMENT}: Different number of full connected layers",
        remark="The text does not say a word about it. Dropout, too, has another place than in 003-cnn: after the "
        f"new dense layers. {LAST}",
    ),
    Preset(
        name="lenet-5",
        study="003",
        title="LeNet-5",
        architecture=_network((6, 16), AveragePooling2D(), Dense(120), Dense(84)),
        training=RESTORING,
        published=Published(
            parameters=60_074, trainable_parameters=60_074, layer_parameters=(60, 880, 48_120, 10_164, 850),
            test_accuracy=0.988714, test_loss=0.039735, test_precision=0.989698, test_recall=0.988143,
            test_micro_f1=0.988714, decimals=6, epochs=16, best_epoch=13, seconds_per_epoch=3,
            train_accuracy=0.9935, train_loss=0.0206,
            training_accuracy=(
                0.7743, 0.9603, 0.9762, 0.9803, 0.9835, 0.9858, 0.9878, 0.9898, 0.9880, 0.9913, 0.9916, 0.9920, 0.9935,
                0.9947, 0.9955, 0.9959,
            ),
            training_loss=(
                0.8082, 0.1352, 0.0792, 0.0660, 0.0530, 0.0451, 0.0382, 0.0330, 0.0357, 0.0265, 0.0245, 0.0253, 0.0206,
                0.0168, 0.0133, 0.0129,
            ),
            validation_accuracy=(
                0.9485, 0.9750, 0.9766, 0.9827, 0.9837, 0.9848, 0.9838, 0.9869, 0.9864, 0.9889, 0.9851, 0.9893, 0.9903,
                0.9899, 0.9893, 0.9874,
            ),
            validation_loss=(
                0.1701, 0.0855, 0.0775, 0.0585, 0.0560, 0.0515, 0.0510, 0.0480, 0.0450, 0.0379, 0.0468, 0.0380, 0.0350,
                0.0356, 0.0419, 0.0420,
            ),
            auc_per_digit=(
                0.996784, 0.995306, 0.994966, 0.991633, 0.994416, 0.995398, 0.994988, 0.993948, 0.986462, 0.993285,
            ),
        ),
        cite=f"{DOCUMENT}: LeNet5",
        remark="The document names the input size as the only difference to LeCun's network; its kernels are also "
        "3x3 in place of 5x5, and ReLU and softmax stand in place of tanh and radial basis units. The text "
        f"speaks of a convolution that flattens; the listing has a plain Flatten. {OTHER_TEST}",
    ),
)  # fmt: skip
