"""The machine: packages, data, accelerator, the browser's port, disk and memory."""

from __future__ import annotations

import os
import socket
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import psutil
from packaging.requirements import Requirement

from mnist_lab import datasets, formatting
from mnist_lab.doctor.check import OK, PROBLEM, WARNING, Finding, Patient, check
from mnist_lab.errors import DataError
from mnist_lab.jobs import device_words

ROOT = Path(__file__).resolve().parent.parent.parent
DEFAULT_PORT = 8501
LEAST_DISK, LITTLE_DISK = 200 * 2**20, 2 * 2**30
LITTLE_MEMORY = 2**30


@check("versions", 5)
def versions(patient: Patient) -> Iterator[Finding]:
    """The packages against the bounds of requirements.txt."""
    wrong = []
    count = 0
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        if not (line := line.partition("#")[0].strip()):
            continue
        wanted = Requirement(line)
        count += 1
        try:
            found = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            wrong.append(f"{wanted.name} is missing")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            wrong.append(f"{wanted.name} is {found} and should be {wanted.specifier}")
    if wrong:
        text = f"Packages are not as the program was tried with: {'; '.join(wrong)}."
        yield Finding(PROBLEM, text, "Run `make run`, or pip install -r requirements.txt.")
    else:
        yield Finding(OK, f"All {count} packages have versions that the program was tried with.")


@check("data", 70)
def data(patient: Patient) -> Iterator[Finding]:
    """Which images there are, and whether they are MNIST's, by their checksums."""
    if patient.settings is None:
        yield Finding(WARNING, "The images were not looked for.", "Mend the settings first.")
        return
    try:
        found = datasets.load("auto")
    except DataError as error:
        yield Finding(PROBLEM, error.message, error.remedy)
        return
    what = f"{found.title}, {len(found.x_train):,} + {len(found.x_test):,} images, from {found.source}"
    if found.name == "mnist":
        yield Finding(OK, f"{what}; the checksums are right.")
    elif found.name == "digits":
        yield Finding(WARNING, f"Full MNIST is not here: {what}.", "The program fetches it when it starts, if it can.")
    else:
        yield Finding(
            WARNING, f"{what}: by its checksums this is not MNIST.", "Right, if these are images of your own."
        )


@check("accelerator", 80)
def accelerator(patient: Patient) -> Iterator[Finding]:
    """What trainings would run on, asked in a process of its own."""
    if patient.quick or patient.settings is None:
        yield Finding(OK, "The accelerator was not asked for.")
        return
    words, problem = device_words(patient.settings.backend)
    if problem:
        help = "Install the packages again (`make run`); `python -m mnist_lab doctor --quick` leaves this out."
        yield Finding(PROBLEM, f"The training engine does not start: {problem}.", help)
    else:
        yield Finding(OK, f"Trainings run on {words}.")


@check("port", 90)
def port(patient: Patient) -> Iterator[Finding]:
    """The browser's port: free, taken by this program, or by another."""
    number = configured_port()
    if number is None:
        yield Finding(PROBLEM, "The port that is set for the browser is no port.", "Set server.port to 1 ... 65535.")
        return
    if not _is_taken(number):
        yield Finding(OK, f"Port {number} is free for the browser.")
        return
    who = _who_listens(number)
    if who is not None and any("streamlit" in part for part in who[1]):
        yield Finding(OK, f"The program runs at http://localhost:{number} (process {who[0]}).")
        return
    by = "another program" if who is None else f"process {who[0]} ({' '.join(who[1])[:60]})"
    help = "End that, or start with another: streamlit run app.py --server.port=8600"
    yield Finding(WARNING, f"Port {number} is taken by {by}.", help)


def configured_port() -> int | None:
    """The port that Streamlit will take; None if what is set is none."""
    text: object = os.environ.get("STREAMLIT_SERVER_PORT")
    if text is None:
        with suppress(OSError, tomllib.TOMLDecodeError):
            text = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text()).get("server", {}).get("port")
    try:
        number = DEFAULT_PORT if text is None else int(str(text))
    except ValueError:
        return None
    return number if 0 < number < 65536 else None


def _is_taken(number: int) -> bool:
    with socket.socket() as door:
        door.settimeout(1.0)
        return door.connect_ex(("127.0.0.1", number)) == 0


def _who_listens(number: int) -> tuple[int, list[str]] | None:
    with suppress(psutil.Error, OSError):
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr.port == number and each.pid is not None:
                return each.pid, psutil.Process(each.pid).cmdline()
    return None


@check("disk", 15)
def disk(patient: Patient) -> Iterator[Finding]:
    """Room and permission where the program writes."""
    if patient.settings is None:
        yield Finding(WARNING, "The disk was not looked at.", "Mend the settings first.")
        return
    home = patient.settings.home
    # The home is made at the first start, and not by a look.
    place = next(each for each in (home, *home.parents) if os.path.exists(each))
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"x" * 4096)
        free = psutil.disk_usage(str(place)).free
    except OSError as error:
        text = f"Nothing can be written into {place} ({error.strerror or error})."
        yield Finding(PROBLEM, text, "Make room, or give the folder to who runs the program; or set MNIST_LAB_HOME.")
        return
    text = f"{formatting.size(free)} are free where runs are kept"
    if free < LEAST_DISK:
        yield Finding(PROBLEM, f"Only {text}.", "Make room: a training that cannot write loses its epochs.")
    elif free < LITTLE_DISK:
        yield Finding(WARNING, f"{text}.", "Enough for small runs; make room before long ones.")
    else:
        yield Finding(OK, f"{text}.")


@check("memory", 95)
def memory(patient: Patient) -> Iterator[Finding]:
    """Memory that trainings could take."""
    free = psutil.virtual_memory().available
    text = f"{formatting.size(free)} of memory are free."
    if free < LITTLE_MEMORY:
        yield Finding(WARNING, f"Only {text}", "End other programs, or set MNIST_LAB_WORKERS=1.")
    else:
        yield Finding(OK, text)
