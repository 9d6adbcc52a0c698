"""One queued run, trained by a task of a Ray cluster: there what `mnist_lab.worker` is for processes of this machine.

A node has it done in a process that Ray keeps for the next ones, so that Keras is imported once. The driver imports
this module too: Keras is imported by the task.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping
from functools import cache

from mnist_lab import logs
from mnist_lab.errors import LabError
from mnist_lab.heartbeat import Heartbeat
from mnist_lab.ray_names import OF_THE_NODE, host_of
from mnist_lab.settings import read_settings
from mnist_lab.store import Run, RunStore, open_store


def train(run_id: str, worker: str, owner: str | None, environment: Mapping[str, str], threads: int) -> str:
    """Trains a queued run to its end, whatever that is; all that comes of it is in the store.

    Args:
        run_id: The run. It is left alone if somebody else has it by now, or it is not to be trained any more.
        worker: Under which name to take it.
        owner: Whose queue it is in; None for the common one.
        environment: Environment variables that the node needs, see `ray_names.told`.
        threads: In how many threads to compute.

    Returns:
        Why it could not be begun on this node; else empty.
    """
    try:
        store = _store(environment, threads)
        if not store.exists(run_id):
            return (
                "A node of the Ray cluster sees another run store than the program does. "
                "Set MNIST_LAB_STORE to a PostgreSQL that all of them reach."
            )
        # Before Keras is imported, which takes its time: whoever watches over nodes knows by it where the run is.
        run = store.claim_run(run_id, worker, os.getpid(), owner=owner)
        if run is None:
            return ""
        try:
            with Heartbeat(store, run.id, worker):
                engine = _engine(threads)
        except BaseException:
            store.put_back(run.id, worker)
            raise
    except LabError as error:
        return str(error)
    if not engine(store, run, worker):
        # Not to be trusted with another run. The driver finds this one ended, or puts it back.
        os._exit(0)
    return ""


def _store(environment: Mapping[str, str], threads: int) -> RunStore:
    """The store, in which this process goes by its node's name."""
    import ray

    kept = {name: os.environ[name] for name in OF_THE_NODE if os.environ.get(name)}
    os.environ.update({**environment, **kept})
    # OpenMP's and those of numerical libraries are counted when these are loaded.
    os.environ["OMP_NUM_THREADS"] = str(threads)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ["KERAS_BACKEND"] = read_settings().backend
    store = open_store()
    store.host = host_of(socket.gethostname(), ray.get_runtime_context().get_node_id())
    return store


@cache
def _engine(threads: int) -> Callable[[RunStore, Run, str], bool]:
    """What trains one run, made ready once for each process."""
    logs.set_up("train", logging.INFO, "%(asctime)s %(name)s: %(message)s")
    from mnist_lab import worker

    worker.get_ready(threads)
    return worker.train_one
