"""Weights that come from anyone: looked at closely, loaded into a network of our own description, written anew.

An HDF5 file may point to other files, hold more than it takes, or refer to itself without end. What Keras writes for a
network's weights is far plainer, and nothing but that is let through. This happens in the inference process: should
the HDF5 library come to grief over a file, then not the program that has the runs in hand.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5d, h5g, h5l, h5o

from mnist_lab import shapes
from mnist_lab.architecture import Architecture
from mnist_lab.errors import ExchangeError

MAX_DEPTH = 12
MAX_OBJECTS = 10_000
MAX_ATTRIBUTES = 16
MAX_NAME = 200
REMEDY = "Export the run anew, and bring in that file."


def check(path: Path, parameters: int) -> None:
    """Looks whether a file holds plain numbers only, as many as a network has.

    Args:
        path: An HDF5 file.
        parameters: Of the network.

    Raises:
        ExchangeError: If it is no such file: links to elsewhere, virtual, packed or outside data, references, other
            than numbers, or other than `parameters` of them.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            numbers = count_numbers(file)
    except ExchangeError:
        raise
    except Exception as error:  # h5py raises whatever the library's error is nearest to
        raise ExchangeError("The weights are no HDF5 file, or a damaged one.", REMEDY) from error
    if numbers != parameters:
        raise ExchangeError(f"The weights are {numbers:,} numbers; the network has {parameters:,} parameters.", REMEDY)


def count_numbers(file: h5py.File) -> int:
    """Looks through an open HDF5 file; returns how many floating point numbers are in it.

    Raises:
        ExchangeError: If there is anything in it that Keras does not write, as in `check`.
    """
    walk = _Walk()
    walk.group(file.id, "/", 0)
    return walk.numbers


class _Walk:
    """Counts the floating point numbers of a file, and refuses what Keras does not write."""

    def __init__(self) -> None:
        self.numbers = 0
        self.objects = 0

    def group(self, group: Any, name: str, depth: int) -> None:
        self._attributes(group, name)
        if depth > MAX_DEPTH:
            raise ExchangeError("The weights are nested too deeply.", REMEDY)
        # Named here and not in a callback of the library, through which no exception finds its way.
        for index in range(group.get_num_objs()):
            link = group.get_objname_by_idx(index)
            self.objects += 1
            if self.objects > MAX_OBJECTS or len(link) > MAX_NAME:
                raise ExchangeError("The weights hold too many objects.", REMEDY)
            inner = f"{name}{link.decode('utf-8', 'replace')}"
            if group.links.get_info(link).type != h5l.TYPE_HARD:
                raise ExchangeError(f"The weights have a link at {inner:.80}, which may lead anywhere.", REMEDY)
            item = h5o.open(group, link)
            if isinstance(item, h5g.GroupID):
                self.group(item, f"{inner}/", depth + 1)
            elif isinstance(item, h5d.DatasetID):
                self._attributes(item, inner)
                self._dataset(item, inner)
            else:
                raise ExchangeError(f"The weights hold at {inner:.80} neither numbers nor a group.", REMEDY)

    def _dataset(self, dataset: Any, name: str) -> None:
        plan = dataset.get_create_plist()
        if plan.get_layout() not in (h5d.CONTIGUOUS, h5d.COMPACT) or plan.get_external_count() or plan.get_nfilters():
            raise ExchangeError(f"The weights at {name:.80} are packed, virtual or in another file.", REMEDY)
        kind = dataset.dtype
        if kind.kind not in "fiu" or kind.subdtype is not None or kind.metadata or not 1 <= kind.itemsize <= 8:
            raise ExchangeError(f"The weights at {name:.80} are no plain numbers.", REMEDY)
        size = int(np.prod(dataset.shape, dtype=object))
        # Numbers that the file does not hold would all be the same one, however many it declares.
        if size * kind.itemsize != dataset.get_storage_size():
            raise ExchangeError(f"The weights at {name:.80} declare more than they hold.", REMEDY)
        if kind.kind == "f":
            self.numbers += size

    @staticmethod
    def _attributes(item: Any, name: str) -> None:
        count = h5py.h5a.get_num_attrs(item)
        if count > MAX_ATTRIBUTES:
            raise ExchangeError(f"The weights have too many attributes at {name:.80}.", REMEDY)
        for index in range(count):
            attribute = h5py.h5a.open(item, index=index)
            kind = attribute.get_type()
            is_plain = isinstance(kind, (h5py.h5t.TypeStringID, h5py.h5t.TypeIntegerID, h5py.h5t.TypeFloatID))
            if not is_plain or attribute.shape not in ((), (1,)):
                raise ExchangeError(f"The weights have an attribute at {name:.80} that is no text or number.", REMEDY)


def adopt(architecture: dict[str, Any], content: bytes) -> tuple[Any, bytes]:
    """Loads weights that come from anyone into a network built from its description.

    Args:
        architecture: As `Architecture.to_dict` gives it.
        content: An HDF5 file.

    Returns:
        The network (a `keras.Model`), and its weights as this program writes them.

    Raises:
        ExchangeError: If the weights are not plain numbers, or not those of such a network.
        ArchitectureError: If the network is impossible.
    """
    from mnist_lab.keras_side.build import build  # late: the check needs no Keras

    network = Architecture.from_dict(architecture).without_downloads()
    shapes.output_shape(network)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "foreign.weights.h5"
        path.write_bytes(content)
        check(path, shapes.analyse(network).parameters)
        model = build(network)
        try:
            model.load_weights(path)
        except Exception as error:  # Keras says in many ways that names or shapes are others
            raise ExchangeError("The weights are not those of this network.", REMEDY) from error
        if not all(np.isfinite(weights).all() for weights in model.get_weights()):
            raise ExchangeError("Some of the weights are no numbers.", REMEDY)
        ours = Path(folder) / "own.weights.h5"
        model.save_weights(ours)
        return model, ours.read_bytes()
