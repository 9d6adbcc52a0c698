"""Many images as one picture in which each can be clicked: a click leads to its explanation."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_lab.figures.images import LINE, contact_sheet, png_url
from mnist_lab.ui import subject
from mnist_lab.ui.component import Component, nothing

LOOK_INSIDE = "Click one to see why."

_FILE = Path(__file__)
_COMPONENT = Component(
    "mnist_lab_sheet", _FILE.with_suffix(".js").read_text("utf-8"), _FILE.with_suffix(".css").read_text("utf-8")
)


def picture_sheet(
    images: NDArray[np.uint8],
    captions: Sequence[str] | None,
    key: str,
    *,
    titles: Sequence[str],
    labels: Sequence[int | None] | NDArray[np.uint8],
    columns: int = 10,
    scale: int = 2,
    gap: int = 6,
    run_id: str | None = None,
) -> None:
    """Draws images; a click on one goes to its explanation.

    Args:
        images: uint8, shape ``(n, 28, 28)``.
        captions: What stands under each, of one or more lines; None for nothing.
        key: Unique on the page.
        titles: What each image is, in words, for its explanation and for screen readers.
        labels: The digit of each, where it is known.
        columns: As in `contact_sheet`.
        scale: As there.
        gap: As there.
        run_id: The network that is to explain them; the one that Draw asks if None.
    """
    if not len(images):
        return
    sheet = contact_sheet(images, captions, columns, scale, gap)
    text = LINE * max((caption.count("\n") + 1 for caption in captions or ()), default=0)
    side = images.shape[1] * scale
    columns = min(columns, len(images))
    result = _COMPONENT.renderer()(
        key=key,
        data={
            "picture": png_url(sheet),
            "revision": hashlib.blake2b(sheet + "\n".join(titles).encode(), digest_size=12).hexdigest(),
            "titles": list(titles),
            "columns": columns,
            "side": side,
            "step": [side + gap, side + text + gap],
            "size": [columns * (side + gap) - gap, -(-len(images) // columns) * (side + text + gap) - gap],
        },
        on_clicked_change=nothing,
    )
    clicked = result.get("clicked")
    if isinstance(clicked, int) and 0 <= clicked < len(images):
        label = labels[clicked]
        subject.explain(images[clicked], titles[clicked], None if label is None else int(label), run_id)
