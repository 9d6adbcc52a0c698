"""One process that trains and answers: neither is disturbed by the other."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest

from mnist_lab import datasets
from mnist_lab.errors import InferenceError
from mnist_lab.jobs import JobManager
from mnist_lab.store import Run
from mnist_lab.store.artefacts import MODEL
from mnist_lab.training_config import Augmentation, TrainingConfig
from tests.jobs.conftest import FAST, LONG, Lab, has_ended, has_trained, is_stopped, place

# Much that a question could disturb: an order, chance in what is augmented.
CONFIG = TrainingConfig(dataset="digits", epochs=12, batch_size=16, augmentation=Augmentation(rotation=10))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with place(tmp_path_factory.mktemp("one") / "home") as store:
        manager = JobManager(store, one_worker=True)
        yield Lab(store, manager)
        manager.close()


@pytest.fixture(scope="module")
def run(lab: Lab) -> Run:
    return lab.until(lab.submit(FAST), has_ended)


def answers(lab: Lab, run: Run) -> np.ndarray:
    return lab.manager.inference.predict(run.id, datasets.load("digits").x_test[:32], deadline=60)


def pid(lab: Lab) -> int:
    assert lab.manager.inference.process is not None
    return lab.manager.inference.process.pid


def test_the_process_that_trains_answers(lab: Lab, run: Run) -> None:
    assert run.status == "finished", run.reason
    assert answers(lab, run).shape == (32, 10)
    assert run.pid == pid(lab)


def test_questions_do_not_change_what_is_learnt_and_are_answered_meanwhile(lab: Lab, run: Run) -> None:
    before = answers(lab, run)
    alone = lab.until(lab.submit(CONFIG), has_ended)
    asked = lab.until(lab.submit(CONFIG), has_trained(1))
    count = 0
    while not has_ended(lab.store.get(asked.id)):
        # What looks new is built and read anew.
        os.utime(lab.store.artefacts.path(run.id, MODEL))
        np.testing.assert_array_equal(answers(lab, run), before)
        count += 1
    assert count > 3
    assert lab.store.get(asked.id).pid == pid(lab)
    keys = ("loss", "accuracy", "val_loss", "val_accuracy")
    histories = [[[entry[key] for key in keys] for entry in lab.store.history(each.id)] for each in (alone, asked)]
    assert histories[0] == histories[1]
    np.testing.assert_array_equal(answers(lab, alone), answers(lab, asked))


def test_an_answer_that_is_late_does_not_end_the_training(lab: Lab, run: Run) -> None:
    training = lab.until(lab.submit(LONG), has_trained(1))
    with pytest.raises(InferenceError, match="in time") as caught:
        lab.manager.inference.predict(run.id, datasets.load("digits").x_test, deadline=0)
    assert caught.value.remedy == "Try again."
    assert answers(lab, run).shape == (32, 10)
    done = lab.store.get(training.id).epochs_run
    training = lab.until(training, has_trained(done + 1))
    assert training.pid == pid(lab)
    lab.manager.stop(training.id)
    lab.until(training, is_stopped)


def test_killed_it_ends_the_run_with_its_reason_and_another_takes_its_place(lab: Lab, run: Run) -> None:
    training = lab.until(lab.submit(LONG), has_trained(1))
    old = pid(lab)
    os.kill(old, signal.SIGKILL)
    training = lab.until(training, has_ended)
    assert training.status == "failed"
    assert "SIGKILL" in (training.reason or "")
    again = lab.until(lab.submit(FAST), has_ended)
    assert again.status == "finished"
    assert answers(lab, run).shape == (32, 10)
    assert again.pid == pid(lab) != old


def test_closed_while_it_trains_it_ends_and_its_run_can_be_resumed(lab: Lab, run: Run) -> None:
    training = lab.until(lab.submit(LONG), has_trained(1))
    process = lab.manager.inference.process
    begin = time.monotonic()
    lab.manager.close()
    assert time.monotonic() - begin < 5
    assert process is not None and process.exit_status == 0
    training = lab.store.get(training.id)
    assert training.status == "interrupted" and training.can_go_on
    with pytest.raises(InferenceError, match="being closed"):
        answers(lab, run)
