"""What each layer makes of the image, its filters, what a value sees, and the arithmetic of one value."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from mnist_lab import receptive, shapes
from mnist_lab.architecture import where
from mnist_lab.figures.maps import Grid, grid_of, map_grid, number_table, unit_bars
from mnist_lab.formatting import shape as shape_words
from mnist_lab.layers import Conv2D, Dense, Pretrained
from mnist_lab.shapes import Row
from mnist_lab.ui import frame, hover
from mnist_lab.ui.explain_views import Shown, view
from mnist_lab.ui.plot import plot

MOST_MAPS = 64
MAP_AXES = 3
TOP = 6

Unit = tuple[int, ...]


@view("Layers", 10)
def layers(shown: Shown) -> None:
    """Draws one layer at a time: its maps or units, its filters, and how one of its values comes about."""
    network = shown.run.network()
    rows = list(shapes.analyse(network).rows)
    titles = {row.path: f"{where(row.path)} · {row.title} → {shape_words(row.output_shape or ())}" for row in rows}
    first = next((index for index, row in enumerate(rows) if isinstance(row.layer, (Conv2D, Pretrained))), 0)
    key = f"layers.{shown.run.id[:8]}"
    number = st.selectbox("Layer", range(len(rows)), first, format_func=lambda at: titles[rows[at].path], key=key)
    row = rows[number]
    found = _ask("activations", shown, row)
    values: NDArray[np.float32] = found["values"]
    if values.ndim == MAP_AXES:
        unit = _maps(shown, row, values, key)
    else:
        unit = _units(row, values, key)
    if isinstance(row.layer, Pretrained):
        st.caption(f"This is what {row.layer.application} hands on; the layers inside it are not shown.")
    if found["kernel"] is not None:
        with st.container():
            _filters(row, found["kernel"], unit, key)
    if isinstance(row.layer, (Conv2D, Dense)):
        _arithmetic(_ask("arithmetic", shown, row, unit=unit), row, unit, key)
    else:
        st.empty()


def _ask(question: str, shown: Shown, row: Row, **more: Any) -> Any:
    ask = frame.services().inference.ask
    return ask(question, run_id=shown.run.id, image=shown.subject.image, path=row.path, **more)


def _maps(shown: Shown, row: Row, values: NDArray[np.float32], key: str) -> Unit:
    """The maps of a layer; returns the value that was clicked, at first the strongest one."""
    height, width, channels = values.shape
    start = _part(channels, f"{key}.{row.path}.part", "Channels")
    part = values[..., start : start + MOST_MAPS]
    grid = grid_of(part)
    unit = _chosen(key, row, values)
    in_part = start <= unit[2] < start + MOST_MAPS
    marked = (unit[0], unit[1], unit[2] - start) if in_part else None
    seen = receptive.windows(shown.run.network())[row.path]
    limits = float(values.min()), float(values.max())
    clicked = plot(map_grid(part, limits, marked), f"maps-{_safe(row)}-{part.shape}", on_click=True, label="Maps",
                   pictures=hover.of_patches(shown.subject.image, grid, seen, "channel", start))  # fmt: skip
    _note_click(clicked, grid, start, key, row)
    field = row.receptive_field or (0, 0)
    st.caption(
        f"{channels} channel{'s' * (channels != 1)} of {height}×{width} values, all on one scale: {limits[0]:.3g} "
        f"to {limits[1]:.3g}. Point at a value to see the part of the image that it sees (up to {field[0]}×{field[1]} "
        "pixels, less at the border); click it for its arithmetic."
    )
    return _chosen(key, row, values)


def _units(row: Row, values: NDArray[np.float32], key: str) -> Unit:
    unit = _chosen(key, row, values)
    clicked = plot(unit_bars(values), f"units-{_safe(row)}", on_click=True, label="Units")
    if clicked is not None:
        unit = (int(clicked["x"]),)
        st.session_state[f"{key}.unit"] = row.path, unit
    words = "units" if isinstance(row.layer, Dense) else "values"
    st.caption(f"{len(values):,} {words}. " + "Click one for its arithmetic." * isinstance(row.layer, Dense))
    return unit


def _chosen(key: str, row: Row, values: NDArray[np.float32]) -> Unit:
    path, unit = st.session_state.get(f"{key}.unit", (None, ()))
    if path == row.path:
        return tuple(unit)
    return tuple(int(at) for at in np.unravel_index(int(values.argmax()), values.shape))


def _note_click(clicked: dict[str, Any] | None, grid: Grid, start: int, key: str, row: Row) -> None:
    unit = grid.unit_at(clicked["x"], clicked["y"]) if clicked is not None else None
    if unit is not None and st.session_state.get(f"{key}.unit") != (row.path, chosen := (*unit[:2], unit[2] + start)):
        st.session_state[f"{key}.unit"] = row.path, chosen
        # The frame around the value stands in the chart above.
        st.rerun(scope="fragment")


def _part(count: int, key: str, words: str) -> int:
    if count <= MOST_MAPS:
        return 0
    starts = list(range(0, count, MOST_MAPS))

    def said(start: int) -> str:
        return f"{start} – {min(start + MOST_MAPS, count) - 1}"

    return int(st.segmented_control(words, starts, default=0, required=True, format_func=said, key=key) or 0)


def _filters(row: Row, kernel: NDArray[np.float32], unit: Unit, key: str) -> None:
    """The kernels of a convolution: of one channel all, else those of the filter whose value was chosen."""
    height, width, before, filters = kernel.shape
    if before == 1:
        st.markdown(f"**Its {filters} filters**, {height}×{width}, over the one channel before")
        part, first = kernel[:, :, 0, :], 0
        first = _part(filters, f"{key}.{row.path}.filters", "Filters")
        part = part[..., first : first + MOST_MAPS]
    else:
        st.markdown(f"**Filter {unit[2]}**: {height}×{width} weights for each of the {before} channels before")
        first = _part(before, f"{key}.{row.path}.kernel", "Channels before")
        part = kernel[:, :, first : first + MOST_MAPS, unit[2]]
    plot(map_grid(part), f"filters-{_safe(row)}-{part.shape}", label="Filters")


def _arithmetic(found: dict[str, Any], row: Row, unit: Unit, key: str) -> None:
    products = found["inputs"].astype(np.float64) * found["weights"]
    if isinstance(row.layer, Conv2D):
        st.markdown(f"**How channel {unit[2]} comes to its value in row {unit[0]}, column {unit[1]}**")
        _tables(found, products, f"{key}.{row.path}.{unit}")
    else:
        st.markdown(f"**How {'unit' if len(unit) == 1 else 'value'} {', '.join(map(str, unit))} comes to its value**")
        _terms(found, products)
    activation = found["activation"]
    steps = f"sum of products {products.sum():.4f} + bias {found['bias']:.4f} = {found['sum']:.4f}"
    if activation == "softmax":
        steps += f" → softmax over all sums = {found['activated']:.4f}"
    elif activation != "linear":
        steps += f" → {activation} = {found['activated']:.4f}"
    st.markdown(f"{steps}. The network says **{found['value']:.4f}**.".replace("-", "−"))


def _tables(found: dict[str, Any], products: NDArray[np.float64], key: str) -> None:
    """The patch, the kernel and their products for one channel before, and what the others add."""
    sums = products.sum(axis=(0, 1))
    order = np.argsort(-np.abs(sums))
    channel = 0
    if len(sums) > 1:
        channel = int(st.selectbox(
            "Channel before", order.tolist(), format_func=lambda at: f"{at}: adds {sums[at]:+.4f}", key=f"{key}.before",
        ))  # fmt: skip
    inside = found["inside"][..., channel]
    parts = (("What it sees", found["inputs"], inside), ("× kernel", found["weights"], None),
             ("= products", products, None))  # fmt: skip
    for place, (title, values, there) in zip(st.columns(3), parts, strict=True):
        with place:
            st.markdown(title)
            plot(number_table(values[..., channel], there), f"arithmetic-{title}", label=title)
    if not inside.all():
        st.caption("· lies outside the map and counts as 0.")
    if len(sums) > 1:
        rest = sums.sum() - sums[channel]
        st.markdown(
            f"channel {channel}: {sums[channel]:+.4f}, the other {len(sums) - 1} together: {rest:+.4f}".replace(
                "-", "−"
            )
        )


def _terms(found: dict[str, Any], products: NDArray[np.float64]) -> None:
    order = np.argsort(-np.abs(products))
    top = order[:TOP]
    lines = ["| input | value | × weight | = product |", "|---|---|---|---|"]
    lines += [f"| {at} | {found['inputs'][at]:.4f} | {found['weights'][at]:.4f} | {products[at]:.4f} |" for at in top]
    if len(products) > TOP:
        lines.append(f"| the other {len(products) - TOP:,} | | | {products[order[TOP:]].sum():.4f} |")
    st.markdown("\n".join(lines))


def _safe(row: Row) -> str:
    return "-".join(map(str, row.path))
