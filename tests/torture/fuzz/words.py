"""What people type: names, notes, tags, command lines, settings of the environment; and what becomes of it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from mnist_lab import cli, public
from mnist_lab.errors import InferenceError, LabError
from mnist_lab.exchange.forms import slug_of
from mnist_lab.report.blocks import Bullets, Heading, Table, Text
from mnist_lab.report.markdown import escaped, markdown_of
from mnist_lab.report.page import html_of, json_in_script
from mnist_lab.settings import read_settings
from mnist_lab.store import RunStore
from mnist_lab.store.database import open_engine
from mnist_lab.store.digits import MAX_WRITER, clean_writer
from mnist_lab.store.edits import MAX_NAME, MAX_NOTES, MAX_TAG, MAX_TAGS, clean_name, clean_tags
from mnist_lab.study_plan import parse_seeds
from tests.made_runs import add_run
from tests.torture.fuzz.guard import Target
from tests.torture.fuzz.links import LETTERS

PIECES = [
    "<script>window.__pwned=1</script>", "<img src=x onerror=alert(1)>", "</script>", "<!--", "]]>",
    "javascript:alert(1)",
    "![x](http://example.com/x.png)", "[a](javascript:alert(1))", ":red[x]", ":material/home:", "$x^2$", "`x`", "**b**",
    "\x1b[31m", "\x1b]0;title\x07", "\x9b31m", "\u202eevil", "\u2066", "\0", "\ud800", "\r\n", "\n# Heading",
    "\u2028", "\t",
    "=cmd|' /C calc'!A0", "+1", "-1", "@x", "../../etc/passwd", "C:\\con", "NUL", "{{7*7}}", "${x}", "%s%n",
    "'; DROP TABLE runs--",
    "&lt;", "\\", "é", "🤖", "👩\u200d🔬", "\u0301" * 30, "x" * 50, "7", " ", "\ufeff", "\u200b", "|", "<b>", "a.b",
    "__init__",
]  # fmt: skip


def _text(chance: random.Random, most: int = 8) -> str:
    text = "".join(
        chance.choice(PIECES) if chance.random() < 0.7 else chance.choice(LETTERS)
        for _ in range(chance.randrange(most))
    )
    return text * 5000 if chance.random() < 0.01 else text


class _Reader(HTMLParser):
    """Reads a document as a browser does: its tags, and what is in its paragraphs."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.said: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        bad = [
            name
            for name, value in attrs
            if name.startswith("on") or (name == "href" and not (value or "").startswith("#"))
        ]
        assert not bad, attrs

    def handle_data(self, data: str) -> None:
        self.said.append(data)


def texts(folder: Path) -> Target:
    """Names, notes, tags and writers into the store and into reports."""
    store = RunStore(open_engine(f"sqlite:///{folder / 'lab.db'}"), folder)
    run = add_run(store)
    html_of("", [Text("")])
    # The scripts of a report are long, and not of anybody.
    page = __import__("mnist_lab.report.page", fromlist=["plotly_js"])
    page.plotly_js = lambda: ""

    def feed(value: tuple[str, str, list[str]]) -> bool:
        name, notes, tags = value
        cleaned = clean_name(name)
        assert cleaned.isprintable() and len(cleaned) <= MAX_NAME
        assert set(slug_of(name, "run")) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", public.for_terminal(name))
        public.without_paths(name)
        _shown(cleaned)
        for attempt in (lambda: clean_writer(name), lambda: clean_tags(tags), lambda: parse_seeds(name)):
            with contextlib.suppress(LabError):
                attempt()
        with contextlib.suppress(LabError):
            assert len(clean_writer(name)) <= MAX_WRITER
        store.edit(run.id, name=name, notes=notes, tags=tags)
        kept = store.get(run.id)
        assert kept.name == cleaned and len(kept.tags) <= MAX_TAGS and all(len(tag) <= MAX_TAG for tag in kept.tags)
        assert len(kept.notes) <= MAX_NOTES and not set(kept.notes) & set("\0\x1b\ud800\u202e")
        json.dumps(kept.to_json(), allow_nan=False)
        return True

    def make(chance: random.Random) -> tuple[str, Any]:
        return "texts", (_text(chance), _text(chance, 20), [_text(chance, 3) for _ in range(chance.randrange(4))])

    return Target(feed, make, first=[("a", "b", ["c"]), ("", "", [])])


def _shown(name: str) -> None:
    """A name in a report is itself, and nothing else."""
    blocks = [Heading(name), Text(name), Bullets((name,)), Table(name, (name,), ((name,),), foot=((name,),))]
    reader = _Reader()
    reader.feed(html_of(name, blocks))
    alone = _Reader()
    alone.feed(html_of("x", [Heading("x"), Text("x"), Bullets(("x",)), Table("x", ("x",), (("x",),), foot=(("x",),))]))
    assert reader.tags == alone.tags
    assert not name or name in reader.said
    markdown = escaped(name)
    assert "<" not in markdown and "\n" not in markdown and not re.search(r"(?<!\\)(\\\\)*[\[\]`$*]", markdown)
    markdown_of(blocks)
    assert "<" not in json_in_script(json.dumps(name))


def environments(folder: Path) -> Target:
    """Settings of the environment."""
    (folder / "file").write_text("x")
    (folder / "link").symlink_to(folder / "link")
    values = [
        "", " ", "/", ".", "new", "sqlite:///x.db", "postgresql+psycopg://me@h/db", "local", "tensorflow", "..", "~",
        "~nobody-here", "~root/x", "file", "file/x", "link", "link/x", "x" * 300, "x" * 5000,
        "/" * 4000, "a/" * 2500, "/dev/null", "/dev/zero", "/proc/self/mem", "sqlite://", "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///x.db", "sqlite:////x/y/z.db", "postgresql+psycopg://me:secret@h/db",
        "mysql://me:secret@host/db?password=secret",
        "postgresql://[::1", "http://x", "local", "ray", "1", "2", "0", "-1", "1e9", "tensorflow", "theano", "torch",
        "jax", "os",
        "\udcff", "é", "\x1b[31m", "\n", "../../etc",
    ]  # fmt: skip
    names = [
        "MNIST_LAB_HOME",
        "MNIST_LAB_STORE",
        "MNIST_LAB_DATA",
        "MNIST_LAB_EXECUTOR",
        "MNIST_LAB_WORKERS",
        "KERAS_BACKEND",
    ]

    def make(chance: random.Random) -> tuple[str, dict[str, str]]:
        chosen = chance.sample(names, chance.choice((1, 1, 2, 6)))
        found = {}
        for name in chosen:
            value = chance.choice(values)
            if chance.random() < 0.3:
                value += chance.choice(values) + _text(chance, 3)
            # The system hands on no NUL, and only such surrogates as stand for a byte.
            found[name] = (
                value.replace("\0", "")
                .encode("utf-8", "surrogateescape" if value.isascii() else "ignore")
                .decode("utf-8", "surrogateescape")
            )
        return "environments", found

    def feed(value: dict[str, str]) -> bool:
        before = dict(os.environ)
        os.environ.update(value)
        try:
            read_settings()
        except LabError as error:
            assert not ("MNIST_LAB_STORE" in str(error) and "secret" in str(error))
            raise
        finally:
            os.environ.clear()
            os.environ.update(before)
        return True

    return Target(feed, make, first=[{}, {"KERAS_BACKEND": "jax"}, {"MNIST_LAB_HOME": "~root"}])


class _Nobody:
    """Stands for the inference process, which answers nothing."""

    def ask(self, *_: Any, **__: Any) -> Any:
        raise InferenceError("The prediction process did not start.", "This is a test.")

    predict = ask

    def close(self) -> None:
        """There is nothing to end."""


def command_lines(folder: Path) -> Target:
    """Command lines, of which none trains or asks a network: that is done for those who are let in."""
    store = RunStore(open_engine(f"sqlite:///{folder / 'home' / 'lab.db'}"), folder / "home")
    runs = [add_run(store, name=name) for name in ("one", "two <b>", "=cmd|x")]
    store.keep_digits("Anna", [])
    (folder / "odd.json").write_text('{"layers": [{"layer": "\\u001b[31m"}]}')
    (folder / "giant.json").write_text('{"layers": [{"layer": "Dense", "units": ' + "9" * 4000 + "}]}")
    (folder / "deep.json").write_text("[" * 100_000)
    (folder / "bytes.zip").write_bytes(bytes(range(256)) * 20)
    (folder / "out").mkdir()

    for module in ("ask", "export", "import_"):
        getattr(cli, module).InferenceClient = _Nobody
    cli.train.submit = cli.study.start_plan = _Nobody().ask
    words = [
        *cli.COMMANDS, *[run.id[:8] for run in runs], "one", "two <b>", "--json", "--help", "--form", "--to",
        "--force", "--report",
        "--all", "--undo", "--name", "--seed", "--epochs", "--limit", "--link", "--architecture", "--preset",
        "--writer", "--models",
        "--seeds", "--no-training", "--optimizer", "--learning-rate", "--split", "--batch-size", "--run", "list",
        "import", "zip",
        "script", "history", "predictions", "tensorboard", "idx", "000", "lenet-5", "odd.json", "giant.json",
        "deep.json",
        "bytes.zip", "out", "out/x.html", "out/x.md", "/nowhere/x", "/dev/null", ".", "..", "-", "--", "-1", "0",
        "1e400", "nan",
        "9" * 5000, "1-5", "Adam", "x" * 300, "x" * 5000, "a/" * 2500 + "b", "\udcff", "\x1b[31m", "\u202e", "%s",
        "@odd.json", "*", "'",
    ]  # fmt: skip
    known = {
        "show": ["one"], "compare": ["one", "two <b>"], "ensemble": ["one", "two <b>"], "delete": ["one", "--undo"],
        "export": ["one", "--form", "history", "--to", "out", "--force"], "digits": ["list"], "runs": [], "presets": [],
        "train": ["--architecture", "odd.json"], "study": ["000", "--no-training"], "import": ["bytes.zip"],
        "predict": ["odd.json"], "evaluate": ["one"],
    }  # fmt: skip

    def make(chance: random.Random) -> tuple[str, list[str]]:
        command = chance.choice(list(known))
        line = [command, *known[command]]
        for _ in range(chance.choice((0, 1, 1, 2, 3, 6))):
            place = chance.randrange(len(line) + 1)
            line[place : place + chance.choice((0, 0, 1))] = [chance.choice(words)]
        # It would call another server.
        return "command lines", [word for word in line if word != "mlflow"]

    def feed(line: list[str]) -> bool:
        said, complained = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
            status = cli.main(line)
        assert status in (0, 1, 2), status
        both = said.getvalue() + complained.getvalue()
        assert "Traceback" not in both and "\x1b" not in both and "\u202e" not in both
        store.undelete([run.id for run in runs])
        return status == 0

    first = [[command, *more] for command, more in known.items()] + [["runs", "--json"], ["x"]]
    first += [["compare", "one", "two <b>", "--report", f"out/first.{kind}"] for kind in ("html", "md")]
    first += [["study", "000", "--no-training", "--report", f"out/study.{kind}"] for kind in ("html", "md")]
    first += [
        ["export", "one", "--to", "out", "--force", "--form", form]
        for form in ("zip", "script", "predictions", "tensorboard")
    ]
    return Target(feed, make, first=first)


_typed = st.text(st.sampled_from(LETTERS), max_size=60)


def typed(folder: Path) -> Target:
    """Text of any letters, in the places where text is cleaned, cut or escaped."""

    def feed(text: str) -> bool:
        cleaned = clean_name(text)
        assert cleaned.isprintable() and clean_name(cleaned) == cleaned
        assert public.printable(public.printable(text)) == public.printable(text)
        public.without_paths(text)
        with contextlib.suppress(LabError):
            parse_seeds(text)
        _shown(cleaned)
        return True

    page = __import__("mnist_lab.report.page", fromlist=["plotly_js"])
    page.plotly_js = lambda: ""
    return Target(feed, strategy=_typed, kind="texts (Hypothesis)", first=["x"])
