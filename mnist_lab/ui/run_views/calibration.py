"""Whether the selected runs are as sure as they may be, before and after a temperature."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from mnist_lab import calibration, formatting
from mnist_lab.calibration import Figures, Temperature
from mnist_lab.comparison import names_of
from mnist_lab.figures.calibration import Reliability, reliability_diagram
from mnist_lab.figures.theme import run_looks
from mnist_lab.store import Run
from mnist_lab.ui import frame
from mnist_lab.ui.pair import FLATTERED_MARK, marked
from mnist_lab.ui.plot import plot
from mnist_lab.ui.run_views import Shown, view
from mnist_lab.ui.validation import Lack, offer_evaluation, tested, validated

DEFINITION = (
    "Expected calibration error: images are put into {bins} by the probability of the digit that the network says; the "
    "error is the mean over all images of how far their bin's accuracy is from its mean confidence. It depends on the "
    "bins. A perfectly calibrated network would show some by chance too: the table says how much in the mean, and what "
    "95 % of such networks stay under on as many images. The error itself has no interval here: bootstrap intervals, "
    "tried on networks whose error is known, are wrong far too often. Other intervals are 95 %. NLL is in nats, with "
    "probabilities kept from 0 by 1e-7, as everywhere here; Brier's score goes from 0 to 2."
)
TEMPERATURE = (
    "A temperature divides the network's logits; no prediction changes. It is fitted on the validation images alone, "
    "by the least NLL. The logits are the logarithms of the kept probabilities (float32; what was rounded to 0 counts "
    "as 1.2e-38): the same but for a constant that the softmax does not see. All other figures are of the test "
    "images."
)


@view("Calibration", 42)
def show_calibration(shown: Shown) -> None:
    """Draws the reliability diagram of the selected runs, and their figures with and without a temperature."""
    st.fragment(_draw)(shown)


def _draw(shown: Shown) -> None:
    with frame.errors_in_words():
        frame.failure()
        with st.container(horizontal=True, vertical_alignment="bottom"):
            equal_mass = st.toggle("Bins of equally many images", key="calibration-mass",
                                   help="Off: bins of equal width.")  # fmt: skip
            bins = int(st.number_input("Bins", 2, 50, calibration.BINS, key="calibration-bins", width=130))
            stretched = st.toggle("Stretch the sure end", equal_mass, key=f"calibration-stretch-{equal_mass}",
                                  help="Equal steps halve the doubts, as most digits are near 100 %.")  # fmt: skip
            after = st.toggle("With the temperature", key="calibration-after",
                              help="The diagram as it is after temperature scaling.")  # fmt: skip
        names, looks = names_of(shown.chosen), run_looks(run.id for run in shown.chosen)
        rows: list[dict[str, object]] = []
        lines: dict[str, Reliability] = {}
        lacks: dict[str, Lack] = {}
        for run in shown.chosen:
            said = tested(run)
            if isinstance(said, Lack):
                lacks[run.id] = said
                continue
            before = _figures(said.labels, said.probabilities, bins, equal_mass)
            fitted = _fitted(run)
            scaled = None
            if isinstance(fitted, Lack):
                lacks[run.id] = fitted
            else:
                hotter = calibration.scaled(said.probabilities, fitted.value)
                scaled = _figures(said.labels, hotter, bins, equal_mass)
            rows.append(_row(run, names[run.id], len(said.labels), before, fitted, scaled))
            drawn = scaled if after else before
            if drawn is not None:
                name = names[run.id] + marked(run)
                lines[run.id] = Reliability(name, looks[run.id], drawn.bins)
        if lines:
            plot(reliability_diagram(lines, stretched), "reliability", label="Reliability diagram")
        elif rows:
            st.info("None of the selected runs has a temperature; the reasons stand below.")
        if rows:
            _table(rows)
            kind = f"{bins} bins of {'about equally many images' if equal_mass else 'equal width'}"
            with st.expander("What these figures are"):
                st.markdown(f"{DEFINITION.format(bins=kind)}\n\n{TEMPERATURE}")
            if any(run.test_is_validation for run in shown.chosen):
                st.caption(f"{FLATTERED_MARK} The test images also chose the epoch: these figures are flattered.")
        offer_evaluation(shown.chosen, lacks, names)


@st.cache_data(show_spinner=False, max_entries=128)
def _figures(labels: object, probabilities: object, bins: int, equal_mass: bool) -> Figures:
    return calibration.figures(labels, probabilities, bins, equal_mass)  # type: ignore[arg-type]


@st.cache_data(show_spinner=False, max_entries=64)
def _temperature(labels: object, probabilities: object) -> Temperature:
    return calibration.fit_temperature(labels, probabilities)  # type: ignore[arg-type]


def _fitted(run: Run) -> Temperature | Lack:
    """The temperature of a run, or why it has none."""
    kept = validated(run)
    if isinstance(kept, Lack):
        return kept
    found = _temperature(kept.labels, kept.probabilities)
    if found.is_bounded:
        return found
    return Lack(
        f"no temperature is the best on its {found.images:,} validation images; where all of them are right, "
        "the surer the better"
    )


def _row(
    run: Run, name: str, images: int, before: Figures, fitted: Temperature | Lack, after: Figures | None
) -> dict[str, object]:
    return {
        "Run": name + marked(run),
        "Images": images,
        "Accuracy": formatting.accuracy(run.test_accuracy, run.test_accuracy_interval),
        "ECE": 100 * before.error,
        "ECE by chance": f"{100 * before.chance[0]:.2f}, under {100 * before.chance[1]:.2f}",
        "NLL": _with(before.loss, before.loss_interval),
        "Brier": _with(before.brier, before.brier_interval),
        "Temperature": "" if isinstance(fitted, Lack) else _with(fitted.value, fitted.interval, 3),
        "ECE after": None if after is None else 100 * after.error,
        "NLL after": "" if after is None else _with(after.loss, after.loss_interval),
        "Brier after": "" if after is None else _with(after.brier, after.brier_interval),
    }


def _with(value: float, interval: tuple[float, float], digits: int = 4) -> str:
    return f"{value:.{digits}f} ({interval[0]:.{digits}f} – {interval[1]:.{digits}f})"


def _table(rows: list[dict[str, object]]) -> None:
    error = st.column_config.NumberColumn
    text = st.column_config.TextColumn
    st.dataframe(
        pd.DataFrame(rows).astype({"ECE": float, "ECE after": float}),
        hide_index=True,
        width="stretch",
        key="calibration-table",
        placeholder="–",
        alt="Figures of calibration",
        column_config={
            "Run": text(pinned=True),
            "Images": error(format="localized"),
            "ECE": error(format="%.2f %%", help="Expected calibration error, as defined below."),
            "ECE by chance": text(
                help="The ECE of a perfectly calibrated network, in percent: mean, and the 95 % limit."
            ),
            "NLL": text(help="Negative log-likelihood in nats."),
            "Temperature": text(help="Fitted on validation images. Above 1: it was too sure."),
            "ECE after": error(format="%.2f %%"),
        },
    )
