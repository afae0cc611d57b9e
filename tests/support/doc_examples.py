"""The examples of a page of the docs: new files and changes, applied to a copy of the tree."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(python|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"# (\S+\.py)\n")
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


class ExampleError(Exception):
    """An example does not fit the tree; the message names the file."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an example does to a file: all of a new one, or pieces of a present one, each with what replaces it."""

    path: str
    content: str = ""
    hunks: tuple[tuple[str, str], ...] = ()


def read_examples(text: str) -> dict[str, list[Change]]:
    """The changes of a page, by the heading (of the second level) that they stand under.

    Raises:
        ExampleError: a block is no example.
    """
    starts = [(match.end(), match[1]) for match in _HEADING.finditer(text)]
    ends = [start for start, _ in starts[1:]] + [len(text)]
    return {
        heading: [
            change
            for language, body in _BLOCK.findall(text[start:end])
            for change in ([_new_file(body)] if language == "python" else _changes(body))
        ]
        for (start, heading), end in zip(starts, ends, strict=True)
    }


def apply_changes(folder: Path, changes: Iterable[Change]) -> None:
    """Make new files and change present ones.

    Raises:
        ExampleError: a new file is there already, or a piece of a present one is not in it exactly once.
    """
    for change in changes:
        path = folder / change.path
        if not change.hunks:
            if path.exists():
                raise ExampleError(f"{change.path} is there already.")
            path.write_text(change.content, "utf-8")
            continue
        text = path.read_text(encoding="utf-8")
        for old, new in change.hunks:
            places = [match.start() for match in re.finditer(f"(?m)^(?={re.escape(old)})", text)]
            if len(places) != 1:
                raise ExampleError(f"{change.path} has this {len(places)} times:\n{old}")
            text = text[: places[0]] + new + text[places[0] + len(old) :]
        path.write_text(text, "utf-8")


def copy_tree(root: Path, folder: Path, names: Iterable[str]) -> None:
    """Files and folders of the project, without what Python has compiled."""
    for name in names:
        if (root / name).is_dir():
            shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, folder / name)


def _new_file(body: str) -> Change:
    first = _PATH.match(body)
    if first is None:
        raise ExampleError(f"This block does not begin with its path:\n{body[:200]}")
    return Change(first[1], content=body[first.end() :])


def _changes(body: str) -> Iterator[Change]:
    for part in re.split(r"^--- a/", body, flags=re.MULTILINE)[1:]:
        head, *hunks = re.split(r"^@@\n", part, flags=re.MULTILINE)
        path, _, other = head.strip().partition("\n+++ b/")
        if path != other or not hunks:
            raise ExampleError(f"The head of a change is wrong: {head}")
        yield Change(path, hunks=tuple((_side(hunk, "-"), _side(hunk, "+")) for hunk in hunks))


def _side(hunk: str, sign: str) -> str:
    """The lines before a change ("-") or after it ("+")."""
    lines = hunk.splitlines(keepends=True)
    if wrong := [line for line in lines if line[0] not in " +-\n"]:
        raise ExampleError(f"This line of a change begins with no sign: {wrong[0]}")
    return "".join(line if line == "\n" else line[1:] for line in lines if line[0] in (sign, " ", "\n"))
