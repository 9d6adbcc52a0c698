"""What is searched, as rows that are edited where they stand; and the lists from which a field is added."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from mnist_lab.architecture import Path
from mnist_lab.errors import LabError
from mnist_lab.fields import Spec
from mnist_lab.formatting import setting
from mnist_lab.sweeps import candidates, rows
from mnist_lab.sweeps.dimensions import Dimension, IntegerRange, NumberRange, OneOf, Repeat, name_of
from mnist_lab.sweeps.labels import label_of, labels_of
from mnist_lab.sweeps.marks import place_of
from mnist_lab.sweeps.searchable import Searchable, searchable
from mnist_lab.sweeps.ways import siblings_of, way_of
from mnist_lab.ui import frame
from mnist_lab.ui.state import Workbench

MOST_TIMES = 4
# Label, kind, what the kind needs, the way out.
_WIDTHS = [2.4, 1.5, 1.7, 1.7, 1.5, 0.5]
_LIST_WIDTHS = [2.4, 1.5, 4.9, 0.5]
_REAL_WIDTHS = [2.4, 1.5, 2.4, 2.4, 0.1, 0.5]

Put = Callable[[Callable[[], Dimension]], None]


def offers(bench: Workbench) -> dict[str, Searchable | Repeat]:
    """By name all that can be searched: the fields, then each layer as a block that is repeated."""
    found: dict[str, Searchable | Repeat] = {}
    for each in searchable(bench.architecture, bench.training):
        found[each.field] = each
    for path, _ in bench.architecture.walk():
        block = Repeat(way_of(path), 1, 1, MOST_TIMES)
        found[name_of(block)] = block
    return found


def suggestion(offer: Searchable | Repeat) -> Dimension:
    """How to search what is offered, to begin with."""
    return offer if isinstance(offer, Repeat) else offer.suggestion


def draw(bench: Workbench) -> None:
    """Draws a row for each searched field, and the list from which one more is chosen."""
    known = offers(bench)
    labels = labels_of(bench.architecture, bench.training, bench.searched.dimensions)
    for each in bench.searched.dimensions:
        _row(bench, each, known.get(name_of(each)), labels[name_of(each)])
    _more(bench, known)


def _more(bench: Workbench, known: dict[str, Searchable | Repeat]) -> None:
    there = bench.searched.names
    key = f"search-more.{bench.revision}.{len(there)}"
    repeats = [each for each in known.values() if isinstance(each, Repeat)]
    blocks = labels_of(bench.architecture, bench.training, repeats)

    def words(name: str) -> str:
        offer = known[name]
        return blocks[name] if isinstance(offer, Repeat) else f"{label_of(offer)} (now {setting(offer.value)})"

    @bench.while_drawn
    @bench.searched.while_drawn
    def add() -> None:
        if name := st.session_state[key]:
            attempt(bench, lambda: [*bench.searched.dimensions, suggestion(known[name])])

    st.selectbox("Search a field", [name for name in known if name not in there], None, format_func=words, key=key,
                 on_change=add, placeholder="+ search a field", label_visibility="collapsed")  # fmt: skip


def menu_of_layer(bench: Workbench, path: Path) -> None:
    """In the editor, below the fields of a layer: which of them are searched."""
    known = {name: offer for name, offer in offers(bench).items() if _layer(offer) == path}
    there = [name for name in bench.searched.names if name in known]
    key = f"searched.{bench.revision}.{path}.{','.join(there)}"

    @bench.while_drawn
    @bench.searched.while_drawn
    def changed() -> None:
        wanted = st.session_state[key]
        kept = [each for each in bench.searched.dimensions if name_of(each) not in known or name_of(each) in wanted]
        new = [suggestion(known[name]) for name in wanted if name not in there]
        attempt(bench, lambda: [*kept, *new])

    def words(name: str) -> str:
        offer = known[name]
        return "Repeats" if isinstance(offer, Repeat) else offer.label

    st.multiselect(
        "Searched fields of this layer", list(known), there, format_func=words, key=key, on_change=changed,
        placeholder="+ search a field of it", label_visibility="collapsed",
    )  # fmt: skip


def _layer(offer: Searchable | Repeat) -> Path | None:
    place = place_of(offer.field)
    return place[0] if place else None


# A row ----------------------------------------------------------------------------------------------------------------


def _row(bench: Workbench, each: Dimension, offer: Searchable | Repeat | None, label: str) -> None:
    name = name_of(each)
    spec = offer.spec if isinstance(offer, Searchable) else None
    key = f"search.{bench.revision}.{bench.searched.revision}.{name}.{rows.kind_of(each)}"

    @bench.while_drawn
    @bench.searched.while_drawn
    def put(make: Callable[[], Dimension]) -> None:
        attempt(bench, lambda: [make() if name_of(other) == name else other for other in bench.searched.dimensions])

    @bench.while_drawn
    @bench.searched.while_drawn
    def remove() -> None:
        bench.searched.remove(name)

    with st.container(border=True, key=f"search-row-{re.sub('[^a-z0-9]', '-', name, flags=re.I)}"):
        widths = _LIST_WIDTHS if isinstance(each, OneOf) else _WIDTHS
        if isinstance(each, NumberRange) and bench.searched.search.sampler != "grid":
            widths = _REAL_WIDTHS
        place, kind, *ends, out = st.columns(widths, vertical_alignment="bottom")
        now = f"  \n:small[now {frame.escape(setting(offer.value))}]" if isinstance(offer, Searchable) else ""
        place.markdown(f"**{frame.escape(label)}**{now}")
        if spec is not None and len(kinds := rows.kinds_of(spec)) > 1:
            with kind:
                _kind(kinds, each, spec, key, put)
        if isinstance(each, OneOf) and spec is not None:
            with ends[0]:
                _list(each, spec, key, put)
        elif isinstance(each, Repeat):
            _ends(ends, each, None, key, put)
            with ends[2]:
                _block(bench, each, key, put)
        elif isinstance(each, IntegerRange | NumberRange):
            _ends(ends, each, spec, key, put)
            with ends[2]:
                _steps(bench, each, key, put)
        out.button(":material/close:", key=f"{key}.out", help="Search it no more", type="tertiary", on_click=remove)


def attempt(bench: Workbench, make: Callable[[], Iterable[Dimension]]) -> None:
    """Searches what is made; if that is refused, says so and changes nothing."""
    searched = bench.searched
    try:
        made = tuple(make())
        candidates.check(bench.architecture, bench.training, made)
    except LabError as error:
        searched.refuse(error)
    else:
        searched.put(made)


def _kind(kinds: tuple[str, ...], each: Dimension, spec: Spec, key: str, put: Put) -> None:
    def changed() -> None:
        wanted = st.session_state[f"{key}.kind"]
        put(lambda: rows.as_kind(each, wanted, spec))

    st.selectbox("As", kinds, kinds.index(rows.kind_of(each)), key=f"{key}.kind", on_change=changed)


def _list(each: OneOf, spec: Spec, key: str, put: Put) -> None:
    if spec.kind == "boolean":
        st.caption("yes and no")
        return

    def changed() -> None:
        typed = st.session_state[f"{key}.list"]
        is_text = spec.kind != "choice"
        put(lambda: OneOf(each.field, rows.parse_list(typed, spec) if is_text else tuple(typed)))

    if spec.kind == "choice":
        st.multiselect("Values", list(spec.choices), list(each.values), key=f"{key}.list", on_change=changed)
    else:
        st.text_input("Values, with commas between", rows.list_text(each.values, spec), key=f"{key}.list",
                      on_change=changed)  # fmt: skip


def _ends(places: Sequence[Any], each: Any, spec: Spec | None, key: str, put: Put) -> None:
    least, most = (1, 50) if spec is None else (spec.low, spec.high)
    is_real = isinstance(each, NumberRange)
    # Of real numbers the ends are open where the field's own are: what is refused is said in a sentence.
    low = (None if math.isinf(least) else float(least)) if is_real else int(least)
    high = (None if math.isinf(most) else float(most)) if is_real else int(min(most, 2**53 - 1))
    for place, end, words, make in zip(places, ("low", "high"), ("From", "to"), (rows.with_low, rows.with_high),
                                       strict=False):  # fmt: skip
        value = getattr(each, end)

        def changed(end: str = end, make: Any = make) -> None:
            typed = st.session_state[f"{key}.{end}"]
            if typed is not None:
                put(lambda: make(each, typed, spec))

        step = max(abs(value) / 10, 1e-9) if is_real else 1
        place.number_input(words, low, high, value, step=step, format="%.6g" if is_real else "%d",
                           key=f"{key}.{end}", on_change=changed)  # fmt: skip


def _steps(bench: Workbench, each: IntegerRange | NumberRange, key: str, put: Put) -> None:
    """What is between the ends: the step of whole numbers, the points that a grid takes of others."""
    is_grid = bench.searched.search.sampler == "grid"
    name = "points" if isinstance(each, NumberRange) else "step"
    if (each.log and name == "step") or (name == "points" and not is_grid):
        return

    def changed() -> None:
        typed = st.session_state[f"{key}.{name}"]
        if typed is not None:
            changes: dict[str, Any] = {name: int(typed)}
            put(lambda: replace(each, **changes))

    words, least = ("Points", 2) if name == "points" else ("Step", 1)
    st.number_input(words, least, 1000 if name == "points" else 2**31, getattr(each, name), key=f"{key}.{name}",
                    on_change=changed)  # fmt: skip


def _block(bench: Workbench, each: Repeat, key: str, put: Put) -> None:
    beside, first = siblings_of(bench.architecture, each.field)

    def changed() -> None:
        typed = st.session_state[f"{key}.layers"]
        if typed is not None:
            put(lambda: replace(each, layers=int(typed)))

    st.number_input("Layers of the block", 1, len(beside) - first, each.layers, key=f"{key}.layers", on_change=changed,
                    help="From this layer on, side by side.")  # fmt: skip
