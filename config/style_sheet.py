"""The one style sheet of all pages, joined from static/css when the static files are collected; nothing else builds it.

A file there is an idea. `tokens` and `base` come first, `components` next, then all others by name: no two of them give
rules to the same class, so their order says nothing. The admin, which has Django's rules, gets the tokens and its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import FileSystemFinder
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, Storage

FIRST = ("tokens", "base", "components")
ADMIN = ("tokens", "admin")
_COMMENT = re.compile(r"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/")
_QUOTED = re.compile(r'("[^"]*")')
_ATTRIBUTE = re.compile(r'="([a-z][\w-]*)"\]')
_SPACES = re.compile(r"\s+")
_AROUND = re.compile(r" ?([{},>]) ?|(?<=;) |(?<=:) (?!;)")
_ZERO = re.compile(r"(?<![\w.])0(?=\.[0-9])")


def style_sheets(folder: Path) -> dict[str, str]:
    """What browsers get, by name in the static files: without comments, indents and empty lines."""
    others = sorted(path.stem for path in folder.glob("*.css") if path.stem not in {*FIRST, "admin"})
    return {
        "css/broadsheet.css": _joined(folder, (*FIRST, *others)),
        "css/broadsheet-admin.css": _joined(folder, ADMIN),
    }


def _joined(folder: Path, names: tuple[str, ...]) -> str:
    return "".join(_shortened((folder / f"{name}.css").read_text(encoding="utf-8")) for name in names)


def _shortened(css: str) -> str:
    """The same rules without spaces, zeros and last semicolons that say nothing; what is in quotes stays as it is."""
    parts = _QUOTED.split(_ATTRIBUTE.sub(r"=\1]", _COMMENT.sub("", css)))
    shorter = (part if place % 2 else _without_idle(part) for place, part in enumerate(parts))
    return "".join(shorter).replace(";}", "}").strip()


def _without_idle(css: str) -> str:
    """Spaces around `+`, `*` and `/` stay, for they may stand in `calc()`; so does the one before a selector's `:`."""
    return _ZERO.sub("", _AROUND.sub(r"\1", _SPACES.sub(" ", css)))


class OwnFilesFinder(FileSystemFinder):
    """The static files of the project, with the style sheets in the place of the files that they are made of."""

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, Storage]]:
        """Names below `STATIC_URL`, each with the storage that has it."""
        yield from super().list([*(ignore_patterns or ()), "css/*"])
        for root in self.storages.values():
            made = InMemoryStorage()
            for name, css in style_sheets(Path(root.path("css"))).items():
                made.save(name, ContentFile(css.encode()))
                yield name, made
