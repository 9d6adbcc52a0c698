"""The container file: what it must hold whoever builds it; and that it builds where engine and base image are."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from mnist_lab.cli.command import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "Containerfile"
HADOLINT = shutil.which("hadolint")


def instructions() -> list[tuple[str, str]]:
    """Each instruction with what follows it, comments left out and continued lines put together."""
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    text = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in text.splitlines() if line.strip()]


def values(kind: str) -> list[str]:
    return [value for name, value in instructions() if name == kind]


def environment() -> dict[str, str]:
    return dict(part.split("=", 1) for value in values("ENV") for part in shlex.split(value))


def test_it_runs_as_a_user_without_rights_whose_folder_is_the_volume() -> None:
    assert re.fullmatch(r"([1-9]\d{3,}):\1", values("USER")[-1])
    kinds = [name for name, _ in instructions()]
    assert "RUN" not in kinds[kinds.index("USER") :], "nothing is made as that user, and nothing after it as root"
    assert json.loads(values("VOLUME")[0]) == [environment()["MNIST_LAB_HOME"]] == ["/data"]
    assert f"chown {values('USER')[-1]} /data" in " ".join(values("RUN"))
    # What libraries keep goes there too, or where a container has a disk in memory.
    for name in ("HOME", "KERAS_HOME"):
        assert environment()[name].startswith(("/data", "/tmp"))


def test_its_health_check_is_a_command_that_there_is_and_asks_the_port_that_is_open() -> None:
    options, _, command = values("HEALTHCHECK")[0].partition("CMD ")
    assert "--interval=" in options and "--timeout=" in options and "--start-period=" in options
    words = json.loads(command)
    assert words[:3] == ["python", "-m", "mnist_lab"]
    parser = argparse.ArgumentParser()
    COMMANDS[words[3]].arguments(parser)
    assert parser.parse_args(words[4:]).server == f"http://127.0.0.1:{values('EXPOSE')[0]}"


def test_signals_reach_the_program_which_listens_on_all_addresses_only_there() -> None:
    started = json.loads(values("ENTRYPOINT")[0])
    assert started[:5] == ["python", "-m", "streamlit", "run", "app.py"]
    assert {"--server.address=0.0.0.0", f"--server.port={values('EXPOSE')[0]}", "--server.headless=true"} <= {*started}
    assert values("STOPSIGNAL") == ["SIGTERM"]
    assert 'address = "127.0.0.1"' in (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")


def test_only_the_program_and_what_it_needs_is_in_it() -> None:
    assert "-r requirements.txt" in " ".join(values("RUN"))
    copied = {source for value in values("COPY") for source in value.split()[:-1]}
    assert copied == {"requirements.txt", "app.py", ".streamlit/config.toml", "pages", "static", "mnist_lab"}
    assert not values("ADD")
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert kept[[line.startswith("#") for line in kept].index(False)] == "*", "all is left out that is not named"
    assert {line[1:] for line in kept if line.startswith("!")} == copied
    secret = re.compile(r"secret|password|token|api_?key", re.IGNORECASE)
    assert not [value for _, value in instructions() if secret.search(value)]


def test_the_base_is_a_version_that_the_program_was_run_with() -> None:
    base = values("ARG")[0].partition("=")[2]
    assert values("FROM") == ["${BASE}"]
    assert re.search(r"python:3\.(11|12|13)(\.\d+)?-slim", base), "a version, and not the latest"


@pytest.mark.skipif(HADOLINT is None, reason="there is no hadolint")
def test_the_linter_finds_nothing() -> None:
    done = subprocess.run([str(HADOLINT), str(FILE)], check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_it_builds_where_an_engine_and_the_base_image_are() -> None:
    base = values("ARG")[0].partition("=")[2]
    for engine in filter(None, map(shutil.which, ("podman", "docker"))):
        there = subprocess.run([engine, "image", "inspect", base], check=False, capture_output=True, timeout=30)
        if there.returncode == 0:
            command = [engine, "build", "--file", str(FILE), "--tag", "mnist-lab:test", str(ROOT)]
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=280)
            assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
            return
    pytest.skip(f"there is no engine with {base}")
