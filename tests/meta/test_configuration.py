"""docs/configuration.md and .env.example list what is read from the environment: all of it, nothing else, as it is."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import NamedTuple

import pytest

from config.env import Env
from tests.meta.source_files import ROOT, source_files

_READERS = {"text", "is_set", "flag", "number", "decimal", "seconds", "list", "choice", "url", "time_zone", "networks",
            "secret", "path", "mailbox"}  # fmt: skip
_ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]+)` \| (.*?) \| (.*?) \|", re.MULTILINE)
_UNKNOWN = object()
# Read by what starts Broadsheet, before there are settings.
_OUTSIDE = {"DJANGO_SETTINGS_MODULE", "PYTHON_DOTENV_DISABLED", "PYTHONUNBUFFERED", "SCRIPT_NAME"}


class Read(NamedTuple):
    """One call that reads a variable."""

    reader: str
    default: object
    """`_UNKNOWN` where it is not written as a literal."""


@cache
def reads() -> dict[str, list[Read]]:
    """Variable → how it is read, from the source text of everything that runs in production."""
    found: dict[str, list[Read]] = {}
    for folder in ("config", "papers", "digests"):
        for path in source_files(".py", under=folder):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if read := _read(node):
                    found.setdefault(read[0], []).append(read[1])
    return found


def _read(node: ast.AST) -> tuple[str, Read] | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
        return None
    owner, first = node.func.value, node.args[0]
    if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return None
    name = first.value
    if isinstance(owner, ast.Name) and owner.id == "env" and node.func.attr in _READERS:
        given = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "default")]
        return name, Read(node.func.attr, _literal(given[0]) if given else None)
    if ast.unparse(owner) == "os.environ" and name not in _OUTSIDE:
        return name, Read("text", _UNKNOWN)
    return None


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        pass
    try:  # 60 * 60 * 36
        return eval(compile(ast.Expression(node), "default", "eval"), {"__builtins__": {}})  # noqa: S307
    except NameError:
        return _UNKNOWN


def documented() -> dict[str, tuple[str, str]]:
    """Variable → its default and its form, from the tables of docs/configuration.md."""
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    return {name: (default, form) for name, default, form in _ROW.findall(text)}


def in_example() -> set[str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))


def test_the_reading_is_found_at_all() -> None:
    found = reads()
    assert found["BROADSHEET_BIND"] == [Read("text", "127.0.0.1")]
    assert len(found) > 25


def test_the_docs_list_what_is_read_and_nothing_else() -> None:
    assert set(documented()) == set(reads())


def test_the_example_lists_what_is_read_and_nothing_else() -> None:
    assert in_example() == set(reads())


@pytest.mark.parametrize("name", sorted(documented()))  # those that are read, as the test above says
def test_the_docs_name_the_real_default(name: str) -> None:
    said = documented()[name][0].strip("`")
    for reader, default in reads()[name]:
        if default is _UNKNOWN or reader in ("is_set", "secret"):
            continue
        if reader == "seconds":
            assert Env({"X": said}).seconds("X", -1) == default
        elif reader == "flag":
            assert said == ("on" if default else "off")
        elif isinstance(default, tuple):
            assert said == " ".join(default)
        elif default in (None, ""):
            assert said.startswith(("none", "not set", "embedded", "made"))
        else:
            assert said == str(default)


def test_the_compose_file_hands_on_nothing_unknown() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    handed = set(re.findall(r"\b(BROADSHEET_[A-Z0-9_]+)\b", text))
    known = set(reads())
    assert {name for name in handed if name not in known and name.removesuffix("_FILE") not in known} == set()


def test_the_compose_file_keeps_what_is_written_beside_the_database() -> None:
    """The file systems are read-only, and without a place for the backup before it an upgrade would be refused."""
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    (folder,) = re.findall(r"BROADSHEET_DATA_DIR: (\S+)", text)
    assert f'volumes: ["data:{folder}", "' in text.partition("\nservices:")[0]
    assert re.search(r"^  data:$", text.rpartition("\nvolumes:")[2], re.MULTILINE)
