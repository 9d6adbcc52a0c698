"""What the selected runs gain by refusing the digits of which they are unsure."""

from __future__ import annotations

import streamlit as st

from mnist_lab.calibration import Coverage
from mnist_lab.comparison import names_of
from mnist_lab.figures.calibration import Refusing, accuracy_over_coverage
from mnist_lab.figures.theme import run_looks
from mnist_lab.store import Run
from mnist_lab.ui import frame
from mnist_lab.ui.pair import FLATTERED_MARK, marked
from mnist_lab.ui.plot import plot
from mnist_lab.ui.run_views import Shown, view
from mnist_lab.ui.validation import Lack, offer_evaluation, tested, validated

BY_HAND, BY_VALIDATION = "by hand", "on validation images"
# The confidences of good networks crowd near 1: so do these.
THRESHOLDS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999,
              0.9995, 0.9998, 0.9999, 0.99995, 0.99999, 0.999999)  # fmt: skip
WANTED = (0.98, 0.99, 0.995, 0.997, 0.998, 0.999, 0.9995, 0.9999)


@view("Refusing", 45)
def refusing(shown: Shown) -> None:
    """Draws accuracy against coverage, and says what a threshold makes of each run."""
    st.fragment(_draw)(shown)


def _draw(shown: Shown) -> None:
    with frame.errors_in_words():
        frame.failure()
        by_validation, wanted, surely, threshold = _controls()
        names, looks = names_of(shown.chosen), run_looks(run.id for run in shown.chosen)
        lines: dict[str, Refusing] = {}
        sentences: list[str] = []
        lacks: dict[str, Lack] = {}
        for run in shown.chosen:
            said = tested(run)
            if isinstance(said, Lack):
                lacks[run.id] = said
                continue
            coverage = Coverage(said.labels, said.probabilities)
            found = _by_validation(run, wanted, surely) if by_validation else threshold
            name = names[run.id] + marked(run)
            chosen = None
            if isinstance(found, Lack):
                lacks[run.id] = found
            else:
                chosen = coverage.at(found)
                at = f" at {found:.6g}" if by_validation else ""
                sentences.append(f"**{frame.escape(name)}**{frame.escape(f'{at} {chosen.sentence}.')}")
            lines[run.id] = Refusing(name, looks[run.id], coverage.curve(), chosen)
        if lines:
            plot(accuracy_over_coverage(lines), "refusal", label="Accuracy against coverage")
            for sentence in sentences:
                st.markdown(sentence)
            said_below = [
                "Refused is a digit of which the network is less sure than the threshold. All figures are of each "
                "run's test images, with Wilson's 95 % intervals. Equal steps upwards halve the errors.",
                "The threshold was chosen on the validation images alone." * by_validation,
                f"{FLATTERED_MARK}: the test images also chose the epoch, so the accuracy is flattered."
                * any(run.test_is_validation for run in shown.chosen),
            ]
            st.caption(" ".join(words for words in said_below if words))
        offer_evaluation(shown.chosen, lacks, names)


def _controls() -> tuple[bool, float, bool, float]:
    """Whether validation images choose the threshold, for which accuracy, how surely; else the threshold itself."""
    how = st.segmented_control("Threshold", [BY_HAND, BY_VALIDATION], default=BY_HAND, required=True,
                               key="refusal-how", format_func="Chosen {}".format)  # fmt: skip
    if how != BY_VALIDATION:
        threshold = st.select_slider("Least confidence to answer", THRESHOLDS, 0.9, key="refusal-threshold",
                                     format_func="{:g}".format)  # fmt: skip
        return False, 0.0, False, float(threshold)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.selectbox("Wanted accuracy of the answers", WANTED, WANTED.index(0.999), width=260,
                              key="refusal-wanted", format_func=lambda share: f"{100 * share:g} %")  # fmt: skip
        surely = st.toggle("With the lower end of its interval", key="refusal-surely",
                           help="The accuracy on few images is a matter of luck too. On: the lower end of its 95 % "
                                "interval must reach what is wanted.")  # fmt: skip
    return True, float(wanted), surely, 0.0


def _by_validation(run: Run, wanted: float, surely: bool) -> float | Lack:
    """The threshold that gives the wanted accuracy on a run's validation images, or why none does."""
    kept = validated(run)
    if isinstance(kept, Lack):
        return kept
    threshold = Coverage(kept.labels, kept.probabilities).threshold_for(wanted, surely)
    if threshold is not None:
        return threshold
    end = " with the lower end of the interval" * surely
    return Lack(f"no threshold gives {100 * wanted:g} % on its {len(kept.labels):,} validation images{end}")
