"""What a backup holds, by name: the tables, a folder for the files of each run, and a list of all with checksums."""

from __future__ import annotations

import re

KIND, FORMAT = "mnist-lab-backup", 1
MANIFEST, DATABASE = "manifest.json", "lab.db"
MAX_MANIFEST = 64 * 2**20
CHUNK = 2**20

RUN_ID = re.compile(r"[0-9a-f]{1,32}")
FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def is_known(name: str) -> bool:
    """Whether a file of this name has a place in a backup; no such name leads outside a folder."""
    if name == DATABASE:
        return True
    run_id, slash, file = name.partition("/")
    return bool(slash and RUN_ID.fullmatch(run_id) and FILE_NAME.fullmatch(file))
