"""Nothing that comes from elsewhere is taken for code, and no text becomes a part of a page; read from the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_layering import EACH, MODULES, ROOT, imported, within

# Who may use them, and for what: what is not here, nobody may.
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "pickle": (), "cPickle": (), "_pickle": (), "dill": (), "cloudpickle": (), "joblib": (), "shelve": (),
    "marshal": (),
    "yaml": (), "jsonpickle": (),
    "webbrowser": ("ui.server",),  # the own browser, at the own address, when the program is started
    "runpy": ("ui.frame",),  # app.py itself, for who comes by another page's address
    "code": (), "codeop": (), "ctypes": (), "imp": (), "zipimport": (), "pandas.read_pickle": (), "pd.read_pickle": (),
    "xml": (), "shutil.unpack_archive": (), "tarfile": (),
    # A file of a whole model may hold code; weights are put into a network that was built from its description.
    "keras.models.load_model": (), "keras.saving": (), "models.load_model": (), "keras.config": (),
    "keras.models.model_from_json": (), "saving.load_model": (), "keras.layers.Lambda": (),
    "keras.layers.TFSMLayer": (),
    "torch.load": (), "torch.jit": (), "tf.saved_model": (), "tensorflow.saved_model": (),
    # Arrays are read by `mnist_lab.npz` and `exchange.arrays`, which believe nothing.
    "np.load": (), "numpy.load": (), "np.fromfile": (), "np.genfromtxt": (), "np.loadtxt": (),
    "zipfile.ZipFile.extractall": (),
}  # fmt: skip
CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "load_model",
    "model_from_json",
    "extractall",
    "unpack_archive",
    "literal_eval",
}
# `re.compile`, `model.compile` and a backend's `compiled` are others.
HARMLESS = {"re.compile", "model.compile", "self.model.compile", "keras.Model.compile"}
# Their modules are named in the package itself: those that stand in a folder.
IMPORTERS = {
    "cli": "its own commands", "ui.views": "its own views", "studies": "its own studies", "doctor": "its own checks",
    "keras_side.backend": "the backend of a setting",
}  # fmt: skip
KEYWORDS = {
    "allow_pickle": False,
    "safe_mode": True,
    "shell": False,
    "unsafe_allow_html": False,
    "unsafe_allow_javascript": False,
}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


@EACH
def test_nothing_is_read_that_could_hold_code(name: str) -> None:
    for other in imported(MODULES[name]):
        for library, users in FORBIDDEN.items():
            assert not within(other, (library,)) or within(name, users), f"{name} uses {other}"


@EACH
def test_no_text_is_evaluated(name: str) -> None:
    for function, node in calls(MODULES[name]):
        last = function.rpartition(".")[2]
        if last in CALLS and function not in HARMLESS and not function.endswith(".compile"):
            pytest.fail(f"{name}:{node.lineno} calls {function}")
        if last == "import_module":
            assert name in IMPORTERS or isinstance(node.args[0], ast.Constant), f"{name}:{node.lineno}"


@EACH
def test_what_is_safe_by_default_stays_safe(name: str) -> None:
    for function, node in calls(MODULES[name]):
        for keyword in node.keywords:
            if keyword.arg in KEYWORDS:
                value = keyword.value
                said = value.value if isinstance(value, ast.Constant) else "something"
                assert said is KEYWORDS[keyword.arg], f"{name}:{node.lineno}: {function}({keyword.arg}={said})"


# Both escape every text themselves.
OF_HTML = ("ui.run_columns",)


@EACH
def test_html_is_written_where_it_is_escaped_and_nowhere_else(name: str) -> None:
    for function, node in calls(MODULES[name]):
        if function in ("st.html", "st.components.v1.html", "components.html", "st.iframe"):
            assert name in OF_HTML, f"{name}:{node.lineno} writes HTML"


SHOWN = ("markdown", "caption", "error", "warning", "info", "success", "subheader", "title", "header", "write",
         "toast", "metric", "button", "expander", "checkbox", "toggle", "tabs", "popover", "table", "text",
         "spinner")  # fmt: skip
# What anyone may have written, or what says where something is.
FOREIGN = {"name", "notes", "reason", "message", "remedy", "tags", "writer", "problem"}
ESCAPES = {"escape", "sentence"}


def unescaped(path: Path) -> Iterator[str]:
    """Attributes of foreign text that reach Markdown without an escape around them."""

    def look(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ESCAPES:
            return
        if isinstance(node, ast.Attribute) and node.attr in FOREIGN:
            yield f"{node.lineno}: {ast.unparse(node)}"
        if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name) and node.value.id == "error":
            yield f"{node.lineno}: {node.value.id}"
        # A condition is not shown.
        for inner in (node.body, node.orelse) if isinstance(node, ast.IfExp) else ast.iter_child_nodes(node):
            yield from look(inner)

    for function, node in calls(path):
        if function.rpartition(".")[2] in SHOWN and not function.startswith(("logging", "_log")):
            for argument in [*node.args[:1], *(each.value for each in node.keywords if each.arg in ("help", "label"))]:
                yield from look(argument)


# Words of the program itself: names of forms, changes, and what is wrong with a network under construction.
KNOWN_WORDS = ("pages.lab", "ui.explain_views.flips")
PAGES = pytest.mark.parametrize("name", [name for name in MODULES if within(name, ("app", "pages", "ui"))])


@PAGES
def test_what_anyone_may_have_written_is_escaped_where_it_is_shown(name: str) -> None:
    found = [] if name in KNOWN_WORDS else list(unescaped(MODULES[name]))
    assert found == [], f"{name}: {found}"


def test_the_rules_find_what_breaks_them(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("import pickle\nst.markdown(f'**{run.name}** {error}')\nst.caption(escape(run.name))\nnp.load(x)\n")
    assert {"pickle", "np.load"} <= set(imported(file))
    assert [each.partition(": ")[2] for each in unescaped(file)] == ["run.name", "error"]
    assert (ROOT / "mnist_lab").is_dir()
