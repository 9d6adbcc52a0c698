"""Asks the database of advisories about every package beside this Python: ``make audit``.

Exit status: 0 nothing is known, 1 something is, 75 the database cannot be reached from here.
"""

from __future__ import annotations

import json
import subprocess
import sys

SECONDS = 240
CLEAN, FOUND, UNREACHABLE = 0, 1, 75


def main() -> int:
    """Asks, prints what is known, and returns the exit status."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", "--timeout", "10"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return _unreachable(f"no answer within {SECONDS} s")
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return _unreachable((done.stderr.strip().splitlines() or ["it said nothing"])[-1])
    known = [each for each in packages if "vulns" in each]
    for each in known:
        for found in each["vulns"]:
            fixed = ", ".join(found["fix_versions"]) or "no version yet"
            print(f"{each['name']} {each['version']}: {found['id']}, mended in {fixed}")
    if any(each["vulns"] for each in known):
        return FOUND
    if not known:
        # It says "none known" too where it was told of no package.
        return _unreachable("it knows none of these packages")
    print(f"No advisory for {len(known)} packages; {len(packages) - len(known)} are unknown to the database.")
    return CLEAN


def _unreachable(why: str) -> int:
    print(f"The database of advisories cannot be reached from here ({why}).", file=sys.stderr)
    return UNREACHABLE


if __name__ == "__main__":
    sys.exit(main())
