"""The comparison of the selected runs as a file to take away, made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from mnist_lab import report
from mnist_lab.report import versus
from mnist_lab.report.blocks import Block
from mnist_lab.store import Run, RunStore

FORMS: tuple[tuple[str, str, str, Callable[[str, Sequence[Block]], str]], ...] = (
    ("HTML", "html", "text/html", report.html_of),
    ("Markdown", "md", "text/markdown", lambda title, content: report.markdown_of(content)),
)


def buttons(store: RunStore, runs: Sequence[Run]) -> None:
    """Draws two buttons that download a report of two to ten runs."""

    def made(write: Callable[[str, Sequence[Block]], str]) -> Callable[[], bytes]:
        def document() -> bytes:
            compared = report.gather_runs(store, runs)
            return write(versus.title(compared), list(versus.blocks(compared))).encode()

        return document

    with st.container(horizontal=True):
        for name, suffix, mime, write in FORMS:
            st.download_button(
                f"Report ({name})",
                made(write),
                f"comparison.{suffix}",
                mime,
                on_click="ignore",
                icon=":material/description:",
                key=f"comparison-{suffix}",
                help="Verdict, pairs, seeds, settings, networks and curves of the selected runs in one file; of two "
                "runs also their digits, confusions and the images that part them.",
            )
