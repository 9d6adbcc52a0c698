"""What the parts of the executor for Ray (a crew, its driver, the nodes) agree on; nothing of Ray is imported."""

from __future__ import annotations

from collections.abc import Mapping

from mnist_lab.settings import Settings

# The file in which a driver tells its crew how it goes.
STATE = "state.json"

_NODE = "ray/"
_MAX_MACHINE = 200
_NODE_ID = 12
# What a node is told, as it is where the driver is: settings of the program, and what gives access to the database and
# to an object store.
_TOLD = ("MNIST_LAB_", "PG", "AWS_", "AZURE_STORAGE_", "GOOGLE_APPLICATION_CREDENTIALS", "FSSPEC_")
# What concerns the driver only.
_UNTOLD = ("MNIST_LAB_EXECUTOR", "MNIST_LAB_RAY_CPUS", "MNIST_LAB_TRAINERS", "MNIST_LAB_WORKERS")
# Where something is may differ from node to node: one that was started with these keeps its own.
OF_THE_NODE = ("MNIST_LAB_HOME", "MNIST_LAB_DATA")


def host_of(machine: str, node: str) -> str:
    """What the store calls a node: no other, of the same machine or not, has that name.

    Args:
        machine: Name of the machine that it is on, which several nodes may share.
        node: Ray's id of it.
    """
    return f"{_NODE}{machine[:_MAX_MACHINE]}/{node[:_NODE_ID]}"


def is_node(host: str | None) -> bool:
    """Whether a run's host is a node of a Ray cluster, whose processes are not to be looked for on this machine."""
    return host is not None and host.startswith(_NODE)


def is_of(host: str | None, node: str) -> bool:
    """Whether a run's host is the node with this id."""
    return is_node(host) and str(host).rpartition("/")[2] == node[:_NODE_ID]


def told(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that a node needs to train a run of this program's store.

    They hold passwords: they go to the nodes as an argument of a task, which Ray writes down nowhere, and not as a
    runtime environment, which stands on a command line and in logs.

    Args:
        settings: Those of this process.
        environment: Its environment variables.
    """
    found = {name: value for name, value in environment.items() if name.startswith(_TOLD) and name not in _UNTOLD}
    found |= {"MNIST_LAB_HOME": str(settings.home), "MNIST_LAB_STORE": settings.store_url}
    if settings.data is not None:
        found["MNIST_LAB_DATA"] = str(settings.data)
    return found | {"KERAS_BACKEND": settings.backend}
