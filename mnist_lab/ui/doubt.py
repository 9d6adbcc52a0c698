"""The warning that what was drawn does not look like a digit, beside the answer, which stays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from mnist_lab import not_a_digit
from mnist_lab.reading import Reading
from mnist_lab.ui import frame


def warn(readings: Sequence[Reading]) -> None:
    """Asks the judge about what was read, and says which of it does not look like a digit.

    Args:
        readings: The digits of a drawing, in their order.
    """
    doubts = frame.services().inference.ask("doubt", images=np.stack([each.image for each in readings]))
    odd = [number for number, doubt in enumerate(doubts) if not not_a_digit.is_digit(doubt)]
    with st.container(key="doubt"):
        if not odd:
            # Said, not left out: what a run only leaves out stays on the page if another follows upon it at once.
            st.empty()
        elif len(readings) == 1:
            st.warning(f"**This does not look like a digit.** {not_a_digit.words(doubts[0])}")
        else:
            which = ", ".join(str(number + 1) for number in odd)
            words = not_a_digit.words(max(doubts[number] for number in odd))
            st.warning(f"**Number {which} of {len(readings)} does not look like a digit.** {words}")
