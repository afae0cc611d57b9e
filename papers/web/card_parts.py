"""What a paper puts into `_card.html`, and the card made of it.

Django takes two milliseconds to render a card, most of them to decide which parts are there. Papers have the same few
dozen sets of parts, so the template is rendered once a process for each set, with a mark in the place of each part; a
card is that with its own parts between the pieces, which takes a fifth of the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape

from django.template.loader import render_to_string
from django.utils.safestring import mark_safe

from papers.models import CardLead, Paper, PaperExternalCounts
from papers.templatetags import broadsheet as words
from papers.text.counts import counted

_PART = "\x04"
"""Stands around the name of a part. A control character, which no part has before it is between the pieces."""
_MOST_CATEGORIES = 4
_MOST_KINDS = 1_000


def card_html(paper: Paper, counts: Sequence[PaperExternalCounts], *, address: str, this_year: int, lead: str) -> str:
    """A card of a paper, which other sites have with these counts, with the marks of its slots. No queries.

    `lead` is a value of `CardLead`.
    """
    every = {**_parts(paper, address, this_year, lead), "figures": "".join(map(_figure, counts))}
    parts = {name: html for name, html in every.items() if html}
    pieces = list(_pieces(frozenset(parts)))
    pieces[1::2] = [parts[name] for name in pieces[1::2]]
    return "".join(pieces)


@lru_cache(maxsize=_MOST_KINDS)
def _pieces(names: frozenset[str]) -> tuple[str, ...]:
    """`_card.html` for a paper with these parts, cut at them: every second piece is the name of one.

    Without its indents and empty lines, which no browser shows.
    """
    marks = {name: mark_safe(f"{_PART}{name}{_PART}") for name in names}  # noqa: S308  a name of ours
    lines = render_to_string("papers/_card.html", marks).split("\n")
    return tuple("\n".join(filter(None, (line.strip(" ") for line in lines))).split(_PART))


def _parts(paper: Paper, address: str, this_year: int, lead: str) -> dict[str, str]:
    """By name in the template the HTML of each part, empty where the paper has none; of flags, whether they are set."""
    day = words.day_of(paper)
    first = words.lead(paper, lead == CardLead.LINE) if paper.abstract else ""
    return {
        "key": str(paper.pk),
        "address": escape(address),
        "title": words.inline(paper.title),
        "authors": words.author_links(paper),
        "organization": words.organization_link(paper.organization) if paper.organization else "",
        "excerpt": words.excerpt_parts(first) if paper.abstract else "",
        "abstract": words.paragraphs(paper.abstract) if first != paper.abstract else "",
        "is_sample": str(paper.is_sample or ""),
        "is_withdrawn": str(paper.withdrawn_at is not None or ""),
        "words_note": escape(paper.words_note),
        "date": day.isoformat(),
        "day": escape(words.short_day(day, this_year)),
        "categories": "".join(map(words.category_link, paper.categories[:_MOST_CATEGORIES])),
        "venue": words.inline(paper.venue) if paper.venue else "",
        "comments": _comments(paper.comment_count),
        **_links(paper.links),
    }


def _comments(count: int) -> str:
    return counted(count, "comment") if count else ""


def _figure(counts: PaperExternalCounts) -> str:
    """What another site counts of a paper, or that it has it; empty where there is nothing to say."""
    name = words.source_name(counts.source)
    said = []
    if counts.votes or counts.comments:
        said += [f"{counts.votes:,} on {name}", _comments(counts.comments)]
    elif name == counts.source:
        said += [f"listed on {name}"]
    if not said:
        return ""
    said += [f"submitted by {counts.submitted_by}"] if counts.submitted_by else []
    return f'<li class="figure">{escape(", ".join(filter(None, said)))}</li>'


def _links(links: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    found = {kind: escape(link.get("url", "")) for kind, link in links.items() if link}
    address = found.get("abs", "")
    is_arxiv = "arxiv.org" in address
    return {
        "arxiv": address if is_arxiv else "",
        "source": "" if is_arxiv else address,
        **{kind: found.get(kind, "") for kind in ("pdf", "code", "project")},
    }
