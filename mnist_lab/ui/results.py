"""What a run says of its test images: the confusion matrix and the images that it gets wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_lab import datasets, formatting, metrics, run_data
from mnist_lab.errors import ArtefactMissing, LabError
from mnist_lab.figures.confusion import confusion_heatmap
from mnist_lab.predictions import Predictions, read_predictions
from mnist_lab.store import Run
from mnist_lab.store.artefacts import PREDICTIONS
from mnist_lab.ui import frame
from mnist_lab.ui.picture_sheet import LOOK_INSIDE, picture_sheet
from mnist_lab.ui.plot import plot

PAGE = 30
COLUMNS = 6


@st.cache_data(show_spinner=False, max_entries=32)
def _read(run_id: str, name: str, changed: float) -> Predictions:
    return read_predictions(frame.store(), frame.store().get(run_id), name)


def predictions(run: Run, name: str = PREDICTIONS) -> Predictions:
    """The kept predictions of a run, from memory if the file is as it was.

    Args:
        run: Whose they are.
        name: As in `mnist_lab.predictions.read_predictions`.

    Raises:
        ArtefactMissing: If it was not evaluated.
    """
    return _read(run.id, name, frame.store().artefacts.changed(run.id, name))


def results(run: Run) -> None:
    """Draws the confusion matrix beside the misclassified images."""
    try:
        known = predictions(run)
    except ArtefactMissing:
        st.info("This run has not been evaluated on test images yet.")
        return
    where = "test images, which also chose its epoch" if run.test_is_validation else "test images"
    st.subheader(f"On its {len(known.labels):,} {where}")
    if run.test_accuracy is not None:
        wrong = int((known.probabilities.argmax(1) != known.labels).sum())
        accuracy = formatting.accuracy(run.test_accuracy, run.test_accuracy_interval)
        st.caption(f"Accuracy {accuracy}, 95 % interval · {wrong} mistakes")
    st.fragment(_results)(run)


def _results(run: Run) -> None:
    with frame.errors_in_words():
        known = predictions(run)
        left, right = st.columns([1, 1], gap="large")
        with left:
            form = st.segmented_control("Confusion matrix", ["Counts", "Rates"], default="Counts", key="confusion-form")
            st.caption("Click a cell to see its images.")
            matrix = metrics.confusion(known.labels, known.probabilities.argmax(1))
            clicked = plot(confusion_heatmap(matrix, form == "Rates", height=440), f"confusion-{run.id}", on_click=True,
                           label="Confusion matrix")  # fmt: skip
            if clicked is not None:
                _chose(int(clicked["y"]), int(clicked["x"]))
        with right:
            _images(run, known)
        # Not in an expander, whose content would be reckoned whether it is open or not.
        if st.toggle("Figures per digit", key="per-digit-on"):
            _per_digit(known)


def _per_digit(known: Predictions) -> None:
    """What scikit-learn calls a classification report, and beside it what document 003 printed."""
    guesses = known.probabilities.argmax(1)
    table = metrics.per_digit(known.labels, known.probabilities)
    figure = st.column_config.NumberColumn
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        key="per-digit",
        placeholder="–",
        alt="Figures per digit",
        column_config={
            "digit": figure("Digit"),
            "support": figure("Images", format="localized"),
            "precision": figure("Precision", format="%.4f", help="Of the images taken for it, the share that are it."),
            "recall": figure("Recall", format="%.4f", help="Of its images, the share that is found."),
            "f1": figure("F1", format="%.4f", help="Harmonic mean of precision and recall."),
            "auc": figure("AUC from probabilities", format="%.5f", help="By how it ranks images; the usual AUC."),
            "auc_hard": figure("AUC of hard predictions", format="%.5f", help="As document 003 prints it: "
                               "(recall + specificity) / 2. Not to be laid beside the usual AUC."),
        },
    )  # fmt: skip
    means = [
        ("macro F1", metrics.macro_f1(known.labels, guesses), "the mean over the digits"),
        ("micro F1", metrics.micro_f1(known.labels, guesses), "the accuracy by another name"),
        ("precision above one half", metrics.thresholded_precision(known.labels, known.probabilities), "Keras's"),
        ("recall above one half", metrics.thresholded_recall(known.labels, known.probabilities), "Keras's"),
    ]
    st.caption(" · ".join(f"{name} **{value:.4f}** ({words})" for name, value, words in means))


def _chose(true: int, predicted: int) -> None:
    st.session_state["mistakes.true"], st.session_state["mistakes.predicted"] = true, predicted
    st.session_state["mistakes.page"] = 1


def _images(run: Run, known: Predictions) -> None:
    digits: list[int | None] = [None, *range(10)]

    def words(digit: int | None) -> str:
        return "any digit" if digit is None else str(digit)

    def first_page() -> None:
        st.session_state["mistakes.page"] = 1

    left, right = st.columns(2)
    common: dict[str, Any] = {"format_func": words, "on_change": first_page}
    true = left.selectbox("It is", digits, key="mistakes.true", **common)
    predicted = right.selectbox("The network says", digits, key="mistakes.predicted", **common)
    if true is not None and true == predicted:
        found = np.flatnonzero((known.labels == true) & (known.probabilities.argmax(1) == true))
        found = found[np.argsort(known.probabilities[found].max(1), kind="stable")]
        title = f"{len(found):,} images of {true} that it gets right, least confident first"
    else:
        found = metrics.mistakes(known.labels, known.probabilities, true=true, predicted=predicted)
        title = f"{len(found):,} mistakes, most confident first"
    st.markdown(f"**{title}**")
    if not len(found):
        st.caption("None.")
        return
    pages = -(-len(found) // PAGE)
    page = 1
    if pages > 1:
        page = int(st.number_input(f"Page (of {pages})", 1, pages, key="mistakes.page"))
    shown = found[(page - 1) * PAGE : page * PAGE]
    try:
        images = test_images(run, known.indices[shown], known.labels[shown])
    except LabError as error:
        st.info(frame.sentence(error))
        return
    guesses = known.probabilities[shown].argmax(1)
    confidence = known.probabilities[shown].max(1)
    captions = [f"{known.labels[i]} → {g} {100 * c:.0f}%" for i, g, c in zip(shown, guesses, confidence, strict=True)]
    picture_sheet(
        images, captions, f"mistakes-{run.id[:8]}", titles=image_names(run, known.indices[shown]),
        labels=known.labels[shown], columns=COLUMNS, scale=3, gap=8, run_id=run.id,
    )  # fmt: skip
    st.caption(f"Below each image: what it is → what the network says, and how sure it is. {LOOK_INSIDE}")


def test_images(run: Run, indices: NDArray[np.int64], labels: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """The pictures behind a run's predictions.

    Args:
        run: The run.
        indices: Which images of its data set.
        labels: Which digits these are, by its predictions.

    Raises:
        DataError: If the data set of the run is not on this machine, or another one of its name.
    """
    return datasets.images_at(run_data.dataset_of(frame.store(), run), indices, labels)


def image_names(run: Run, indices: NDArray[np.int64]) -> list[str]:
    """What images of a run's data set are called: ``"Test image 17"``; its training images are counted on their own."""
    training = len(run_data.dataset_of(frame.store(), run).x_train)
    return [
        f"Test image {index - training:,}" if index >= training else f"Training image {index:,}"
        for index in indices.tolist()
    ]
