"""One small image on a page, with its pixels to be seen."""

from __future__ import annotations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_lab.figures.images import contact_sheet, png_url


def pixels(image: NDArray[np.uint8], width: int, scale: int, caption: str | None = None, alt: str = "") -> None:
    """Shows an image of a digit.

    It travels with the page. By Streamlit's own way the browser would fetch it after, and it may be gone by then: where
    one stroke follows another at once, the program has forgotten the images of the first.

    Args:
        image: uint8 ``(height, width)``, white on black.
        width: On the page, in CSS pixels.
        scale: Pixels of the picture per pixel of the image.
        caption: Written under it.
        alt: For those who cannot see it, where there is no caption.
    """
    st.image(png_url(contact_sheet(image[np.newaxis], scale=scale)), caption=caption, width=width, alt=alt or None)
