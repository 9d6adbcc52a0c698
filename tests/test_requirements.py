"""The packages that the program asks for: above the versions with known advisories, and none with one now."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(ROOT.glob("requirements*.txt"))
# The first versions without the advisories that were known when this was written.
MENDED = {
    "keras": "3.14.1",
    "starlette": "1.1",
    "pillow": "12.2",
    "filelock": "3.20.3",
    "tqdm": "4.66.3",
    "scikit-learn": "1.5",
}


def required(path: Path) -> list[Requirement]:
    lines = [line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith("-r")]


def lower(requirement: Requirement) -> Version:
    """The least version that is asked for."""
    (bound,) = [each.version for each in requirement.specifier if each.operator in (">=", "==")]
    return Version(bound)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_package_has_a_lower_bound_that_the_installed_one_keeps(path: Path) -> None:
    for each in required(path):
        assert lower(each)
        if importlib.util.find_spec(each.name.replace("-", "_")):
            assert each.specifier.contains(version(each.name)), each


def test_the_lower_bounds_are_above_the_known_advisories() -> None:
    asked = {each.name: lower(each) for each in required(ROOT / "requirements.txt")}
    for name, mended in MENDED.items():
        assert asked[name] >= Version(mended), name


def test_no_advisory_is_known_where_the_database_can_be_reached() -> None:
    if importlib.util.find_spec("pip_audit") is None:
        pytest.skip("pip-audit is not installed")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "audit.py")], check=False, capture_output=True, text=True, timeout=280
    )
    if done.returncode == 75:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout


def test_the_auditor_does_not_take_silence_for_a_clean_answer(tmp_path: Path) -> None:
    answers = {
        '{"dependencies": [{"name": "a", "skip_reason": "not found"}]}': 75,
        "": 75,
        '{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}': 0,
        '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}]}': 1,
    }
    for said, status in answers.items():
        (tmp_path / "pip_audit.py").write_text(f"print({said!r})")
        done = subprocess.run(
            [sys.executable, str(ROOT / "tools" / "audit.py")],
            check=False, capture_output=True, text=True, env={"PYTHONPATH": str(tmp_path)}, timeout=60,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        assert not re.search("Traceback", done.stderr)
