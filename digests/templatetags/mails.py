"""How papers and lines are written in mails. No queries."""

from __future__ import annotations

from django import template

from digests.wire.mime import wrap_lines
from papers.models import Paper
from papers.services.reading.paper_versions import FieldChange
from papers.templatetags.broadsheet import author_line, day_of, short_day
from papers.text.counts import counted
from papers.text.html import plain_text
from papers.text.word_diff import DiffPart, Side, around_changes

register = template.Library()

TITLE_CHARS = 400
BYLINE_CHARS = 300
SHORT_BYLINE_CHARS = 90
CHANGE_CHARS = 700
_WORDS_AROUND = 4

register.filter("wrapped", wrap_lines)


@register.filter
def title_line(text: str) -> str:
    """A title, cut where nobody reads on."""
    return _cut(" ".join(text.split()), TITLE_CHARS)


@register.filter
def byline(paper: Paper) -> str:
    """Authors and organization, as on a card."""
    return _cut(" · ".join(filter(None, [author_line(paper), paper.organization])), BYLINE_CHARS)


@register.filter
def short_byline(paper: Paper) -> str:
    """`Ada Lovelace et al. · Organization`; where no names are known their number."""
    line = author_line(paper)
    if len(paper.authors) > 2:
        line = f"{paper.authors[0].get('name', '')} et al."
    return _cut(" · ".join(filter(None, [line, paper.organization])), SHORT_BYLINE_CHARS)


@register.filter
def mail_facts(paper: Paper, this_year: int) -> str:
    """`12 votes · 24 Nov · cs.CL`; of a paper without votes not that it has none."""
    votes = counted(paper.vote_count, "vote") if paper.vote_count else ""
    return " · ".join(filter(None, [votes, short_day(day_of(paper), this_year), paper.primary_category]))


@register.filter
def what_changed(change: FieldChange) -> list[DiffPart]:
    """The words of a field that changed, with some around them; none where they are too many for a mail."""
    parts = around_changes(change.parts or [], words=_WORDS_AROUND)
    return parts if sum(len(part.text) for part in parts) <= CHANGE_CHARS else []


@register.filter
def change_in_text(change: FieldChange) -> str:
    """The same in plain text, marked as wdiff does: `New title: On [-thin-] {+thick+} ice`."""
    marks = {Side.SAME: "{}", Side.REMOVED: "[-{}-]", Side.ADDED: "{{+{}+}}"}
    words = " ".join(marks[side].format(plain_text(text).strip()) for side, text in what_changed(change))
    return f"New {change.field}: {words}" if words else f"New {change.field}"


def _cut(text: str, chars: int) -> str:
    return text if len(text) <= chars else text[: chars - 1].rstrip() + "…"
