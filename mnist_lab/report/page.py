"""A report as one HTML file that needs nothing else: no network, no other file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from mnist_lab.errors import LabError
from mnist_lab.figures.confusion import confusion_heatmap
from mnist_lab.figures.images import contact_sheet, png_url
from mnist_lab.figures.study import effect, published_over_ours
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
from mnist_lab.report.document import blocks, title
from mnist_lab.report.record import Report

_CSS = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
_JS = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
# Nothing but the file itself, also if a name in it should turn out to be cleverer than the escaping.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
SHEET_COLUMNS = 10
_NO_SCRIPT = "Without JavaScript there are no charts here; their figures stand in the tables that open below each."


def to_html(report: Report) -> str:
    """The report of a study as one HTML document; see `html_of`."""
    return html_of(title(report), list(blocks(report)))


def html_of(title: str, content: Sequence[Block]) -> str:
    """A report as one HTML document.

    Args:
        title: What the browser calls it.
        content: What is in it.

    Raises:
        LabError: If the plotly package lacks its JavaScript.
    """
    body = "\n".join(_Writer(content).written())
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>
{_CSS}</style>
</head>
<body>
<main>
<noscript><p class="warning">{_NO_SCRIPT}</p></noscript>
{body}
</section>
</main>
<script>{plotly_js()}</script>
<script>
{_JS}</script>
</body>
</html>
"""


def plotly_js() -> str:
    """Plotly.js as the plotly package ships it, fit to stand in a script element.

    Raises:
        LabError: If the package lacks the file.
    """
    source = files("plotly").joinpath("package_data/plotly.min.js")
    if not source.is_file():
        raise LabError(
            "The plotly package lacks its file package_data/plotly.min.js.", "Install it again: pip install plotly."
        )
    text = source.read_text(encoding="utf-8")
    # In a string or a pattern, where alone these can stand, the backslash changes nothing.
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def json_in_script(text: str) -> str:
    """JSON that can stand in a script element: what could end the element is written as an escape."""
    escapes = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
    for char, code in escapes.items():
        text = text.replace(char, code)
    return text


class _Writer:
    """Writes blocks one after the other; charts are counted, sections opened and closed."""

    def __init__(self, content: Sequence[Block]) -> None:
        self._content = content
        self._charts = 0

    def written(self) -> Iterator[str]:
        yield "<section>"
        for block in self._content:
            yield from self._block(block)

    def _block(self, block: Block) -> Iterator[str]:
        match block:
            case Heading(level=2):
                anchor = escape(block.anchor)
                yield f'</section>\n<section aria-labelledby="{anchor}">\n<h2 id="{anchor}">{escape(block.text)}</h2>'
            case Heading():
                yield f"<h{block.level}>{escape(block.text)}</h{block.level}>"
            case Text():
                yield (
                    f'<p class="{block.kind}">{escape(block.text)}</p>'
                    if block.kind
                    else f"<p>{escape(block.text)}</p>"
                )
            case Bullets():
                yield f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in block.items)}</ul>"
            case Contents():
                entries = [each for each in self._content if isinstance(each, Heading) and each.level == 2]
                links = "".join(
                    f'<li><a href="#{escape(each.anchor)}">{escape(each.text)}</a></li>' for each in entries
                )
                yield f'<nav aria-label="Contents"><ul>{links}</ul></nav>'
            case Table():
                yield _table(block)
            case Curves():
                yield self._chart(published_over_ours(block.published, block.ours), block.label)
                yield _folded(block.numbers)
            case Confusion():
                yield self._chart(confusion_heatmap(block.matrix), block.caption, "square")
                yield _folded(block.numbers)
            case Effect():
                said = f"{block.numbers.caption}. Open circles: published; filled, with 95 % intervals: measured."
                yield self._chart(effect(block.varies, block.series), said)
                yield _folded(block.numbers)
            case Chart():
                yield self._chart(block.draw(), block.caption, block.kind)
                yield _folded(block.numbers)
            case Grid():
                yield _grid(block)
            case Sheet():
                yield _sheet(block)
                yield _folded(block.numbers)

    def _chart(self, figure: Any, caption: str, kind: str = "") -> str:
        self._charts += 1
        name = f"chart-{self._charts}"
        data = json_in_script(figure.to_json(validate=False, remove_uids=False))
        return (
            f'<figure><div class="chart {kind}" id="{name}" role="img" aria-label="{escape(caption)}"></div>'
            f'<script type="application/json" id="{name}-data">{data}</script>'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )


def _table(table: Table) -> str:
    def row(cells: Sequence[str], tag: str = "td", more: str = "") -> str:
        kinds = [' class="words"' if column < table.words else "" for column in range(len(cells))]
        inner = (f"<{tag}{more}{kind}>{escape(text)}</{tag}>" for kind, text in zip(kinds, cells, strict=True))
        return f"<tr>{''.join(inner)}</tr>"

    head = row(table.head, "th", ' scope="col"')
    body, foot = ("".join(row(cells) for cells in rows) for rows in (table.rows, table.foot))
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(table.caption)}">'
        f"<table><caption>{escape(table.caption)}</caption><thead>{head}</thead><tbody>{body}</tbody>"
        + (f"<tfoot>{foot}</tfoot>" if foot else "")
        + "</table></div>"
    )


def _folded(table: Table) -> str:
    return f"<details><summary>As a table</summary>{_table(table)}</details>"


def _grid(block: Grid) -> str:
    caption = f"{block.caption}. {grid.mistakes(block)}".strip()
    if block.images is None or not len(block.images):
        said = list(zip(block.labels, block.predicted, strict=True))
        rows = []
        for start in range(0, len(said), grid.COLUMNS):
            cells = "".join(
                f"<td>{guess}</td>" if int(true) == int(guess) else f'<td class="wrong"><strong>{guess}</strong></td>'
                for true, guess in said[start : start + grid.COLUMNS]
            )
            rows.append(f"<tr>{cells}</tr>")
        return (
            f'<figure><table class="digits">{"".join(rows)}</table><figcaption>{escape(caption)} The images are not on '
            "this machine: these are the predicted digits.</figcaption></figure>"
        )
    image = f'<img class="grid" src="{png_url(grid.picture(block))}" alt="{escape(caption)}">'
    return (
        f'<figure><div class="scroll">{image}</div>'
        f"<figcaption>{escape(caption)} Below each image: what the network says.</figcaption></figure>"
    )


def _sheet(block: Sheet) -> str:
    if block.images is None or not len(block.images):
        return f"<p>{escape(block.caption)} The images are not on this machine.</p>"
    data = contact_sheet(block.images, block.words, columns=SHEET_COLUMNS, scale=2, gap=22)
    image = f'<img class="sheet" src="{png_url(data)}" alt="">'
    return f'<figure><div class="scroll">{image}</div><figcaption>{escape(block.caption)}</figcaption></figure>'
