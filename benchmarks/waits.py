"""How long something takes in the page itself: from an event to a condition, without Playwright's own way there."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from playwright.sync_api import Page

WATCH = """([event, test]) => new Promise((done, fail) => {
  const holds = new Function("return " + test);
  const limit = performance.now() + 60000;
  const begin = (e) => {
    const start = e.timeStamp;
    const look = () => {
      if (holds()) done((performance.now() - start) / 1000);
      else if (performance.now() > limit) fail(new Error("waited in vain for " + test));
      else requestAnimationFrame(look);
    };
    look();
  };
  document.addEventListener(event, begin, {once: true, capture: true});
})"""

# Nothing on the page is left over from a run of its script before the last.
DRAWN = "!document.querySelector('[data-testid=stElementContainer][data-stale=true]')"


def seconds_from(page: Page, event: str, act: Callable[[], object], test: str) -> float:
    """Seconds from the next event of a kind to a condition, looked at in every frame that the page draws.

    Args:
        page: The page.
        event: Such as ``"click"``.
        act: Makes it happen.
        test: The condition, an expression of JavaScript that is false now.
    """
    page.evaluate("([watch, ...rest]) => { window.measured = eval(watch)(rest); }", [WATCH, event, test])
    act()
    return float(page.evaluate("() => window.measured"))


def late(values: Sequence[float]) -> float:
    """The 95th percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


def words(name: str, values: Sequence[float]) -> str:
    """A line of a table: the median and the 95th percentile."""
    return f"| {name} | {statistics.median(values):.3f} | {late(values):.3f} | {len(values)} |"


HEAD = "| What | Median, s | 95th percentile, s | Of |\n|---|---|---|---|"
