"""The state of one browser session, under typed accessors.

Streamlit forgets a widget's value when its page is left; what must last stands here, and widgets are drawn from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

from mnist_lab.architecture import Architecture, Path
from mnist_lab.errors import LabError
from mnist_lab.studies import preset
from mnist_lab.training_config import TrainingConfig

FIRST_PRESET = "lenet-5"
MAX_UNDO = 200

T = TypeVar("T")


@dataclass
class Workbench:
    """The network under construction, and how it will be trained.

    Attributes:
        past: Earlier networks, the newest last.
        future: Networks that were undone, the nearest last.
        selected: Path of the layer whose fields are shown, or None.
        revision: Changes whenever widgets must be drawn anew from the state (undo, another preset ...).
        preset: The preset that was loaded last.
        problem: Why the last change of the network was refused, or "".
        training_problem: Why the last change of the training was refused, or "".
    """

    architecture: Architecture
    training: TrainingConfig
    preset: str | None = None
    name: str = ""
    notes: str = ""
    past: list[Architecture] = field(default_factory=list)
    future: list[Architecture] = field(default_factory=list)
    selected: Path | None = None
    revision: int = 0
    problem: str = ""
    training_problem: str = ""

    def change(self, architecture: Architecture, *, redraw: bool = True, selected: Path | None = None) -> None:
        """Puts another network in place of the present one, which `undo` brings back."""
        if architecture == self.architecture:
            return
        self.past = [*self.past, self.architecture][-MAX_UNDO:]
        self.future = []
        self._show(architecture, redraw=redraw)
        if redraw:
            self.selected = selected

    def attempt(
        self, make: Callable[[Architecture], Architecture], *, redraw: bool = True, selected: Path | None = None
    ) -> None:
        """Puts what is made of the present network in its place; if that is refused, says so and changes nothing."""
        try:
            self.change(make(self.architecture), redraw=redraw, selected=selected)
        except LabError as error:
            self.problem = str(error)
            # The widgets are drawn anew from what is, not from what was typed.
            self.revision += 1

    def attempt_training(self, make: Callable[[TrainingConfig], TrainingConfig]) -> None:
        """The same for the training."""
        try:
            self.training = make(self.training)
            self.training_problem = ""
        except LabError as error:
            self.training_problem = str(error)
            self.revision += 1

    def undo(self) -> None:
        """Back to the network before."""
        if self.past:
            self.future.append(self.architecture)
            self._show(self.past.pop())

    def redo(self) -> None:
        """Forward to the network that was undone."""
        if self.future:
            self.past.append(self.architecture)
            self._show(self.future.pop())

    def load(self, architecture: Architecture, training: TrainingConfig | None, preset_name: str | None = None) -> None:
        """Starts from a preset or a saved run; the network before can be brought back."""
        self.change(architecture)
        if training is not None:
            self.training, self.training_problem = training, ""
        self.preset, self.name, self.notes = preset_name, "", ""
        self.selected = None
        self.revision += 1

    def _show(self, architecture: Architecture, *, redraw: bool = True) -> None:
        self.architecture = architecture
        self.problem = ""
        if redraw:
            self.revision += 1
            paths = {path for path, _ in architecture.walk()}
            self.selected = self.selected if self.selected in paths else None

    @property
    def preset_if_unchanged(self) -> str | None:
        """The preset's name, if the network is still that preset's; its training may differ."""
        same = self.preset is not None and preset(self.preset).architecture == self.architecture
        return self.preset if same else None


def workbench() -> Workbench:
    """The session's workbench; a new session finds a small, famous network on it."""
    if "workbench" not in st.session_state:
        first = preset(FIRST_PRESET)
        st.session_state["workbench"] = Workbench(first.architecture, TrainingConfig(epochs=5), FIRST_PRESET)
    bench: Workbench = st.session_state["workbench"]
    return bench


def get(key: str, default: T) -> T:
    """A value of this session that outlives its page."""
    value: T = st.session_state.get(f"kept.{key}", default)
    return value


def put(key: str, value: Any) -> None:
    """Keeps a value for this session."""
    st.session_state[f"kept.{key}"] = value


def kept_widget(key: str, default: Any) -> dict[str, Any]:
    """What gives a widget a value that outlives its page, or the view that it belongs to.

    Args:
        key: The widget's key.
        default: Its value until the user changes it.

    Returns:
        The widget's ``key`` and ``on_change``.
    """

    def changed() -> None:
        put(key, st.session_state[key])

    st.session_state[key] = get(key, default)
    return {"key": key, "on_change": changed}
