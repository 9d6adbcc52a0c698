"""`health`: whether the program could work just now, for monitors and containers; `doctor` looks closer."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from mnist_lab import health
from mnist_lab.cli.command import DONE, FAILED, Answer, Options, command
from mnist_lab.settings import read_settings


def _health_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--server", metavar="URL", help="ask the web server too, as http://127.0.0.1:8501")


@command("health", "say in a moment whether the program can work; it makes nothing", _health_arguments)
def _health(options: Options) -> Answer:
    found = list(health.checks(read_settings(), options.server))
    ill = [check for check in found if not check.is_well]
    document = {"healthy": not ill, "checks": [asdict(check) for check in found]}
    text = "\n".join(f"{'well' if check.is_well else 'ILL ':<6}{check.name:<8}{check.words}" for check in found)
    return Answer(document, text, FAILED if ill else DONE, " ".join(check.words for check in ill))
