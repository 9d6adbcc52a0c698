"""How near images are to each other in a network: the features before its last layer, computed piece by piece.

A network takes from less than a second to minutes over all training images. Each question goes on with what is still to
be done for a moment, and answers by what there is; nobody waits, and nothing is computed twice while the process lives.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_lab.keras_side.evaluate import as_input
from mnist_lab.keras_side.explain.taps import Taps

MOMENT = 0.3  # seconds that a question may spend on features
ROOM = 100_000_000  # bytes for the features of one run
FIRST = 64  # images that the first answer is made of at least, whatever the time
# Between two looks at the clock, as `Taps.cost` counts: some tenths of a second on two cores.
BETWEEN_LOOKS = 3e9
MOST_AT_ONCE = 256
POINTS = 2_000
WIDTH = 50  # t-SNE is given so many principal components at most, as its authors advise


@dataclass(eq=False)
class Bank:
    """The features of a random sample of images, filled bit by bit.

    Attributes:
        taps: The network.
        images: uint8, shape ``(n, 28, 28)``.
        labels: Their digits.
        order: Which of them belong to the sample, in the order in which they are computed.
        features: float32, shape ``(len(order), d)``; the first `done` are known.
        said: What the network says of each.
        done: How many are known.
    """

    taps: Taps
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    order: NDArray[np.int64]
    features: NDArray[np.float32]
    said: NDArray[np.uint8]
    done: int = 0
    kept: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, taps: Taps, images: NDArray[np.uint8], labels: NDArray[np.uint8], most: int | None = None) -> Bank:
        """An empty bank over as many images as there is room for, drawn by lot, `most` at most."""
        count = min(len(images), most or len(images), max(FIRST, ROOM // (4 * taps.width)))
        order = np.random.default_rng(0).permutation(len(images))[:count]
        return cls(taps, images, labels, order, np.empty((count, taps.width), np.float32), np.empty(count, np.uint8))

    def fill(self, seconds: float = MOMENT) -> None:
        """Computes features for a moment."""
        end = time.monotonic() + seconds
        step = int(np.clip(BETWEEN_LOOKS / max(1, self.taps.cost), 16, MOST_AT_ONCE))
        while self.done < len(self.order):
            part = self.order[self.done : self.done + step]
            features, logits = self.taps.features(as_input(self.images[part]))
            place = slice(self.done, self.done + len(part))
            self.features[place], self.said[place] = features, logits.argmax(axis=1)
            self.done += len(part)
            if self.done >= FIRST and time.monotonic() > end:
                return

    def progress(self) -> dict[str, int]:
        """How far it is: ``done``, ``sample`` (what will be), ``all`` (how many images there are)."""
        return {"done": self.done, "sample": len(self.order), "all": len(self.images)}


def neighbours(bank: Bank, image: np.ndarray, count: int) -> dict[str, Any]:
    """The images of a bank whose features are nearest to those of an image.

    Args:
        bank: Over training images.
        image: uint8, shape ``(28, 28)``.
        count: How many.

    Returns:
        ``images``, ``labels``, ``said``, ``places`` (among the bank's images), ``distances`` (Euclidean, nearest
        first), ``typical`` (the median distance to all), ``layer``, and `Bank.progress`.
    """
    bank.fill()
    own = bank.taps.features(as_input(image[np.newaxis]))[0][0]
    known = bank.features[: bank.done]
    # |a - b|² = |a|² - 2ab + |b|² without a copy of all features
    squares = np.einsum("nd,nd->n", known, known) - 2 * (known @ own) + own @ own
    nearest = np.argsort(squares, kind="stable")[: 4 * count]
    distances = np.linalg.norm(known[nearest] - own, axis=1)
    best = np.argsort(distances, kind="stable")[:count]
    places = bank.order[nearest[best]]
    return {
        "images": bank.images[places], "labels": bank.labels[places], "said": bank.said[nearest[best]],
        "places": places, "distances": distances[best], "typical": float(np.sqrt(np.maximum(np.median(squares), 0))),
        "layer": bank.taps.features_of, **bank.progress(),
    }  # fmt: skip


def plane(bank: Bank, image: np.ndarray) -> dict[str, Any]:
    """A bank's features in the plane of their first two principal components, and an image among them.

    Args:
        bank: Over test images.
        image: uint8, shape ``(28, 28)``.

    Returns:
        `Bank.progress`; once all are done also ``points``, shape ``(n, 2)``, ``own``, shape ``(2,)``, ``labels``,
        ``said``, ``images``, ``places``, ``layer``, ``explained`` (shares of the variance), and for a t-SNE ``wide``,
        shape ``(n, at most 50)``, and ``own_wide``.
    """
    bank.fill()
    if bank.done < len(bank.order):
        return dict(bank.progress())
    if "pca" not in bank.kept:
        from sklearn.decomposition import PCA

        parts = min(WIDTH, bank.features.shape[1], len(bank.features))
        pca = PCA(parts, svd_solver="randomized" if parts < min(bank.features.shape) else "auto", random_state=0)
        bank.kept["pca"] = pca, pca.fit_transform(bank.features).astype(np.float32)
    pca, wide = bank.kept["pca"]
    own = pca.transform(bank.taps.features(as_input(image[np.newaxis]))[0])[0]
    return {
        **bank.progress(), "points": wide[:, :2], "own": own[:2], "wide": wide, "own_wide": own,
        "labels": bank.labels[bank.order], "said": bank.said, "images": bank.images[bank.order],
        "places": bank.order, "layer": bank.taps.features_of, "explained": pca.explained_variance_ratio_[:2],
    }  # fmt: skip
