"""How a mail looks: parts in plain text and in HTML, with marks where each mail fills in its own words.

A part is rendered once for all the mails that it is in. Its marks stand where text and attributes may stand, so it can
be encoded for the wire in pieces, each on its own, and joined. Rules of style are written into the elements here: no
mail program reads a style sheet.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from django.template.loader import get_template, render_to_string
from django.utils.html import escape

from digests.content import urls
from papers.models import Paper
from papers.services.reading.paper_versions import FieldChange

if TYPE_CHECKING:
    from css_inline import CSSInliner

# Control characters, which no text of a paper has.
_PLACEHOLDER = re.compile("\x02([a-z_]+)\x03")
# What phones show of a subject, and of one title in the line below it. A character of full width counts as two.
SUBJECT_WIDTH = 60
_PREVIEW_TITLES = 3
_PREVIEW_TITLE_WIDTH = 48
_PREHEADER_WIDTH = 140
# Behind a preheader, so that mail programs show nothing of the mail beside it.
_FILLER = range(40)


@dataclass(frozen=True, slots=True)
class RenderedPart:
    """A piece of a mail, the same in plain text and in HTML."""

    text: str = ""
    html: str = ""

    def filled(self, words: Mapping[str, str | RenderedPart]) -> RenderedPart:
        """With its marks filled in. Plain words are escaped for HTML. A mark that `words` lacks stays."""

        def as_text(match: re.Match[str]) -> str:
            word = words.get(match[1], match[0])
            return word.text if isinstance(word, RenderedPart) else word

        def as_html(match: re.Match[str]) -> str:
            word = words.get(match[1], match[0])
            return word.html if isinstance(word, RenderedPart) else escape(word)

        return RenderedPart(_PLACEHOLDER.sub(as_text, self.text), _PLACEHOLDER.sub(as_html, self.html))

    def __add__(self, other: RenderedPart) -> RenderedPart:
        return RenderedPart(self.text + other.text, self.html + other.html)


def placeholder(name: str) -> str:
    """Where a word of this name is filled in."""
    return f"\x02{name}\x03"


def split_at_placeholders(source: str) -> list[str]:
    """`source` cut at its marks: what stands before the first, that mark's name, what stands before the next, …"""
    return _PLACEHOLDER.split(source)


@dataclass(frozen=True, slots=True)
class MailRenderer:
    """What depends on the site and the year, and not on the reader."""

    origin: str
    """The site's scheme, host and port; `get_absolute_url` holds the sub-path."""
    group_name: str
    this_year: int

    def frame(self, *, frequency: str) -> RenderedPart:
        """The frame around papers.

        Marks: title, preheader, date, count, below, view_url, items, more, versions, since, about, weekly, opened,
        preferences_url, unsubscribe_url, leave_url.
        """
        context = {
            "group_name": self.group_name,
            "frequency": frequency,
            "filler": _FILLER,
            "privacy_url": urls.privacy_url(),
        }
        return _render("digest", context, is_whole=True)

    def paper(self, paper: Paper, *, is_brief: bool = False) -> RenderedPart:
        """A paper; in brief with less of its authors and abstract.

        Marks: why (of `why`), save (of `save`, or nothing).
        """
        return self._item(paper, news="", is_brief=is_brief)

    def version(self, paper: Paper, *, version: int, changes: Sequence[FieldChange] = ()) -> RenderedPart:
        """A new version of a saved paper, and the words that it changed. Placeholder: save."""
        return self._item(paper, news=f"Version {version} is out", changes=changes)

    def _item(
        self, paper: Paper, *, news: str, is_brief: bool = False, changes: Sequence[FieldChange] = ()
    ) -> RenderedPart:
        links = paper.links or {}
        names = {"abs": "arXiv" if "arxiv.org/" in links.get("abs", {}).get("url", "") else "Source", "pdf": "PDF"}
        context = {
            "paper": paper,
            "url": self.origin + paper.get_absolute_url(),
            "news": news,
            "changes": changes,
            "link_rows": [(name, links[kind]["url"]) for kind, name in names.items() if kind in links],
            "this_year": self.this_year,
            "is_brief": is_brief,
        }
        return _render("_paper", context)


def render_snippet(name: str) -> RenderedPart:
    """One of the small pieces, such as why, more, save, about; templates/emails/ says which placeholders each has."""
    return _piece(f"_{name}")


def subject(title: str, *, others: int, is_version: bool = False) -> str:
    """`Title of the best paper and 11 more`, at most SUBJECT_WIDTH wide: a phone shows 40 to 60 characters.

    Titles differ from mail to mail, so no mail program takes two days for one conversation.
    """
    start = "New version: " if is_version else ""
    end = f" and {others:,} more" if others else ""
    return f"{start}{shortened(title, SUBJECT_WIDTH - len(start) - len(end))}{end}"


def preheader(titles: Sequence[str], opening: str) -> str:
    """What mail programs show below the subject: the titles that are not in it; of a lone paper its first sentences."""
    following = [shortened(title, _PREVIEW_TITLE_WIDTH) for title in titles[1 : 1 + _PREVIEW_TITLES]]
    return shortened(" · ".join(following) if following else opening, _PREHEADER_WIDTH)


def shortened(text: str, width: int) -> str:
    """`text` on one line, cut behind a word where it is wider than that."""
    text = " ".join(text.split())
    room = width
    for place, character in enumerate(text):
        room -= 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if room < 0:
            # One character less: the ellipsis needs a place, too.
            head = text[: max(place - 1, 0)]
            whole = head if text[place - 1 : place] == " " else head.rpartition(" ")[0]
            return (whole if len(whole) > len(head) // 2 else head).rstrip(" ,;:·–-") + "…"
    return text


def render_transactional(context: Mapping[str, Any]) -> str:
    """The HTML of a mail to one reader; `context` as templates/emails/transactional.html has it."""
    return inline_styles(render_to_string("emails/transactional.html", dict(context)))


class _Placeholders(dict[str, str]):
    """`{{ mark.anything }}` in a template."""

    def __missing__(self, name: str) -> str:
        return placeholder(name)


def _render(name: str, context: dict[str, Any], *, is_whole: bool = False) -> RenderedPart:
    context["mark"] = _Placeholders()
    text = render_to_string(f"emails/{name}.txt", context)
    html = render_to_string(f"emails/{name}.html", context)
    return RenderedPart(text, inline_styles(html) if is_whole else inline_fragment_styles(html))


@cache
def _piece(name: str) -> RenderedPart:
    return _render(name, {})


def inline_styles(html: str) -> str:
    """A whole document with the rules of emails/style.css written into its elements."""
    inliner = _inliner()(extra_css=_style(), keep_style_tags=True, load_remote_stylesheets=False)
    return str(inliner.inline(html))


def inline_fragment_styles(html: str) -> str:
    """The same for a part of a document."""
    return str(_inliner()(load_remote_stylesheets=False).inline_fragment(html, _style()))


def _inliner() -> type[CSSInliner]:
    from css_inline import CSSInliner  # here, because only who sends mails needs its two megabytes

    return CSSInliner


@cache
def _style() -> str:
    template: Any = get_template("emails/style.css")
    source: str = template.template.source
    return source
