"""How a machine is shared out among workers: pure reckoning, over machines that are not here."""

from __future__ import annotations

import pytest

from mnist_lab.errors import SettingError
from mnist_lab.forecast import BASE_BYTES
from mnist_lab.jobs import default_size, devices, executors, make_crew
from mnist_lab.jobs.devices import Gpu, fitting, read_list, shared, visible
from mnist_lab.jobs.local_crew import LocalCrew
from mnist_lab.store import open_store

TWO = (Gpu("0", 16_000), Gpu("1", 24_000))
GB = 10**9


def arguments(place: int, size: int, cores: int = 8, gpus: tuple[Gpu, ...] = ()) -> list[str]:
    return shared(place, size, cores, gpus).arguments


def test_one_worker_alone_takes_the_machine_as_it_finds_it() -> None:
    for gpus in ((), TWO[:1], TWO):
        share = shared(0, 1, 8, gpus)
        assert (share.arguments, share.environment) == ([], {})


@pytest.mark.parametrize(("cores", "size", "threads"), [(8, 2, 4), (8, 3, 2), (2, 2, 1), (2, 5, 1), (1, 2, 1)])
def test_cores_are_divided_and_each_worker_has_one_at_least(cores: int, size: int, threads: int) -> None:
    for place in range(size):
        share = shared(place, size, cores, ())
        assert share.arguments == ["--threads", str(threads)]
        assert share.environment == {}


def test_each_of_as_many_workers_as_there_are_gpus_has_one_for_itself() -> None:
    shares = [shared(place, 2, 8, TWO) for place in range(2)]
    assert [share.environment["CUDA_VISIBLE_DEVICES"] for share in shares] == ["0", "1"]
    assert all("--gpu-memory" not in share.arguments for share in shares)


def test_workers_on_one_gpu_never_take_more_than_it_has_together() -> None:
    for size in range(2, 9):
        taken: dict[str, list[int]] = {gpu.name: [] for gpu in TWO}
        for place in range(size):
            share = shared(place, size, 8, TWO)
            gpu = share.environment["CUDA_VISIBLE_DEVICES"]
            limit = "--gpu-memory" in share.arguments
            whole = next(each.memory or 0 for each in TWO if each.name == gpu)
            taken[gpu].append(int(share.arguments[share.arguments.index("--gpu-memory") + 1]) if limit else whole)
        for gpu in TWO:
            assert abs(len(taken[gpu.name]) - size / 2) <= 0.5, "as many here as there"
            assert sum(taken[gpu.name]) <= (gpu.memory or 0)
            assert sum(taken[gpu.name]) > 0.85 * (gpu.memory or 0), "nor is much of it left lying"


def test_where_a_gpus_memory_is_not_known_each_takes_what_it_needs() -> None:
    assert "--gpu-memory" not in arguments(0, 4, gpus=(Gpu("GPU-5f2a"),))


def test_a_run_over_all_devices_sees_them_all() -> None:
    share = shared(1, 2, 8, TWO, all_devices=True)
    assert share.environment == {"CUDA_VISIBLE_DEVICES": "0,1"}
    assert share.arguments[-2:] == ["--gpu-memory", "7200"], "half of what the smaller one has to give"


@pytest.mark.parametrize(
    ("chosen", "names"),
    [(None, ["0", "1"]), ("", []), ("-1", []), ("1", ["1"]), ("1,0", ["1", "0"]), ("0,7,1", ["0"]), ("1,-1,0", ["1"]),
     ("GPU-5f2a, MIG-1", ["GPU-5f2a", "MIG-1"])],
)  # fmt: skip
def test_only_what_cuda_is_allowed_to_see_is_used(chosen: str | None, names: list[str]) -> None:
    found = visible({} if chosen is None else {"CUDA_VISIBLE_DEVICES": chosen}, TWO)
    assert [gpu.name for gpu in found] == names
    assert all(gpu.memory == {"0": 16_000, "1": 24_000}.get(gpu.name) for gpu in found)


def test_what_nvidias_tool_prints_is_read_and_nonsense_is_no_gpu() -> None:
    assert read_list("0, 143771\n1, [N/A]\n") == (Gpu("0", 143771), Gpu("1"))
    assert read_list("") == ()
    assert read_list("No devices were found\n") == ()


@pytest.mark.parametrize(
    ("cores", "free", "gpus", "size"),
    [(2, 20 * GB, 0, 2), (2, 2 * GB, 0, 1), (8, 4 * GB, 0, 3), (8, 0, 0, 1), (64, 500 * GB, 0, 16),
     (64, 500 * GB, 4, 4)],
)  # fmt: skip
def test_as_many_workers_as_there_are_cores_or_gpus_and_memory_for(cores: int, free: int, gpus: int, size: int) -> None:
    assert fitting(cores, free, gpus, BASE_BYTES) == size


def test_a_containers_limits_count(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"cpu.max": "100000 100000", "memory.max": "3000", "memory.current": "2000",
              "memory.stat": "anon 5\ninactive_file 500"}  # fmt: skip
    monkeypatch.setattr(devices, "_read", lambda path: values.get(path.name, ""))
    assert (devices.cores(), devices.free_bytes()) == (1, 1500)
    cores, free = devices.cores(), devices.free_bytes()
    values.update({"cpu.max": "max 100000", "memory.max": "max"})
    assert devices.cores() >= cores and devices.free_bytes() > free


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> pytest.MonkeyPatch:
    """A machine of four cores without a GPU, which other settings do not concern."""
    for name in ("MNIST_LAB_STORE", "MNIST_LAB_TRAINERS", "MNIST_LAB_EXECUTOR", "MNIST_LAB_WORKERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path))
    monkeypatch.setattr(devices, "cores", lambda: 4)
    monkeypatch.setattr(devices, "free_bytes", lambda: 100 * GB)
    monkeypatch.setattr(devices, "gpus", lambda: ())
    return monkeypatch


def test_a_crew_is_as_large_as_the_setting_says_or_the_machine_allows(machine: pytest.MonkeyPatch) -> None:
    store = open_store()

    def sizes() -> tuple[int, int, int]:
        return make_crew(store, None).size, make_crew(store, "me").size, default_size()

    assert sizes() == (1, 4, 4), "one training at a time has the machine for itself, where somebody waits for it"
    machine.setattr(devices, "gpus", lambda: TWO)
    assert sizes() == (2, 2, 2)
    machine.setenv("MNIST_LAB_TRAINERS", "3")
    assert sizes() == (3, 3, 3)
    made = make_crew(store, "me", size=5)
    assert isinstance(made, LocalCrew)
    assert (made.size, made.owner, made.is_warm, made.problem) == (5, "me", False, None)
    machine.setenv("MNIST_LAB_TRAINERS", "none")
    with pytest.raises(SettingError):
        default_size()
    store.close()


def test_every_executor_of_the_settings_has_a_crew() -> None:
    assert set(executors.CREWS) == {"local"}, "those that the settings let pass"
