#!/usr/bin/env bash
# Makes a virtual environment with a Python from 3.11 to 3.13.
# Usage: make_venv.sh FOLDER [PYTHON]
set -u
folder=$1
asked=${2:-}

fits() { # a name on the path need not be a Python that runs
  "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

candidates=(python3.13 python3.12 python3.11 python3 python)
[ -n "$asked" ] && candidates=("$asked")
for python in "${candidates[@]}"; do
  if fits "$python"; then
    echo "Making $folder with $("$python" --version) ..."
    "$python" -m venv "$folder" && exit 0
    rm -rf "$folder"
    echo "$python could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv." >&2
    exit 1
  fi
done

if [ -n "$asked" ]; then
  echo "PYTHON=$asked is not a Python from 3.11 to 3.13." >&2
else
  echo "No Python from 3.11 to 3.13 was found. Install one (https://www.python.org/downloads/)," >&2
  echo "or name one: make run PYTHON=/path/to/python3.12" >&2
fi
exit 1
