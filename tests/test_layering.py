"""The import directions of the package, its sizes, and who may use what; read from the source, nothing is imported."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "mnist_lab"

# A module may import those of lower ranks, and of its own rank as long as no circle arises. Give a new module its place
# here. Packages stand for all their modules.
RANKS: dict[str, int] = {
    "errors": 0,
    "settings": 1, "logs": 1, "fields": 1, "formatting": 1, "mnist_form": 1, "niceness": 1,
    "not_a_digit": 1, "centre_lines": 1, "public": 1, "npz": 1,
    "layers": 2, "architecture": 2, "training_part": 2, "optimizers": 2, "training_config": 2, "editing": 2,
    "store": 3, "datasets": 3, "mnist_files": 3, "embedded_digits": 3, "download": 3,
    "shapes": 3, "layer_rules": 3, "layer_line": 3, "schedules": 3, "forecast": 3,
    "ink": 4, "picture": 4, "paper_lines": 4, "pieces": 4, "dotted": 4, "splitting": 4, "drawing": 4, "reading": 4,
    "source": 4, "source_text": 4, "source_data": 4, "metrics": 4, "diagnosis": 4, "studies": 4, "figures": 4,
    "heartbeat": 4, "starter": 4, "paired": 4, "predictions": 4, "kept_epochs": 4, "calibration": 4,
    "receptive": 4, "perturb": 4,
    "links": 4, "links_dictionary": 4,
    "keras_side": 5, "study_plan": 5, "study_results": 5, "comparison": 5, "seed_groups": 5, "pareto": 5,
    "sweeps": 5, "run_fields": 5, "run_query": 5, "run_groups": 5, "my_digits": 5, "run_data": 5,
    "network_diff": 4, "run_settings": 4, "limits": 4,
    "ray_names": 2,
    "ensemble": 6, "backup": 6, "doctor": 6, "health": 6, "worker": 6, "ray_task": 6, "ray_driver": 6, "jobs": 6,
    "report": 6, "exchange": 6,
    "ui": 7, "cli": 7,
    "__main__": 8, "pages": 8,
    "app": 9,
}  # fmt: skip
# Only worker processes import Keras; whoever imports the Keras side is one.
WORKERS = ("keras_side", "worker", "ray_task", "ray_driver")
USERS: dict[str, tuple[str, ...]] = {
    "streamlit": ("app", "pages", "ui"),
    "streamlit_drawable_canvas": ("app", "pages", "ui"),
    "plotly": ("figures", "ui"),
    "keras": ("keras_side",),
    # What Keras leaves to its backend is in one module, and its kernels; the others make images, before any network
    # sees them.
    "tensorflow": tuple(
        f"keras_side.{name}" for name in ("backend", "kernels", "batches", "augment", "penmanship", "pens", "strangers")
    ),
    "jax": ("keras_side.backend",),
    "torch": ("keras_side.backend",),
    "sqlalchemy": ("store",),
    "mlflow": ("exchange",),
    "ray": ("ray_driver", "ray_task"),
    "h5py": ("keras_side",),  # what is read with it may be anyone's
    "threading.Thread": (
        "jobs",
        "heartbeat",
        "download",
        "worker",  # answers beside its training where there is memory for one process only
    ),  # a lock is for all: Streamlit runs pages in threads of its own
    "threading.Timer": ("jobs", "heartbeat"),
    "_thread": (),
    "subprocess": ("jobs",),
    "multiprocessing": ("jobs", "worker"),
    "multiprocessing.Process": (),  # started from a page it runs app.py again; see jobs
    "concurrent": ("jobs",),
    "asyncio": (),
    "os.fork": (),
    "os.system": (),
    "os.popen": (),
}


def modules() -> dict[str, Path]:
    """Every source file of the product by its dotted name, the package's own name left out."""
    found = {path.stem: path for path in [ROOT / "app.py"] if path.exists()}
    for path in sorted((ROOT / "pages").glob("*.py")):
        found[f"pages.{path.stem}"] = path
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)] = path
    found.pop("__init__")
    return found


MODULES = modules()
EACH = pytest.mark.parametrize("name", MODULES)


def imported(path: Path) -> list[str]:
    """The dotted names that a file imports or uses, anywhere in it; ``from a import b`` gives a.b."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}:{node.lineno}: imports are absolute here"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names.append(f"{node.value.id}.{node.attr}")
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, (ast.Attribute, ast.Name))
            and getattr(node.func, "attr", getattr(node.func, "id", "")) in ("import_module", "__import__")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            names.append(str(node.args[0].value))
    return names


def own_imports(path: Path) -> set[str]:
    """The product's own modules that a file imports."""
    found = set()
    for name in imported(path):
        own = name.removeprefix(f"{PACKAGE}.")
        if own != name or own in MODULES:
            found.add(own if own in MODULES else own.rpartition(".")[0])
    return found & set(MODULES)


def part(name: str) -> str:
    """The part that a module belongs to, as `RANKS` names it."""
    return name.split(".")[0]


def within(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def test_every_module_has_a_place() -> None:
    assert len(MODULES) > 15
    missing = {part(name) for name in MODULES} - set(RANKS)
    assert not missing, f"give {', '.join(sorted(missing))} a place in RANKS of {Path(__file__).name}"


@EACH
def test_imports_go_one_way(name: str) -> None:
    upward = {other for other in own_imports(MODULES[name]) if RANKS[part(other)] > RANKS[part(name)]}
    assert not upward, f"{name} imports {', '.join(sorted(upward))}, which stand above it"


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = {name: own_imports(path) - {name} for name, path in MODULES.items()}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"circle of imports: {' -> '.join(error.args[1])}")


@EACH
def test_a_library_is_used_only_where_it_belongs(name: str) -> None:
    for other in imported(MODULES[name]):
        for library, users in USERS.items():
            if within(other, (library,)):
                assert within(name, users), f"{name} uses {other}, which only {users or 'nobody'} may"


@EACH
def test_the_app_process_never_imports_the_keras_side(name: str) -> None:
    if any(within(other, ("keras_side",)) for other in own_imports(MODULES[name])):
        assert within(name, WORKERS), f"{name} imports keras_side but is no worker"


def test_nothing_in_the_app_process_imports_a_worker() -> None:
    for name, path in MODULES.items():
        if not within(name, WORKERS):
            assert not {other for other in own_imports(path) if within(other, WORKERS)}, name


@EACH
def test_a_module_is_short_enough_to_be_read_at_once(name: str) -> None:
    lines = len(MODULES[name].read_text(encoding="utf-8").splitlines())
    assert lines <= (120 if part(name) == "pages" else 500)


@EACH
def test_a_module_says_what_it_is_for(name: str) -> None:
    source = MODULES[name].read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(source)), f"{name} has no docstring"


def test_the_rules_find_what_breaks_them(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        "def f():\n    import keras.layers\n    from mnist_lab import shapes\n    from mnist_lab.store.runs import x\n"
        "    __import__('plotly')\n    threading.Thread()\n    np.ui\n"
    )
    assert set(imported(file)) == {
        "keras.layers", "mnist_lab.shapes", "mnist_lab.store.runs.x", "plotly", "threading.Thread", "np.ui",
    }  # fmt: skip
    assert own_imports(file) == {"shapes", "store.runs"}
    assert within("keras.layers", ("keras",))
    assert not within("keras_side.build", ("keras",))
