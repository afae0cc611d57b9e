"""The one style sheet of all pages, joined from static/css when the static files are collected; nothing else builds it.

A file there is an idea. `tokens` and `base` come first, `components` next, what is printed last, as it takes back what
others say. No two of the others give rules to the same class, so their order says nothing to a page. It is the one in
which they are smallest, for gzip finds again what it saw in the last 32 kB; a file that has no place in it comes after
them, by name. The admin, which has Django's rules, gets its own and those of our tokens that they name.
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
NEXT = (
    *("list_bar", "paper_tools", "header", "search_page", "search", "topics", "style_page", "imports", "mail"),
    *("settings", "masthead", "status", "signed_in", "comments", "submit", "cards", "paper", "alone", "people"),
    *("curate", "forms", "authors", "privacy", "charts"),
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
