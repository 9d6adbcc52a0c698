"""Whether one of the selected runs is better than another, and by what."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from mnist_lab import comparison, formatting, seed_groups
from mnist_lab.comparison import FLATTERED, Comparison
from mnist_lab.seed_groups import Group, GroupComparison
from mnist_lab.store import Run
from mnist_lab.study_results import SEEDS_FOR_SPREAD
from mnist_lab.ui import frame, run_report, run_table
from mnist_lab.ui.pair import FLATTERED_MARK, Pair, marked, offer_evaluation, open_pair, short
from mnist_lab.ui.results import predictions
from mnist_lab.ui.run_views import MOST_COMPARED, Shown, view
from mnist_lab.ui.run_views.digits import interval_words

# Runs that differ in their seed alone are few rows, however many they are.
MOST_OF_SEEDS = 200
ICONS = {True: "🏁", False: "⚖️"}
HOLM = (
    "Of many pairs that are compared at once, one in twenty would come out below 0.05 by chance alone. Holm's "
    "correction raises each p by how many pairs there are, so that all of them together find a difference where there "
    "is none at most once in twenty times. The verdict goes by the corrected p."
)


@view("Verdict", 10, least=2, most=MOST_OF_SEEDS)
def verdict(shown: Shown) -> None:
    """Draws what the tests say of each pair, and above it what the seeds say where there are enough."""
    groups = seed_groups.groups(shown.chosen)
    by_seeds = _seeds(groups)
    _siblings(shown)
    is_many = len(shown.chosen) > MOST_COMPARED
    if by_seeds and not is_many:
        st.markdown("##### On the same images")
        st.caption("One training against another, without the noise of the training: the seeds' verdict weighs more.")
    if is_many:
        if not by_seeds:
            st.info(f"So many runs are compared by their seeds alone: {SEEDS_FOR_SPREAD} or more of two networks.")
    elif len(shown.chosen) == 2:
        pair = open_pair(shown.store, shown.chosen)
        if pair is not None:
            _two(pair)
    else:
        _many(shown)
    covered = {run.id for group in groups if group.covers_seeds for run in group.runs}
    if any(run.id not in covered for run in shown.chosen):
        st.warning(
            "Only the noise of the images is covered, not that of the training: another seed may turn out otherwise. "
            f"Train at least {SEEDS_FOR_SPREAD} seeds of each.",
            icon="🌱",
        )
    _looks(shown.chosen)
    if not is_many:
        run_report.buttons(shown.store, shown.chosen)


# By the seeds ---------------------------------------------------------------------------------------------------------


def _seeds(groups: list[Group]) -> bool:
    """Draws the verdict of the seeds' spread; returns whether there is one."""
    between = [each for each in seed_groups.compare_groups(groups) if each.a.covers_seeds and each.b.covers_seeds]
    several = [group for group in groups if len(group.runs) > 1]
    if between:
        st.markdown("##### From seed to seed")
    if len(between) > 1:
        _group_table(between)
    for each in between if len(between) == 1 else [each for each in between if each.reason]:
        st.markdown(f"{'🚫' if each.reason else ICONS[each.better is not None]} {frame.escape(each.sentence)}")
    for group in groups if between else several:
        st.caption(f"🌱 {frame.escape(group.sentence)}")
    return any(not each.reason for each in between)


def _group_table(between: Sequence[GroupComparison]) -> None:
    known = [each for each in between if not each.reason]
    if not known:
        return
    rows = {
        "A": [each.a.name for each in known],
        "B": [each.b.name for each in known],
        "Verdict": [
            "not told apart" if each.better is None else f"{'A' if each.better is each.a else 'B'} is better"
            for each in known
        ],
        "Seeds": [f"{len(each.a.runs)} and {len(each.b.runs)}" for each in known],
        "A − B": [100 * (each.difference or 0.0) for each in known],
        "95 % interval": [interval_words(each.interval) for each in known],
        "p": [each.p for each in known],
        "p (Holm)": [each.corrected for each in known],
    }
    _table(pd.DataFrame(rows), "group-pairs", "Networks compared by their seeds")
    st.caption(f"Means over the seeds, in points, by Welch's test, which a permutation test must bear out. {HOLM}")


def _siblings(shown: Shown) -> None:
    """Offers to select the other seeds of what is selected."""
    more = seed_groups.siblings(shown.chosen, shown.listed, MOST_OF_SEEDS)
    if not more:
        return
    many = f"{len(more)} more seed{'s' * (len(more) > 1)}"
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"🌱 There {'are' if len(more) > 1 else 'is'} {many} of the selected networks, trained alike.")
        st.button(f"Select {many} too", key="select-siblings", on_click=run_table.select,
                  args=([run.id for run in (*shown.chosen, *more)],))  # fmt: skip


# On the same images ---------------------------------------------------------------------------------------------------


def _two(pair: Pair) -> None:
    compared, (a, b) = pair.compared, pair.names
    counts = compared.paired
    assert counts is not None and compared.p is not None and compared.difference is not None
    st.markdown(f"{ICONS[compared.better is not None]} **{frame.escape(compared.finding)}**")
    if compared.only_seed:
        st.caption(compared.covers)
    left, middle, right = st.columns([3, 2, 2], gap="medium")
    with left:
        st.table(
            pd.DataFrame(
                {
                    "B right": [f"{counts.both:,} both right", f"{counts.only_b:,} only B right"],
                    "B wrong": [f"{counts.only_a:,} only A right", f"{counts.neither:,} neither right"],
                },
                index=["A right", "A wrong"],
            )
        )
        st.caption(f"{counts.images:,} images. A: {a}; B: {b}.")
    points = f"{100 * compared.difference:+.2f}".replace("-", "−")
    middle.metric("Accuracy of A less that of B", f"{points} points")
    middle.caption(f"95 % interval, of the same images: {interval_words(compared.interval)} points (Tango's).")
    right.metric("McNemar's exact p", comparison.words_of_p(compared.p).removeprefix("p = ").removeprefix("p "))
    right.caption(
        f"How often chance alone would part the {counts.only_a + counts.only_b:,} images that only one gets right as "
        "unevenly, were both equally good."
    )


def _many(shown: Shown) -> None:
    pairs = comparison.compare_all(shown.store, shown.chosen, predictions)
    offer_evaluation(shown.chosen)
    known = [pair for pair in pairs if not pair.reason]
    if known:
        better = sum(pair.better is not None for pair in known)
        st.markdown(
            f"{ICONS[better > 0]} Of {len(known)} pair{'s' * (len(known) > 1)} on the same images, {better or 'none'} "
            f"{'is' if better <= 1 else 'are'} told apart."
        )
        _table(pairs_frame(known), "pairs", "Pairs of runs on the same images")
        st.caption(f"Accuracy on the same images, A less B, in points, by McNemar's exact test. {HOLM}")
    for reason, alike in by_reason(pairs).items():
        which = ", ".join(f"{pair.names[0]} and {pair.names[1]}" for pair in alike)
        st.markdown(f"🚫 Not compared: {frame.escape(reason)}.")
        st.caption(frame.escape(f"{len(alike)} pair{'s' * (len(alike) > 1)}: {which}."))
    if any(pair.is_flattered for pair in known):
        st.caption(f"{FLATTERED_MARK} {FLATTERED}")


def by_reason(pairs: Sequence[Comparison]) -> dict[str, list[Comparison]]:
    """The pairs that cannot be compared, by the reason why."""
    found: dict[str, list[Comparison]] = {}
    for pair in pairs:
        if pair.reason:
            found.setdefault(pair.reason, []).append(pair)
    return found


def pairs_frame(pairs: Sequence[Comparison]) -> pd.DataFrame:
    """Pairs that were compared as a table, differences in points."""
    return pd.DataFrame(
        {
            "A": [pair.names[0] + marked(pair.a) for pair in pairs],
            "B": [pair.names[1] + marked(pair.b) for pair in pairs],
            "Verdict": [_verdict(pair) for pair in pairs],
            "A − B": [100 * (pair.difference or 0.0) for pair in pairs],
            "95 % interval": [interval_words(pair.interval) for pair in pairs],
            "Only A right": [pair.paired.only_a if pair.paired else None for pair in pairs],
            "Only B right": [pair.paired.only_b if pair.paired else None for pair in pairs],
            "p": [pair.p for pair in pairs],
            "p (Holm)": [pair.corrected for pair in pairs],
        }
    )  # fmt: skip


def _verdict(pair: Comparison) -> str:
    said = "not told apart" if pair.better is None else f"{'A' if pair.better is pair.a else 'B'} is better"
    return f"{said}; only the seed differs" if pair.only_seed else said


def _table(rows: pd.DataFrame, key: str, label: str) -> None:
    figure = st.column_config.NumberColumn
    st.dataframe(
        rows, hide_index=True, width="stretch", key=key, placeholder="–", alt=label,
        column_config={
            "A − B": figure(format="%.2f", help="Difference of the accuracies, in points."),
            "p": figure(format="%.2g", help="Of this pair alone."),
            "p (Holm)": figure(format="%.2g", help="Corrected for all pairs of this table."),
        },
    )  # fmt: skip


# How often the test images were looked at -----------------------------------------------------------------------------


def _looks(runs: Sequence[Run]) -> None:
    names = comparison.names_of(runs)
    with st.expander("How often each run's test images were looked at", expanded=len(runs) == 2):
        for run in runs:
            times = f"{run.test_looks:,} time{'s' * (run.test_looks != 1)}"
            accuracy = formatting.accuracy(run.test_accuracy, run.test_accuracy_interval)
            also = f" {FLATTERED_MARK} At each epoch: they also chose its epoch." * run.test_is_validation
            st.markdown(f"**{frame.escape(short(names[run.id]))}**: {times} · test accuracy {accuracy}.{also}")
        st.caption(
            "Whoever looks often and keeps the best run makes the accuracy look better than it is on new images. Once "
            "each is what a test is meant for."
        )
