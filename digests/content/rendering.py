"""How a mail looks: parts in plain text and in HTML, with marks where each mail fills in its own words.

A part is rendered once for all the mails that it is in. Its marks stand where text and attributes may stand, so it can
be encoded for the wire in pieces, each on its own, and joined. Rules of style are written into the elements here: no
mail program reads a style sheet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import css_inline
from django.template.loader import get_template, render_to_string
from django.utils.html import escape

from papers.models import Paper

# Control characters, which no text of a paper has.
_MARK = re.compile("\x02([a-z_]+)\x03")
_PREHEADER_CHARS = 140
# Behind a preheader, so that mail programs show nothing of the mail beside it.
_FILLER = range(40)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a mail, the same in plain text and in HTML."""

    text: str = ""
    html: str = ""

    def filled(self, words: Mapping[str, str | Part]) -> Part:
        """With its marks filled in. Plain words are escaped for HTML. A mark that `words` lacks stays."""

        def as_text(match: re.Match[str]) -> str:
            word = words.get(match[1], match[0])
            return word.text if isinstance(word, Part) else word

        def as_html(match: re.Match[str]) -> str:
            word = words.get(match[1], match[0])
            return word.html if isinstance(word, Part) else escape(word)

        return Part(_MARK.sub(as_text, self.text), _MARK.sub(as_html, self.html))

    def __add__(self, other: Part) -> Part:
        return Part(self.text + other.text, self.html + other.html)


def mark(name: str) -> str:
    """Where a word of this name is filled in."""
    return f"\x02{name}\x03"


def pieces(source: str) -> list[str]:
    """`source` cut at its marks: what stands before the first, that mark's name, what stands before the next, …"""
    return _MARK.split(source)


def joined(parts: Iterable[Part]) -> Part:
    """One after the other."""
    parts = list(parts)
    return Part("".join(part.text for part in parts), "".join(part.html for part in parts))


@dataclass(frozen=True, slots=True)
class Look:
    """What depends on the site and the year, and not on the reader."""

    origin: str
    """The site's scheme, host and port; `get_absolute_url` holds the sub-path."""
    group_name: str
    this_year: int

    def frame(self, *, frequency: str) -> Part:
        """The frame around papers.

        Marks: title, preheader, date, count, view_url, items, more, versions, since, about, preferences_url,
        unsubscribe_url, leave_url.
        """
        context = {"group_name": self.group_name, "frequency": frequency, "filler": _FILLER}
        return _render("digest", context, is_whole=True)

    def paper(self, paper: Paper) -> Part:
        """A paper. Marks: why (of `why`), save (of `save`, or nothing)."""
        return self._item(paper, news="")

    def version(self, paper: Paper, *, version: int, changed: Sequence[str] = ()) -> Part:
        """A new version of a saved paper. Mark: save."""
        news = f"Version {version} is out"
        if changed:
            news += f": the {' and the '.join(changed)} changed"
        return self._item(paper, news=news)

    def _item(self, paper: Paper, *, news: str) -> Part:
        links = paper.links or {}
        names = {"abs": "arXiv" if "arxiv.org/" in links.get("abs", {}).get("url", "") else "Source", "pdf": "PDF"}
        context = {
            "paper": paper,
            "url": self.origin + paper.get_absolute_url(),
            "news": news,
            "link_rows": [(name, links[kind]["url"]) for kind, name in names.items() if kind in links],
            "this_year": self.this_year,
        }
        return _render("_paper", context)


def piece(name: str) -> Part:
    """One of the small pieces: why, more, save, versions, about; their marks are told in emails/."""
    return _piece(f"_{name}")


def preheader(titles: Iterable[str]) -> str:
    """What mail programs show beside the subject: the first titles, in plain words."""
    said = " · ".join(titles)
    return said if len(said) <= _PREHEADER_CHARS else said[:_PREHEADER_CHARS].rpartition(" ")[0] + "…"


def letter(context: Mapping[str, Any]) -> str:
    """The HTML of a mail to one reader; `context` as templates/emails/letter.html has it."""
    return inlined(render_to_string("emails/letter.html", dict(context)))


class _Marks(dict[str, str]):
    """`{{ mark.anything }}` in a template."""

    def __missing__(self, name: str) -> str:
        return mark(name)


def _render(name: str, context: dict[str, Any], *, is_whole: bool = False) -> Part:
    context["mark"] = _Marks()
    text = render_to_string(f"emails/{name}.txt", context)
    html = render_to_string(f"emails/{name}.html", context)
    return Part(text, inlined(html) if is_whole else inlined_fragment(html))


@cache
def _piece(name: str) -> Part:
    return _render(name, {})


def inlined(html: str) -> str:
    """A whole document with the rules of emails/style.css written into its elements."""
    return css_inline.CSSInliner(extra_css=_style(), keep_style_tags=True, load_remote_stylesheets=False).inline(html)


def inlined_fragment(html: str) -> str:
    """The same for a part of a document."""
    return css_inline.CSSInliner(load_remote_stylesheets=False).inline_fragment(html, _style())


@cache
def _style() -> str:
    template: Any = get_template("emails/style.css")
    source: str = template.template.source
    return source
