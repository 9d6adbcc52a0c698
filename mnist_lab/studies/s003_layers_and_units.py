"""Document 003: layers, units, filters, pooling, learning rate, and LeNet-5; three of 16 models so far.

Training and test images are pooled and split anew. The text gives 80, 10 and 10 %. The test set is 7,000 images, as
the printed accuracies are whole 7,000ths; but the 439 steps of an epoch at 128 images mean 56,065 to 56,192 training
images, so that the validation share was 0.11 of the remaining 63,000. Here the split follows the text.
The document's listing is cut off at the right margin: the learning rate (0.001) and the patience (3 epochs) are from
its text and fit its logs. AUC, ``auc_per_digit``, is one digit against the rest from hard predictions.
No seed is set. One early stopping object was used for all models; here each run has its own.
"""

from __future__ import annotations

from mnist_lab.architecture import Architecture
from mnist_lab.layers import AveragePooling2D, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from mnist_lab.studies.preset import Preset, Published
from mnist_lab.studies.study import Study
from mnist_lab.training_config import Adam, EarlyStopping, TrainingConfig

DOCUMENT = "Document 003, Recognizing Digits using Neural Networks"

STUDIES = (
    Study(
        name="003",
        title=DOCUMENT.split(", ", 1)[1],
        about="",
        cite=DOCUMENT,
    ),
)

TRAINING = TrainingConfig(
    split="pooled-80-10-10",
    epochs=100,
    batch_size=128,
    optimizer=Adam(learning_rate=0.001),
    early_stopping=EarlyStopping(monitor="val_accuracy", patience=3, restore_best_weights=True),
)

PRESETS = (
    Preset(
        name="003-fully-connected",
        study="003",
        title="Fully connected",
        architecture=Architecture(
            (Dense(32), Dense(64), Flatten(), Dense(128), Dropout(0.25), Dense(10, "softmax"))
        ),
        training=TRAINING,
        published=Published(
            parameters=6_426_122,
            trainable_parameters=6_426_122,
            layer_parameters=(64, 2_112, 6_422_656, 1_290),
            test_accuracy=0.973714,
            test_loss=0.098323,
            test_precision=0.977430,
            test_recall=0.971286,
            test_micro_f1=0.973714,
            epochs=9,
            best_epoch=6,
            train_accuracy=0.9788,
            train_loss=0.0621,
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
        name="003-cnn",
        study="003",
        title="CNN",
        architecture=Architecture(
            (
                Conv2D(32, (3, 3)),
                MaxPooling2D((2, 2), (2, 2)),
                Conv2D(64, (3, 3)),
                MaxPooling2D((2, 2), (2, 2)),
                Flatten(),
                Dropout(0.5),
                Dense(10, "softmax"),
            )
        ),
        training=TRAINING,
        published=Published(
            parameters=34_826,
            trainable_parameters=34_826,
            layer_parameters=(320, 18_496, 16_010),
            test_accuracy=0.987714,
            test_loss=0.037807,
            test_precision=0.988835,
            test_recall=0.986857,
            test_micro_f1=0.987714,
            epochs=12,
            best_epoch=9,
            train_accuracy=0.9890,
            train_loss=0.0345,
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
        remark="This log, unlike others of the document, has no line saying that the best epoch's weights were "
        "restored; the figures may be those of epoch 12.",
    ),
    Preset(
        name="lenet-5",
        study="003",
        title="LeNet-5",
        architecture=Architecture(
            (
                Conv2D(6, (3, 3)),
                AveragePooling2D(),
                Conv2D(16, (3, 3)),
                AveragePooling2D(),
                Flatten(),
                Dense(120),
                Dense(84),
                Dense(10, "softmax"),
            )
        ),
        training=TRAINING,
        published=Published(
            parameters=60_074,
            trainable_parameters=60_074,
            layer_parameters=(60, 880, 48_120, 10_164, 850),
            test_accuracy=0.988714,
            test_loss=0.039735,
            test_precision=0.989698,
            test_recall=0.988143,
            test_micro_f1=0.988714,
            epochs=16,
            best_epoch=13,
            train_accuracy=0.9959,
            train_loss=0.0129,
            validation_accuracy=(
                0.9485, 0.9750, 0.9766, 0.9827, 0.9837, 0.9848, 0.9838, 0.9869, 0.9864, 0.9889, 0.9851, 0.9893,
                0.9903, 0.9899, 0.9893, 0.9874,
            ),
            validation_loss=(
                0.1701, 0.0855, 0.0775, 0.0585, 0.0560, 0.0515, 0.0510, 0.0480, 0.0450, 0.0379, 0.0468, 0.0380,
                0.0350, 0.0356, 0.0419, 0.0420,
            ),
            auc_per_digit=(
                0.996784, 0.995306, 0.994966, 0.991633, 0.994416, 0.995398, 0.994988, 0.993948, 0.986462, 0.993285,
            ),
        ),
        cite=f"{DOCUMENT}: LeNet5",
        remark="The document names the input size as the only difference to LeCun's network; its kernels are also 3x3 "
        "in place of 5x5, and ReLU and softmax stand in place of tanh and radial basis units.",
    ),
)  # fmt: skip
