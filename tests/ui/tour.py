"""A tour of all pages in a process of its own: what it imports is what the app process imports.

``python -m tests.ui.tour HOME`` prints a report as JSON. No worker is started.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

HEAVY = ("keras", "tensorflow", "torch", "jax", "optuna")


def tour() -> dict[str, object]:
    """Visits every page, edits a network, fills the form, loads every preset, and queues a training."""
    from streamlit.testing.v1 import AppTest

    from mnist_lab.jobs import JobManager
    from mnist_lab.layers import LAYERS
    from mnist_lab.optimizers import OPTIMIZERS
    from mnist_lab.store import open_store
    from mnist_lab.studies import presets
    from mnist_lab.training_config import SCHEDULES
    from mnist_lab.ui import frame

    manager = JobManager(open_store(), autostart=False)
    frame.job_manager = lambda: manager  # type: ignore[assignment]
    app = AppTest.from_file(str(Path(__file__).resolve().parents[2] / "app.py"), default_timeout=120)
    exceptions: list[str] = []
    titles: list[str] = []

    def run() -> None:
        app.run()
        exceptions.extend(str(each.value) for each in [*app.exception, *app.error])

    def go(page: str) -> None:
        app.switch_page(f"pages/{page}.py")
        run()
        titles.extend(title.value for title in app.title)

    run()
    for page in ("draw", "explain", "digits", "lab", "runs", "sweeps", "studies", "data"):
        go(page)
    app.switch_page("pages/lab.py")
    run()
    bench = app.session_state["workbench"]
    wrong: list[str] = []
    for name, wanted in presets().items():
        app.selectbox(f"preset.{bench.revision}").set_value(name)
        run()
        shown = app.session_state["workbench"].architecture, app.session_state["workbench"].training
        figures = app.selectbox(f"preset.{bench.revision}").value, app.metric[0].value
        if (shown, figures) != ((wanted.architecture, wanted.training), (name, f"{wanted.trainable_parameters:,}")):
            wrong.append(name)
    app.selectbox(f"preset.{bench.revision}").set_value("Empty")
    app.run()  # which is impossible, and says so
    for kind in ("Conv2D", "Flatten", "Dense"):
        box = next(box for box in app.selectbox if box.label.startswith(("Add the first", "Add a layer at the end")))
        assert kind in LAYERS
        box.set_value(kind)
        app.run()
    app.number_input(f"field.{bench.revision}.(2,).units").set_value(10)
    app.run()
    app.selectbox(f"field.{bench.revision}.(2,).activation").set_value("softmax")
    run()
    app.session_state["lab-tabs"] = "Training"
    run()
    form = f"training.{bench.revision}"
    for choice, names in (("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        for name in names:
            app.selectbox(f"{form}.{choice}").set_value(name)
            run()
    app.toggle(f"{form}.stopping").set_value(True)
    run()
    app.number_input(f"{form}.augmentation.rotation").set_value(0.0)
    app.button("train").click()
    run()
    assert manager.store.queue()
    for page in ("draw", "explain", "digits", "lab", "runs", "sweeps", "studies", "data"):
        app.switch_page(f"pages/{page}.py")
        run()
    manager.close()
    heavy = sorted({name for name in sys.modules if name.split(".")[0] in HEAVY})
    return {
        "pages": titles,
        "presets": len(presets()),
        "wrong_presets": wrong,
        "exceptions": exceptions,
        "heavy": heavy[:10],
    }


if __name__ == "__main__":
    os.environ["MNIST_LAB_HOME"] = os.environ["KERAS_HOME"] = sys.argv[1]
    for variable in ("MNIST_LAB_DATA", "MNIST_LAB_STORE", "MNIST_LAB_EXECUTOR", "MNIST_LAB_WORKERS"):
        os.environ.pop(variable, None)
    print(json.dumps(tour()))
