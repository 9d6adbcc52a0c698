"""The trained models that ship with the package, so that the first page can answer at once.

``benchmarks/make_starter.py`` trains them and writes the files: the starter model's beside this one, the robust model's
in a folder of its own.
"""

from __future__ import annotations

import json
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from mnist_lab.errors import StoreError
from mnist_lab.store import Run, RunStore
from mnist_lab.store.artefacts import MODEL, PREDICTIONS

FOLDER = Path(__file__).resolve().parent
RECORD = "run.json"
# The same in every store, so that they are registered once and always found. A model that is trained anew gets another
# id: under one id there is one training, in whichever store.
RUN_ID = "57a27e20000040008000000000000003"
ROBUST_ID = "20b05700000040008000000000000002"


@dataclass(frozen=True, slots=True)
class Shipped:
    """A model that ships with the package.

    Attributes:
        preset: The preset that it was trained by.
        run_id: Its id in every store.
        folder: Where its files are.
    """

    preset: str
    run_id: str
    folder: Path

    def register(self, store: RunStore) -> Run | None:
        """Makes the model a run of the store, if it is not there yet.

        Returns:
            The run; None where the package was installed without the model's files.
        """
        if store.exists(self.run_id):
            return store.get(self.run_id)
        try:
            record = json.loads((self.folder / RECORD).read_text())
        except OSError:
            return None
        except ValueError as error:
            what = f"The {self.preset} model's {RECORD} is damaged ({error})."
            raise StoreError(what, "Install the program again.") from error
        files = {name: self.folder / name for name in (MODEL, PREDICTIONS) if (self.folder / name).is_file()}
        return store.register({**record["run"], "id": self.run_id}, record["history"], files)


STARTER = Shipped("starter", RUN_ID, FOLDER)
ROBUST = Shipped("robust", ROBUST_ID, FOLDER / "robust")
SHIPPED = (STARTER, ROBUST)
IDS = tuple(model.run_id for model in SHIPPED)


def register(store: RunStore) -> Run | None:
    """Makes the shipped models runs of the store, if they are not there yet.

    Returns:
        The starter model's run; None where the package was installed without its files.
    """
    runs = [model.register(store) for model in SHIPPED]
    return runs[0]


def preferred(known: Container[str]) -> str | None:
    """The id of the shipped model that reads drawings best, of those that are known; None if none is.

    Args:
        known: Ids of runs.
    """
    return next((run_id for run_id in reversed(IDS) if run_id in known), None)
