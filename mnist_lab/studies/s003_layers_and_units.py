"""Document 003: its dense networks (layers, units, learning rate), seven of 16 models, and what all 16 share.

The convolutional ones follow in `s003_pooling_and_filters`.
Training and test images are pooled and split anew. The text gives 80, 10 and 10 %. By the logs there were 7,000 test
images, as all test accuracies are whole 7,000ths, and 6,930 for validation, as all 282 validation accuracies are whole
6,930ths: the validation share was 0.11 of the remaining 63,000. Here the split follows the text. No seed is set.
The counts of each digit, which the AUCs imply, show that the images were split three times: fourteen models were tested
on the same lot, ``003-cnn-long`` and ``lenet-5`` on another, and the confusion matrix is of a third.
The document's listing is cut off at the right margin: the learning rate (0.001) and the patience (3 epochs) are from
its text and fit its logs. By the text the best weights are restored, and Keras says so when it does; but the logs of
twelve models lack that line, those of the cells up to 44. They are taken to have kept the weights of the last epoch:
they restore nothing here and have no ``best_epoch``.
One early stopping object was used for all models, which Keras resets at the start of a run; here each has its own.
AUC, ``auc_per_digit``, is one digit against the rest from hard predictions. Training figures are of the kept epoch.
Precision and recall were also printed for every epoch; they are not kept here.
"""

from __future__ import annotations

from dataclasses import replace

from mnist_lab.architecture import Architecture
from mnist_lab.layers import Dense, Dropout, Flatten
from mnist_lab.optimizers import Adam
from mnist_lab.studies.preset import Preset, Published
from mnist_lab.studies.study import Study
from mnist_lab.training_config import EarlyStopping, TrainingConfig

DOCUMENT = "Document 003, Recognizing Digits using Neural Networks"

STUDIES = (
    Study(
        name="003",
        title="Layers, units, learning rate, filters and pooling",
        about="Dense networks with fewer and more layers and units and at two other learning rates, then CNNs with "
        "fewer and more convolutions and filters, other pooling and more dense layers, and LeNet-5, all on the 70,000 "
        "images split anew. Its authors found CNNs better than dense networks, with far fewer weights, and four "
        "convolutions best, with 99.19 %. Each model was trained once and tested on 7,000 images, where chance alone "
        "moves an accuracy of 99 % by 0.2 points either way; and two were tested on other images than the rest.",
        cite=DOCUMENT,
    ),
)

LAST = "The log has no line about restoring the best weights: the figures are taken as those of the last epoch."

TRAINING = TrainingConfig(
    split="pooled-80-10-10",
    epochs=100,
    batch_size=128,
    optimizer=Adam(learning_rate=0.001),
    early_stopping=EarlyStopping(monitor="val_accuracy", patience=3, restore_best_weights=False),
)
RESTORING = replace(
    TRAINING, early_stopping=EarlyStopping(monitor="val_accuracy", patience=3, restore_best_weights=True)
)


def _at(training: TrainingConfig, learning_rate: float) -> TrainingConfig:
    return replace(training, optimizer=Adam(learning_rate=learning_rate))


def _network(units_per_pixel: tuple[int, ...], units: tuple[int, ...]) -> Architecture:
    """Dense layers that see one pixel each, then dense layers over all of them."""
    return Architecture(
        (
            *(Dense(width) for width in units_per_pixel),
            Flatten(),
            *(Dense(width) for width in units),
            Dropout(0.25),
            Dense(10, "softmax"),
        )
    )


PRESETS = (
    Preset(
        name="003-fully-connected",
        study="003",
        title="Fully connected",
        architecture=_network((32, 64), (128,)),
        training=RESTORING,
        published=Published(
            parameters=6_426_122, trainable_parameters=6_426_122, layer_parameters=(64, 2_112, 6_422_656, 1_290),
            test_accuracy=0.973714, test_loss=0.098323, test_precision=0.977430, test_recall=0.971286,
            test_micro_f1=0.973714, decimals=6, epochs=9, best_epoch=6, seconds_per_epoch=5,
            train_accuracy=0.9726, train_loss=0.0824,
            training_accuracy=(0.8487, 0.9510, 0.9611, 0.9666, 0.9704, 0.9726, 0.9763, 0.9776, 0.9788),
            training_loss=(0.5066, 0.1643, 0.1254, 0.1044, 0.0893, 0.0824, 0.0750, 0.0664, 0.0621),
            validation_accuracy=(0.9586, 0.9683, 0.9729, 0.9736, 0.9720, 0.9773, 0.9769, 0.9766, 0.9766),
            validation_loss=(0.1463, 0.1087, 0.0970, 0.0932, 0.0962, 0.0853, 0.0796, 0.0869, 0.0832),
            auc_per_digit=(
                0.990740, 0.992333, 0.987042, 0.985185, 0.984541, 0.978131, 0.990635, 0.987515, 0.974921, 0.981506,
            ),
        ),
        cite=f"{DOCUMENT}: Basic Fully Connected Multi-layer Network",
        remark="The text says about 97.5 %, the log 97.37 %. The first two dense layers stand before Flatten and so "
        "see one pixel each; the text counts two hidden layers, the listing has three.",
    ),
    Preset(
        name="003-fully-connected-small",
        study="003",
        title="Fully connected, small",
        architecture=_network((32,), (64,)),
        training=TRAINING,
        published=Published(
            parameters=1_606_410, trainable_parameters=1_606_410, layer_parameters=(64, 1_605_696, 650),
            test_accuracy=0.968000, test_loss=0.122948, test_precision=0.972366, test_recall=0.965143,
            test_micro_f1=0.968000, decimals=6, epochs=14, seconds_per_epoch=10,
            train_accuracy=0.9668, train_loss=0.1029,
            training_accuracy=(
                0.8171, 0.9282, 0.9404, 0.9478, 0.9516, 0.9555, 0.9565, 0.9587, 0.9614, 0.9610, 0.9636, 0.9653, 0.9663,
                0.9668,
            ),
            training_loss=(
                0.5918, 0.2418, 0.1958, 0.1628, 0.1513, 0.1431, 0.1351, 0.1319, 0.1188, 0.1194, 0.1116, 0.1030, 0.1039,
                0.1029,
            ),
            validation_accuracy=(
                0.9483, 0.9557, 0.9649, 0.9635, 0.9680, 0.9690, 0.9694, 0.9703, 0.9706, 0.9724, 0.9732, 0.9722, 0.9729,
                0.9730,
            ),
            validation_loss=(
                0.1764, 0.1424, 0.1180, 0.1205, 0.1079, 0.1074, 0.1093, 0.1047, 0.1044, 0.1080, 0.1011, 0.1011, 0.1028,
                0.0977,
            ),
            auc_per_digit=(
                0.990029, 0.990605, 0.985774, 0.980516, 0.981490, 0.972880, 0.988175, 0.981579, 0.979206, 0.970144,
            ),
        ),
        cite=f"{DOCUMENT}: Different number of layers (small)",
        remark="The text says about 96.5 %, the log 96.80 %; the text counts one hidden layer, the listing has two. "
        f"{LAST}",
    ),
    Preset(
        name="003-fully-connected-large",
        study="003",
        title="Fully connected, large",
        architecture=_network((32, 64), (4096, 1024, 64)),
        training=TRAINING,
        published=Published(
            parameters=209_788_746, trainable_parameters=209_788_746,
            layer_parameters=(64, 2_112, 205_524_992, 4_195_328, 65_600, 650),
            test_accuracy=0.981429, test_loss=0.093941, test_precision=0.981977, test_recall=0.980714,
            test_micro_f1=0.981429, decimals=6, epochs=17, seconds_per_epoch=33,
            train_accuracy=0.9971, train_loss=0.0097,
            training_accuracy=(
                0.8354, 0.9679, 0.9787, 0.9847, 0.9860, 0.9898, 0.9921, 0.9928, 0.9939, 0.9939, 0.9949, 0.9958, 0.9963,
                0.9965, 0.9971, 0.9959, 0.9971,
            ),
            training_loss=(
                0.5493, 0.1123, 0.0735, 0.0509, 0.0464, 0.0356, 0.0276, 0.0234, 0.0215, 0.0220, 0.0177, 0.0138, 0.0136,
                0.0117, 0.0107, 0.0152, 0.0097,
            ),
            validation_accuracy=(
                0.9652, 0.9762, 0.9747, 0.9778, 0.9781, 0.9804, 0.9821, 0.9804, 0.9801, 0.9828, 0.9843, 0.9815, 0.9824,
                0.9844, 0.9805, 0.9815, 0.9830,
            ),
            validation_loss=(
                0.1236, 0.0866, 0.0845, 0.0801, 0.0887, 0.0897, 0.0870, 0.0820, 0.1025, 0.0775, 0.0929, 0.0812, 0.0883,
                0.0809, 0.1161, 0.1062, 0.0868,
            ),
            auc_per_digit=(
                0.998816, 0.994706, 0.986304, 0.989855, 0.987512, 0.988790, 0.990000, 0.990918, 0.981508, 0.987926,
            ),
        ),
        cite=f"{DOCUMENT}: Different number of layers (large)",
        remark="The text counts four hidden layers, the listing has five. The text gives 34 s per epoch; the first "
        "took 55 s, most others 33 s. The text has it overfit after epoch 2; in the log the validation loss "
        f"is lowest in epoch 10, the validation accuracy highest in epoch 14. {LAST}",
    ),
    Preset(
        name="003-fully-connected-few-units",
        study="003",
        title="Fully connected, few units",
        architecture=_network((10, 20), (40,)),
        training=TRAINING,
        published=Published(
            parameters=627_890, trainable_parameters=627_890, layer_parameters=(20, 220, 627_240, 410),
            test_accuracy=0.962000, test_loss=0.129810, test_precision=0.967816, test_recall=0.958000,
            test_micro_f1=0.962000, decimals=6, epochs=15, seconds_per_epoch=3,
            train_accuracy=0.9509, train_loss=0.1485,
            training_accuracy=(
                0.7885, 0.9101, 0.9252, 0.9344, 0.9370, 0.9395, 0.9408, 0.9424, 0.9457, 0.9465, 0.9484, 0.9494, 0.9498,
                0.9534, 0.9509,
            ),
            training_loss=(
                0.6942, 0.2938, 0.2441, 0.2146, 0.2027, 0.1886, 0.1840, 0.1801, 0.1690, 0.1685, 0.1615, 0.1573, 0.1518,
                0.1459, 0.1485,
            ),
            validation_accuracy=(
                0.9401, 0.9567, 0.9571, 0.9613, 0.9639, 0.9613, 0.9649, 0.9646, 0.9657, 0.9675, 0.9658, 0.9685, 0.9658,
                0.9670, 0.9667,
            ),
            validation_loss=(
                0.2011, 0.1577, 0.1455, 0.1342, 0.1228, 0.1218, 0.1211, 0.1177, 0.1225, 0.1151, 0.1208, 0.1155, 0.1165,
                0.1136, 0.1178,
            ),
            auc_per_digit=(
                0.992512, 0.989880, 0.986262, 0.969725, 0.982265, 0.973660, 0.988492, 0.974417, 0.963730, 0.967356,
            ),
        ),
        cite=f"{DOCUMENT}: Different number of units per layer (few)",
        remark="The text explains by the lack of units why training accuracy is below validation accuracy; dropout, "
        f"which works in training only, has the same effect, and other models here show it too. {LAST}",
    ),
    Preset(
        name="003-fully-connected-many-units",
        study="003",
        title="Fully connected, many units",
        architecture=_network((100, 200), (400,)),
        training=TRAINING,
        published=Published(
            parameters=62_744_810, trainable_parameters=62_744_810, layer_parameters=(200, 20_200, 62_720_400, 4_010),
            test_accuracy=0.979571, test_loss=0.085337, test_precision=0.981240, test_recall=0.978857,
            test_micro_f1=0.979571, decimals=6, epochs=14, seconds_per_epoch=19,
            train_accuracy=0.9927, train_loss=0.0202,
            training_accuracy=(
                0.8801, 0.9633, 0.9698, 0.9785, 0.9814, 0.9847, 0.9851, 0.9878, 0.9876, 0.9894, 0.9917, 0.9931, 0.9915,
                0.9927,
            ),
            training_loss=(
                0.3810, 0.1207, 0.0939, 0.0664, 0.0588, 0.0463, 0.0436, 0.0367, 0.0343, 0.0300, 0.0253, 0.0224, 0.0239,
                0.0202,
            ),
            validation_accuracy=(
                0.9678, 0.9750, 0.9772, 0.9804, 0.9789, 0.9808, 0.9797, 0.9823, 0.9807, 0.9828, 0.9834, 0.9818, 0.9798,
                0.9808,
            ),
            validation_loss=(
                0.1177, 0.0924, 0.0772, 0.0717, 0.0762, 0.0695, 0.0762, 0.0631, 0.0663, 0.0815, 0.0702, 0.0760, 0.0783,
                0.0734,
            ),
            auc_per_digit=(
                0.993617, 0.995562, 0.986950, 0.992112, 0.990674, 0.983462, 0.993095, 0.990523, 0.976032, 0.982692,
            ),
        ),
        cite=f"{DOCUMENT}: Different number of units per layer (many)",
        remark="The text has it overfit after epoch 3; in the log the validation loss is lowest in epoch 8, the "
        f"validation accuracy highest in epoch 11. {LAST}",
    ),
    Preset(
        name="003-learning-rate-0-05",
        study="003",
        title="Fully connected, learning rate 0.05",
        architecture=_network((32, 64), (128,)),
        training=_at(RESTORING, 0.05),
        published=Published(
            parameters=6_426_122, trainable_parameters=6_426_122, layer_parameters=(64, 2_112, 6_422_656, 1_290),
            test_accuracy=0.922714, test_loss=0.285438, test_precision=0.942704, test_recall=0.907286,
            test_micro_f1=0.922714, decimals=6, epochs=8, best_epoch=5, seconds_per_epoch=5,
            train_accuracy=0.8107, train_loss=0.6051,
            training_accuracy=(0.5516, 0.8000, 0.8320, 0.8348, 0.8107, 0.8454, 0.8170, 0.8130),
            training_loss=(2.5641, 0.6291, 0.5281, 0.5307, 0.6051, 0.4968, 0.5996, 0.5959),
            validation_accuracy=(0.8913, 0.9248, 0.9264, 0.9258, 0.9299, 0.9188, 0.9036, 0.9023),
            validation_loss=(0.4579, 0.2885, 0.2769, 0.2822, 0.2608, 0.2928, 0.3559, 0.3750),
            auc_per_digit=(
                0.978956, 0.979841, 0.970269, 0.927925, 0.953985, 0.926243, 0.971111, 0.960725, 0.948810, 0.951199,
            ),
        ),
        cite=f"{DOCUMENT}: Different learning rate (0.05)",
        remark="The network of 003-fully-connected. The listing calls the model 01, but trains it at 0.05, as the "
        "text says.",
    ),
    Preset(
        name="003-learning-rate-0-00001",
        study="003",
        title="Fully connected, learning rate 0.00001",
        architecture=_network((32, 64), (128,)),
        training=_at(TRAINING, 0.00001),
        published=Published(
            parameters=6_426_122, trainable_parameters=6_426_122, layer_parameters=(64, 2_112, 6_422_656, 1_290),
            test_accuracy=0.971000, test_loss=0.100331, test_precision=0.973843, test_recall=0.968000,
            test_micro_f1=0.971000, decimals=6, epochs=57, seconds_per_epoch=5,
            train_accuracy=0.9754, train_loss=0.0783,
            training_accuracy=(
                0.5851, 0.8255, 0.8581, 0.8764, 0.8891, 0.8953, 0.8986, 0.9051, 0.9150, 0.9155, 0.9198, 0.9249, 0.9258,
                0.9276, 0.9315, 0.9334, 0.9368, 0.9389, 0.9398, 0.9418, 0.9436, 0.9450, 0.9476, 0.9487, 0.9498, 0.9515,
                0.9539, 0.9556, 0.9548, 0.9581, 0.9578, 0.9596, 0.9620, 0.9622, 0.9621, 0.9653, 0.9629, 0.9626, 0.9645,
                0.9678, 0.9684, 0.9674, 0.9669, 0.9685, 0.9693, 0.9718, 0.9703, 0.9709, 0.9721, 0.9725, 0.9727, 0.9723,
                0.9746, 0.9737, 0.9750, 0.9751, 0.9754,
            ),
            training_loss=(
                1.8177, 0.7526, 0.5323, 0.4437, 0.3928, 0.3637, 0.3479, 0.3248, 0.3000, 0.2921, 0.2765, 0.2636, 0.2534,
                0.2447, 0.2372, 0.2272, 0.2178, 0.2111, 0.2045, 0.1990, 0.1892, 0.1896, 0.1779, 0.1749, 0.1666, 0.1642,
                0.1584, 0.1521, 0.1494, 0.1435, 0.1403, 0.1395, 0.1311, 0.1297, 0.1279, 0.1146, 0.1249, 0.1214, 0.1171,
                0.1124, 0.1069, 0.1087, 0.1096, 0.1057, 0.0991, 0.0953, 0.0971, 0.0926, 0.0916, 0.0899, 0.0869, 0.0876,
                0.0830, 0.0827, 0.0810, 0.0818, 0.0783,
            ),
            validation_accuracy=(
                0.8551, 0.8835, 0.8981, 0.9055, 0.9117, 0.9153, 0.9190, 0.9227, 0.9258, 0.9293, 0.9328, 0.9346, 0.9368,
                0.9410, 0.9443, 0.9452, 0.9482, 0.9505, 0.9521, 0.9540, 0.9545, 0.9551, 0.9557, 0.9574, 0.9579, 0.9602,
                0.9610, 0.9608, 0.9633, 0.9629, 0.9646, 0.9645, 0.9659, 0.9649, 0.9668, 0.9667, 0.9680, 0.9683, 0.9685,
                0.9691, 0.9696, 0.9704, 0.9696, 0.9707, 0.9697, 0.9713, 0.9717, 0.9709, 0.9726, 0.9726, 0.9727, 0.9724,
                0.9724, 0.9736, 0.9732, 0.9736, 0.9734,
            ),
            validation_loss=(
                0.8030, 0.5059, 0.4048, 0.3561, 0.3259, 0.3050, 0.2869, 0.2723, 0.2609, 0.2493, 0.2389, 0.2288, 0.2207,
                0.2116, 0.2028, 0.1975, 0.1886, 0.1827, 0.1758, 0.1696, 0.1645, 0.1605, 0.1546, 0.1504, 0.1468, 0.1422,
                0.1384, 0.1349, 0.1314, 0.1290, 0.1257, 0.1241, 0.1213, 0.1186, 0.1162, 0.1150, 0.1117, 0.1097, 0.1087,
                0.1062, 0.1053, 0.1033, 0.1032, 0.1008, 0.0997, 0.0985, 0.0962, 0.0961, 0.0933, 0.0946, 0.0929, 0.0924,
                0.0919, 0.0897, 0.0894, 0.0887, 0.0880,
            ),
            auc_per_digit=(
                0.993064, 0.991154, 0.986329, 0.979708, 0.986564, 0.977425, 0.990317, 0.985734, 0.976587, 0.971196,
            ),
        ),
        cite=f"{DOCUMENT}: Different learning rate (0.00001)",
        remark="The network of 003-fully-connected. The text speaks of 54 epochs for 97.1 %; epoch 54 was the best "
        f"of 57 by validation accuracy, but its weights were not kept. {LAST}",
    ),
)  # fmt: skip
