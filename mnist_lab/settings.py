"""The environment variables that the program reads, each checked once and in one place."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mnist_lab.errors import SettingError

EXECUTORS = ("local", "ray")
# Keras's backends that train, and the packages that they need.
BACKENDS = ("tensorflow", "jax", "torch")
DEFAULT_BACKEND = BACKENDS[0]
# How many processes train and answer: one for each, or one for both.
WORKERS = ("2", "1")
MOST_TRAINERS = 256
LOG_LEVELS = ("INFO", "DEBUG", "WARNING", "ERROR")


# What a limit of room may be written in.
UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30,
         "TIB": 2**40}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What one person may ask of this program; None for no limit.

    Attributes:
        queued: Trainings that wait.
        epochs: Epochs of a training.
        parameters: Parameters of a network.
        disk: Bytes of the files of all their runs.
    """

    queued: int | None = None
    epochs: int | None = None
    parameters: int | None = None
    disk: int | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the program reads and writes.

    Attributes:
        home: Folder of everything that the program writes.
        store_url: SQLAlchemy URL of the run store.
        data: Folder of IDX files or an ``.npz`` file with MNIST, or None.
        executor: ``"local"`` or ``"ray"``.
        backend: Keras's backend, the name of an installed package.
        one_worker: Whether one process trains and answers, on a machine with little memory.
        trainers: How many runs are trained at once, or None where that is left to the program.
        all_devices: Whether each run is trained on all GPUs of its machine at once.
        limits: What one person may ask of it, for a server that several share.
        log_level: The least level that is noted in the log files; see `mnist_lab.logs`.
    """

    home: Path
    store_url: str
    data: Path | None
    executor: str
    backend: str
    one_worker: bool
    limits: Limits = Limits()
    log_level: str = LOG_LEVELS[0]
    trainers: int | None = None
    all_devices: bool = False


def read_settings() -> Settings:
    """Reads the variables that begin with ``MNIST_LAB_``, and Keras's ``KERAS_BACKEND``.

    Returns:
        The settings; nothing is created on disk.

    Raises:
        SettingError: If a variable has a value that cannot be used.
    """
    home_text = os.environ.get("MNIST_LAB_HOME", "").strip()
    home = _path("MNIST_LAB_HOME", home_text) or Path(__file__).resolve().parent.parent / "runs"
    # Unlike the methods of `Path` these do not raise where a folder is closed to us.
    if any(os.path.exists(place) and not os.path.isdir(place) for place in (home, *home.parents)):
        raise SettingError(f"MNIST_LAB_HOME={home_text} is a file.", "Set it to a folder, or unset it.")

    store_url = os.environ.get("MNIST_LAB_STORE", "").strip() or f"sqlite:///{home / 'lab.db'}"
    if store_url in ("sqlite:///", "sqlite:///:memory:"):
        raise SettingError(
            f"MNIST_LAB_STORE={store_url} is a store in memory, which no worker process could read.",
            "Use sqlite:///FILE, or unset it.",
        )
    if not store_url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise SettingError(
            f"MNIST_LAB_STORE={store_url.split('@')[-1].split('?')[0]:.200} is not a store URL that is supported.",
            "Use sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME, or unset it.",
        )

    data_text = os.environ.get("MNIST_LAB_DATA", "").strip()
    data = _path("MNIST_LAB_DATA", data_text)
    if data is not None and not os.path.exists(data):
        raise SettingError(
            f"MNIST_LAB_DATA={data_text} does not exist.",
            "Set it to a folder with the four MNIST .gz files or to an .npz file, or unset it.",
        )

    executor = os.environ.get("MNIST_LAB_EXECUTOR", "").strip() or "local"
    if executor not in EXECUTORS:
        raise SettingError(f"MNIST_LAB_EXECUTOR={executor} is unknown.", f"Use one of {', '.join(EXECUTORS)}.")
    if executor == "ray":
        raise SettingError("MNIST_LAB_EXECUTOR=ray is not available in this version.", "Use local, or unset it.")

    workers = os.environ.get("MNIST_LAB_WORKERS", "").strip() or WORKERS[0]
    if workers not in WORKERS:
        raise SettingError(f"MNIST_LAB_WORKERS={workers} is unknown.", f"Use one of {', '.join(WORKERS)}, or unset it.")
    level = os.environ.get("MNIST_LAB_LOG_LEVEL", "").strip().upper() or LOG_LEVELS[0]
    if level not in LOG_LEVELS:
        known = ", ".join(LOG_LEVELS)
        raise SettingError(f"MNIST_LAB_LOG_LEVEL={level} is unknown.", f"Use one of {known}, or unset it.")
    trainers = _trainers()
    if workers == "1" and trainers is not None and trainers > 1:
        raise SettingError(
            f"MNIST_LAB_TRAINERS={trainers} asks for several processes, and MNIST_LAB_WORKERS=1 for one.",
            "Unset one of them.",
        )
    backend = _backend()
    return Settings(
        home, store_url, data, executor, backend, workers == "1", read_limits(), level, trainers, _all_devices(backend)
    )


def read_limits() -> Limits:
    """Reads ``MNIST_LAB_MAX_QUEUED``, ``_MAX_EPOCHS``, ``_MAX_PARAMETERS`` and ``_MAX_DISK``.

    Raises:
        SettingError: If one has a value that cannot be used.
    """
    return Limits(
        _count("MNIST_LAB_MAX_QUEUED"),
        _count("MNIST_LAB_MAX_EPOCHS"),
        _count("MNIST_LAB_MAX_PARAMETERS"),
        _room("MNIST_LAB_MAX_DISK"),
    )


def _trainers() -> int | None:
    text = os.environ.get("MNIST_LAB_TRAINERS", "").strip()
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= MOST_TRAINERS:
        raise SettingError(
            f"MNIST_LAB_TRAINERS={text:.60} is no number of trainings at once.",
            f"Set it to a whole number from 1 to {MOST_TRAINERS}, or unset it.",
        )
    return int(text)


def _all_devices(backend: str) -> bool:
    text = os.environ.get("MNIST_LAB_ALL_DEVICES", "").strip() or "0"
    if text not in ("0", "1"):
        raise SettingError(f"MNIST_LAB_ALL_DEVICES={text:.60} is unknown.", "Use 0 or 1, or unset it.")
    if text == "1" and backend != DEFAULT_BACKEND:
        raise SettingError(
            f"MNIST_LAB_ALL_DEVICES=1 trains on several devices by {DEFAULT_BACKEND}, and KERAS_BACKEND={backend}.",
            "Unset one of them.",
        )
    return text == "1"


def _count(name: str) -> int | None:
    """A whole number from one; None if the variable is not set."""
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    # Python reads no number of thousands of digits.
    if not re.fullmatch(r"[0-9][0-9_]{0,30}", text) or int(text.replace("_", "")) < 1:
        raise SettingError(f"{name}={text:.60} is no limit.", "Set it to a whole number from 1, or unset it.")
    return int(text.replace("_", ""))


def _room(name: str) -> int | None:
    """Bytes; None if the variable is not set."""
    text = os.environ.get(name, "").strip()
    if not text:
        return None
    found = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([A-Za-z]{1,3})", text)
    size = int(float(found[1]) * UNITS.get(found[2].upper(), 0)) if found else 0
    if size < 1:
        raise SettingError(
            f"{name}={text:.60} is no limit of room.",
            "Set it to a number with its unit, as 500 MB or 5 GB, or unset it.",
        )
    return size


def _backend() -> str:
    backend = os.environ.get("KERAS_BACKEND", "").strip() or DEFAULT_BACKEND
    if backend not in BACKENDS:
        raise SettingError(f"KERAS_BACKEND={backend} is unknown.", f"Use one of {', '.join(BACKENDS)}, or unset it.")
    if find_spec(backend) is None:
        raise SettingError(
            f"KERAS_BACKEND={backend} needs the package {backend}, which is not installed.",
            f"Install it with `{sys.executable} -m pip install {backend}`, or unset the variable.",
        )
    return backend


def _path(name: str, text: str) -> Path | None:
    """The path in a variable; None if it is empty."""
    if not text:
        return None
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:
        raise SettingError(f"{name}={text} names the home of a user who is not known.", "Write it in full.") from error
    try:
        path = path.resolve()
        # Names may be too long, lead round in a circle, or through folders that may not be entered.
        for place in (path, *path.parents):
            place.exists()
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it leads nowhere"
        raise SettingError(f"{name}={text:.200} cannot be used ({reason}).", "Set it to another path.") from error
    return path
