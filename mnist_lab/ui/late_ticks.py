"""A page stays when the page before it asks late.

A fragment asks for its next look by a timer of the browser's. If it asks on the way from one page to the next,
Streamlit (1.67) runs the old page's fragment after the new page, and the browser, which is told of the old page once
more, empties the new one. Nothing public of Streamlit stands between the two.
"""

from __future__ import annotations

import functools
from typing import Any

from streamlit.runtime.scriptrunner import ScriptRunner


def drop() -> None:
    """From now on, in this process, a fragment is run only on the page that is shown."""
    run: Any = getattr(ScriptRunner, "_run_script", None)
    if run is None or hasattr(run, "__wrapped__"):
        return

    @functools.wraps(run)
    def run_if_shown(self: ScriptRunner, rerun_data: Any) -> None:
        if not _is_late(self, rerun_data):
            run(self, rerun_data)

    ScriptRunner._run_script = run_if_shown  # type: ignore[method-assign]


def _is_late(runner: Any, rerun_data: Any) -> bool:
    try:
        shown = runner._pages_manager.current_page_script_hash
        return bool(rerun_data.fragment_id_queue) and rerun_data.page_script_hash != shown
    except AttributeError:
        # Another Streamlit, which may have no need of this.
        return False
