"""Widgets made from the declarations of `mnist_lab.fields`: one function for layers, optimizers, schedules and all."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import streamlit as st

from mnist_lab.fields import Spec, specs

Change = Callable[[str, Any], None]

# Streamlit sends numbers as JavaScript has them: beyond this they are no longer exact.
_JS_MAX = 2**53 - 1


def edit(instance: Any, key: str, change: Change, *, columns: int = 1, skip: tuple[str, ...] = ()) -> None:
    """Draws a widget for every declared field of a dataclass instance.

    Args:
        instance: Whose fields are shown.
        key: Prefix of the widgets' keys; a new prefix draws them anew from the instance.
        change: Called with the field's name and its new value when the user changes it.
        columns: In how many columns.
        skip: Fields that are not shown.
    """
    shown = [(name, spec) for name, spec in specs(type(instance)).items() if name not in skip]
    places = st.columns(columns) if columns > 1 else [st.container()]
    for index, (name, spec) in enumerate(shown):
        with places[index % columns]:
            one(name, spec, getattr(instance, name), f"{key}.{name}", change)


def one(name: str, spec: Spec, value: Any, key: str, change: Change) -> None:
    """Draws the widget for one field."""

    def changed() -> None:
        new = st.session_state.get(key)
        if new is None and not spec.optional:
            return
        change(name, new)

    common: dict[str, Any] = {"key": key, "help": spec.help or None, "on_change": changed}
    if spec.kind == "choice":
        options = list(spec.choices)
        index = options.index(value) if value in options else None
        if spec.optional:
            _start(key, value, spec)
            index, common["placeholder"] = None, spec.empty
        st.selectbox(spec.label, options, index=index, **common)
    elif spec.kind == "boolean":
        st.checkbox(spec.label, value, **common)
    elif spec.kind == "text":
        st.text_input(spec.label, value, max_chars=int(spec.high), **common)
    elif spec.kind == "pair":
        _pair(name, spec, value, key, change)
    elif spec.kind == "integer":
        high = int(min(spec.high, _JS_MAX))
        placeholder = spec.empty if spec.optional else None
        _start(key, value, spec)
        value = None if spec.optional else value
        st.number_input(
            spec.label, int(spec.low), high, value, step=int(spec.step or 1), placeholder=placeholder, **common
        )
    else:
        low = None if math.isinf(spec.low) else float(spec.low)
        top = None if math.isinf(spec.high) else float(spec.high)
        if top is not None and spec.exclusive_high:
            top = math.nextafter(top, -math.inf)
        step = float(spec.step or max(abs(value or 0.0) / 10, 1e-9))
        st.number_input(spec.label, low, top, float(value), step=step, format="%.6g", **common)


def _start(key: str, value: int | str | None, spec: Spec) -> None:
    """Gives what may be absent its first value by the session, not as the widget's default.

    A widget with a default cannot be emptied: the default comes back.
    """
    if spec.optional:
        st.session_state.setdefault(key, value)


def _pair(name: str, spec: Spec, value: tuple[int, int] | None, key: str, change: Change) -> None:
    """Height and width: one number while they are equal, two when the user wants them apart."""
    apart_key = f"{key}.apart"
    is_apart = st.session_state.get(apart_key, value is not None and value[0] != value[1])
    low, high = int(spec.low), int(spec.high)
    height, width = value if value is not None else (None, None)

    def changed() -> None:
        tall = st.session_state.get(f"{key}.height")
        wide = st.session_state.get(f"{key}.width") if st.session_state.get(apart_key) else tall
        if tall is None or wide is None:
            if spec.optional:
                change(name, None)
            return
        change(name, (int(tall), int(wide)))

    common: dict[str, Any] = {"min_value": low, "max_value": high, "on_change": changed, "step": 1}
    placeholder = "as the pool size" if spec.optional else None
    first, second = st.columns([2, 1], vertical_alignment="bottom")
    with second:
        st.checkbox("h ≠ w", is_apart, key=apart_key, on_change=changed, help="Height and width of their own.")
    _start(f"{key}.height", height, spec)
    height = None if spec.optional else height
    with first:
        label = f"{spec.label}, height" if is_apart else spec.label
        st.number_input(label, value=height, key=f"{key}.height", help=spec.help, placeholder=placeholder, **common)
        if is_apart:
            _start(f"{key}.width", width, spec)
            width = None if spec.optional else width
            st.number_input(f"{spec.label}, width", value=width, key=f"{key}.width", **common)
