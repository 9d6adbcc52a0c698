"""Every view of the Explain page over networks of all kinds, with Keras's own answers: drawn, or said why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_lab.architecture import Architecture
from mnist_lab.keras_side import weights
from mnist_lab.keras_side.build import build
from mnist_lab.keras_side.infer import Answers
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import MODEL, epoch_weights
from mnist_lab.store.database import open_engine
from mnist_lab.studies import preset
from mnist_lab.training_config import TrainingConfig
from mnist_lab.ui import frame
from tests.keras_side.test_explain import COLOUR

NETWORKS = {
    "convolutions": preset("lenet-5").architecture,
    "batch normalisation": preset("starter").architecture,
    "no convolution": preset("003-fully-connected-few-units").architecture,
    "pretrained": COLOUR,
}


class Direct:
    """The inference client, without a process between."""

    is_warm = True

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def ask(self, question: str, deadline: float = 0, **arguments: Any) -> Any:
        return getattr(self._answers, question)(**arguments)

    def predict(self, run_id: str, images: np.ndarray, deadline: float = 0) -> np.ndarray:
        return self._answers.predict(run_id, images)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunStore]:
    folder = tmp_path_factory.mktemp("explained")
    made = RunStore(open_engine(f"sqlite:///{folder / 'lab.db'}"), folder)
    yield made
    made.close()


def add(store: RunStore, network: Architecture, *, epochs: int = 0) -> Run:
    run = store.create(network, TrainingConfig(dataset="digits", limit=300), name="explained")
    model = build(network, seed=3)
    for name in [MODEL, *(epoch_weights(epoch) for epoch in range(1, epochs + 1))]:
        weights.save(model, store, run.id, name)
    store.set_figures(run.id, status="finished", dataset="digits", epochs_run=epochs)
    return store.get(run.id)


def page() -> None:
    """All views below each other."""
    import streamlit as st

    from mnist_lab import datasets
    from mnist_lab.ui import explain_views, frame
    from mnist_lab.ui.subject import Subject

    run = frame.store().get(st.session_state["run"])
    subject = Subject(datasets.load("digits").x_test[4], "Test image 4", int(datasets.load("digits").y_test[4]))
    for view in explain_views.VIEWS:
        if st.session_state["views"] and view.name not in st.session_state["views"]:
            continue
        st.header(view.name)
        view.draw(explain_views.Shown(frame.store(), run, subject))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_view_is_drawn_or_says_why_it_does_not_apply(
    name: str, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = add(store, NETWORKS[name], epochs=2 * (name != "pretrained"))
    services = type("Services", (), {"inference": Direct(Answers(store)), "store": store})()
    monkeypatch.setattr(frame, "services", lambda: services)
    app = AppTest.from_function(page, default_timeout=60)
    app.session_state["run"] = run.id
    # VGG16 takes seconds for what asks many images of it.
    app.session_state["views"] = ["Layers", "Why this answer", "Through training"] if name == "pretrained" else []
    app.run()
    assert not app.exception and not app.error and not app.warning
    said = " ".join(element.value for kind in ("markdown", "caption", "info") for element in app.get(kind))
    assert "The logit of" in said and ("nearest training images" in said) == (name != "pretrained")
    assert ("Grad-CAM does not apply to this network: it has no convolution." in said) == (name == "no convolution")
    assert ("its last map is a single value" in said) == (name == "pretrained")
    assert ("Filters do not apply to this network" in said) == (name == "no convolution")
    assert ("No epoch of this run was kept." in said) == (name == "pretrained")
    assert ("the layers inside it are not shown" in said) == (name == "pretrained")
