"""A Plotly chart that outlives its data: zoom, hidden traces and hover stay when the figure changes.

``st.plotly_chart`` makes the chart anew whenever its figure changes, and does not tell of clicks on heat map cells.
This component keeps one DOM node per key, gives it new data by ``Plotly.react``, and reports clicks.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import streamlit as st

from mnist_lab.errors import LabError
from mnist_lab.ui.component import Component, nothing

if TYPE_CHECKING:
    import plotly.graph_objects as go

STATIC_FOLDER = Path(__file__).resolve().parents[2] / "static"
"""The folder beside ``app.py`` that Streamlit serves as ``app/static``."""

DEFAULT_HEIGHT = 400


def _bare(text: str) -> str:
    """A script without its comments and its indentation: Streamlit sends it with every new figure."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


# What draws; too long to be sent with every figure.
_SCRIPT = _beside("plot.js") + _beside("plot_hover.js")
_COMPONENT = Component("mnist_lab_plot", _bare(_beside("plot_loader.js")), _beside("plot.css"))


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure as it goes to the browser, for charts that several people look at.

    Attributes:
        payload: Plotly's JSON.
        revision: A hash of it.
        height: The figure's own height in pixels, if it has one.
    """

    payload: str
    revision: str
    height: int | None


def drawn(figure: go.Figure) -> Drawn:
    """A figure made ready for `plot`."""
    # Without their uids, a hidden trace would be another one as soon as traces are added before it.
    payload = figure.to_json(validate=False, remove_uids=False)
    return Drawn(payload, _hash(payload), figure.layout.height)


def plot(
    figure: go.Figure | Drawn,
    key: str,
    height: int | None = None,
    on_click: bool = False,
    label: str = "",
    pictures: dict[str, Any] | None = None,
) -> dict[str, Any] | None:
    """Draws a figure and keeps its DOM node for as long as ``key`` is drawn.

    Zoom and hidden traces survive new data as long as the figure itself leaves axis ranges and visibility alone;
    give traces that come and go a ``uid``. Colours of text, grid and hover follow the page's theme. A figure with
    ``layout.width`` is drawn at least that wide, and scrolls sideways on a narrower page.

    Args:
        figure: What to draw, or what `drawn` has made of it.
        key: Name of the chart, unique on the page.
        height: Height in pixels; the figure's own height, else 400, if None.
        on_click: Whether a click on a point, bar or heat map cell reruns the script (in a fragment: the fragment).
            Has no effect inside ``st.form``.
        label: What the chart shows, for screen readers.
        pictures: Of what to show a picture beside the pointer; see `mnist_lab.ui.hover`.

    Returns:
        The click that caused this very run as ``{"x", "y", "customdata", "curve", "n"}`` (``curve`` is the index of
        the trace, ``n`` counts the clicks on this chart), else None. To remember it, store it.

    Raises:
        LabError: If the chart library cannot be put where Streamlit serves it.
    """
    shown = figure if isinstance(figure, Drawn) else drawn(figure)
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    result = _COMPONENT.renderer()(
        key=key,
        data={
            "figure": shown.payload,
            "pictures": pictures,
            "revision": shown.revision + (_hash(json.dumps(pictures)) if pictures else ""),
            "script": ensure_chart_js(),
            "file": ensure_plotly_js(),
            "base": f"/{base}" if base else "",
            "click": on_click,
            "label": label,
        },
        height=height or shown.height or DEFAULT_HEIGHT,
        on_clicked_change=nothing if on_click else None,
    )
    clicked = result.get("clicked") if on_click else None
    return dict(clicked) if isinstance(clicked, dict) else None


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


@cache
def ensure_plotly_js(folder: Path = STATIC_FOLDER) -> str:
    """Puts Plotly.js, as shipped in the ``plotly`` package, where Streamlit serves it.

    The file is copied only if it is missing, and appears complete or not at all.

    Args:
        folder: The folder that Streamlit serves.

    Returns:
        The file's name, with the version of the package in it.

    Raises:
        LabError: If the package lacks the file, or the folder cannot be written.
    """
    name = f"plotly-{version('plotly')}.min.js"
    if (folder / name).is_file():
        return name
    source = files("plotly").joinpath("package_data/plotly.min.js")
    if not source.is_file():
        raise LabError(
            "The plotly package lacks its file package_data/plotly.min.js.", "Install it again: pip install plotly."
        )
    with source.open("rb") as reader:
        _put(reader, folder / name)
    return name


@cache
def ensure_chart_js(folder: Path = STATIC_FOLDER) -> str:
    """Puts the script that draws charts where Streamlit serves it.

    Args:
        folder: The folder that Streamlit serves.

    Returns:
        The file's name, with a hash of the script in it: a browser that has an older one asks anew.

    Raises:
        LabError: If the folder cannot be written.
    """
    name = f"chart-{_hash(_SCRIPT)}.js"
    if not (folder / name).is_file():
        _put(io.BytesIO(_SCRIPT.encode()), folder / name)
    return name


def _put(reader: IO[bytes], target: Path) -> None:
    """Makes a file, complete or not at all."""
    temporary = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as writer:
            temporary = writer.name
            shutil.copyfileobj(reader, writer)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise LabError(
            f"The chart library cannot be copied to {target}: {error.strerror}.",
            f"Make the folder {target.parent} writable once, and open the page again.",
        ) from error
