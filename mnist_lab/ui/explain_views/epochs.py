"""Through training: what the network said of this image after each kept epoch, and what its first filters were."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_lab import kept_epochs
from mnist_lab.figures.explained import through_epochs
from mnist_lab.figures.maps import map_grid
from mnist_lab.store.artefacts import epoch_weights
from mnist_lab.ui import frame, state
from mnist_lab.ui.explain_views import Shown, view
from mnist_lab.ui.plot import plot

MOST_EPOCHS = 30
MOST_FILTERS = 64
HOW = (
    "No epoch of this run was kept. To see how an answer came about, switch on **Keep every epoch** in the training "
    "settings of the Lab before you train: the weights of each epoch are then kept, and are asked here."
)

Told = tuple[NDArray[np.float32], NDArray[np.float32] | None]


@view("Through training", 70)
def epochs(shown: Shown) -> None:
    """Draws the probabilities over the epochs, and the filters of the first convolution at one of them."""
    kept = kept_epochs.kept_epochs(shown.store, shown.run)
    if not kept:
        st.info(HOW)
        return
    asked = (
        kept if len(kept) <= MOST_EPOCHS else [kept[at] for at in np.linspace(0, len(kept) - 1, MOST_EPOCHS, dtype=int)]
    )
    told = _tell(shown, asked)
    said = np.stack([told[epoch][0] for epoch in asked])
    st.markdown(_verdict(asked, said, shown.subject.label))
    plot(through_epochs(asked, said), f"through-{shown.run.id[:8]}", label="Probabilities by epoch")
    if len(asked) < len(kept):
        st.caption(f"{len(asked)} of the {len(kept)} kept epochs, evenly spread.")
    _filters(told, asked, shown.run.id)


def _tell(shown: Shown, asked: list[int]) -> dict[int, Told]:
    """What each epoch says; asked once a session, image and file."""
    known: dict[Any, Told] = state.get("explain.epochs", {})
    image = shown.subject.image
    told, place = {}, st.empty()
    for number, epoch in enumerate(asked, 1):
        changed = shown.store.artefacts.changed(shown.run.id, epoch_weights(epoch))
        key = shown.run.id, epoch, changed, image.tobytes()
        if key not in known:
            place.progress(number / len(asked), f"Asking the network of epoch {epoch}")
            known[key] = frame.services().inference.ask("at_epoch", run_id=shown.run.id, epoch=epoch, image=image)
        told[epoch] = known[key]
    place.empty()
    while len(known) > 4 * MOST_EPOCHS:
        del known[next(iter(known))]
    state.put("explain.epochs", known)
    return told


def _verdict(asked: list[int], said: NDArray[np.float32], label: int | None) -> str:
    digits = said.argmax(axis=1)
    last = int(digits[-1])
    changes = np.flatnonzero(digits != last)
    since = asked[int(changes[-1]) + 1] if len(changes) else asked[0]
    words = f"It says {last} since epoch {since}" + ("" if len(changes) else ", the first one that is kept")
    turned = int((digits[1:] != digits[:-1]).sum())
    words += f", and changed its mind {turned} time{'s' * (turned != 1)}." if turned else " and never changed its mind."
    if label is not None:
        right = int((digits == label).sum())
        words += f" It is {label}: right in {right} of {len(asked)} epochs."
    return f"**{words}**"


def _filters(told: dict[int, Told], asked: list[int], run_id: str) -> None:
    kernels = {epoch: kernel for epoch, (_, kernel) in told.items() if kernel is not None}
    if not kernels:
        st.info("Filters do not apply to this network: it has no convolution.")
        return
    key = f"explain.epoch.{run_id[:8]}"
    epoch = int(st.select_slider("Filters of the first convolution after epoch", asked, asked[-1], key=key)
                if len(asked) > 1 else asked[0])  # fmt: skip
    every = np.stack([kernel[:, :, 0, :MOST_FILTERS] for kernel in kernels.values()])
    # One scale for all epochs, so that growing weights are seen to grow.
    plot(map_grid(kernels[epoch][:, :, 0, :MOST_FILTERS], (float(every.min()), float(every.max()))),
         f"epoch-filters-{run_id[:8]}", label="Filters of the first convolution")  # fmt: skip
    first = kernels[asked[0]][:, :, 0, :]
    moved = np.linalg.norm(kernels[epoch][:, :, 0, :] - first) / max(float(np.linalg.norm(first)), 1e-12)
    count = first.shape[-1]
    which = f"The first {MOST_FILTERS} of {count}" if count > MOST_FILTERS else f"All {count}"
    st.caption(
        f"{which} filters, over the first channel, all epochs on one scale. Since epoch {asked[0]} they moved by "
        f"{100 * moved:.0f} % of their length then."
    )
