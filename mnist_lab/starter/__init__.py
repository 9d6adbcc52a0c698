"""The trained starter model that ships with the package, so that the first page can answer at once.

``benchmarks/make_starter.py`` trains it and writes the files beside this one.
"""

from __future__ import annotations

import json
from pathlib import Path

from mnist_lab.errors import StoreError
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import MODEL, PREDICTIONS

FOLDER = Path(__file__).resolve().parent
RECORD = "run.json"
# The same in every store, so that it is registered once and always found.
RUN_ID = "57a27e20000040008000000000000001"


def register(store: RunStore) -> Run | None:
    """Makes the starter model a run of the store, if it is not there yet.

    Returns:
        The run; None where the package was installed without the model's files.
    """
    if store.exists(RUN_ID):
        return store.get(RUN_ID)
    try:
        record = json.loads((FOLDER / RECORD).read_text())
    except OSError:
        return None
    except ValueError as error:
        raise StoreError(f"The starter model's {RECORD} is damaged ({error}).", "Install the program again.") from error
    files = {name: FOLDER / name for name in (MODEL, PREDICTIONS) if (FOLDER / name).is_file()}
    return store.register({**record["run"], "id": RUN_ID}, record["history"], files)
