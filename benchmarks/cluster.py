"""A sweep on a real Ray cluster with a real PostgreSQL, one node killed in the middle and another joined.

    MNIST_LAB_DATA=FOLDER python benchmarks/cluster.py [--trials 40] [--images 2000] [--epochs 2] [--nodes 3] [--crash]
        [--objects]

The nodes are raylets of this machine, each in a network of its own (an address on a bridge), with processes, a hostname
and files of its own, where the system lets us (root, `ip netns`, `unshare`); else they share this machine's. The head
runs beside the program, with no CPU for trials, and PostgreSQL too. One node is killed with all its processes when a
third of the trials is done, in mid-training, and a new one joins. Its network goes with it, so that nobody hears of its
end, as when a machine loses its power; with `--crash` the network stays, and says that nobody is there. Files lie in a
folder that all nodes see; with `--objects` in an S3 server, and each node has a folder of its own, lost with it.

What happened is told by PostgreSQL, not by the program: triggers note each change of a run's status and worker, and
each epoch that is written. In the end the local executor does the same sweep with two workers, and the trials of the
two are compared: a random search proposes the same ones, in whatever order they end.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.__main__ import machine
from mnist_lab.architecture import Architecture
from mnist_lab.jobs.crew import Crew
from mnist_lab.jobs.executors import ALL_THERE_IS
from mnist_lab.jobs.local_crew import LocalCrew
from mnist_lab.jobs.ray_crew import RayCrew
from mnist_lab.jobs.sweeper import start_sweep
from mnist_lab.jobs.sweeping import Driver
from mnist_lab.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from mnist_lab.store import FINAL, Run, RunStore, SweepRecord
from mnist_lab.store.artefacts import VALIDATION_PREDICTIONS
from mnist_lab.store.database import open_engine
from mnist_lab.store.runs import artefacts_of
from mnist_lab.sweeps.dimensions import IntegerRange, NumberRange, OneOf
from mnist_lab.sweeps.sweep import Search, Sweep
from mnist_lab.training_config import TrainingConfig
from tests import object_store, postgres, ray_nodes
from tests.ray_nodes import RayNode

DRIVER = "cluster benchmark"
TICK_SECONDS = 0.25
PATIENCE_SECONDS = 3600.0
CACHE_BYTES = 10**9
BRIDGE, SUBNET = "labbr0", "10.77.0"
_TRIGGERS = """
CREATE TABLE seen (at timestamptz DEFAULT clock_timestamp(), run text, status text, worker text, host text, epoch int);
CREATE FUNCTION note_run() RETURNS trigger AS $$ BEGIN
  IF TG_OP = 'INSERT' OR OLD.status <> NEW.status OR OLD.worker IS DISTINCT FROM NEW.worker THEN
    INSERT INTO seen (run, status, worker, host) VALUES (NEW.id, NEW.status, NEW.worker, NEW.host);
  END IF; RETURN NEW; END $$ LANGUAGE plpgsql;
CREATE FUNCTION note_epoch() RETURNS trigger AS $$ BEGIN
  INSERT INTO seen (run, status, epoch) VALUES (NEW.run_id, 'epoch', NEW.epoch); RETURN NEW; END $$ LANGUAGE plpgsql;
CREATE TRIGGER noted AFTER INSERT OR UPDATE ON runs FOR EACH ROW EXECUTE FUNCTION note_run();
CREATE TRIGGER noted AFTER INSERT ON epochs FOR EACH ROW EXECUTE FUNCTION note_epoch();
"""


# The machine's networks -----------------------------------------------------------------------------------------------


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def bridge() -> Iterator[str | None]:
    """A bridge for the nodes' networks, and this machine's address on it; None where there can be none."""
    try:
        _ip("link", "add", BRIDGE, "type", "bridge")
    except (OSError, subprocess.CalledProcessError):
        yield None
        return
    try:
        _ip("addr", "add", f"{SUBNET}.1/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        yield f"{SUBNET}.1"
    finally:
        _ip("link", "del", BRIDGE)


class Machine:
    """A node of the cluster, as much of a machine of its own as can be had.

    Args:
        number: Which one, from 1.
        head: The cluster's head.
        has_network: Whether it gets a network of its own.
        home: Its own folder for the program's files; None for the one that all have.
    """

    def __init__(self, number: int, head: RayNode, has_network: bool, home: Path | None) -> None:
        self.name, self._has_network = f"labnode{number}", has_network
        within: list[str] = []
        address = None
        if has_network:
            address = f"{SUBNET}.{number + 10}"
            _ip("netns", "add", self.name)
            _ip("link", "add", f"v{self.name}", "type", "veth", "peer", "name", "eth0", "netns", self.name)
            _ip("link", "set", f"v{self.name}", "master", BRIDGE, "up")
            for words in (f"addr add {address}/24 dev eth0", "link set eth0 up", "link set lo up"):
                _ip("-n", self.name, *words.split())
            # Ray asks its own address by way of a route to the world.
            _ip("-n", self.name, "route", "add", "default", "via", f"{SUBNET}.1")
            own = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
            within = ["ip", "netns", "exec", self.name, *own, "sh", "-c", 'hostname "$0"; exec "$@"', self.name]
        own_home = {} if home is None else {"MNIST_LAB_HOME": str(home / self.name)}
        self.node = RayNode(1, head=head, address=address, within=within, environment=own_home)

    def lose(self, *, is_silent: bool) -> None:
        """Kills all that runs on it; before that cuts its network, if it is to vanish without a word."""
        if self._has_network and is_silent:
            _ip("link", "set", f"v{self.name}", "down")
        self.node.lose()

    def close(self) -> None:
        """Ends it, if it is there, and takes its network away."""
        self.node.close()
        if self._has_network:
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "del", self.name)


# The trials -----------------------------------------------------------------------------------------------------------


def described(count: int, images: int, epochs: int) -> Sweep:
    """A search whose proposals rest on no result, so that each executor is given the same trials."""
    network = Architecture((
        Conv2D(4, (3, 3), activation="relu"), MaxPooling2D((2, 2)), Dropout(0.1), Flatten(), Dense(10, "softmax"),
    ))  # fmt: skip
    searched = (
        IntegerRange("layers.0.filters", 2, 12),
        OneOf("layers.0.kernel_size", ((3, 3), (5, 5))),
        NumberRange("layers.2.rate", 0.0, 0.4),
        NumberRange("training.optimizer.learning_rate", 1e-3, 1e-2, log=True),
    )
    training = TrainingConfig(dataset="mnist", limit=images, epochs=epochs)
    return Sweep(network, training, searched, Search("random", trials=count), "cluster")


def runs_of(store: RunStore, record: SweepRecord) -> list[Run]:
    """Those of its trials as they are now, in the order of these."""
    return sorted(store.runs(sweep=record.id), key=lambda run: run.trial or 0)


def say(begin: float, words: str) -> None:
    print(f"{time.monotonic() - begin:7.1f} s  {words}", flush=True)


@dataclass
class Story:
    """What was done to the cluster, and when (by the clock of this machine)."""

    killed: float = 0.0
    in_hand: list[str] = field(default_factory=list)
    joined: float = 0.0
    up: float = 0.0


def drive(store: RunStore, record: SweepRecord, crew: Crew, begin: float, look: Any = lambda runs: None) -> float:
    """Drives a sweep to its end; returns the seconds from its first run's beginning to the last one's end."""
    driver = Driver(store, record, DRIVER, crew)
    limit = time.monotonic() + PATIENCE_SECONDS
    done = -1
    while driver.tick():
        runs = runs_of(store, record)
        if (ended := sum(run.status in FINAL for run in runs)) != done and ended % 5 == 0:
            say(begin, f"{ended} of {len(runs)} have ended; {crew.size} at once; {crew.problem or 'no problem'}")
        done = ended
        if time.monotonic() > limit:
            sys.exit("The sweep did not end.")
        look(runs)
        time.sleep(TICK_SECONDS)
    runs = runs_of(store, record)
    return max(run.ended or 0.0 for run in runs) - min(run.started or 0.0 for run in runs)


def on_ray(
    store: RunStore, record: SweepRecord, options: argparse.Namespace, network: str | None, homes: Path | None
) -> tuple[Story, float]:
    """The sweep on a cluster, with its loss and its gain."""
    count = options.nodes
    story, machines = Story(), []
    head = RayNode(0, address=network)
    begin = time.monotonic()
    crew = RayCrew(store, record.owner, ALL_THERE_IS)
    try:
        head.wait()
        os.environ.update({"RAY_ADDRESS": head.address, **ray_nodes.SECRETS})
        for number in range(1, count + 1):
            machines.append(Machine(number, head, network is not None, homes))
            machines[-1].node.wait()
        say(begin, f"{count} nodes are up")
        victim = machines[1]

        def look(current: list[Run]) -> None:
            if not story.killed:
                ended = sum(run.status in FINAL for run in current)
                theirs = [run for run in current if run.is_active and is_on(victim, run)]
                if ended >= options.trials // 3 and any(run.epochs_run >= 1 for run in theirs):
                    story.killed, story.in_hand = time.time(), [run.id for run in theirs]
                    victim.lose(is_silent=not options.crash)
                    say(begin, f"{victim.name} was killed with {len(theirs)} trial in hand")
                    machines.append(Machine(count + 1, head, network is not None, homes))
                    story.joined = time.time()
            elif not story.up and b"Ray runtime started" in (machines[-1].node.folder / "log").read_bytes():
                story.up = time.time()
                say(begin, f"{machines[-1].name} has joined")

        seconds = drive(store, record, crew, begin, look)
    finally:
        crew.close()
        for each in reversed(machines):
            each.close()
        head.close()
    return story, seconds


def is_on(machine: Machine, run: Run) -> bool:
    """Whether a node has a run in hand: by its machine's name, or where nodes share one by its processes."""
    if machine.node.ip is not None:
        return f"/{machine.name}/" in (run.host or "")
    return run.pid in {process.pid for process in machine.node.processes()}


# What PostgreSQL saw --------------------------------------------------------------------------------------------------


def seen(url: str) -> dict[str, list[dict[str, Any]]]:
    """By run what its rows went through, in order."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        rows = connection.execute(
            "SELECT run, extract(epoch from at), status, worker, host, epoch FROM seen ORDER BY at"
        )
        found: dict[str, list[dict[str, Any]]] = {}
        for run, at, status, worker, host, epoch in rows:
            entry = {"at": float(at), "status": status, "worker": worker, "host": host, "epoch": epoch}
            found.setdefault(run, []).append(entry)
    return found


def report(trials: int, runs: list[Run], events: dict[str, list[dict[str, Any]]], story: Story) -> bool:
    """Prints what became of the trials on the cluster; whether that is as it must be."""
    statuses = Counter(run.status for run in runs)
    twice, again, epochs_twice, delays = 0, 0, 0, []
    for run in runs:
        steps = [each for each in events[run.id] if each["status"] != "epoch"]
        begun = [each for each in steps if each["status"] == "running"]
        workers = [each["worker"] for each in begun]
        ends = [each for each in steps if each["status"] in FINAL]
        # Between two beginnings it must have been put back, and it must have ended once.
        words = [each["status"] for each in steps]
        in_order = words == ["queued", *["running", "queued"] * (len(begun) - 1), "running", "finished"]
        twice += not in_order or len(set(workers)) != len(workers) or len(ends) != 1
        again += len(begun) > 1
        epochs = Counter(each["epoch"] for each in events[run.id] if each["status"] == "epoch")
        epochs_twice += any(count > 1 for count in epochs.values()) or sorted(epochs) != list(
            range(1, run.config().epochs + 1)
        )
        if run.id in story.in_hand and len(begun) > 1:
            back = next(each["at"] for each in steps[1:] if each["status"] == "queued")
            delays.append((back - story.killed, begun[1]["at"] - story.killed))
    hosts = Counter(str(run.host).split("/")[1] if "/" in str(run.host) else run.host for run in runs)
    print()
    print(f"| trials wanted; made, each with one run | {trials}; {len({run.trial for run in runs})} |")
    print(f"| finished | {statuses['finished']} |")
    print(f"| lost (none made, or in any other state) | {trials - statuses['finished']} |")
    print(f"| begun twice without being put back, or ended twice | {twice} |")
    print(f"| with an epoch written twice, or one missing | {epochs_twice} |")
    print(f"| begun again after the loss of their node | {again} (in hand there: {len(story.in_hand)}) |")
    for back, on in delays:
        print(f"| from the kill to its being put back / to going on elsewhere | {back:.1f} s / {on:.1f} s |")
    print(f"| from the start of the new node to its being up | {story.up - story.joined:.1f} s |")
    print(f"| finished on each machine | {', '.join(f'{host} {count}' for host, count in sorted(hosts.items()))} |")
    is_all = statuses["finished"] == len(runs) == len({run.trial for run in runs}) == trials
    return is_all and not twice and not epochs_twice and again == len(story.in_hand) > 0


def compare(store: RunStore, runs: list[Run], other: RunStore, same: list[Run]) -> bool:
    """Prints how the trials of two executors differ; whether they are equal to the last bit."""
    bits, accuracies, gaps = 0, 0, []
    for a, b in zip(runs, same, strict=True):
        assert (a.trial, a.architecture, a.training) == (b.trial, b.architecture, b.training)
        ours, theirs = (
            each.artefacts.arrays(run.id, VALIDATION_PREDICTIONS, ["probabilities"])[0]
            for each, run in ((store, a), (other, b))
        )
        figures = [
            [(epoch["loss"], epoch["val_loss"], epoch["val_accuracy"]) for epoch in each.history(run.id)]
            for each, run in ((store, a), (other, b))
        ]
        bits += figures[0] == figures[1] and np.array_equal(ours, theirs)
        accuracies += figures[0][-1][2] == figures[1][-1][2]
        gaps.append(float(np.abs(ours - theirs).max()))
    what = "equal to the local executor's in every loss, accuracy and probability, to the last bit"
    print(f"| {what} | {bits} of {len(runs)} |")
    print(f"| with the same accuracy on the validation split | {accuracies} of {len(runs)} |")
    print(f"| largest difference of a probability | {max(gaps):.2g} |")
    return bits == len(runs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--images", type=int, default=2000, help="training images of a trial")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--crash", action="store_true", help="kill the node's processes, and leave its network")
    parser.add_argument("--objects", action="store_true", help="files in an S3 server, and nodes that share no folder")
    parser.add_argument("--no-local", action="store_true", help="leave out the comparison with the local executor")
    options = parser.parse_args()
    for missing in (postgres.lacking(), ray_nodes.lacking(), options.objects and object_store.lacking()):
        if missing:
            sys.exit(f"This needs a cluster and a database: {missing}.")
    print(machine())
    with bridge() as network, tempfile.TemporaryDirectory() as folder:
        print(f"{options.nodes} nodes, {'each with a network of its own' if network else 'on one network'}; "
              f"{options.trials} trials of {options.epochs} epochs over {options.images} images of MNIST")  # fmt: skip
        server = postgres.Server(network)
        try:
            server.start()
            with objects(options.objects, network or "127.0.0.1") as place:
                return _measure(options, server, Path(folder), network, place)
        finally:
            server.close()


@contextmanager
def objects(are_wanted: bool, address: str) -> Iterator[str | None]:
    """Where the files of runs lie in an S3 server of its own, which this process and its children may write."""
    if not are_wanted:
        yield None
        return
    server = object_store.Server(address)
    try:
        server.start()
        os.environ.update({
            "AWS_ACCESS_KEY_ID": object_store.KEY, "AWS_SECRET_ACCESS_KEY": object_store.SECRET,
            "AWS_ENDPOINT_URL_S3": server.url, "AWS_EC2_METADATA_DISABLED": "true",
        })  # fmt: skip
        yield f"s3://{object_store.BUCKET}/cluster"
    finally:
        server.close()


def _measure(
    options: argparse.Namespace, server: postgres.Server, folder: Path, network: str | None, place: str | None
) -> int:
    sweep = described(options.trials, options.images, options.epochs)
    stores, urls, records = [], [], []
    for name in ("ray", "local"):
        urls.append(server.new_database())
        where = None if place is None else f"{place}/{name}"
        stores.append(RunStore(open_engine(urls[-1]), folder / name, artefacts_of(folder / name, where, CACHE_BYTES)))
        server.ask(_TRIGGERS, urls[-1].rpartition("/")[2])
        records.append(start_sweep(stores[-1], sweep, driver=DRIVER))
    os.environ.update({"MNIST_LAB_STORE": urls[0], "MNIST_LAB_HOME": str(folder / "ray")})
    if place is not None:
        os.environ["MNIST_LAB_ARTEFACTS"] = f"{place}/ray"
    story, seconds = on_ray(stores[0], records[0], options, network, folder / "nodes" if options.objects else None)
    runs = runs_of(stores[0], records[0])
    is_well = report(options.trials, runs, seen(urls[0]), story)
    ended = stores[0].get_sweep(records[0].id)
    print(f"| the sweep | {ended.status}: {ended.reason} |")
    alone = statistics.median(run.seconds or 0.0 for run in runs)
    print(f"| seconds for all; of training in a trial, the median | {seconds:.0f}; {alone:.1f} |", flush=True)
    if not options.no_local:
        os.environ.update({"MNIST_LAB_STORE": urls[1], "MNIST_LAB_HOME": str(folder / "local")})
        if place is not None:
            os.environ["MNIST_LAB_ARTEFACTS"] = f"{place}/local"
        crew = LocalCrew(stores[1], records[1].owner, 2)
        try:
            seconds = drive(stores[1], records[1], crew, time.monotonic())
        finally:
            crew.close()
        same = runs_of(stores[1], records[1])
        alone = statistics.median(run.seconds or 0.0 for run in same)
        print(f"| the same with two local workers | {seconds:.0f}; {alone:.1f} |")
        is_well &= compare(stores[0], runs, stores[1], same)
    print(json.dumps({"well": is_well}))
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
