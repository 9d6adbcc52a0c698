"""Whether an image shows a digit at all: one number, the doubt, and the threshold above which it is said.

A network answers with a digit whatever it is shown. The robust model has been shown shapes that are no digits, too,
with the same probability for every digit as their target (`mnist_lab.keras_side.strangers`); it is the judge, whichever
network is asked for the digit. Its doubt is how evenly it spreads its ten probabilities p_k: their entropy as a share
of the largest there can be, ``-sum(p_k log p_k) / log 10``. It is 0 where it is certain and 1 where all are equal.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# The doubt that all but 0.7 % of the 5,000 training images stay below that no training has seen; written here by hand
# from what `benchmarks/not_a_digit.py` prints, which also says how often MNIST's test images exceed it.
THRESHOLD = 0.91


def doubt(probabilities: ArrayLike) -> NDArray[np.float64]:
    """The judge's doubt that images show digits.

    Args:
        probabilities: What the robust model says, shape ``(n, 10)``.

    Returns:
        Doubts from 0 to 1, shape ``(n,)``.
    """
    values = np.asarray(probabilities, np.float64)
    safe = np.clip(values, 1e-30, None)
    return np.clip(-(values * np.log(safe)).sum(-1) / np.log(values.shape[-1]), 0.0, 1.0)


def is_digit(doubt: float) -> bool:
    """Whether an image with this doubt is taken for a digit; it is, where there was no judge to ask (not a number)."""
    return not doubt > THRESHOLD


def words(doubt: float) -> str:
    """What a doubt says, for an image that is not taken for a digit."""
    return (
        f"The judge's doubt is {doubt:.2f}, on a scale from 0 (certain of one digit) to 1 (all ten equally likely); "
        f"of real digits fewer than 1 in 100 exceed {THRESHOLD:.2f}."
    )
