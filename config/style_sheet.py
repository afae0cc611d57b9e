"""The one style sheet of all pages, joined from static/css when the static files are collected; nothing else builds it.

A file there is an idea. `tokens` and `base` come first, `components` and `forms` next, and last what is printed, as it
takes back what others say. The others come in an order in which they are small, for gzip finds again what it saw in the
last 32 kB; a file without a place in it follows them, by name. No two of them give rules to the same class, but where
parts of one page meet, as a paper's buttons and a card's do, the part stands behind the whole. The admin, which has
Django's rules, gets its own and those of our tokens that they name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import FileSystemFinder
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, Storage

FIRST = ("tokens", "base", "components", "forms")
NEXT = (
    *("submit", "style_page", "search", "search_page", "imports", "comments", "cards", "paper", "header"),
    *("paper_tools", "list_bar", "masthead", "mail", "curate", "alone", "signed_in", "topics", "charts"),
    *("authors", "privacy", "people", "status", "settings"),
)
LAST = ("print",)
ADMIN = ("tokens", "admin")
_COMMENT = re.compile(r"/\*[^*]*\*+(?:[^/*][^*]*\*+)*/")
_QUOTED = re.compile(r'("[^"]*")')
_ATTRIBUTE = re.compile(r'="([a-z][\w-]*)"\]')
_TOKEN = re.compile(r"(--[\w-]+):[^;{}]+;?")
_SPACES = re.compile(r"\s+")
_AROUND = re.compile(r" ?([{},>/]) ?|(?<=;) |(?<=:) (?!;)")
_SELECTOR = re.compile(r"[^{};]+\{")
_ZERO = re.compile(r"(?<![\w.])0(?=\.[0-9])")


def style_sheets(folder: Path) -> dict[str, str]:
    """What browsers get, by name in the static files: without comments, indents and empty lines."""
    others = sorted(path.stem for path in folder.glob("*.css") if path.stem not in {*FIRST, *NEXT, *LAST, "admin"})
    return {
        "css/broadsheet.css": _joined(folder, (*FIRST, *NEXT, *others, *LAST)),
        "css/broadsheet-admin.css": _of_tokens_used(_joined(folder, ADMIN)),
    }


def _joined(folder: Path, names: tuple[str, ...]) -> str:
    return "".join(_shortened((folder / f"{name}.css").read_text(encoding="utf-8")) for name in names)


def _of_tokens_used(css: str) -> str:
    """Without those of our tokens that no rule of the sheet names. Below the first rule the variables are Django's."""
    tokens, end, rules = css.partition("}")
    return _TOKEN.sub(lambda found: found[0] if f"var({found[1]}" in css else "", tokens) + end + rules


def _shortened(css: str) -> str:
    """The same rules without spaces, zeros and last semicolons that say nothing; what is in quotes stays as it is."""
    parts = _QUOTED.split(_ATTRIBUTE.sub(r"=\1]", _COMMENT.sub("", css)))
    shorter = (part if place % 2 else _without_idle(part) for place, part in enumerate(parts))
    return "".join(shorter).replace(";}", "}").strip()


def _without_idle(css: str) -> str:
    """Spaces around `*` stay, around the `+` of a sum, which needs them, and before the `:` of a selector."""
    closer = _AROUND.sub(r"\1", _SPACES.sub(" ", css))
    return _ZERO.sub("", _SELECTOR.sub(lambda found: found[0].replace(" + ", "+"), closer))


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
