"""The process that answers about trained networks, and its client: answers, errors, deadlines, deaths."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mnist_lab import datasets
from mnist_lab.errors import InferenceError
from mnist_lab.jobs import InferenceClient, processes
from mnist_lab.store import Run
from mnist_lab.store.artefacts import PREDICTIONS
from tests.jobs.conftest import Lab

IMAGES = 32


@pytest.fixture(scope="module")
def client(lab: Lab) -> Iterator[InferenceClient]:
    yield lab.manager.inference


@pytest.fixture(scope="module")
def run(lab: Lab) -> Run:
    return lab.trained()


@pytest.fixture(scope="module")
def known(lab: Lab, run: Run) -> np.ndarray:
    """What the training said of the test images."""
    with np.load(lab.store.artefacts.path(run.id, PREDICTIONS)) as file:
        return file["probabilities"]


def images(count: int = IMAGES) -> np.ndarray:
    return datasets.load("digits").x_test[:count]


def pid_of(client: InferenceClient) -> int:
    assert client._process is not None
    return client._process.pid


def patiently(client: InferenceClient, run: Run) -> tuple[np.ndarray, int]:
    """Asks as a page does, again after an error; how many errors there were."""
    for errors in range(3):
        try:
            return client.predict(run.id, images(), deadline=60), errors
        except InferenceError as error:
            assert "again" in error.remedy
    pytest.fail("no answer in three trials")


def test_it_says_of_the_test_images_what_the_training_said(
    client: InferenceClient, run: Run, known: np.ndarray
) -> None:
    answer = client.predict(run.id, images(360))
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, known, atol=1e-5)
    assert client.is_warm


def test_no_images_no_answers(client: InferenceClient, run: Run) -> None:
    assert client.predict(run.id, images(0)).shape == (0, 10)


def test_what_it_does_not_know_is_an_error_and_it_lives_on(client: InferenceClient, run: Run) -> None:
    client.ask("ping")
    pid = pid_of(client)
    with pytest.raises(InferenceError, match="no_such_question"):
        client.ask("no_such_question")
    with pytest.raises(InferenceError, match="_load"):
        client.ask("_load", run_id=run.id)
    with pytest.raises(InferenceError, match="TypeError"):
        client.ask("predict", run_id=run.id)
    with pytest.raises(InferenceError, match="has no model"):
        client.predict("f" * 32, images())
    with pytest.raises(InferenceError, match="is not a run id"):
        client.predict("../" + run.id, images())
    assert client.ask("ping") == "ready"
    assert pid_of(client) == pid


def test_the_export_is_a_file_of_keras(client: InferenceClient, run: Run) -> None:
    content = client.ask("export", 60, run_id=run.id)
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        assert {"config.json", "metadata.json", "model.weights.h5"} <= set(file.namelist())


def test_many_threads_that_ask_at_once_get_their_own_answers(
    client: InferenceClient, run: Run, known: np.ndarray
) -> None:
    answers: dict[int, np.ndarray] = {}

    def ask(index: int) -> None:
        answers[index] = client.predict(run.id, images()[index : index + 1])

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(IMAGES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = np.concatenate([answers[index] for index in range(IMAGES)])
    np.testing.assert_allclose(found, known[:IMAGES], atol=1e-5)


def test_when_it_was_killed_another_answers(client: InferenceClient, run: Run, known: np.ndarray) -> None:
    client.ask("ping")
    pid = pid_of(client)
    os.kill(pid, signal.SIGKILL)
    answer, errors = patiently(client, run)
    assert errors <= 1
    assert pid_of(client) != pid
    np.testing.assert_allclose(answer, known[:IMAGES], atol=1e-5)


def test_when_it_hangs_the_deadline_holds_and_another_answers(
    client: InferenceClient, run: Run, known: np.ndarray
) -> None:
    client.ask("ping")
    pid = pid_of(client)
    os.kill(pid, signal.SIGSTOP)
    begin = time.monotonic()
    with pytest.raises(InferenceError, match="gave no answer in time"):
        client.predict(run.id, images(), deadline=0.5)
    assert 0.5 <= time.monotonic() - begin < 5
    answer, errors = patiently(client, run)
    assert errors == 0
    assert pid_of(client) != pid
    np.testing.assert_allclose(answer, known[:IMAGES], atol=1e-5)


def test_a_process_that_does_not_start_is_one_sentence_and_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    client = InferenceClient()
    monkeypatch.setattr(processes.sys, "executable", "/bin/false")
    for _ in range(2):
        with pytest.raises(InferenceError, match="did not start"):
            client.ask("ping")
    assert not client.is_warm
    client.close()


def test_it_leaves_no_socket_behind(client: InferenceClient) -> None:
    client.ask("ping")
    assert not Path(client._address).exists(), "once connected, nobody else is let in"
