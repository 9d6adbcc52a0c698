"""Entry of the process that speaks with a Ray cluster, ``python -m mnist_lab.ray_driver``; see `jobs.ray_crew`.

It has each queued run of one owner trained by a task, and puts back into the queue what a lost node had in hand. It is
a process of its own as Ray ends the process that speaks with a cluster whose head is gone for a minute.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import shutil
import signal
import socket
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray import exceptions

from mnist_lab import logs, ray_names, ray_task
from mnist_lab.errors import LabError, RunNotFound, StoreError
from mnist_lab.jobs import devices
from mnist_lab.jobs.putting_back import put_back
from mnist_lab.settings import read_settings
from mnist_lab.store import RunStore, open_store
from mnist_lab.store.records import ENDED_EARLY
from mnist_lab.worker import RUNS_PER_PROCESS

POLL_SECONDS = 0.25
# Between two looks at what the cluster has, and at whether runs in hand are still their tasks'.
LOOK_SECONDS = 2.0
# A run that its task has left is put back when its heartbeat, which comes four times a second, is still for so long: a
# process that outlives its node for a moment is not to train beside the next.
QUIET_SECONDS = 2.0
# A task whose run is taken for lost notices that by itself, if it still moves.
TOLD_SECONDS = 30.0
# Tasks that cannot begin are tried again, ever more rarely.
RETRY_SECONDS = (1.0, 5.0, 30.0, 120.0)
# Nothing goes by way of Ray's object store.
OBJECT_STORE_BYTES = 80 * 2**20
# A socket's path may be no longer than 107 bytes, and Ray adds some 70.
MAX_FOLDER = 36
KNOCK_SECONDS = 10.0
# Exit status where no cluster could be reached.
UNREACHABLE = 3

_log = logging.getLogger("mnist_lab.ray_driver")  # it is run as __main__


@dataclass
class Hand:
    """A run that a task was given.

    Attributes:
        run_id: The run.
        worker: Under which name the task takes it.
        why: After the task has ended without ending the run: how.
        heartbeat: The run's last one, as far as was seen since then.
        still: Since when that has been the last one.
        has_begun: Whether the task was seen to have the run.
        lost: Since when the run has no longer been the task's, which still goes on.
    """

    run_id: str
    worker: str
    why: str = ""
    heartbeat: float | None = None
    still: float = 0.0
    has_begun: bool = False
    lost: float = 0.0


def main(arguments: list[str] | None = None) -> int:
    """Has runs trained until it is no longer wanted; returns the exit status."""
    parser = argparse.ArgumentParser(prog="mnist_lab.ray_driver")
    parser.add_argument("task", choices=("ray",))
    parser.add_argument("--name", required=True)
    parser.add_argument("--parent", type=int, required=True, help="process id of the one who started this")
    parser.add_argument("--owner", help="whose queued runs; by default those of the common queue")
    parser.add_argument("--size", type=int, required=True, help="how many at once, at most")
    parser.add_argument("--impatient", action="store_true", help="fail what cannot begin")
    parser.add_argument("--folder", type=Path, required=True, help="where to tell how it goes, and for Ray's own files")
    options = parser.parse_args(arguments)
    logs.set_up("ray", logging.INFO, "%(asctime)s %(name)s: %(message)s")
    try:
        driver = Driver(open_store(), options)
    except LabError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        if not driver.connect():
            return UNREACHABLE
        driver.work()
    finally:
        if driver.is_orphan:
            # Nobody else clears up.
            shutil.rmtree(options.folder, ignore_errors=True)
    return 0


class Driver:
    """What has the queued runs of one owner trained by a Ray cluster.

    Args:
        store: The run store.
        options: Those of the command line.
    """

    def __init__(self, store: RunStore, options: argparse.Namespace) -> None:
        self.store, self.options = store, options
        self.settings = read_settings()
        self.told = ray_names.told(self.settings, os.environ)
        self.hands: dict[Any, Hand] = {}
        self.losses: Counter[str] = Counter()
        self._unsettled: list[Hand] = []
        self._said: dict[str, Any] = {}
        self._problem: str | None = None
        self._failures = 0
        self._not_before = 0.0
        self._looked = -LOOK_SECONDS
        self._gone: set[str] = set()
        self._number = 0
        self._room = 0
        self._gpus = 0
        self._asked = ""

    def connect(self) -> bool:
        """Reaches the cluster that ``RAY_ADDRESS`` names, or starts one on this machine; says whether it could."""
        address = os.environ.get("RAY_ADDRESS", "").strip()
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            if address:
                _knock(address)
                # The nodes need not have this version of the program, nor any.
                package = {"py_modules": [str(Path(__file__).parent)], "excludes": ["__pycache__"]}
                ray.init(address=address, runtime_env=package, **quiet)
            else:
                ray.init(
                    address="local",
                    num_cpus=max(devices.cores(), self.settings.ray_cpus),
                    include_dashboard=False,
                    object_store_memory=OBJECT_STORE_BYTES,
                    _temp_dir=str(self.options.folder) if len(str(self.options.folder)) <= MAX_FOLDER else None,
                    **quiet,
                )
        except Exception as error:  # of many kinds
            _log.exception("the cluster cannot be reached")
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            if isinstance(error, exceptions.AuthenticationError) or isinstance(
                error.__cause__, exceptions.AuthenticationError
            ):
                first = "it wants its token: see RAY_AUTH_MODE and RAY_AUTH_TOKEN"
            where = f"The Ray cluster at {address:.200}" if address else "A Ray cluster on this machine"
            self._say(problem=f"{where} cannot be {'reached' if address else 'started'} ({first:.300}).")
            return False
        # Ray has its own way with this signal.
        signal.signal(signal.SIGTERM, self._note_signal)
        if hasattr(signal, "SIGUSR1"):
            signal.signal(signal.SIGUSR1, self._note_signal)
        self._say(is_connected=True)
        return True

    def work(self) -> None:
        """Works until it is asked to end or to leave, or its parent is gone."""
        while self._asked != "end":
            is_leaving = bool(self._asked) or self.is_orphan
            try:
                self._look()
                self._collect()
                self._settle()
                if is_leaving:
                    self._cancel_pending()
                else:
                    self._submit()
            except StoreError as error:
                # The database may be away for a while, and the trainings wait for it too.
                _log.warning("%s", error)
                time.sleep(LOOK_SECONDS)
            if is_leaving and not self.hands and not self._unsettled:
                break
        self._end()

    # In turn ------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        known = ray.nodes()
        nodes = [node.get("Resources", {}) for node in known if node.get("Alive")]
        self._gpus = int(any(node.get("GPU", 0) >= 1 for node in nodes))
        self._room = sum(self._fitting(node) for node in nodes)
        if not self._room:
            what = f"{self.settings.ray_cpus} CPU{'s' * (self.settings.ray_cpus != 1)}{' and a GPU' * self._gpus}"
            self._problem = f"No node of the Ray cluster has {what} for a training."
        elif not self._failures:
            self._problem = None
        self._say(size=self.size, problem=self._problem)
        gone = {node["NodeID"] for node in known if not node.get("Alive")}
        if gone - self._gone:
            self._give_up(gone)
        self._gone = gone
        self._cancel_lost(now)

    def _fitting(self, resources: dict[str, float]) -> int:
        cpus = int(resources.get("CPU", 0) // self.settings.ray_cpus)
        return min(cpus, int(resources.get("GPU", 0))) if self._gpus else cpus

    @property
    def is_orphan(self) -> bool:
        """Whether the program that started it is gone."""
        return os.getppid() != self.options.parent

    @property
    def size(self) -> int:
        """How many runs at once."""
        return min(self.options.size, max(1, self._room))

    def _give_up(self, gone: set[str]) -> None:
        """Gives up the tasks of nodes that are gone: of one that vanished without a word Ray waits for an answer.

        Where a task is that has not begun yet is not known: it is given anew, and if both come to begin, one of them
        finds that the run has been taken.
        """
        hands = {hand.run_id: ref for ref, hand in self.hands.items()}
        for run in self.store.runs(ids=list(hands)) if hands else ():
            hand = self.hands[hands[run.id]]
            is_its = run.worker == hand.worker
            if any(ray_names.is_of(run.host, node) for node in gone) if is_its else run.status == "queued":
                ref = hands[run.id]
                hand.why = "its node was lost"
                self._unsettled.append(self.hands.pop(ref))
                _cancel(ref)

    def _cancel_lost(self, now: float) -> None:
        """Ends the tasks whose runs were taken for lost by whoever watches over silent workers."""
        hands = {hand.run_id: (ref, hand) for ref, hand in self.hands.items()}
        for run in self.store.runs(ids=list(hands)) if hands else ():
            ref, hand = hands[run.id]
            is_its = run.worker == hand.worker and run.status not in ("interrupted", "queued")
            hand.has_begun = hand.has_begun or is_its
            if is_its or not hand.has_begun:
                hand.lost = 0.0
            elif not hand.lost:
                hand.lost = now
            elif now - hand.lost > TOLD_SECONDS:
                _cancel(ref)

    def _collect(self) -> None:
        """Waits for a moment, and takes the tasks that have ended."""
        if not self.hands:
            time.sleep(POLL_SECONDS)
            return
        ended, _ = ray.wait(list(self.hands), num_returns=len(self.hands), timeout=POLL_SECONDS)
        for ref in ended:
            hand = self.hands.pop(ref)
            problem = ""
            try:
                problem = ray.get(ref)
            except exceptions.RayTaskError as error:
                _log.warning("a task failed: %s", error, extra={"run": hand.run_id})
                cause = error.cause if isinstance(error.cause, Exception) else error
                first = (str(cause).strip().splitlines() or [""])[-1]
                problem = f"A node of the Ray cluster cannot train ({type(cause).__name__}: {first:.300})."
            except exceptions.RayError as error:
                _log.warning("a task was lost: %s", error, extra={"run": hand.run_id})
                hand.why = _in_words(error)
                if isinstance(error, exceptions.RuntimeEnvSetupError):
                    problem = "A node of the Ray cluster cannot be given this version of the program."
            if problem:
                self._cannot_begin(hand, problem)
            else:
                self._failures = 0
            self._unsettled.append(hand)

    def _cannot_begin(self, hand: Hand, problem: str) -> None:
        self._failures += 1
        self._problem = problem
        self._not_before = time.monotonic() + RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS)) - 1]
        self._say(problem=problem)
        if self.options.impatient:
            self.store.end(hand.run_id, "failed", reason=problem, among=("queued",))

    def _settle(self) -> None:
        """Puts back the runs that their tasks have left without an end."""
        for hand in list(self._unsettled):
            if self._is_settled(hand):
                self._unsettled.remove(hand)

    def _is_settled(self, hand: Hand) -> bool:
        try:
            run = self.store.get(hand.run_id)
        except RunNotFound:
            return True
        is_lost = run.is_active or (run.status == "interrupted" and run.reason == ENDED_EARLY)
        if run.worker != hand.worker or not is_lost:
            return True
        now = time.monotonic()
        if not hand.still or run.heartbeat != hand.heartbeat:
            hand.heartbeat, hand.still = run.heartbeat, now
            return False
        if now - hand.still < QUIET_SECONDS:
            return False
        put_back(self.store, run, hand.why or "its process ended early", self.losses)
        return True

    def _submit(self) -> None:
        free = self.size - len(self.hands)
        if free <= 0 or time.monotonic() < self._not_before:
            return
        besides = {hand.run_id for hand in (*self.hands.values(), *self._unsettled)}
        for run_id in self.store.next_for(self.options.owner, free, besides):
            self._number += 1
            hand = Hand(run_id, f"{self.options.name}-{self._number}")
            cpus = self.settings.ray_cpus
            # As TensorFlow never gives a GPU back, and Ray may give the next task another one.
            most = 1 if self._gpus else RUNS_PER_PROCESS
            task = ray.remote(num_cpus=cpus, num_gpus=self._gpus, max_retries=0, max_calls=most)(ray_task.train)
            self.hands[task.remote(run_id, hand.worker, self.options.owner, self.told, cpus)] = hand

    def _cancel_pending(self) -> None:
        """Takes back the tasks that have not begun."""
        hands = {hand.run_id: ref for ref, hand in self.hands.items()}
        for run in self.store.runs(["queued"], ids=list(hands)) if hands else ():
            _cancel(hands[run.id])

    # Its end ------------------------------------------------------------------------------------------------------

    def _note_signal(self, number: int, frame: object) -> None:
        self._asked = "end" if number == signal.SIGTERM else self._asked or "leave"

    def _end(self) -> None:
        """Ends what is in hand as *interrupted*; Ray ends the tasks of whoever leaves it."""
        for hand in (*self.hands.values(), *self._unsettled):
            with suppress(LabError):
                self.store.interrupt(hand.worker)
        ray.shutdown()

    def _say(self, **facts: Any) -> None:
        """Tells how it goes, by a file that appears whole."""
        said = {**self._said, **facts}
        if said == self._said:
            return
        self._said = said
        path = self.options.folder / ray_names.STATE
        new = path.with_suffix(".new")
        with suppress(OSError):
            new.write_text(json.dumps(said), encoding="utf-8")
            os.replace(new, path)


def _knock(address: str) -> None:
    """Looks whether somebody listens at an address: Ray itself would try for many minutes.

    Raises:
        OSError: If nobody does.
    """
    found = re.fullmatch(r"(?:ray://)?\[?([^\[\]]+?)\]?:(\d{1,5})", address)
    if found is not None:
        socket.create_connection((found[1], int(found[2])), KNOCK_SECONDS).close()


def _cancel(ref: Any) -> None:
    with suppress(Exception):  # it may have ended meanwhile, or its node
        ray.cancel(ref, force=True)


def _in_words(error: Exception) -> str:
    """What became of a task, as the second half of a sentence."""
    if isinstance(error, exceptions.OutOfMemoryError):
        return "its node had no more memory"
    if isinstance(error, exceptions.WorkerCrashedError):
        return "its process was ended"
    if isinstance(error, exceptions.TaskCancelledError):
        return "it gave no sign of life"
    return "its node was lost"


if __name__ == "__main__":
    sys.exit(main())
