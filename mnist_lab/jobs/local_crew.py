"""A crew of worker processes of this machine, which take queued runs from the store by themselves."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from mnist_lab import formatting
from mnist_lab.errors import LabError
from mnist_lab.jobs import devices
from mnist_lab.jobs.crew import Crew
from mnist_lab.jobs.lost import MOST_PER_LOOK, Watch, end_lost, is_stopped
from mnist_lab.jobs.processes import WorkerProcess, end_failed, exit_words
from mnist_lab.store import RunStore

# A worker that does not end by itself within this is killed.
CLOSE_SECONDS = 2.0
# A worker that fails to start is tried again, ever more rarely.
RETRY_SECONDS = (1.0, 5.0, 30.0, 120.0)
# For so long a worker may have nothing in hand while runs wait for it: one that imports, perhaps with many others from
# a slow disk, and one that may still evaluate a run that was stopped. Beyond it hangs.
START_SECONDS = 300.0
IDLE_SECONDS = 900.0
# One that has lived so long, and that nothing waits for, has started, whatever became of the one before it.
STARTED_SECONDS = 60.0
_LEAVE_LOOK_SECONDS = 0.05

_log = logging.getLogger(__name__)

# The workers of all crews of this process: of their ends their crews hear, and nobody else is to take them for lost.
_ours: set[str] = set()


@dataclass
class _Hand:
    """One worker of a crew.

    Attributes:
        process: Its process.
        place: Which of the crew's places it has, from 0: the first ones get the first devices.
        began: When it was started, by a clock that nobody sets.
        has_begun: Whether it was seen with a run in hand.
        idle: For how many seconds it has had nothing in hand while runs waited.
    """

    process: WorkerProcess
    place: int
    began: float
    has_begun: bool = False
    idle: float = 0.0


class LocalCrew(Crew):
    """Worker processes of this machine.

    Args:
        store: As in `Crew`, as are `owner`, `size` and `patient`.
        start: Starts the worker of a place, from 0, or says None where it comes later; by default each is a process of
            its own with its share of the machine.
    """

    def __init__(
        self,
        store: RunStore,
        owner: str | None,
        size: int,
        *,
        patient: bool = True,
        start: Callable[[int], WorkerProcess | None] | None = None,
    ) -> None:
        super().__init__(store, owner, size, patient=patient)
        self.watch = Watch()
        self._start_one = start or self._process
        self._hands: list[_Hand] = []
        self._killed: list[WorkerProcess] = []
        self._looked = time.monotonic()
        self._failures = 0
        self._not_before = 0.0
        self._is_closed = False

    @property
    def is_warm(self) -> bool:
        """Whether a worker process is up; it may still be importing."""
        return any(hand.process.exit_status is None for hand in self._hands)

    @property
    def processes(self) -> list[WorkerProcess]:
        """The worker processes that have not been buried, in the order of their places."""
        return [hand.process for hand in sorted(self._hands, key=lambda hand: hand.place)]

    def tick(self) -> None:
        """See `Crew.tick`."""
        now = time.monotonic()
        passed, self._looked = min(now - self._looked, MOST_PER_LOOK), now
        self._killed = [process for process in self._killed if process.exit_status is None]
        for hand in [hand for hand in self._hands if hand.process.exit_status is not None]:
            self._bury(hand)
        for run in end_lost(self.store, set(_ours), self.watch):
            for hand in [hand for hand in self._hands if hand.process.name == run.worker]:
                # It hung and was killed, which is no failure to start.
                self._remove(hand)
                self._killed.append(hand.process)
        busy = {run.worker for run in self.store.active()}
        for hand in self._hands:
            hand.has_begun = hand.has_begun or hand.process.name in busy
        if any(hand.has_begun or (now - hand.began > STARTED_SECONDS and not hand.idle) for hand in self._hands):
            self._failures, self.problem = 0, None
        waiting = self.store.waiting_for(self.owner)
        self._end_hung(busy, waiting > 0, passed)
        free = sum(hand.process.name not in busy for hand in self._hands)
        wanted = max(waiting, int(self.keeps_warm and not self._hands))
        if now >= self._not_before:
            self._start(min(wanted - free, self.size - len(self._hands)))

    def finish(self, seconds: float) -> None:
        """See `Crew.finish`. Where a process cannot be asked to leave (Windows), it is just ended."""
        limit = time.monotonic() + seconds
        for hand in self._hands:
            # One that never had a run need not be waited for; it may still be importing.
            if hand.has_begun or self.store.has_begun(hand.process.name):
                hand.process.leave()
            else:
                hand.process.end(0.0)
        while self.is_warm and time.monotonic() < limit:
            time.sleep(_LEAVE_LOOK_SECONDS)
        self.close()

    def close(self) -> None:
        """See `Crew.close`."""
        self._is_closed = True
        hands, self._hands = self._hands, []
        for hand in hands:
            hand.process.ask_to_end()
        limit = time.monotonic() + CLOSE_SECONDS
        for process in self._killed:
            process.wait(max(0.0, limit - time.monotonic()))
        for hand in hands:
            hand.process.end(max(0.0, limit - time.monotonic()))
            _ours.discard(hand.process.name)
            try:
                # It said so itself, unless it had to be killed.
                self.store.interrupt(hand.process.name)
            except LabError as error:
                _log.warning("%s", error)

    def _process(self, place: int) -> WorkerProcess:
        """A worker with its share of the machine."""
        share = devices.share(place, self.size)
        whose = [] if self.owner is None else ["--owner", self.owner]
        return WorkerProcess("train", [*whose, *share.arguments], share.environment)

    def _start(self, count: int) -> None:
        for _ in range(0 if self._is_closed else count):
            place = min(set(range(self.size)) - {hand.place for hand in self._hands})
            process = self._start_one(place)
            if process is None:
                return
            if self._is_closed:
                # By another thread, whose program ends.
                process.end(0.0)
                return
            self._hands.append(_Hand(process, place, time.monotonic()))
            _ours.add(process.name)

    def _remove(self, hand: _Hand) -> None:
        self._hands.remove(hand)
        _ours.discard(hand.process.name)

    def _bury(self, hand: _Hand) -> None:
        """Ends the runs of a worker that is gone."""
        status = hand.process.exit_status or 0
        mine = [run for run in self.store.active() if run.worker == hand.process.name]
        has_begun = bool(mine) or hand.has_begun or self.store.has_begun(hand.process.name)
        for run in mine:
            tail = self.store.artefacts.log_tail(run.id) or hand.process.output_tail()
            end_failed(self.store, run.id, status, tail)
        self._remove(hand)
        if has_begun:
            # After many runs a worker leaves the rest to a fresh one.
            self._failures, self.problem = 0, None
        elif status or not self.patient:
            self._failed_to_start(hand.process, exit_words(status, hand.process.output_tail()))

    def _end_hung(self, busy: set[str | None], do_wait: bool, passed: float) -> None:
        """Kills the workers that take nothing while runs wait for them."""
        for hand in list(self._hands):
            hand.idle = hand.idle + passed if do_wait and hand.process.name not in busy else 0.0
            limit = IDLE_SECONDS if hand.has_begun else START_SECONDS
            if hand.idle <= limit or _is_held(hand.process):
                continue
            _log.error("a worker took no run for %d s and is ended:\n%s", limit, hand.process.output_tail())
            self._remove(hand)
            # Its end is not waited for: what hangs in the system's hands dies when these let go of it.
            hand.process.kill()
            self._killed.append(hand.process)
            if not hand.has_begun:
                words = f"did nothing for {formatting.duration(limit)} and was ended"
                self._failed_to_start(hand.process, words, is_chance=False)

    def _failed_to_start(self, process: WorkerProcess, words: str, *, is_chance: bool = True) -> None:
        """Waits before the next try, or fails the run that the worker was to begin with.

        Args:
            process: The worker.
            words: What became of it.
            is_chance: Whether that may happen once and is not worth a word.
        """
        _log.error("a worker did not start: it %s\n%s", words, process.output_tail())
        if not self.patient:
            queued = [run for run in self.store.runs(["queued"], owned=True) if run.owner == self.owner]
            for run in sorted(queued, key=lambda run: run.position)[:1]:
                self.store.end(run.id, "failed", reason=f"The training process {words}.", among=("queued",))
            return
        self._failures += 1
        self._not_before = time.monotonic() + RETRY_SECONDS[min(self._failures, len(RETRY_SECONDS)) - 1]
        if self._failures > 1 or not is_chance:
            self.problem = f"The training engine does not start (it {words})."


def _is_held(process: WorkerProcess) -> bool:
    """Whether somebody holds a process, which then is not to be blamed for doing nothing."""
    with suppress(psutil.Error):
        return is_stopped(psutil.Process(process.pid))
    return False
