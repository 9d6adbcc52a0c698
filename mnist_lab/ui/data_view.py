"""The parts of the Data page."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from mnist_lab import fields
from mnist_lab.datasets import Split
from mnist_lab.errors import LabError
from mnist_lab.figures.bars import counts_per_digit
from mnist_lab.figures.images import mean_images
from mnist_lab.training_config import TrainingConfig
from mnist_lab.ui import frame
from mnist_lab.ui.picture_sheet import LOOK_INSIDE, picture_sheet
from mnist_lab.ui.plot import plot

PAGE = 100
PREVIEWED = 10
VARIANTS = 6


def _parts(split: Split) -> dict[str, tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    parts = {
        "training": (split.x_train, split.y_train),
        "validation": (split.x_validation, split.y_validation),
        "test": (split.x_test, split.y_test),
    }
    if split.test_is_validation:
        del parts["validation"]
    return parts


def counts(split: Split) -> None:
    """How many images of each digit are in each part."""
    rows = [
        {"split": name, "digit": digit, "count": int(count)}
        for name, (_, labels) in _parts(split).items()
        for digit, count in enumerate(np.bincount(labels, minlength=10))
    ]
    plot(counts_per_digit(pd.DataFrame(rows)), "counts", label="Images per digit and split")


@st.fragment
def browse(split: Split) -> None:
    """A page of images, filtered by digit."""
    with frame.errors_in_words():
        parts = _parts(split)
        left, middle, right = st.columns(3)
        part = left.selectbox("Part", list(parts), key="browse.part")
        digit = middle.selectbox(
            "Digit", [None, *range(10)], key="browse.digit", format_func=lambda d: "any" if d is None else str(d)
        )
        images, labels = parts[part]
        found = np.arange(len(labels)) if digit is None else np.flatnonzero(labels == digit)
        pages = max(1, -(-len(found) // PAGE))
        page = int(right.number_input(f"Page (of {pages:,})", 1, pages, key=f"browse.page.{part}.{digit}"))
        shown = found[(page - 1) * PAGE : page * PAGE]
        picture_sheet(
            images[shown], [str(label) for label in labels[shown]], "browse.sheet", columns=20, labels=labels[shown],
            titles=[f"Image {number:,} of the {part} images" for number in shown],
        )  # fmt: skip
        st.caption(LOOK_INSIDE)


def means(split: Split) -> None:
    """The mean of all training images of each digit."""
    mean = mean_images(split.x_train, split.y_train)
    digits = list(range(10))
    picture_sheet(mean, list(map(str, digits)), "means.sheet", columns=10, scale=3, labels=digits,
                  titles=[f"Mean of all images of {digit}" for digit in digits])  # fmt: skip
    st.caption("What all images of a digit have in common is bright; where they differ, it is grey.")


def augmentation(split: Split, training: TrainingConfig) -> None:
    """Some training images as the training would see them, in several variants."""
    chosen = training.augmentation
    if chosen.is_off:
        st.info("No augmentation is set. Choose one in the Lab, under Training, Stopping and augmentation.")
        return
    st.caption(
        f"Rotation up to {chosen.rotation:g}°, shift up to {100 * chosen.shift:g} %, "
        f"zoom up to {100 * chosen.zoom:g} %, shear up to {chosen.shear:g}°; {100 * chosen.pen:g} % written anew with "
        f"a pen, {100 * chosen.strangers:g} % replaced by what is no digit. The first row is the original."
    )
    originals = split.x_train[:PREVIEWED]
    try:
        rows = [originals] + [
            frame.services().inference.ask(
                "augment",
                images=originals,
                augmentation=fields.to_dict(chosen),
                seed=training.seed + number,
                labels=split.y_train[:PREVIEWED],
            )
            for number in range(VARIANTS)
        ]
    except LabError as error:
        frame.show_error(error)
        return
    shown, digits = np.concatenate(rows), np.tile(split.y_train[:PREVIEWED], len(rows))
    picture_sheet(shown, None, "augmented.sheet", columns=PREVIEWED, scale=3, labels=digits,
                  titles=[f"Augmented training image of {digit}" for digit in digits])  # fmt: skip
