"""One run epoch by epoch, where the weights of each were kept: what it learnt, and what it forgot again."""

from __future__ import annotations

import numpy as np
import streamlit as st

from mnist_lab import formatting, kept_epochs, metrics, paired
from mnist_lab.errors import ArtefactMissing
from mnist_lab.figures.confusion import confusion_heatmap
from mnist_lab.figures.pair import epoch_accuracies
from mnist_lab.kept_epochs import TEST, VALIDATION
from mnist_lab.predictions import Predictions
from mnist_lab.store import Run
from mnist_lab.ui import frame, state
from mnist_lab.ui.confusion_change import confusion_change
from mnist_lab.ui.image_browser import browse
from mnist_lab.ui.pair import FLATTERED_MARK
from mnist_lab.ui.plot import plot
from mnist_lab.ui.results import predictions
from mnist_lab.ui.run_views import Shown, view

SECONDS = 300.0
PARTS = {VALIDATION: "Validation images", TEST: "Test images"}
HOW = (
    "No epoch of this run was kept. To see how a network learns, switch on **Keep every epoch** in the training "
    "settings of the Lab before you train: the weights of each epoch are then kept, and can be looked at here."
)


@view("Epoch by epoch", 40, most=1)
def epochs(shown: Shown) -> None:
    """Draws a slider over the kept epochs, and what the network says at the chosen one."""
    (run,) = shown.chosen
    if not kept_epochs.kept_epochs(shown.store, run):
        st.info(HOW)
        return
    st.fragment(_epochs)(run.id)


def _epochs(run_id: str) -> None:
    with frame.errors_in_words():
        store = frame.store()
        run = store.get(run_id)
        kept = kept_epochs.kept_epochs(store, run)
        key = f"epoch.{run.id[:8]}"
        part = _part(run, key)
        looks = st.empty()
        first = run.kept_epoch if run.kept_epoch in kept else kept[-1]
        epoch = int(st.select_slider("Epoch", kept, first, key=key)) if len(kept) > 1 else kept[-1]
        curve = st.container()
        known = _known(run, epoch, part)
        if known is not None:
            _at(run, kept, epoch, known, part, key)
        # Last, so that they tell of what was asked above.
        looks.caption(_looks(store.get(run_id), part))
        with curve:
            _curve(run, kept, epoch)


def _part(run: Run, key: str) -> str:
    """Which images to ask about; the validation images unless the user wants to look at the test images."""
    if run.test_is_validation:
        return TEST
    part = st.segmented_control("Images", list(PARTS), default=VALIDATION, required=True, format_func=PARTS.__getitem__,
                                key=f"{key}.part")  # fmt: skip
    return part or VALIDATION


def _looks(run: Run, part: str) -> str:
    if run.test_is_validation:
        return (
            f"{FLATTERED_MARK} The test images of this run are its validation images too: each epoch was evaluated on "
            "them while it was trained, and counted as a look then. To see them here counts no further one."
        )
    if part == TEST:
        return (
            "The first time that an epoch is asked about the test images counts as a look at them; looks so far: "
            f"{run.test_looks}. Who chooses an epoch by them flatters the run; that is what validation images are for."
        )
    return "No look at the test images is taken."


def _at(run: Run, kept: list[int], epoch: int, known: Predictions, part: str, key: str) -> None:
    """What an epoch got right and wrong."""
    right, images = int((known.digits == known.labels).sum()), len(known.labels)
    wrong = images - right
    accuracy = formatting.accuracy(right / images, metrics.accuracy_interval(right, images))
    mark = f" {FLATTERED_MARK} They also chose the epoch." * run.test_is_validation
    st.markdown(
        f"**After epoch {epoch}**: {accuracy} of {images:,} {_words(part)} are right (95 % interval), "
        f"{wrong:,} mistake{'s' * (wrong != 1)}.{mark}"
    )
    before = next((each for each in reversed(kept) if each < epoch), None)
    ways = ["Mistakes"] + ([f"Since epoch {before}"] if before is not None else [])
    way = st.segmented_control("Show", ways, default="Mistakes", required=True, key=f"{key}.way.{before}")
    if way == "Mistakes" or before is None:
        _mistakes(run, known, f"{key}.{epoch}.{part}")
    else:
        _since(run, before, epoch, known, part)


def _words(part: str) -> str:
    return "test images" if part == TEST else "validation images"


def _curve(run: Run, kept: list[int], epoch: int) -> None:
    store = frame.store()
    history = store.history(run.id)
    test = {}
    for each in kept if not run.test_is_validation else []:
        known = _kept(run, each, TEST)
        if known is not None:
            right, images = int((known.digits == known.labels).sum()), len(known.labels)
            test[each] = (right / images, *metrics.accuracy_interval(right, images))
    figure = epoch_accuracies(
        [entry["epoch"] for entry in history], [entry.get("val_accuracy") for entry in history], test, epoch,
        "test images, which are the validation images too" if run.test_is_validation else "validation images",
    )  # fmt: skip
    plot(figure, f"epoch-curve-{run.id}", label="Accuracy over the epochs")


def _known(run: Run, epoch: int, part: str) -> Predictions | None:
    """What an epoch says, asked now if it is not known; None where that is a look which the user has not asked for."""
    place = st.empty()
    with frame.errors_in_words():
        known = _kept(run, epoch, part)
        if known is not None:
            return known
        with place.container():
            if kept_epochs.is_a_look(run, part) and not st.button(
                f"Look at the test images with epoch {epoch} (counts as a look)", key=f"look.{run.id[:8]}.{epoch}"
            ):
                st.caption(f"What epoch {epoch} says of the test images is not known yet.")
                return None
            with st.spinner(f"Asking the network of epoch {epoch} about the {_words(part)}; this is done once."):
                arguments = {"run_id": run.id, "epoch": epoch, "part": part}
                name = frame.services().inference.ask("predict_epoch", SECONDS, **arguments)
        place.empty()
        return predictions(run, str(name))
    return None


def _kept(run: Run, epoch: int, part: str) -> Predictions | None:
    """What an epoch is known to say; a file of it that cannot be read is thrown away, so that it is asked anew."""
    store = frame.store()
    name = kept_epochs.known_predictions(store, run, epoch, part)
    if name is None:
        return None
    try:
        return predictions(run, name)
    except ArtefactMissing:
        if name in kept_epochs.PARTS.values():
            raise
        store.artefacts.remove(run.id, name)
        return None


def _mistakes(run: Run, known: Predictions, key: str) -> None:
    cell: tuple[int, int] | None = state.get(f"{key}.cell", None)
    left, right = st.columns([1, 1], gap="large")
    with left:
        clicked = plot(confusion_heatmap(metrics.confusion(known.labels, known.digits), height=440),
                       f"epoch-confusion-{run.id}", on_click=True, label="Confusion matrix of the epoch")  # fmt: skip
        if clicked is not None:
            cell = int(clicked["y"]), int(clicked["x"])
            state.put(f"{key}.cell", cell)
        st.caption("Click a cell to see its images.")
    with right:
        if cell is None:
            st.markdown("**All mistakes of this epoch**")
            where = np.flatnonzero(known.digits != known.labels)
        else:
            st.markdown(f"**It is {cell[0]}, said {cell[1]}**")
            st.button("All mistakes", on_click=state.put, args=(f"{key}.cell", None), key=f"{key}.all")
            where = np.flatnonzero((known.labels == cell[0]) & (known.digits == cell[1]))
        browse(run, {"It": known}, where, f"{key}.{cell}", "None: all are right." if cell is None else "None.",
               blocks=1)  # fmt: skip


def _since(run: Run, before: int, epoch: int, known: Predictions, part: str) -> None:
    earlier = _known(run, before, part)
    if earlier is None:
        return
    sets = paired.sets(known.labels, earlier.digits, known.digits)
    said = {f"epoch {before}": earlier, f"epoch {epoch}": known}
    key = f"since.{run.id[:8]}.{before}.{epoch}.{part}"
    lists = {
        "learnt": (f"Learnt ({len(sets.only_b):,})", sets.only_b),
        "forgot": (f"Forgot ({len(sets.only_a):,})", sets.only_a),
        "still": (f"Still wrong ({len(sets.neither):,})", sets.neither),
        "matrix": ("Confusion matrix", None),
    }
    name = st.segmented_control("Since the epoch before", list(lists), default="learnt", required=True,
                                format_func=lambda each: lists[each][0], key=f"{key}.list",
                                label_visibility="collapsed")  # fmt: skip
    where = lists[name or "learnt"][1]
    if where is None:
        confusion_change(run, said, key)
    else:
        browse(run, said, where, f"{key}.{name}")
