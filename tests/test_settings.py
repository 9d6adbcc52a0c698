"""The environment variables: their defaults, and one clear sentence for each value that cannot be used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mnist_lab.errors import SettingError
from mnist_lab.settings import read_settings

VARIABLES = (
    "MNIST_LAB_HOME",
    "MNIST_LAB_STORE",
    "MNIST_LAB_DATA",
    "MNIST_LAB_EXECUTOR",
    "MNIST_LAB_WORKERS",
    "MNIST_LAB_MAX_QUEUED",
    "MNIST_LAB_MAX_EPOCHS",
    "MNIST_LAB_MAX_PARAMETERS",
    "MNIST_LAB_MAX_DISK",
    "MNIST_LAB_LOG_LEVEL",
    "MNIST_LAB_TRAINERS",
    "MNIST_LAB_ALL_DEVICES",
    "KERAS_BACKEND",
)
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_without_variables_everything_lies_beside_the_app() -> None:
    settings = read_settings()
    assert settings.home == ROOT / "runs"
    assert settings.store_url == f"sqlite:///{ROOT / 'runs' / 'lab.db'}"
    assert settings.data is None
    assert settings.executor == "local"
    assert settings.backend == "tensorflow"
    assert not settings.one_worker
    assert settings.trainers is None
    assert not settings.all_devices


@pytest.mark.parametrize("name", VARIABLES)
def test_an_empty_variable_counts_as_unset(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    default = read_settings()
    monkeypatch.setenv(name, "  ")
    assert read_settings() == default


def test_the_store_follows_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "a home? @ 100 % #1"
    monkeypatch.setenv("MNIST_LAB_HOME", str(home))
    settings = read_settings()
    assert settings.home == home
    assert settings.store_url == f"sqlite:///{home}/lab.db"
    assert not home.exists(), "reading settings creates nothing"


def test_paths_may_be_relative_or_begin_with_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MNIST_LAB_HOME", "here")
    monkeypatch.setenv("MNIST_LAB_DATA", "~/data")
    settings = read_settings()
    assert (settings.home, settings.data) == (tmp_path / "here", tmp_path / "data")


@pytest.mark.parametrize(("value", "one"), [("1", True), (" 1 ", True), ("2", False)])
def test_one_process_or_two_train_and_answer(value: str, one: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_LAB_WORKERS", value)
    assert read_settings().one_worker is one


@pytest.mark.parametrize(("value", "count"), [("1", 1), (" 12 ", 12), ("256", 256)])
def test_so_many_trainings_go_on_at_once(value: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_LAB_TRAINERS", value)
    assert read_settings().trainers == count


def test_several_trainings_at_once_are_more_than_one_process_for_all_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_LAB_WORKERS", "1")
    monkeypatch.setenv("MNIST_LAB_TRAINERS", "1")
    assert read_settings().one_worker
    monkeypatch.setenv("MNIST_LAB_TRAINERS", "2")
    with pytest.raises(SettingError, match="MNIST_LAB_TRAINERS=2 asks for several processes"):
        read_settings()


def test_all_devices_at_once_are_tensorflows_to_train_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_LAB_ALL_DEVICES", "1")
    assert read_settings().all_devices
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setattr("mnist_lab.settings.find_spec", lambda package: object())
    with pytest.raises(SettingError, match="MNIST_LAB_ALL_DEVICES=1"):
        read_settings()


@pytest.mark.parametrize("url", ["sqlite:////some/where/x.db", "postgresql+psycopg://me:secret@host/lab"])
def test_a_store_url_is_taken_as_it_is(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_LAB_STORE", url)
    assert read_settings().store_url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MNIST_LAB_HOME", "FILE"),
        ("MNIST_LAB_HOME", "FILE/below"),
        ("MNIST_LAB_HOME", "~nobody-of-this-name/runs"),
        ("MNIST_LAB_STORE", "mysql://me:secret@host/lab"),
        ("MNIST_LAB_STORE", "lab.db"),
        ("MNIST_LAB_STORE", "sqlite:///"),
        ("MNIST_LAB_STORE", "sqlite:///:memory:"),
        ("MNIST_LAB_DATA", "no-such-place"),
        ("MNIST_LAB_DATA", "~nobody-of-this-name/mnist"),
        ("MNIST_LAB_EXECUTOR", "cloud"),
        ("MNIST_LAB_EXECUTOR", "ray"),
        ("MNIST_LAB_WORKERS", "0"),
        ("MNIST_LAB_WORKERS", "one"),
        ("MNIST_LAB_LOG_LEVEL", "LOUD"),
        ("MNIST_LAB_TRAINERS", "0"),
        ("MNIST_LAB_TRAINERS", "257"),
        ("MNIST_LAB_TRAINERS", "-1"),
        ("MNIST_LAB_TRAINERS", "many"),
        ("MNIST_LAB_ALL_DEVICES", "yes"),
        ("KERAS_BACKEND", "theano"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_variable(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, value.replace("FILE", str(file)))
    with pytest.raises(SettingError) as caught:
        read_settings()
    assert caught.value.message.startswith(f"{name}=")
    assert "\n" not in str(caught.value)
    assert caught.value.remedy
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_a_backend_that_is_not_installed_is_one_sentence_with_the_command_that_installs_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", name)
    monkeypatch.setattr("mnist_lab.settings.find_spec", lambda package: None)
    with pytest.raises(SettingError, match=f"KERAS_BACKEND={name} needs the package {name}, which is not installed."):
        read_settings()
    monkeypatch.setattr("mnist_lab.settings.find_spec", lambda package: object())
    assert read_settings().backend == name


def test_the_readme_lists_every_variable_that_is_read() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    source = (ROOT / "mnist_lab" / "settings.py").read_text(encoding="utf-8")
    for name in VARIABLES:
        assert name in source
        assert f"`{name}`" in readme
    assert os.environ.get("MNIST_LAB_STORE") is None
