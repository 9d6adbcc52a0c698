"""Images to leaf through: what each is, and what one or two networks say of it and how surely."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from mnist_lab.errors import LabError
from mnist_lab.predictions import Predictions
from mnist_lab.store import Run
from mnist_lab.ui import frame
from mnist_lab.ui.picture_sheet import LOOK_INSIDE, picture_sheet
from mnist_lab.ui.results import image_names, test_images

PAGE = 24
TWO = 2
Order = tuple[str, str]
SUREST, LEAST, AS_LISTED = "surest first", "least sure first", "in the order of the data"


def sure(probability: float) -> str:
    """How sure a network is, never rounded up to certainty: ``"97 %"``, ``"> 99 %"``."""
    return "> 99 %" if 0.995 <= probability < 1 else f"{100 * probability:.0f} %"


def in_order(said: dict[str, Predictions], where: NDArray[np.int64], order: Order) -> NDArray[np.int64]:
    """Sorts images by how sure the networks are of what they say.

    Args:
        said: What each network says, by its letter.
        where: Positions of images.
        order: The letter of the network that counts, or "" for the surest of all; and `SUREST`, `LEAST` or
            `AS_LISTED`.

    Returns:
        The positions in that order; equals stay as they were.
    """
    letter, way = order
    if way == AS_LISTED:
        return where
    asked = [said[letter]] if letter else list(said.values())
    surest = np.max([known.probabilities[where].max(axis=1) for known in asked], axis=0)
    return where[np.argsort(surest if way == LEAST else -surest, kind="stable")]


def browse(
    run: Run,
    said: dict[str, Predictions],
    where: NDArray[np.int64],
    key: str,
    nothing: str = "None.",
    blocks: int = 2,
) -> None:
    """Draws images page by page, with what a person can choose them by.

    Args:
        run: A run with these images.
        said: What each network says, by a letter that stands below the images; all of the same images.
        where: Positions in these predictions.
        key: Unique on the page, and another one for other images.
        nothing: What to say if there are none.
        blocks: In how many blocks side by side, each as wide as a telephone, where they stand below each other.
    """
    if not len(where):
        st.caption(nothing)
        return
    known = next(iter(said.values()))
    here = np.unique(known.labels[where])
    left, middle, right = st.columns(3)
    digit = left.selectbox(
        "Of the digit", [None, *here.tolist()], key=f"{key}.digit",
        format_func=lambda value: "any digit" if value is None else str(value),
    )  # fmt: skip
    of_one: list[Order] = [(letter, way) for letter in said for way in (SUREST, LEAST)] if len(said) > 1 else []
    orders: list[Order] = [("", SUREST), ("", LEAST), *of_one, ("", AS_LISTED)]
    order = middle.selectbox("Order", orders, key=f"{key}.order", format_func=lambda each: " ".join(each).strip())
    if digit is not None:
        where = where[known.labels[where] == digit]
    where = in_order(said, where, order)
    pages, page = -(-len(where) // PAGE), 1
    if pages > 1:
        # Other choices make another widget, which begins at its first page.
        page = int(right.number_input(f"Page (of {pages})", 1, pages, key=f"{key}.page.{digit}.{'.'.join(order)}"))
    shown = where[(page - 1) * PAGE : page * PAGE]
    first = (page - 1) * PAGE + 1
    st.caption(f"Images {first:,}–{first + len(shown) - 1:,} of {len(where):,}.")
    as_table = st.toggle("As a table", key=f"{key}.table")
    try:
        images = test_images(run, known.indices[shown], known.labels[shown])
    except LabError as error:
        st.info(frame.sentence(error))
        as_table = True
    if as_table:
        table(said, shown, key)
        return
    texts = captions(said, shown)
    # Letters are narrow; where whole words stand below the images these must be wider.
    is_wide = len(said) > TWO or max(map(len, said)) > 1 < len(said)
    columns = 3 if is_wide else 4
    rows = -(-len(shown) // (columns * blocks))
    names = image_names(run, known.indices[shown])
    for block, place in enumerate(st.columns(blocks) if blocks > 1 else [st.container()]):
        part = slice(block * rows * columns, (block + 1) * rows * columns)
        if len(texts[part]):
            with place:
                picture_sheet(
                    images[part], texts[part], f"{key}.sheet.{block}", columns=columns, scale=4 if is_wide else 3,
                    gap=10, titles=names[part], labels=known.labels[shown][part], run_id=run.id,
                )  # fmt: skip
    if len(said) > TWO:
        st.caption(f"Below each image: the digit that it is, then what was said of it, and by whom. {LOOK_INSIDE}")
        return
    who = " and ".join(said) if len(said) > 1 else "the network"
    st.caption(f"Below each image: the digit that it is, then what {who} said and how surely. {LOOK_INSIDE}")


def captions(said: dict[str, Predictions], shown: NDArray[np.int64]) -> list[str]:
    """What stands below each image.

    Returns:
        ``"is 4"``, then a line a network: ``"A: 9, 87 %"``; of more than two networks a line for each digit that was
        said, the most frequent first: ``"9: ABD"``.
    """
    labels = next(iter(said.values())).labels
    texts = []
    for index in shown:
        rows = {letter: known.probabilities[index] for letter, known in said.items()}
        if len(said) > TWO:
            voices: dict[int, str] = {}
            for letter, row in rows.items():
                digit = int(row.argmax())
                voices[digit] = voices.get(digit, "") + letter
            lines = [f"{digit}: {who}" for digit, who in sorted(voices.items(), key=lambda each: -len(each[1]))]
        else:
            lines = [
                (f"{letter}: " if len(said) > 1 else "says ") + f"{row.argmax()}, {sure(float(row.max()))}"
                for letter, row in rows.items()
            ]
        texts.append("\n".join([f"is {labels[index]}", *lines]))
    return texts


def table(said: dict[str, Predictions], shown: NDArray[np.int64], key: str) -> None:
    """The same in words and numbers, which also screen readers read."""
    known = next(iter(said.values()))
    columns: dict[str, Any] = {"Image": known.indices[shown], "It is": known.labels[shown]}
    for letter, each in said.items():
        rows = each.probabilities[shown]
        columns[f"{letter} says"] = rows.argmax(axis=1)
        columns[f"{letter} is sure"] = [sure(float(value)) for value in rows.max(axis=1)]
    st.dataframe(pd.DataFrame(columns), hide_index=True, width="stretch", key=f"{key}.rows", alt="Images in words")
