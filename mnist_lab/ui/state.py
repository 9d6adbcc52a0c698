"""The state of one browser session, under typed accessors.

Streamlit forgets a widget's value when its page is left; what must last stands here, and widgets are drawn from it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from mnist_lab.architecture import Architecture, Path
from mnist_lab.errors import LabError
from mnist_lab.studies import preset
from mnist_lab.sweeps.dimensions import Dimension
from mnist_lab.sweeps.marks import with_own_layers
from mnist_lab.training_config import TrainingConfig
from mnist_lab.ui.searched import Searched

FIRST_PRESET = "lenet-5"
MAX_UNDO = 200

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Form:
    """What stands on a workbench beside the network."""

    training: TrainingConfig
    preset: str | None
    name: str
    notes: str


@dataclass(frozen=True, slots=True)
class Step:
    """What `Workbench.undo` and `redo` bring back: a network, the form where the step replaced that too, and what was
    searched of layers that went with the step."""

    architecture: Architecture
    form: Form | None = None
    dropped: tuple[Dimension, ...] = ()


@dataclass
class Workbench:
    """The network under construction, and how it will be trained.

    Attributes:
        past: What was there before each step, the newest last.
        future: What was undone, the nearest last.
        selected: Path of the layer whose fields are shown, or None.
        revision: Changes whenever widgets must be drawn anew from the state (undo, another preset ...).
        preset: The preset that was loaded last.
        problem: Why the last change of the network was refused, or "".
        training_problem: Why the last change of the training was refused, or "".
        refusals: How many changes were refused since the page was drawn.
        searched: What of it is searched, and how.
    """

    architecture: Architecture
    training: TrainingConfig
    preset: str | None = None
    name: str = ""
    notes: str = ""
    past: list[Step] = field(default_factory=list)
    future: list[Step] = field(default_factory=list)
    selected: Path | None = None
    revision: int = 0
    problem: str = ""
    training_problem: str = ""
    refusals: int = 0
    searched: Searched = field(default_factory=Searched)

    def __post_init__(self) -> None:
        # What is searched is known again by the objects of its layers.
        self.architecture = with_own_layers(self.architecture)

    def change(self, architecture: Architecture, *, redraw: bool = True, selected: Path | None = None) -> None:
        """Puts another network in place of the present one, which `undo` brings back."""
        if architecture == self.architecture:
            return
        before = self.architecture
        dropped = self._show(architecture, redraw=redraw)
        self._remember(Step(before, dropped=dropped))
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
            self._refuse()

    def attempt_training(self, make: Callable[[TrainingConfig], TrainingConfig]) -> None:
        """The same for the training."""
        try:
            self.training = make(self.training)
            self.searched.look(self.architecture, self.training)
            self.training_problem = self.training_problem if self.refusals else ""
        except LabError as error:
            self.training_problem = str(error)
            self._refuse()

    def drawn(self) -> Workbench:
        """To be called before the page is drawn: changes that came together have been made or refused by now."""
        self.refusals = 0
        self.searched.drawn = self.searched.revision
        return self

    def _refuse(self) -> None:
        """Has the widgets drawn anew from what is, not from what was typed."""
        self.revision += 1
        self.refusals += 1

    def undo(self) -> None:
        """Back to what was before the last step."""
        if self.past:
            self._go(self.past, self.future)

    def redo(self) -> None:
        """Forward to what was undone."""
        if self.future:
            self._go(self.future, self.past)

    def load(self, architecture: Architecture, training: TrainingConfig | None, preset_name: str | None = None) -> None:
        """Starts from a preset or a saved run; if its network is another one, what was there can be brought back."""
        step = Step(self.architecture, self._form()) if architecture != self.architecture else None
        dropped = self._take_up(architecture, Form(training or self.training, preset_name, "", ""))
        if step is not None:
            self._remember(replace(step, dropped=dropped))

    def open(
        self, architecture: Architecture, training: TrainingConfig, name: str = "", preset_name: str | None = None
    ) -> None:
        """Takes up what a link holds; what was there can be brought back, also where only the training is another."""
        step = Step(self.architecture, self._form())
        dropped = self._take_up(architecture, Form(training, preset_name, name, ""))
        self._remember(replace(step, dropped=dropped))

    def _remember(self, step: Step) -> None:
        self.past = [*self.past, step][-MAX_UNDO:]
        self.future = []

    def _form(self) -> Form:
        return Form(self.training, self.preset, self.name, self.notes)

    def _go(self, from_: list[Step], to: list[Step]) -> None:
        step = from_.pop()
        back = Step(self.architecture, self._form() if step.form else None)
        if step.form:
            self._fill(step.form)
        to.append(replace(back, dropped=self._show(step.architecture)))
        self.searched.revive(step.dropped, self.architecture, self.training)

    def _take_up(self, architecture: Architecture, form: Form) -> tuple[Dimension, ...]:
        self._fill(form)
        dropped = self._show(architecture)
        self.selected = None
        return dropped

    def _fill(self, form: Form) -> None:
        self.training, self.training_problem = form.training, ""
        self.preset, self.name, self.notes = form.preset, form.name, form.notes

    def _show(self, architecture: Architecture, *, redraw: bool = True) -> tuple[Dimension, ...]:
        """Puts a network on the bench; returns what can be searched no more."""
        before, self.architecture = self.architecture, with_own_layers(architecture)
        dropped = self.searched.follow(before, self.architecture, self.training)
        # What was refused together with this change is said all the same.
        self.problem = self.problem if self.refusals else ""
        if redraw:
            self.revision += 1
            paths = {path for path, _ in architecture.walk()}
            self.selected = self.selected if self.selected in paths else None
        return dropped

    def while_drawn(self, act: Callable[P, None]) -> Callable[P, None]:
        """What a widget drawn from this state calls: nothing happens once the widgets have been drawn anew.

        A click that was sent before the browser knew of them still brings the values of those that are gone. Streamlit
        has forgotten these by then, takes them for changes, and calls. Of changes that come together, as by one who
        types and then clicks, one that is refused keeps none of the others from being made.
        """
        drawn = self.revision

        def called(*args: P.args, **kwargs: P.kwargs) -> None:
            if self.revision - self.refusals == drawn:
                act(*args, **kwargs)

        return called

    @property
    def preset_if_unchanged(self) -> str | None:
        """The preset's name, if the network is still that preset's; its training may differ."""
        same = self.preset is not None and preset(self.preset).architecture == self.architecture
        return self.preset if same else None


def workbench() -> Workbench:
    """The session's workbench; a new session finds a small, famous network on it."""
    if "workbench" not in st.session_state:
        st.session_state["workbench"] = first_workbench()
    bench: Workbench = st.session_state["workbench"]
    return bench


def first_workbench() -> Workbench:
    """What a new session finds."""
    first = preset(FIRST_PRESET)
    return Workbench(first.architecture, TrainingConfig(epochs=5), FIRST_PRESET)


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
