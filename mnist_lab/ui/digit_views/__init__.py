"""What the page My digits shows: one module a view.

To add a view, add a module here with a function under ``@view``. Only the view that is open is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

from mnist_lab.store import Digit, RunStore
from mnist_lab.ui import frame
from mnist_lab.ui.views import Views


@dataclass(frozen=True, slots=True)
class Shown:
    """What a view may show.

    Attributes:
        store: The run store.
        writer: Whose page it is.
        digits: The writer's digits, the oldest first.
    """

    store: RunStore
    writer: str
    digits: list[Digit]


VIEWS: Views[Shown] = Views("digit-view")
view = VIEWS.view


def count_words(count: int) -> str:
    """``"1 digit"``, ``"1,200 digits"``."""
    return f"{count:,} digit" + "s" * (count != 1)


VIEWS.find(__name__, __path__)


def show(shown: Shown) -> None:
    """Lets the user choose one of the views, and draws it."""
    if (picked := VIEWS.pick(shown)) is not None:
        with frame.errors_in_words():
            picked.draw(shown)
