"""The command line as its users have it: what is on standard output, what elsewhere, and the exit status.

Most tests call `main` in this process; those in which a process is started share few trainings, as each worker needs
seconds for its imports.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import psutil
import pytest
from PIL import Image, ImageDraw
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support

from mnist_lab import cli, datasets, drawing, links, starter, studies
from mnist_lab.architecture import Architecture
from mnist_lab.cli import ask, look, train
from mnist_lab.errors import InferenceError
from mnist_lab.layers import Conv2D, Dense, Flatten
from mnist_lab.optimizers import SGD
from mnist_lab.settings import read_settings
from mnist_lab.store import RunStore
from mnist_lab.store.artefacts import MODEL, PREDICTIONS
from mnist_lab.store.database import open_engine
from mnist_lab.store.records import STATUSES
from mnist_lab.training_config import TrainingConfig

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 180.0  # seconds; the machine may be busy with other things
KNOWN_AT_ONCE = {
    "id", "name", "status", "parameters", "trainable_parameters", "split", "training", "architecture", "epochs_run",
    "created",
}  # fmt: skip
RUN_KEYS = KNOWN_AT_ONCE | {
    "preset", "dataset", "best_epoch", "test_accuracy", "test_accuracy_interval", "test_loss", "validation_accuracy",
    "seconds", "images_per_second", "device", "reason",
}  # fmt: skip
SMALL = Architecture((Flatten(), Dense(16, "relu"), Dense(10, "softmax")))
IMPOSSIBLE = Architecture((Conv2D(4, (9, 9)), Conv2D(4, (9, 9)), Conv2D(4, (9, 9)), Conv2D(4, (9, 9)), Flatten()))


# Tools ----------------------------------------------------------------------------------------------------------------


@dataclass
class Place:
    """A home of its own, for `main` in this process and for processes."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def variables(self) -> dict[str, str]:
        """Without MNIST, and offline: a proxy that is not there refuses at once."""
        nowhere = "http://127.0.0.1:9"
        proxies = {"https_proxy": nowhere, "http_proxy": nowhere, "no_proxy": "", "NO_PROXY": ""}
        return {"MNIST_LAB_HOME": str(self.home), "KERAS_HOME": str(self.folder / "keras"), **proxies}

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MNIST_LAB_")}
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return {**kept, **self.variables, "PYTHONPATH": path}

    @property
    def store(self) -> RunStore:
        return RunStore(open_engine(f"sqlite:///{self.home / 'lab.db'}"), self.home)

    def start(self, *words: str, stdout: Any = subprocess.PIPE, **environment: str) -> subprocess.Popen[str]:
        """Starts ``python -m mnist_lab WORDS``."""
        return subprocess.Popen(
            [sys.executable, "-m", "mnist_lab", *words],
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def run(self, *words: str, **environment: str) -> Said:
        return ended(self.start(*words, **environment))


@dataclass
class Said:
    """What a command printed, and its exit status."""

    status: int
    out: str
    errors: str

    @property
    def document(self) -> Any:
        return json.loads(self.out, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))

    @property
    def complaint(self) -> str:
        """The last line of standard error; never a traceback."""
        assert "Traceback" not in self.errors, self.errors
        return re.split(r"[\r\n]", self.errors.strip())[-1]


def ended(process: subprocess.Popen[str]) -> Said:
    with process:
        out, errors = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in errors, errors
    return Said(process.returncode, out, errors)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    kill_workers_of(place)


def kill_workers_of(place: Place) -> None:
    """Ends the workers that a failed test has left behind."""
    if not (place.home / "lab.db").exists():
        return
    store = place.store
    for run in store.active():
        if run.pid and psutil.pid_exists(run.pid) and "mnist_lab.worker" in psutil.Process(run.pid).cmdline():
            psutil.Process(run.pid).kill()
    store.close()


@pytest.fixture
def here(place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Calls `main` in this process, over a home of its own."""
    for name in ("STORE", "DATA", "EXECUTOR"):
        monkeypatch.delenv(f"MNIST_LAB_{name}", raising=False)
    for name, value in place.variables.items():
        monkeypatch.setenv(name, value)

    def call(*words: str) -> Said:
        capsys.readouterr()
        status = cli.main(words)
        return Said(status, *capsys.readouterr())

    return call


class Mouth:
    """Stands for the inference process: says that every picture is a 3."""

    made: Sequence[Mouth] = ()
    doubt = 0.1

    def __init__(self) -> None:
        Mouth.made = [*Mouth.made, self]
        self.asked: list[tuple[str, Any]] = []
        self.is_closed = False

    def predict(self, run_id: str, images: np.ndarray, deadline: float) -> np.ndarray:
        self.asked.append((run_id, images))
        return np.tile(np.eye(10, dtype=np.float32)[3], (len(images), 1))

    def ask(self, question: str, deadline: float, **arguments: Any) -> Any:
        self.asked.append((question, arguments))
        return np.full(len(arguments["images"]), self.doubt) if question == "doubt" else None

    def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def mouth(monkeypatch: pytest.MonkeyPatch) -> type[Mouth]:
    Mouth.made = []
    monkeypatch.setattr(ask, "InferenceClient", Mouth)
    return Mouth


def picture(path: Path, digit: int | None, ink: str = "black", paper: str = "white") -> str:
    """Draws a 0, 1 or 7, or nothing, and returns the path of the file."""
    image = Image.new("RGB", (120, 120), paper)
    pen = ImageDraw.Draw(image)
    if digit == 0:
        pen.ellipse((35, 20, 85, 100), outline=ink, width=9)
    elif digit == 1:
        pen.line((60, 18, 60, 102), fill=ink, width=10)
    elif digit == 7:
        pen.line((32, 22, 88, 22, 52, 102), fill=ink, width=10, joint="curve")
    image.save(path)
    return str(path)


def written(path: Path, values: Any) -> str:
    path.write_text(values if isinstance(values, str) else json.dumps(values))
    return str(path)


def assert_is_run(values: dict[str, Any], *more: str) -> None:
    """A run with exactly the keys of the contract."""
    assert set(values) == RUN_KEYS | set(more)
    assert values["status"] in STATUSES
    assert Architecture.from_dict(values["architecture"]).to_dict() == values["architecture"]
    assert TrainingConfig.from_dict(values["training"]).to_dict() == values["training"]


# Trainings ------------------------------------------------------------------------------------------------------------


OPTIONS = [
    "--epochs", "3", "--batch-size", "16", "--optimizer", "sgd", "--learning-rate", "0.1",
    "--split", "test-as-validation", "--seed", "7", "--limit", "200",
]  # fmt: skip


@dataclass
class Trained:
    """Three trainings that were started at the same moment on a store that did not exist."""

    place: Place
    store: RunStore
    with_options: Said
    of_preset: Said
    diverging: Said


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    place = Place(tmp_path_factory.mktemp("cli"))
    file = written(place.folder / "network.json", SMALL.to_dict())
    first = place.start("train", "--architecture", file, *OPTIONS, "--name", " Zwölf\n→ ★ ", "--json")
    second = place.start("train", "--preset", "LeNet-5", "--epochs", "1", "--limit", "100")
    steep = ("--optimizer", "SGD", "--learning-rate", "1000")
    third = place.start("train", "--preset", "lenet-5", *steep, "--json")
    said = ended(first), ended(second), ended(third)
    store = place.store
    yield Trained(place, store, *said)
    kill_workers_of(place)
    store.close()


def test_trainings_at_once_on_a_new_store_do_not_disturb_each_other(trained: Trained) -> None:
    runs = trained.store.runs()
    ends = sorted((run.preset or "", run.status) for run in runs)
    assert ends == [("", "finished"), ("lenet-5", "failed"), ("lenet-5", "finished"),
                    ("robust", "finished"), ("starter", "finished")]  # fmt: skip


def test_train_prints_the_run_and_nothing_else_on_standard_output(trained: Trained) -> None:
    assert trained.with_options.status == 0
    run = trained.with_options.document
    assert_is_run(run)
    assert run["name"] == "Zwölf → ★"
    assert (run["status"], run["reason"], run["preset"], run["epochs_run"]) == ("finished", None, None, 3)
    assert run["parameters"] == run["trainable_parameters"] == 784 * 16 + 16 + 16 * 10 + 10
    assert run["architecture"] == SMALL.to_dict()
    assert (run["dataset"], run["split"]) == ("digits", "test-as-validation")
    assert run["best_epoch"] in (1, 2, 3)
    assert 0.2 < run["test_accuracy"] <= 1.0
    low, high = run["test_accuracy_interval"]
    assert 0.0 <= low < run["test_accuracy"] < high <= 1.0
    assert all(run[key] > 0 for key in ("test_loss", "validation_accuracy", "seconds", "images_per_second"))
    assert "CPU" in run["device"] or "GPU" in run["device"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", run["created"])


def test_every_option_of_train_reaches_the_training(trained: Trained) -> None:
    run = trained.store.get(trained.with_options.document["id"])
    training = run.config()
    assert (training.epochs, training.batch_size, training.seed, training.limit) == (3, 16, 7, 200)
    assert (training.split, training.optimizer.kind, training.optimizer.learning_rate) == (
        "test-as-validation", "SGD", 0.1,
    )  # fmt: skip
    assert run.training_images == 200, "the limit limits"
    steps = {point["step"] for point in trained.store.points(run.id)}
    assert max(steps) == 3 * 13, "three epochs of 200 images by 16"


def test_a_preset_brings_its_own_training_which_options_change(trained: Trained) -> None:
    run = next(run for run in trained.store.runs(["finished"]) if run.preset == "lenet-5")
    preset = studies.preset("lenet-5")
    assert run.network() == preset.architecture
    assert train.changed(preset.training, cli._parser().parse_args(["train", "--preset", "x"])) == preset.training
    assert (run.config().epochs, run.config().limit, run.training_images) == (1, 100, 100)
    assert (run.config().optimizer, run.split) == (preset.training.optimizer, preset.training.split)


def test_for_people_train_prints_a_summary(trained: Trained) -> None:
    assert trained.of_preset.status == 0
    lines = trained.of_preset.out.splitlines()
    labels = " ".join(line.split()[0] for line in lines)
    assert labels == "run status parameters data epochs validation test looks time"
    assert (
        "finished" in lines[1]
        and "60,074" in lines[2]
        and "%" in lines[6]
        and lines[7].endswith("1 at the test images")
    )


def test_progress_and_the_notice_about_the_data_go_to_standard_error_in_a_few_lines(trained: Trained) -> None:
    for said in (trained.with_options, trained.of_preset):
        assert said.errors.startswith("MNIST is not on this machine")
        assert "scikit-learn" in said.errors
        lines = [line for line in re.split(r"[\r\n]+", said.errors) if line.strip()]
        assert 3 <= len(lines) <= 30, "a file is no terminal"
        assert any("epoch 1/" in line for line in lines)
        assert "100%" in lines[-1]


def test_a_training_that_diverges_is_a_failed_run(trained: Trained) -> None:
    said, place = trained.diverging, trained.place
    assert said.status == 1
    run = said.document
    assert_is_run(run)
    assert run["status"] == "failed"
    assert "learning rate" in run["reason"]
    assert said.complaint == f"The run failed. {run['reason']}"
    unknown = ("best_epoch", "test_accuracy", "test_accuracy_interval", "test_loss", "validation_accuracy")
    assert [run[key] for key in unknown] == [None] * 5
    shown = place.run("show", run["id"], "--json")
    assert shown.status == 0
    assert {key: shown.document[key] for key in RUN_KEYS} == run
    assert place.run("evaluate", run["id"][:8]).complaint.startswith(f"Run {run['id'][:8]} has no {MODEL}.")


def test_control_c_stops_the_training_which_keeps_what_it_has_learnt(place: Place) -> None:
    file = written(place.folder / "network.json", SMALL.to_dict())
    process = place.start("train", "--architecture", file, "--epochs", "10000", "--json")
    run = wait_for_run(place, lambda run: run.epochs_run >= 2)
    process.send_signal(signal.SIGINT)
    said = ended(process)
    assert said.status == 1
    assert_is_run(said.document)
    assert said.document["status"] == "stopped"
    assert 2 <= said.document["epochs_run"] < 10_000
    assert said.document["test_accuracy"] > 0.2
    assert said.complaint == "The run was stopped."
    store = place.store
    assert store.artefacts.has(run.id, MODEL)
    assert not psutil.pid_exists(run.pid) or psutil.Process(run.pid).status() == psutil.STATUS_ZOMBIE
    store.close()


def test_control_c_before_the_worker_is_up_takes_the_run_out_of_the_queue_at_once(place: Place) -> None:
    process = place.start("train", "--preset", "lenet-5", "--json")
    wait_for_run(place, lambda run: True)
    # The bar is drawn just before it waits for the worker.
    assert process.stderr is not None
    shown = ""
    while not shown.endswith("starting"):
        shown += (one := process.stderr.read(1))
        assert one, shown
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    said = ended(process)
    if said.document["reason"] == "Cancelled while queued.":
        assert time.monotonic() - started < 4, "it waited for the imports of a worker that has nothing to do"
    assert (said.status, said.document["status"], said.document["epochs_run"]) == (1, "stopped", 0)
    assert said.document["test_accuracy"] is None
    assert said.complaint.startswith("The run was stopped.")


def wait_for_run(place: Place, condition: Callable[[Any], Any]) -> Any:
    """Waits until the store has a run, apart from those that ship, of which something is true."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        if (place.home / "lab.db").exists():
            store = place.store
            found = [run for run in store.runs() if run.id not in starter.IDS and condition(run)]
            store.close()
            if found:
                return found[0]
        time.sleep(0.05)
    return pytest.fail(f"waited {PATIENCE} s in vain")


@pytest.mark.mnist
def test_a_training_on_mnist_says_so(place: Place) -> None:
    folder = os.environ["MNIST_LAB_DATA"]
    words = ("--epochs", "1", "--limit", "3000", "--batch-size", "32", "--split", "holdout", "--json")
    said = place.run("train", "--preset", "lenet-5", *words, MNIST_LAB_DATA=folder)
    assert said.status == 0
    assert "scikit-learn" not in said.errors
    run = said.document
    assert (run["dataset"], run["split"], run["epochs_run"]) == ("mnist", "holdout", 1)
    assert run["test_accuracy"] > 0.7
    low, high = run["test_accuracy_interval"]
    expected = binomtest(round(run["test_accuracy"] * 10_000), 10_000).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)


# Looking --------------------------------------------------------------------------------------------------------------


def test_a_new_home_has_the_shipped_models_and_nothing_else(place: Place) -> None:
    said = place.run("runs", "--json")
    assert (said.status, said.errors) == (0, "")
    assert {run["preset"] for run in said.document} == {"starter", "robust"}
    for run in said.document:
        assert_is_run(run)
        assert (run["status"], run["dataset"]) == ("finished", "mnist")
        assert len(run["id"]) == 32


def test_runs_are_listed_the_newest_first_with_unknown_figures_null(here: Callable[..., Said], place: Place) -> None:
    assert here("runs").status == 0
    store = place.store
    names = ["first", "second ★"]
    for name in names:
        store.create(SMALL, TrainingConfig(split="test-as-validation"), name=name)
    said = here("runs", "--json")
    assert (said.status, said.errors) == (0, "")
    assert [run["name"] for run in said.document][:2] == names[::-1]
    for run in said.document[:2]:
        assert_is_run(run)
        assert run["status"] == "queued"
        assert (run["epochs_run"], run["parameters"]) == (0, 12_730)
        unknown = RUN_KEYS - KNOWN_AT_ONCE
        assert {key: run[key] for key in unknown} == dict.fromkeys(unknown)
    lines = here("runs").out.splitlines()
    assert lines[0].split() == ["ID", "STATUS", "TEST", "PARAMETERS", "EPOCHS", "NAME"]
    assert lines[1].endswith("second ★ (test as validation)"), "flattered figures are marked"
    assert len(lines) == 5
    store.close()


def test_show_adds_the_history_one_object_an_epoch(trained: Trained) -> None:
    run = trained.with_options.document
    shown = trained.place.run("show", run["id"][:8].upper(), "--json")
    assert (shown.status, shown.errors) == (0, "")
    assert_is_run(shown.document, "history")
    assert {key: shown.document[key] for key in RUN_KEYS} == run
    history = shown.document["history"]
    assert [entry["epoch"] for entry in history] == [1, 2, 3]
    for entry in history:
        assert {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"} <= set(entry)
    assert run["validation_accuracy"] == max(entry["val_accuracy"] for entry in history)
    assert history[run["best_epoch"] - 1]["val_accuracy"] == run["validation_accuracy"]
    for_people = trained.place.run("show", "Zwölf → ★")
    assert for_people.status == 0
    assert "Dense 16, relu" in for_people.out
    assert "whose images also chose the epoch" in for_people.out
    figures, _, said = for_people.out.partition("\n\n- ")
    assert len(figures.strip().splitlines()) == 9 + 1 + 3 + 1 + 4
    assert f"Epoch {run['best_epoch']} is best" in said


def test_presets_is_a_list_of_all_presets(here: Callable[..., Said]) -> None:
    said = here("presets", "--json")
    assert (said.status, said.errors) == (0, "")
    assert [entry["name"] for entry in said.document] == list(studies.presets())
    for entry in said.document:
        assert {"name", "title", "parameters", "trainable_parameters", "training", "layers", "published"} <= set(entry)
    lines = here("presets").out.splitlines()
    assert len(lines) == 1 + len(studies.presets())


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_help_and_takes_json(command: str, here: Callable[..., Said]) -> None:
    said = here(command, "--help")
    assert (said.status, said.errors) == (0, "")
    assert "--json" in said.out
    assert f"python -m mnist_lab {command}" in said.out


def test_a_name_that_the_terminal_cannot_show_is_no_reason_to_fail(place: Place, here: Callable[..., Said]) -> None:
    here("runs")
    store = place.store
    store.create(SMALL, TrainingConfig(), name="Zwölf ★")
    store.close()
    said = place.run("runs", PYTHONIOENCODING="ascii")
    assert said.status == 0
    assert "Zw?lf ?" in said.out
    newest = place.run("runs", "--json", PYTHONIOENCODING="ascii").document[0]
    assert newest["name"] == "Zwölf ★", "JSON has a way to write them"


# Asking ---------------------------------------------------------------------------------------------------------------


def by_hand(store: RunStore, run_id: str, images: np.ndarray) -> np.ndarray:
    """The probabilities of `SMALL` with a run's weights, multiplied out here; no Keras has a part in it."""
    with h5py.File(store.artefacts.path(run_id, MODEL)) as file:
        layers = [[np.asarray(file[f"layers/{name}/vars/{i}"], np.float64) for i in (0, 1)] for name in NAMES]
    values = images.reshape(len(images), -1) / 255.0
    hidden = np.maximum(values @ layers[0][0] + layers[0][1], 0.0)
    scores = hidden @ layers[1][0] + layers[1][1]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


NAMES = ("dense", "dense_1")


def test_evaluate_gives_the_figures_of_predictions_made_anew(trained: Trained) -> None:
    run_id, store = trained.with_options.document["id"], trained.store
    digits = datasets.load("digits")
    probabilities = by_hand(store, run_id, digits.x_test)
    guesses, truth = probabilities.argmax(axis=1), digits.y_test
    store.artefacts.remove(run_id, PREDICTIONS)
    store.set_figures(run_id, test_accuracy=0.0, test_accuracy_low=0.0, test_accuracy_high=0.0, test_loss=99.0)

    said = trained.place.run("evaluate", run_id, "--json")

    assert (said.status, said.errors) == (0, "")
    assert_is_run(said.document, "per_digit", "confusion")
    assert said.document["test_accuracy"] == pytest.approx(accuracy_score(truth, guesses))
    right = int((truth == guesses).sum())
    interval = binomtest(right, len(truth)).proportion_ci(method="wilson")
    assert said.document["test_accuracy_interval"] == pytest.approx([interval.low, interval.high])
    assert said.document["test_loss"] == pytest.approx(log_loss(truth, probabilities), rel=1e-4)
    assert said.document["confusion"] == confusion_matrix(truth, guesses, labels=range(10)).tolist()
    expected = precision_recall_fscore_support(truth, guesses, labels=range(10), zero_division=np.nan)
    for digit, entry in enumerate(said.document["per_digit"]):
        found = [entry[key] if entry[key] is not None else np.nan for key in ("precision", "recall", "f1", "support")]
        assert entry["digit"] == digit
        np.testing.assert_allclose(found, [column[digit] for column in expected], rtol=1e-6, equal_nan=True)
    kept = np.load(store.artefacts.path(run_id, PREDICTIONS))
    np.testing.assert_allclose(kept["probabilities"], probabilities, atol=1e-5)


def test_for_people_evaluate_prints_the_run_and_a_table_of_the_digits(
    here: Callable[..., Said], mouth: type[Mouth]
) -> None:
    said = here("evaluate", "Starter model")
    assert (said.status, said.errors) == (0, "")
    assert mouth.made[0].asked == [("evaluate", {"run_id": starter.RUN_ID})]
    assert mouth.made[0].is_closed
    assert "Starter model" in said.out
    assert [line.split()[0] for line in said.out.splitlines()[-10:]] == list("0123456789")


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    return [
        picture(tmp_path / "seven.png", 7),
        picture(tmp_path / "nothing.png", None),
        picture(tmp_path / "one, inverted.bmp", 1, "white", "black"),
        picture(tmp_path / "null.jpg", 0, "navy", "beige"),
        picture(tmp_path / "zero inverted.png", 0, "white", "black"),
        picture(tmp_path / "black.png", None, paper="black"),
    ]


def test_predict_reads_pictures_whatever_their_colours_in_their_order(place: Place, pictures: list[str]) -> None:
    # One is given twice, and one by a path that could be written shorter: both come back as they were given.
    files = [*pictures, pictures[0], str(Path(pictures[3]).parent) + "/./null.jpg"]
    said = place.run("predict", *files, "--json")
    assert (said.status, said.errors) == (0, "")
    assert [entry["file"] for entry in said.document] == files
    assert [entry["digit"] for entry in said.document] == [7, None, 1, 0, 0, None, 7, 0]
    for entry in said.document:
        assert list(entry) == ["file", "digit", "probabilities", "is_digit"]
        assert entry["is_digit"] is (entry["digit"] is not None)
        if entry["is_digit"]:
            assert len(entry["probabilities"]) == 10
            assert sum(entry["probabilities"]) == pytest.approx(1.0, abs=1e-4)
            assert entry["probabilities"][entry["digit"]] == max(entry["probabilities"])
        else:
            assert entry["probabilities"] is None


def test_predict_asks_the_run_that_is_named(trained: Trained, tmp_path: Path) -> None:
    file = picture(tmp_path / "seven.png", 7)
    run_id = trained.with_options.document["id"]
    (entry,) = trained.place.run("predict", "--run", run_id[:6], file, "--json").document
    image = drawing.from_image_file(Path(file)).image
    assert image is not None
    np.testing.assert_allclose(entry["probabilities"], by_hand(trained.store, run_id, image[None])[0], atol=1e-5)


def test_predict_asks_one_process_once(here: Callable[..., Said], mouth: type[Mouth], pictures: list[str]) -> None:
    said = here("predict", *pictures)
    assert (said.status, said.errors) == (0, "")
    (client,) = mouth.made
    ((run_id, images), *judged) = client.asked
    assert run_id == starter.RUN_ID
    assert images.shape == (4, 28, 28)
    assert [question for question, _ in judged] == ["doubt"] * 4
    np.testing.assert_array_equal(np.concatenate([arguments["images"] for _, arguments in judged]), images)
    assert client.is_closed
    lines = said.out.splitlines()
    assert [line.rpartition(": ")[0] for line in lines] == pictures
    assert lines[0].endswith(": 3 (100.0 %)")
    assert lines[1].endswith(": empty, there is nothing to predict")


def test_a_picture_of_several_digits_has_them_besides_in_their_order(
    here: Callable[..., Said], mouth: type[Mouth], tmp_path: Path
) -> None:
    sheet = Image.new("RGB", (360, 120), "white")
    for place, digit in enumerate((7, 1, 0)):
        with Image.open(picture(tmp_path / "one.png", digit)) as one:
            sheet.paste(one, (120 * place, 0))
    file = tmp_path / "number.png"
    sheet.save(file)
    (entry,) = here("predict", str(file), "--json").document
    assert list(entry) == ["file", "digit", "probabilities", "is_digit", "digits"]
    assert [each["digit"] for each in entry["digits"]] == [3, 3, 3]
    boxes = [each["box"] for each in entry["digits"]]
    assert all(120 * place < box[0] < box[2] < 120 * (place + 1) for place, box in enumerate(boxes))
    assert here("predict", str(file)).out == f"{file}: 333 (3 digits, at least 100.0 %)\n"


def test_a_picture_of_no_digit_keeps_its_answer_and_says_so(
    here: Callable[..., Said], mouth: type[Mouth], pictures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mouth, "doubt", 0.97)
    (entry,) = here("predict", pictures[0], "--json").document
    assert (entry["digit"], entry["is_digit"], len(entry["probabilities"])) == (3, False, 10)
    assert "3 (100.0 %); this does not look like a digit" in here("predict", pictures[0]).out


def test_empty_pictures_start_no_process(here: Callable[..., Said], mouth: type[Mouth], pictures: list[str]) -> None:
    said = here("predict", pictures[1], "--json")
    expected = {"file": pictures[1], "digit": None, "probabilities": None, "is_digit": False}
    assert (said.status, said.document) == (0, [expected])
    assert not mouth.made


def test_a_process_that_does_not_answer_is_one_sentence(
    here: Callable[..., Said], mouth: type[Mouth], pictures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def silence(*_: Any, **__: Any) -> None:
        raise InferenceError("The prediction process gave no answer in time.", "Try again.")

    monkeypatch.setattr(mouth, "predict", silence)
    said = here("predict", pictures[0], "--json")
    assert (said.status, said.out) == (1, "")
    assert said.errors == "The prediction process gave no answer in time. Try again.\n"
    assert mouth.made[0].is_closed


# Deleting -------------------------------------------------------------------------------------------------------------


def test_what_was_deleted_comes_back_with_undo(here: Callable[..., Said], place: Place) -> None:
    here("runs")
    store = place.store
    ids = [store.create(SMALL, TrainingConfig(), name=name).id for name in ("one", "two")]
    assert here("delete", "one", ids[1][:10], "--json").document == {"deleted": ids}
    assert {run["id"] for run in here("runs", "--json").document} == set(starter.IDS)
    assert here("show", "one").status == 1
    assert here("delete", "one").status == 1
    assert here("delete", "--undo", "two", "one", "--json").document == {"restored": ids[::-1]}
    assert here("show", "one").status == 0
    assert here("delete", "--undo", "one").status == 1, "it is not deleted"
    assert here("delete", "one").out == f"Deleted one ({ids[0][:8]}).\n"
    assert here("delete", "--undo", "one").out == f"Brought back one ({ids[0][:8]}).\n"
    store.close()


def test_one_unknown_run_among_several_deletes_none(here: Callable[..., Said], place: Place) -> None:
    here("runs")
    store = place.store
    store.create(SMALL, TrainingConfig(), name="one")
    assert here("delete", "one", "nobody").status == 1
    assert here("show", "one").status == 0
    store.close()


def test_the_shipped_models_answer_also_when_they_were_deleted(
    here: Callable[..., Said], mouth: type[Mouth], pictures: list[str]
) -> None:
    assert here("delete", *starter.IDS).status == 0
    assert here("runs", "--json").document == []
    assert here("runs").out.startswith("ID")
    assert here("predict", pictures[0]).status == 0


# Mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "COMMAND"),
        ("fly", "invalid choice: 'fly'"),
        ("runs --colour", "--colour"),
        ("runs extra", "extra"),
        ("show", "RUN"),
        ("evaluate", "RUN"),
        ("predict", "IMAGE"),
        ("delete", "RUN"),
        ("train", "--preset"),
        ("train --preset lenet-5 --architecture network.json", "not allowed with"),
        ("train --preset lenet-5 --epochs 0", "epochs=0"),
        ("train --preset lenet-5 --epochs many", "many"),
        ("train --preset lenet-5 --batch-size 0", "batch_size=0"),
        ("train --preset lenet-5 --batch-size 1.5", "1.5"),
        ("train --preset lenet-5 --limit 0", "limit=0"),
        ("train --preset lenet-5 --seed -1", "seed=-1"),
        ("train --preset lenet-5 --learning-rate nan", "learning_rate=nan"),
        ("train --preset lenet-5 --learning-rate -0.1", "learning_rate=-0.1"),
        ("train --preset lenet-5 --optimizer Newton", "Newton"),
        ("train --preset lenet-5 --split half", "half"),
    ],
)
def test_wrong_usage_is_exit_status_2(words: str, said: str, here: Callable[..., Said]) -> None:
    found = here(*words.split())
    assert (found.status, found.out) == (2, "")
    assert said in found.errors
    assert len(found.errors.splitlines()) == 1 or found.errors.startswith("usage: python -m mnist_lab")


def test_a_link_says_what_is_trained_and_options_change_it(
    here: Callable[..., Said], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "run_one", lambda store, run: run)  # it stays queued: what was asked for is looked at
    training = TrainingConfig(dataset="digits", epochs=3, seed=77, optimizer=SGD(0.05))
    code = links.encode(SMALL, training, "from a link")
    for link, options in ((f"http://127.0.0.1:8501/lab?net={code}", []), (code, ["--seed", "5", "--name", "mine"])):
        assert here("train", "--link", link, *options).status == 1, "it was not trained"
    runs = {run.name: run for run in place.store.runs()}
    assert runs["from a link"].network() == runs["mine"].network() == SMALL
    assert runs["from a link"].config() == training
    assert runs["mine"].config() == replace(training, seed=5)


def test_all_devices_are_asked_for_by_a_setting_that_workers_read(
    here: Callable[..., Said], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MNIST_LAB_ALL_DEVICES", "")  # to be put back as it was
    monkeypatch.setattr(train, "run_one", lambda store, run: run)
    words = ("train", "--preset", "lenet-5", "--limit", "100")
    for count, says_so in ((1, True), (2, False)):
        monkeypatch.setattr(train, "gpus", lambda count=count: (None,) * count)
        said = here(*words, "--all-devices")
        assert read_settings().all_devices
        assert ("trained on one device" in said.errors) is says_so
    monkeypatch.setenv("MNIST_LAB_ALL_DEVICES", "0")
    here(*words)
    assert not read_settings().all_devices


@pytest.mark.parametrize("json_too", [[], ["--json"]], ids=["for people", "json"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("train --preset lenet", "Did you mean lenet-5"),
        ("train --preset FOLDER", "presets"),
        ("train --architecture FOLDER/none.json", "none.json cannot be read"),
        ("train --architecture FOLDER", "cannot be read"),
        ("train --architecture FOLDER/broken.json", "broken.json is not JSON"),
        ("train --architecture FOLDER/deep.json", "deep.json is not JSON"),
        ("train --architecture FOLDER/binary.json", "binary.json is not JSON"),
        ("train --architecture FOLDER/list.json", "list"),
        ("train --architecture FOLDER/unknown.json", "Conv9D"),
        ("train --architecture FOLDER/range.json", "units=0"),
        ("train --architecture FOLDER/impossible.json", "Layer 4"),
        ("train --architecture FOLDER/unended.json", "10"),
        ("train --architecture FOLDER/empty.json", "layer"),
        ("train --link 1.abc", "This link is damaged"),
        ("train --link http://127.0.0.1/lab?net=9.abc", "newer version"),
        ("train --link nonsense", "no link to a network"),
        ("show nobody", "There is no run 'nobody'"),
        ("show 57a", "There is no run '57a'"),
        ("evaluate nobody", "There is no run 'nobody'"),
        ("delete nobody", "There is no run 'nobody'"),
        ("predict --run nobody FOLDER/blank.png", "There is no run 'nobody'"),
        ("predict FOLDER/none.png", "none.png does not exist"),
        ("predict FOLDER/blank.png FOLDER/list.json", "list.json"),
        ("predict FOLDER", "FOLDER"),
    ],
)
def test_what_is_not_found_or_not_possible_is_one_sentence_and_exit_status_1(
    words: str, said: str, json_too: list[str], here: Callable[..., Said], tmp_path: Path, mouth: type[Mouth]
) -> None:
    written(tmp_path / "broken.json", '{"layers": [')
    written(tmp_path / "deep.json", "[" * 100_000)
    (tmp_path / "binary.json").write_bytes(bytes(range(256)))
    written(tmp_path / "list.json", [1, 2])
    written(tmp_path / "unknown.json", {"layers": [{"layer": "Conv9D"}]})
    written(tmp_path / "range.json", {"layers": [{"layer": "Dense", "units": 0}]})
    written(tmp_path / "impossible.json", IMPOSSIBLE.to_dict())
    written(tmp_path / "unended.json", Architecture((Flatten(), Dense(12))).to_dict())
    written(tmp_path / "empty.json", Architecture(()).to_dict())
    picture(tmp_path / "blank.png", None)
    found = here(*(word.replace("FOLDER", str(tmp_path)) for word in words.split()), *json_too)
    assert (found.status, found.out) == (1, "")
    assert said.replace("FOLDER", str(tmp_path)) in found.errors
    assert len(found.errors.strip().splitlines()) == 1 or "MNIST is not on this machine" in found.errors
    assert not mouth.made


def test_an_impossible_network_leaves_no_run_behind(here: Callable[..., Said], tmp_path: Path) -> None:
    file = written(tmp_path / "impossible.json", IMPOSSIBLE.to_dict())
    assert here("train", "--architecture", file).status == 1
    assert {run["id"] for run in here("runs", "--json").document} == set(starter.IDS)


def test_an_architecture_is_read_also_from_a_run(here: Callable[..., Said], tmp_path: Path) -> None:
    file = Path(written(tmp_path / "run.json", here("show", starter.RUN_ID, "--json").out))
    assert train.read_architecture(file) == studies.preset("starter").architecture


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MNIST_LAB_HOME", "FOLDER/file"),
        ("MNIST_LAB_HOME", "FOLDER/file/below"),
        ("MNIST_LAB_STORE", "mysql://me:secret@host/lab"),
        ("MNIST_LAB_STORE", "sqlite:///FOLDER/file"),
        ("MNIST_LAB_STORE", "sqlite:///FOLDER/file/below.db"),
        ("MNIST_LAB_STORE", "sqlite:///FOLDER"),
        ("MNIST_LAB_STORE", "postgresql+psycopg://me:secret@127.0.0.1:9/lab"),
        ("MNIST_LAB_DATA", "FOLDER/none"),
        ("MNIST_LAB_DATA", "FOLDER/file"),
        ("MNIST_LAB_DATA", "FOLDER"),
        ("MNIST_LAB_EXECUTOR", "cloud"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence(
    name: str, value: str, here: Callable[..., Said], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path / "file", "neither a folder nor a database nor images\n" * 100)
    monkeypatch.setenv(name, value.replace("FOLDER", str(tmp_path)))
    said = here("train", "--preset", "lenet-5", "--json")
    assert (said.status, said.out) == (1, "")
    assert len(said.errors.strip().splitlines()) == 1
    assert name in said.errors or f"{tmp_path / 'file'} is damaged" in said.errors
    assert "secret" not in said.errors


def test_a_setting_that_cannot_be_used_is_no_traceback(place: Place) -> None:
    said = place.run("runs", "--json", MNIST_LAB_DATA=str(place.folder / "none"))
    assert (said.status, said.out) == (1, "")
    assert said.errors.startswith(f"MNIST_LAB_DATA={place.folder / 'none'} does not exist.")
    assert len(said.errors.splitlines()) == 1


# The ends of the pipes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "lines"), [("presets", 1), ("runs", 0)], ids=["midway", "before the beginning"])
def test_a_reader_that_has_had_enough_is_no_error(command: str, lines: int, place: Place) -> None:
    process = place.start(command, "--json")
    with process:
        assert process.stdout is not None and process.stderr is not None
        for _ in range(lines):
            assert process.stdout.readline() == "[\n"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(PATIENCE) == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk_under_standard_output_is_one_sentence(place: Place) -> None:
    with open("/dev/full", "w") as full:
        process = place.start("presets", "--json", stdout=full)
    said = ended(process)
    assert said.status == 1
    assert said.errors == "Standard output cannot be written (No space left on device).\n"


def test_control_c_while_the_program_loads_is_no_traceback(place: Place) -> None:
    written(place.folder / "numpy.py", "raise KeyboardInterrupt")
    said = place.run("runs", PYTHONPATH=f"{place.folder}{os.pathsep}{ROOT}")
    assert (said.status, said.out, said.errors) == (1, "", "Interrupted.\n")


def test_control_c_in_a_command_is_one_word(here: Callable[..., Said], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(look, "open_runs", interrupted)
    said = here("runs", "--json")
    assert (said.status, said.out, said.errors) == (1, "", "Interrupted.\n")
