"""`doctor`: what is well, what is not, and what helps."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from mnist_lab import doctor
from mnist_lab.cli.command import DONE, FAILED, Answer, Options, command

_SIGNS = {doctor.OK: "ok", doctor.WARNING: "warning", doctor.PROBLEM: "PROBLEM"}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--repair", action="store_true", help="mend what safely can be mended; nothing is deleted that was whole"
    )
    parser.add_argument("--quick", action="store_true", help="do not ask the training engine for its device")


@command("doctor", "look whether store, data, packages, port, disk and memory are well", _arguments)
def _doctor(options: Options) -> Answer:
    found = list(doctor.examine(doctor.Patient(repair=options.repair, quick=options.quick)))
    lines = []
    for name, finding in found:
        lines.append(f"{_SIGNS[finding.kind]:<8} {name:<12} {finding.text}")
        more = (finding.done and f"Repaired: {finding.done}", finding.help)
        lines += [f"{'':<21} {words}" for words in more if words]
    problems = sum(finding.kind == doctor.PROBLEM for _, finding in found)
    repaired = sum(bool(finding.done) for _, finding in found)
    lines.append(f"\nIn all: {_count(problems, 'problem')}, {_count(repaired, 'repair')}.")
    document = {
        "problems": problems,
        "repairs": repaired,
        "findings": [{"check": name, **asdict(finding)} for name, finding in found],
    }
    return Answer(document, "\n".join(lines), FAILED if problems else DONE)


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
