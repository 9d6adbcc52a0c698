"""The environment variables that the program reads, each checked once and in one place."""

from __future__ import annotations

import os
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
    """

    home: Path
    store_url: str
    data: Path | None
    executor: str
    backend: str
    one_worker: bool


def read_settings() -> Settings:
    """Reads ``MNIST_LAB_HOME``, ``_STORE``, ``_DATA``, ``_EXECUTOR`` and ``_WORKERS``, and Keras's ``KERAS_BACKEND``.

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
    return Settings(home, store_url, data, executor, _backend(), one_worker=workers == "1")


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
