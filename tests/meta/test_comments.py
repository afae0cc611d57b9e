"""What docstrings and comments say of the code is true of today's: the files and the names that they point to exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import NamedTuple

from tests.meta.source_files import ROOT, source_files

FOLDERS = ("bench", "config", "digests", "papers")
# Written in backticks and not ours: names of Python and PostgreSQL, and examples of what others write.
ELSEWHERE = {"is_global", "urlsafe_b64decode", "pg_snapshot_xmin"} | {
    *("alpha_1", "cc_no", "cell_biology", "web_page", "x86_64"),
}
_QUOTED = re.compile(r"`([^`\n]+)`")
_COMMENT = re.compile(r"(?:^|\s)# (.*)$", re.MULTILINE)
# Words that are hardly anything but names: with an underscore inside, or in CamelCase.
_NAME = re.compile(r"\b(?:[A-Za-z]\w*_\w+|(?:[A-Z][a-z]+){2,})\b")
# Only with a folder in front: a lone `compute.py` may be another project's.
_PATH = re.compile(r"(?<![\w/.:-])((?:[\w-]+/)+[\w-]+\.(?:py|html|sql|md|css|js))\b")


class Module(NamedTuple):
    """A module in two halves."""

    path: str
    said: str
    """Its docstrings and comments, and the notes below its constants."""
    names: frozenset[str]
    """The words of its code: of names, and of texts that are no docstrings."""


def read_module(source: str, path: str = "") -> Module:
    tree = ast.parse(source)
    said: dict[int, str] = {}
    words: list[str] = []
    for node in ast.walk(tree):  # a statement comes before what is in it
        match node:
            case ast.Expr(value=ast.Constant(value=str(text)) as constant):
                said[id(constant)] = text
            case ast.Constant(value=str(text)) if id(node) not in said:
                words.append(text)
        words += [
            name for key in ("name", "id", "attr", "arg", "module") if isinstance(name := getattr(node, key, 0), str)
        ]
    comments = [*said.values(), *_COMMENT.findall(source)]
    return Module(path, "\n".join(comments), frozenset(re.findall(r"\w+", " ".join(words))))


@cache
def modules() -> tuple[Module, ...]:
    paths = [path for folder in FOLDERS for path in source_files(".py", under=folder) if "migrations" not in path.parts]
    return tuple(read_module(path.read_text("utf-8"), str(path.relative_to(ROOT))) for path in paths)


@cache
def known_names() -> frozenset[str]:
    words = {path.stem for path in source_files(".py")}
    for path in source_files(".html", ".sql", ".js", ".css", ".toml"):
        words |= set(re.findall(r"\w+", path.read_text("utf-8")))
    return frozenset(words).union(*(module.names for module in modules()))


@cache
def known_paths() -> frozenset[str]:
    """Every file's path, and each end of it: comments leave out the folders in front that a reader knows."""
    whole = [path.relative_to(ROOT).parts for path in source_files(".py", ".html", ".sql", ".md", ".css", ".js")]
    return frozenset("/".join(parts[start:]) for parts in whole for start in range(len(parts)))


def unknown_names(text: str) -> set[str]:
    """What a comment puts in backticks like a name of the code, and is none."""
    said = {name for quoted in _QUOTED.findall(text) for name in _NAME.findall(quoted)}
    return said - known_names() - ELSEWHERE


def unknown_paths(text: str) -> set[str]:
    return set(_PATH.findall(text)) - known_paths()


def test_the_names_that_comments_put_in_backticks_exist() -> None:
    assert {each.path: found for each in modules() if (found := unknown_names(each.said))} == {}


def test_the_files_that_comments_name_exist() -> None:
    assert {each.path: found for each in modules() if (found := unknown_paths(each.said))} == {}


def test_what_is_gone_would_be_found() -> None:
    module = read_module(
        '''"""As `gone_function` does, `ProcessMemory.put`, and services/visits.py."""\nx = 1  # `GoneClass`'''
    )
    assert unknown_names(module.said) == {"gone_function", "GoneClass"}
    assert unknown_paths(module.said + " https://example.org/a/b.html") == {"services/visits.py"}
