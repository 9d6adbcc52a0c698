"""The test images as the network sees them, as points in a plane, and this image among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_lab.figures.explained import plane
from mnist_lab.ui import frame, hover, state, subject
from mnist_lab.ui.explain_views import Shown, view
from mnist_lab.ui.plot import plot

AGAIN_SECONDS = 0.3
NEAREST = 5
PCA, TSNE = "PCA", "t-SNE"
HELP = (
    "PCA is a straight look from one side, at once; t-SNE keeps neighbours together and takes some ten seconds, once."
)


@view("Map", 50)
def show_plane(shown: Shown) -> None:
    """Draws the map; features that are not there yet are computed bit by bit."""
    first = _ask(shown)
    st.fragment(_plane, run_every=None if "points" in first else AGAIN_SECONDS)(shown, first)


def _ask(shown: Shown) -> dict[str, Any]:
    found: dict[str, Any] = frame.services().inference.ask("plane", run_id=shown.run.id, image=shown.subject.image)
    return found


def _plane(shown: Shown, first: dict[str, Any]) -> None:
    with frame.errors_in_words():
        waiting = "points" not in first
        found = _ask(shown) if waiting else first
        if "points" not in found:
            st.progress(found["done"] / found["sample"], f"{found['done']:,} of {found['sample']:,} test images so far")
            return
        if waiting:
            st.rerun()
        widget = state.kept_widget("explain.plane", PCA)
        way = st.segmented_control("Map by", [PCA, TSNE], required=True, help=HELP, **widget)
        if way == TSNE:
            with st.spinner("Arranging the images by t-SNE; this is done once for this network."):
                points = _tsne(shown.run.id, found["wide"])
            own, axes = _among(points, found), ("t-SNE 1", "t-SNE 2")
        else:
            points, own = found["points"], found["own"]
            first, second = found["explained"]
            axes = (f"Component 1 ({first:.0%} of the variance)", f"Component 2 ({second:.0%} of the variance)")
        _draw(shown, found, points, own, axes)


def _draw(
    shown: Shown, found: dict[str, Any], points: NDArray[np.float32], own: NDArray[np.float32], axes: Any
) -> None:
    names = [f"Test image {place:,}" for place in found["places"]]
    images = np.concatenate([found["images"], shown.subject.image[np.newaxis]])
    figure = plane(points, found["labels"], found["said"], names, own, shown.subject.title, axes)
    clicked = plot(figure, f"plane-{shown.run.id[:8]}-{axes[0][:5]}", on_click=True, label="Map of the test images",
                   pictures=hover.of_points(images))  # fmt: skip
    wrong = int((found["labels"] != found["said"]).sum())
    part = "" if found["sample"] == found["all"] else f" of its {found['all']:,}, drawn by lot"
    st.caption(
        f"{found['sample']:,} test images{part}, by the values of {found['layer']}, the last before the answer. "
        f"Colours are digits, crosses the {wrong} that it gets wrong, the star is this image"
        + (f", at the mean of its {NEAREST} nearest" if axes[0].startswith(TSNE) else "")
        + ". Point at one to see it; click it to explain it."
    )
    index = clicked["customdata"][0] if clicked and clicked["customdata"] else None
    if index is not None and index < len(names):
        subject.explain(found["images"][index], names[index], int(found["labels"][index]), shown.run.id)


def _among(points: NDArray[np.float32], found: dict[str, Any]) -> NDArray[np.float32]:
    """Where an image belongs in a t-SNE, which has no rule for new ones: amid its nearest."""
    near = np.argsort(np.linalg.norm(found["wide"] - found["own_wide"], axis=1))[:NEAREST]
    return np.asarray(points[near].mean(axis=0))


@st.cache_data(show_spinner=False, max_entries=16)
def _tsne(run_id: str, wide: NDArray[np.float32]) -> NDArray[np.float32]:
    from sklearn.manifold import TSNE as Arranger

    return np.asarray(Arranger(2, init="pca", random_state=0).fit_transform(wide), np.float32)
