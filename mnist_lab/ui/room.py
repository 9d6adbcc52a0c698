"""How wide the page is at a place: Streamlit does not tell, and a canvas has its width in pixels."""

from __future__ import annotations

from mnist_lab.ui.component import Component, nothing

# Reported once: what is drawn shall not change its size under the pen because a window or a phone is turned.
_JS = """
const told = new WeakSet();
export default function ({ parentElement, setStateValue }) {
  const width = Math.floor(parentElement.getBoundingClientRect().width);
  if (width && !told.has(parentElement)) {
    told.add(parentElement);
    setStateValue("width", width);
  }
}
"""
_COMPONENT = Component("mnist_lab_room", _JS, "")


def width_of_page(key: str) -> int | None:
    """Measures the width that a stretched element has here.

    Args:
        key: Unique on the page.

    Returns:
        In pixels; None until the browser has told it, upon which the script, or the fragment, runs again.
    """
    result = _COMPONENT.renderer()(key=key, data={}, default={"width": None}, on_width_change=nothing, height=1)
    return result.get("width")
