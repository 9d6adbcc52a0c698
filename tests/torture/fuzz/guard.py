"""Strangers' input fed to a part of the program in a process of its own, under guard.

While an input is read, nothing may be written outside the process's folder, no program started, no module imported, no
code run, no address called, nothing unpickled; it may take five seconds and 500 MB. What is raised must be an error in
words. A process is called as ``python -m tests.torture.fuzz.guard PLAN SEED FOLDER`` and says in JSON what came
of it; an input that breaks a rule is kept in the folder.
"""

from __future__ import annotations

import codecs
import faulthandler
import importlib
import json
import os
import pickle
import random
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
HANG_SECONDS = 5.0
MOST_GROWTH_MB = 500
# Address space above what the process has when it begins: an input that asks for more gets a MemoryError.
MOST_ASKED_MB = 2000
STUCK_SECONDS = 60
MOST_FAILURES = 20

_FORBIDDEN = {
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn", "subprocess.Popen",
    "exec", "pickle.find_class", "marshal.loads", "ctypes.dlopen", "ctypes.dlsym", "ctypes.call_function",
    "socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request",
    "shutil.unpack_archive", "webbrowser.open", "sys.setprofile", "sys.settrace", "code.__new__",
}  # fmt: skip
_OF_PATHS = {
    "os.rename", "os.link", "os.symlink", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.chown", "os.truncate",
    "os.utime", "os.setxattr", "shutil.rmtree", "shutil.move", "shutil.copyfile", "sqlite3.connect",
}  # fmt: skip
# Text encodings are looked up by name when they are first needed.
_ENCODINGS = ("ascii", "latin-1", "utf-8", "utf-16", "utf-32", "cp437", "cp1252", "idna")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Target:
    """What is fed, and with what.

    Attributes:
        feed: Reads one input; returns whether it was taken. `LabError` means that it was refused.
        make: Draws an input and says of which kind it is; None where `strategy` does.
        strategy: A strategy of Hypothesis.
        kind: What its inputs are called, where `strategy` makes them.
        first: Inputs that are read before the guard is set: what must be imported is imported then.
        needs_address_space: Whether the process asks for more memory than it uses, as TensorFlow does.
    """

    feed: Callable[[Any], bool]
    make: Callable[[random.Random], tuple[str, Any]] | None = None
    strategy: Any = None
    kind: str = ""
    first: Sequence[Any] = ()
    needs_address_space: bool = False


class Hang(BaseException):
    """An input that is read for far too long."""


class Broken(BaseException):
    """Something that no input may bring about."""


@dataclass
class Guard:
    """Feeds inputs one after the other and keeps account."""

    target: Target
    folder: Path
    counts: Counter[str] = field(default_factory=Counter)
    taken: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    growth: float = 0.0
    failures: list[str] = field(default_factory=list)
    is_armed: bool = False

    def __post_init__(self) -> None:
        self._broken = ""
        self._last = os.open(self.folder / "last-input", os.O_RDWR | os.O_CREAT)

    def set_up(self) -> None:
        """Reads the first inputs, then sets the limits and begins to listen."""
        from mnist_lab.errors import LabError

        self._refusal = LabError
        for name in _ENCODINGS:
            codecs.lookup(name)
        for value in self.target.first:
            try:
                self.target.feed(value)
            except LabError:
                pass
        sys.addaudithook(self._hear)
        signal.signal(signal.SIGALRM, self._stop)
        self._start = _resident_mb("VmRSS")
        if not self.target.needs_address_space:
            most = (_resident_mb("VmSize") + MOST_ASKED_MB) * 2**20
            resource.setrlimit(resource.RLIMIT_AS, (int(most), resource.getrlimit(resource.RLIMIT_AS)[1]))

    def feed(self, kind: str, value: Any) -> None:
        """Feeds one input and notes what came of it."""
        content = pickle.dumps(value)
        os.ftruncate(self._last, 0)
        os.pwrite(self._last, content, 0)
        self.counts[kind] += 1
        seconds = self._once(kind, value, content)
        if seconds > HANG_SECONDS:
            # The machine may have been busy with something else.
            seconds = self._once(kind, value, content)
            if seconds > HANG_SECONDS:
                self._fail(kind, content, f"took {seconds:.1f} s")
        self.slowest = max(self.slowest, seconds)

    def weigh(self) -> float:
        """By how much one input made the process grow at its peak, or all of them for good, in MB."""
        return max(self.growth, _resident_mb("VmRSS") - self._start)

    def _once(self, kind: str, value: Any, content: bytes) -> float:
        self._broken = ""
        before = _resident_mb("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
        signal.setitimer(signal.ITIMER_REAL, STUCK_SECONDS)
        began = time.perf_counter()
        self.is_armed = True
        try:
            is_taken = self.target.feed(value)
        except self._refusal as error:
            is_taken = False
            if not (words := str(error)).strip() or "Traceback" in words or len(words) > 3000:
                self._broken = f"said {words:.200}"
        except BaseException:
            is_taken = False
            self._broken = self._broken or traceback.format_exc()
        finally:
            self.is_armed = False
            seconds = time.perf_counter() - began
            signal.setitimer(signal.ITIMER_REAL, 0)
        grown = _resident_mb("VmHWM") - before
        self.growth = max(self.growth, grown)
        if grown > MOST_GROWTH_MB:
            self._broken = self._broken or f"took {grown:,.0f} MB"
        self.taken[kind] += is_taken
        if self._broken:
            self._fail(kind, content, self._broken)
        return seconds

    def _fail(self, kind: str, content: bytes, words: str) -> None:
        name = self.folder / f"broke-{len(self.failures)}.pickle"
        if len(self.failures) < MOST_FAILURES:
            name.write_bytes(content)
            self.failures.append(f"{kind}, input {sum(self.counts.values())} ({len(content)} bytes): {words}")

    def _stop(self, *_: object) -> None:
        raise Hang(f"not done after {STUCK_SECONDS} s")

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_armed:
            return
        what = ""
        if event == "open":
            path, mode, flags = arguments
            is_writing = bool(set(mode or "") & set("wax+")) or bool((flags or 0) & _WRITING)
            if is_writing and not self._is_inside(path):
                what = f"opened {path} to write"
            elif isinstance(path, (str, bytes)) and self._is_secret(path):
                what = f"read {path!r}"
        elif event == "import":
            what = f"imported {arguments[0]}"
        elif event in _FORBIDDEN:
            what = f"did {event} {arguments!r:.200}"
        elif event in _OF_PATHS:
            paths = [each for each in arguments if isinstance(each, (str, bytes))]
            outside = [path for path in paths if not self._is_inside(path)]
            what = f"did {event} {outside}" if outside else ""
        if what:
            self._broken = f"{what}\n{''.join(traceback.format_stack(limit=12))}"
            raise Broken(what)

    def _is_inside(self, path: object) -> bool:
        if isinstance(path, int):
            return True
        where = os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]
        return where == os.devnull or Path(where).is_relative_to(self.folder.parent)

    @staticmethod
    def _is_secret(path: str | bytes) -> bool:
        where = os.path.realpath(os.fsdecode(path))
        return where.startswith(("/etc/passwd", "/etc/shadow", "/etc/hostname")) or where.endswith("secret.txt")


def _resident_mb(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(name)


@dataclass(frozen=True)
class Found:
    """What came of a target.

    Attributes:
        counts: How many inputs of each kind it was fed.
        taken: How many of them were not refused.
        slowest: Seconds of the slowest one.
        growth: MB by which one input made the process grow at its peak, or all of them for good.
        failures: What became of inputs that broke a rule; each begins with the kind.
    """

    counts: dict[str, int]
    taken: dict[str, int]
    slowest: float
    growth: float
    failures: list[str]


def run(plan: Mapping[str, int], seed: int, folder: Path, limit: float = 540.0) -> dict[str, Found]:
    """Feeds targets in a process of their own, and looks at the folders around it.

    Args:
        plan: Targets by module and function, as ``"links.codes"``, and how many inputs each is fed.
        seed: They are the same ones for the same seed.
        folder: An empty folder.
        limit: Seconds for all, on a machine that has much else to do.
    """
    inside = folder / "inside"
    (inside / "tmp").mkdir(parents=True)
    (folder / "secret.txt").write_text("a secret")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MNIST_LAB", "COV"))}
    environment |= {
        "PYTHONPATH": str(ROOT), "TMPDIR": str(inside / "tmp"), "MNIST_LAB_HOME": str(inside / "home"),
        "KERAS_HOME": str(inside / "keras"), "HOME": str(inside), "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1", "PYTHONFAULTHANDLER": "1",
    }  # fmt: skip
    words = [sys.executable, "-m", __name__, json.dumps(plan), str(seed), str(inside)]
    try:
        done = subprocess.run(
            words, check=False, cwd=inside, env=environment, capture_output=True, text=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{plan} was not done after {limit:g} s; see last-input in {inside}") from None
    assert done.returncode == 0, f"it ended with {done.returncode}, see last-input in {inside}\n{done.stderr[-3000:]}"
    assert sorted(path.name for path in folder.iterdir()) == ["inside", "secret.txt"]
    assert (folder / "secret.txt").read_text() == "a secret"
    assert list((inside / "tmp").iterdir()) == [], "files were left behind"
    return {name: Found(**values) for name, values in json.loads(done.stdout.splitlines()[-1]).items()}


def main(plan: Mapping[str, int], seed: int, folder: Path) -> None:
    """Feeds targets; prints what came of it as one line of JSON."""
    faulthandler.enable()
    found = {}
    for name, inputs in plan.items():
        own = folder / name
        own.mkdir()
        os.chdir(own)
        module, _, function = name.partition(".")
        target: Target = getattr(importlib.import_module(f"tests.torture.fuzz.{module}"), function)(own)
        guard = Guard(target, own)
        guard.set_up()
        if target.make is not None:
            chance = random.Random(f"{seed} {name}")
            for _ in range(inputs):
                guard.feed(*target.make(chance))
        else:
            _by_hypothesis(guard, target, inputs, seed)
        found[name] = {
            "counts": guard.counts, "taken": guard.taken, "slowest": guard.slowest, "growth": guard.weigh(),
            "failures": guard.failures,
        }  # fmt: skip
    print(json.dumps(found))


def _by_hypothesis(guard: Guard, target: Target, inputs: int, seed: int) -> None:
    import hypothesis

    @hypothesis.settings(
        max_examples=inputs, deadline=None, database=None, phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck), verbosity=hypothesis.Verbosity.quiet,
    )  # fmt: skip
    @hypothesis.seed(seed)
    @hypothesis.given(target.strategy)
    def every(value: Any) -> None:
        guard.feed(target.kind, value)

    every()


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main(json.loads(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
