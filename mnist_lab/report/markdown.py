"""A report as Markdown: text and tables, no pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mnist_lab.report import grid
from mnist_lab.report.blocks import (
    Block,
    Bullets,
    Chart,
    Confusion,
    Contents,
    Curves,
    Effect,
    Grid,
    Heading,
    Sheet,
    Table,
    Text,
)
from mnist_lab.report.document import blocks
from mnist_lab.report.record import Report

_SPECIAL = "\\`*_{}[]#|~$!"
_MARKUP = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}


def to_markdown(report: Report) -> str:
    """The report of a study as Markdown; see `markdown_of`."""
    return markdown_of(list(blocks(report)))


def markdown_of(content: Sequence[Block]) -> str:
    """A report as one Markdown text with tables in the manner of GitHub."""
    parts = [part for block in content for part in _written(block, content)]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Text that stays as it is, in a paragraph, a heading or a cell, whatever is in it."""
    one_line = " ".join(text.split())
    return "".join(_MARKUP.get(char, f"\\{char}" if char in _SPECIAL else char) for char in one_line)


def _written(block: Block, content: Sequence[Block]) -> Iterable[str]:
    match block:
        case Heading():
            anchor = f'<a id="{block.anchor}"></a>\n\n' if block.anchor else ""
            yield f"{anchor}{'#' * block.level} {escaped(block.text)}"
        case Text(kind="warning"):
            yield f"> {escaped(block.text)}"
        case Text():
            yield escaped(block.text)
        case Bullets():
            yield "\n".join(f"- {escaped(item)}" for item in block.items)
        case Contents():
            entries = [each for each in content if isinstance(each, Heading) and each.level == 2]
            yield "\n".join(f"- [{escaped(each.text)}](#{each.anchor})" for each in entries)
        case Table():
            yield from _table(block)
        case Curves() | Confusion() | Effect() | Chart() | Sheet():
            yield from _table(block.numbers)
        case Grid():
            yield from _grid(block)


def _table(table: Table) -> Iterable[str]:
    yield f"**{escaped(table.caption)}**"
    rule = [":--" if column < table.words else "--:" for column in range(len(table.head))]
    body = [[escaped(cell) for cell in row] for row in table.rows]
    foot = [[f"**{escaped(cell)}**" if cell else "" for cell in row] for row in table.foot]
    yield _rows([[escaped(cell) for cell in table.head], rule, *body, *foot])


def _rows(rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _grid(block: Grid) -> Iterable[str]:
    yield f"**{escaped(block.caption)}** (predicted digits, the wrong ones in bold)"
    cells = [
        str(said) if int(said) == int(true) else f"**{said}**"
        for true, said in zip(block.labels, block.predicted, strict=True)
    ]
    lines = [cells[start : start + grid.COLUMNS] for start in range(0, len(cells), grid.COLUMNS)]
    head = ["", *(str(column + 1) for column in range(grid.COLUMNS))]
    body = [
        [f"{1 + grid.COLUMNS * row} –", *line, *[""] * (grid.COLUMNS - len(line))] for row, line in enumerate(lines)
    ]
    yield _rows([head, ["--:"] * len(head), *body])
    if said := grid.mistakes(block):
        yield said
