"""The report of a study as a file to take away, made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from mnist_lab import report
from mnist_lab.studies import Preset, Study
from mnist_lab.study_plan import Matching, Setting
from mnist_lab.study_results import figures_of
from mnist_lab.ui import frame

FORMS: tuple[tuple[str, str, str, Callable[[report.Report], str]], ...] = (
    ("HTML", "html", "text/html", report.to_html),
    ("Markdown", "md", "text/markdown", report.to_markdown),
)


def buttons(study: Study, presets: Sequence[Preset], setting: Setting, matching: Matching) -> None:
    """Draws two buttons, as soon as something is measured of one of the models."""
    if not any(figures_of(preset, setting, matching)[0] for preset in presets):
        return
    store = frame.store()  # a click is answered outside the page's own script

    def made(write: Callable[[report.Report], str]) -> Callable[[], bytes]:
        return lambda: write(report.gather(study, presets, setting, matching, store)).encode()

    with st.container(horizontal=True):
        for name, suffix, mime, write in FORMS:
            st.download_button(
                f"Report ({name})",
                made(write),
                f"{study.name}.{suffix}",
                mime,
                on_click="ignore",
                icon=":material/description:",
                key=f"report-{suffix}",
                help="All models of the study with their curves, confusion matrices and conclusions, in one file.",
            )
