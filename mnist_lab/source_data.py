"""The part of an exported script that loads the images and splits them, just as `mnist_lab.datasets` does."""

from __future__ import annotations

from mnist_lab.embedded_digits import EDGE, STEEPNESS, TRAINING_IMAGES
from mnist_lab.training_config import TrainingConfig

MNIST = ["    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()"]
DIGITS = ["    (x_train, y_train), (x_test, y_test) = digits()"]
OTHER = "    # The lab trained on images of its user; this script takes MNIST."
FINE_TUNED = [
    "    # The lab went on from the weights of another run, on digits of its user among",
    "    # MNIST's. Neither is in this script, which trains anew, on MNIST alone.",
]
# Images for training and for the test; of these the lab's shares are reckoned.
SIZES = {"digits": (TRAINING_IMAGES, 360), "mnist": (60_000, 10_000)}

# The same arithmetic as `embedded_digits`, by which the images come out the same to the last grey level.
_DIGITS = f'''
def digits():
    """The 1,797 digits of scikit-learn in MNIST's form: 1,437 to train, 360 to test."""
    small, labels = load_digits(return_X_y=True)
    images = np.stack([enlarged(image) for image in small.reshape(-1, 8, 8)])
    cut = {TRAINING_IMAGES}
    return (images[:cut], labels[:cut]), (images[cut:], labels[cut:])


def enlarged(small):
    """Smooths an 8x8 image, scales its ink into 20x20, centres its mass in 28x28."""
    framed = Image.fromarray(np.pad(small / 16, 1).astype(np.float32))
    fine = np.asarray(framed.resize((200, 200), Image.Resampling.BICUBIC))
    ink = (np.clip((fine - {EDGE}) * {STEEPNESS} + 0.5, 0, 1) * 255 + 0.5).astype(np.uint8)
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(side * 20 / max(ink.shape))) for side in ink.shape)
    scaled = Image.fromarray(ink).resize((width, height), Image.Resampling.BOX)
    weight = np.asarray(scaled, np.float64)
    top = 14 - (weight.sum(axis=1) @ np.arange(height)) / weight.sum()
    left = 14 - (weight.sum(axis=0) @ np.arange(width)) / weight.sum()
    row = min(max(round(top), 0), 28 - height)
    column = min(max(round(left), 0), 28 - width)
    image = np.zeros((28, 28), np.uint8)
    image[row : row + height, column : column + width] = np.asarray(scaled)
    return image
'''


def is_digits(training: TrainingConfig) -> bool:
    """Whether the script loads scikit-learn's digits."""
    return training.dataset == "digits"


def needs_numpy(training: TrainingConfig) -> bool:
    """Whether the script imports NumPy."""
    return is_digits(training) or training.split == "pooled-80-10-10"


def packages(training: TrainingConfig) -> str:
    """What the script needs, in words and as pip takes it."""
    if is_digits(training):
        return "It needs TensorFlow, scikit-learn and Pillow: pip install tensorflow scikit-learn pillow"
    return "It needs TensorFlow: pip install tensorflow"


def helper(training: TrainingConfig) -> list[str]:
    """The functions that ``load_data`` calls; no lines where it needs none."""
    return _DIGITS.strip().splitlines() if is_digits(training) else []


def load_data(training: TrainingConfig) -> list[str]:
    """The lines of ``load_data``."""
    is_small = is_digits(training)
    training_images, test_images = SIZES["digits" if is_small else "mnist"]
    what = "The digits" if is_small else "MNIST"
    lines = [
        "def load_data():",
        f'    """{what}: images and labels for training, for validation and for the test."""',
        *(DIGITS if is_small else MNIST),
        '    x_train = x_train[..., None].astype("float32") / 255',
        '    x_test = x_test[..., None].astype("float32") / 255',
    ]
    if training.split == "test-as-validation":
        lines.append("    # The test images also choose the epoch: the test figure is optimistic.")
        lines.append("    x_validation, y_validation = x_test, y_test")
    elif training.split == "holdout":
        kept = round(training_images / 12)
        lines += [
            f"    x_validation, y_validation = x_train[-{kept}:], y_train[-{kept}:]",
            f"    x_train, y_train = x_train[:-{kept}], y_train[:-{kept}]",
        ]
    else:
        every = training_images + test_images
        tenth = round(every / 10)
        lines += [
            f"    # All {every:,} images, mixed and split anew: {every - 2 * tenth:,}, {tenth:,} and {tenth:,}.",
            "    x, y = np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])",
            "    order = np.random.default_rng(SEED).permutation(len(x))",
            f"    test, validation, train = np.split(order, [{tenth}, {2 * tenth}])",
            "    x_train, y_train = x[train], y[train]",
            "    x_validation, y_validation = x[validation], y[validation]",
            "    x_test, y_test = x[test], y[test]",
        ]
    if training.limit is not None:
        lines.append(f"    x_train, y_train = x_train[:{training.limit}], y_train[:{training.limit}]")
    return [*lines, "    return (x_train, y_train), (x_validation, y_validation), (x_test, y_test)"]
