"""A table with a column for each run, its name under its own colour: for texts that wrap, and lines that fold."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from mnist_lab.comparison import names_of
from mnist_lab.figures.theme import run_looks
from mnist_lab.store import Run

_STYLE = """<style>
.run-columns { overflow-x: auto; }
.run-columns table { border-collapse: collapse; font-size: 0.875rem; }
.run-columns th, .run-columns td {
  text-align: left; vertical-align: top; padding: 0.3rem 0.9rem 0.3rem 0.2rem; overflow-wrap: break-word;
  border-bottom: 1px solid rgba(128, 128, 128, 0.25); min-width: 8rem; max-width: 16rem;
}
.run-columns tr > :first-child {
  position: sticky; left: 0; z-index: 1; min-width: 7rem; background-color: light-dark(%s, %s);
}
.run-columns th { font-weight: 600; }
.run-columns tbody th { font-weight: 400; }
.run-columns .folded td { opacity: 0.65; font-style: italic; }
.run-columns .total th, .run-columns .total td { font-weight: 600; }
.run-columns [data-sign]::before { content: attr(data-sign) "\\00a0"; color: var(--sign, inherit); font-weight: 700; }
.run-columns thead span {
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden;
}
.run-columns small { display: block; opacity: 0.7; font-weight: 400; }
</style>"""

# Streamlit's own, where its configuration is silent. The first column covers what is scrolled under it.
_BACKGROUNDS = {"light": "#ffffff", "dark": "#0e1117"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table.

    Attributes:
        head: What it is about; plain text.
        cells: HTML, one for each run; a single one spans all of them.
        kind: ``""``, ``"folded"`` or ``"total"``.
    """

    head: str
    cells: Sequence[str]
    kind: str = ""


def run_columns(runs: Sequence[Run], corner: str, lines: Sequence[Line]) -> None:
    """Draws the table.

    Args:
        runs: Whose columns they are, in their order.
        corner: What the lines' heads are.
        lines: From the top.
    """
    sides = (str(st.get_option(f"theme.{side}.backgroundColor") or usual) for side, usual in _BACKGROUNDS.items())
    style = _STYLE % tuple(sides)
    heads = "".join(f'<th scope="col">{head}</th>' for head in (html.escape(corner), *_heads(runs)))
    body = "".join(_line(line, len(runs)) for line in lines)
    st.html(
        f'{style}<div class="run-columns"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def signed(sign: str, words: str, colour: str = "") -> str:
    """Words as HTML, before them a sign in a colour, which says nothing that the sign does not say."""
    style = f' style="--sign: {colour}"' if colour else ""
    return f'<span data-sign="{html.escape(sign)}"{style} title="{html.escape(words)}">{html.escape(words)}</span>'


def _heads(runs: Sequence[Run]) -> list[str]:
    names, looks = names_of(runs), run_looks(run.id for run in runs)
    return [signed(looks[run.id].sign, names[run.id], looks[run.id].colour) for run in runs]


def _line(line: Line, width: int) -> str:
    kind = f' class="{line.kind}"' if line.kind else ""
    if len(line.cells) == 1 and width > 1:
        return f'<tr{kind}><td>{html.escape(line.head)}</td><td colspan="{width}">{line.cells[0]}</td></tr>'
    cells = "".join(f"<td>{cell}</td>" for cell in line.cells)
    return f'<tr{kind}><th scope="row">{html.escape(line.head)}</th>{cells}</tr>'
