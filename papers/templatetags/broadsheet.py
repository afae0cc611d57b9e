"""How papers, people, numbers and days are written on pages. No queries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache as remember
from functools import lru_cache
from html import escape
from typing import Any
from urllib.parse import quote

from django import template
from django.conf import settings
from django.contrib.messages.storage.base import Message
from django.template import Context
from django.template.loader import render_to_string
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from papers import dates
from papers.catalogue import categories
from papers.catalogue.json_columns import AuthorRow
from papers.citations.record import CitationFormat
from papers.citations.registry import CITATION_FORMATS
from papers.models import Paper
from papers.models.addresses import address_of
from papers.services.authors.lookup import slug_of as slug_of_key
from papers.services.ingest.clean_record import author_index_key
from papers.services.lists.rows import format_voters
from papers.services.lists.viewer_state import MAX_NAMED_VOTERS
from papers.services.reading.votes import Voters
from papers.sources.registry import record_source_name
from papers.text import html
from papers.text.abstract_roles import RoleRun, leading_line
from papers.text.abstract_roles import role_runs as role_runs_of
from papers.text.counts import counted
from papers.text.mailboxes import readable
from papers.text.names import organization_key
from papers.web.card_slots import slot_mark
from papers.web.message_storage import WITHOUT_UNDO

register = template.Library()
_SMALL_EXCERPT = 160

_CREATIVE_COMMONS = re.compile(r"(?:www\.)?creativecommons\.org/licenses/([a-z-]+)/([0-9.]+)")
LISTED_AUTHORS = 3
UNFOLDED_AUTHORS = 30
_ROLE_NAMES = {"resource": "Code, data"}
# Where a link may have been found beside the records of sources.
_OTHER_ORIGINS = {
    "arxiv": "arXiv",
    "abstract": "the abstract",
    "comment": "the authors' comment",
    "curator": "no source: a curator gave it",
}


@register.filter
def mail_address(address: str) -> str:
    """An e-mail address as its owner writes it."""
    return readable(address)


@register.filter
def inline(text: str) -> html.SafeHtml:
    """A title or a name, formulas drawn."""
    return html.inline(text)


@register.filter
def paragraphs(text: str) -> html.SafeHtml:
    """An abstract, formulas drawn, addresses linked."""
    return html.paragraphs(text)


@register.filter
def markdown(text: str) -> html.SafeHtml:
    """What a reader or a curator wrote in Markdown, as safe HTML."""
    return html.markdown(text)


@register.filter
def plain(text: str) -> str:
    """Text as plain characters, formulas too, for attributes and titles."""
    return html.plain_text(text)


@register.filter
def excerpt(text: str, chars: int) -> str:
    """The beginning of a text, to be given to `inline` or `plain`."""
    return html.excerpt(text, chars)


@register.filter
def lead(paper: Paper, has_line: bool) -> str:
    """What a card shows of an abstract: what the paper does, else its first lines; to be given to `excerpt_parts`."""
    return (has_line and paper_line(paper, 300)) or html.excerpt(paper.abstract, 300)


@register.filter
def opening(paper: Paper, chars: int) -> str:
    """What the paper does, else its first lines, in about so many characters; to be given to `inline` or `plain`."""
    return paper_line(paper, chars) or html.excerpt(paper.abstract, chars)


def paper_line(paper: Paper, chars: int) -> str:
    """What a paper does. It may have a quarter more than first lines, as it is mostly whole sentences."""
    return leading_line(paper.abstract, paper.sentence_roles, chars + chars // 4)


@register.filter
def role_name(role: str) -> str:
    """What a sentence is for, as it stands beside it."""
    return _ROLE_NAMES.get(role, role.capitalize())


@register.filter
def role_runs(paper: Paper) -> list[RoleRun]:
    """An abstract in parts of one role each; none where roles are not known, or there is but one."""
    found = role_runs_of(paper.abstract, paper.sentence_roles)
    return found if len(found) > 1 else []


@register.filter
def excerpt_parts(text: str) -> html.SafeHtml:
    """An excerpt with its first words apart from the rest, which small screens leave out; both end at a word."""
    head = html.excerpt(text, _SMALL_EXCERPT)
    is_cut = head.endswith("…") and not text.startswith(head)
    start = head[:-1] if is_cut else head
    if not (rest := text[len(start) :]).strip():
        return html.inline(text)
    mark = '<span class="excerpt-cut">…</span>' if is_cut else ""
    return html.SafeHtml(f'{html.inline(start)}{mark}<span class="excerpt-rest">{html.inline(rest)}</span>')


@register.filter
def author_line(paper: Paper) -> str:
    """`First, Second, Third and 9 others`; `N authors` where no names are known; else nothing."""
    names = [author.get("name", "") for author in paper.authors[: LISTED_AUTHORS + 1]]
    count = max(paper.author_count, len(paper.authors))
    if not names:
        return counted(count, "author") if count else ""
    if count > LISTED_AUTHORS + 1:
        return f"{', '.join(names[:LISTED_AUTHORS])} and {count - LISTED_AUTHORS:,} others"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


@register.filter
def author_links(paper: Paper) -> html.SafeHtml:
    """`author_line`, each name a link to the author's papers."""
    count = max(paper.author_count, len(paper.authors))
    shown = LISTED_AUTHORS if count > LISTED_AUTHORS + 1 else LISTED_AUTHORS + 1
    names = [author_link(author.get("name", "")) for author in paper.authors[:shown]]
    if not names:
        return html.SafeHtml(escape(author_line(paper)))
    if count > LISTED_AUTHORS + 1:
        return html.SafeHtml(f"{', '.join(names)} and {count - LISTED_AUTHORS:,} others")
    return html.SafeHtml(" and ".join(filter(None, [", ".join(names[:-1]), names[-1]])))


@register.filter
def author_link(name: str) -> html.SafeHtml:
    """A name as a link to the author's page; the name alone where there is no letter in it."""
    key = author_index_key(name)
    if not key:
        return html.inline(name)
    address = escape(address_of("papers:author", slug_of_key(key)))
    return html.SafeHtml(f'<a href="{address}" rel="nofollow">{html.inline(name)}</a>')


@register.filter
def slug_of(key: str) -> str:
    """The last word of the address of an author or organization."""
    return slug_of_key(key)


@register.filter
def organization_link(name: str) -> SafeString:
    """An organization as a link to its page."""
    key = organization_key(name)
    if not key:
        return format_html("{}", name)
    return format_html('<a href="{}" rel="nofollow">{}</a>', address_of("papers:organization", slug_of_key(key)), name)


@register.filter
def first_authors(authors: Sequence[AuthorRow]) -> Sequence[AuthorRow]:
    """The authors that a paper's page names at once: all where they are few."""
    return authors if len(authors) <= UNFOLDED_AUTHORS else authors[:UNFOLDED_AUTHORS]


@register.filter
def other_authors(authors: Sequence[AuthorRow]) -> Sequence[AuthorRow]:
    """The authors that a paper's page folds away."""
    return authors[len(first_authors(authors)) :]


@register.filter
def day_of(paper: Paper) -> date:
    """The date on a paper's card: announced, else published, else first seen."""
    if paper.announced_on:
        return paper.announced_on
    return timezone.localdate(paper.published_at or paper.listed_at)


@register.filter
def short_day(day: date | datetime, this_year: int) -> str:
    """`24 Nov`, with the year when it is not this one."""
    return _short_day(day.year, day.month, day.day, this_year)


@lru_cache(maxsize=4_000)
def _short_day(year: int, month: int, day: int, this_year: int) -> str:
    return date_format(date(year, month, day), "j M" if year == this_year else "j M Y")


@register.filter
def undo_word(message: Message) -> str:
    """The token that undoes what a message tells; empty where it can't be undone."""
    return "" if message.extra_tags == WITHOUT_UNDO else str(message.extra_tags)


@register.filter
def thousands(number: int) -> str:
    """A whole number with commas between the thousands: `12,345`."""
    return f"{number:,}"


@register.filter
def category_name(code: str) -> str:
    """`Computation and Language` for cs.CL."""
    return categories.category_name(code)


@register.filter
def category_link(code: str) -> SafeString:
    """A category's code as a link to its newest papers."""
    return _category_link(code, get_script_prefix())


@lru_cache(maxsize=1_000)
def _category_link(code: str, script_prefix: str) -> SafeString:
    address = f"{reverse('papers:new')}?category={quote(code)}"
    return format_html('<a href="{}" title="{}">{}</a>', address, category_name(code), code)


@register.filter
def source_name(kind: str) -> str:
    """A source, or the place where something was found, as readers know it."""
    return _OTHER_ORIGINS.get(kind) or record_source_name(kind)


@register.filter
def week_name(day: date) -> str:
    """The week of a day, as its address has it."""
    return dates.format_week(day)


@register.filter
def month_name(day: date) -> str:
    """The month of a day, as its address has it."""
    return dates.format_month(day)


@register.filter
def license_name(url: str) -> str:
    """`CC BY 4.0` for its address; other addresses as they are, without the scheme."""
    address = url.split("://", 1)[-1].strip("/")
    if match := _CREATIVE_COMMONS.fullmatch(address):
        return f"CC {match[1].upper()} {match[2]}"
    if address.startswith("creativecommons.org/publicdomain/zero"):
        return "CC0"
    if address.startswith("arxiv.org/licenses/nonexclusive"):
        return "arXiv’s non-exclusive licence"
    return address


@register.simple_tag
def canonical_url(path: str) -> str:
    """The one address of a page; `path` comes from `url`, and holds the sub-path already."""
    origin: str = settings.SITE.origin
    return origin + path


@register.simple_tag
def slot(name: str) -> SafeString:
    """The place on a card where what is the viewer's or the list's goes, by the name that `papers.web.cards` has."""
    return slot_mark(name)


@register.simple_tag
def export_formats() -> list[CitationFormat]:
    """The formats that a list can be saved in."""
    return list(CITATION_FORMATS.values())


@register.simple_tag
def category_options() -> SafeString:
    """All categories as the options of a list that a browser searches while one types."""
    return _category_options()


@remember
def _category_options() -> SafeString:
    context: dict[str, Any] = {"archives": categories.archives()}
    return mark_safe(render_to_string("papers/_category_options.html", context))  # noqa: S308


@register.filter
def voters_line(voters: Voters) -> str:
    """`rita, carl and 3 others`."""
    return format_voters(voters.names[:MAX_NAMED_VOTERS], voters.vote_count)


@register.simple_tag(takes_context=True)
def query_string(context: Context, **changes: Any) -> str:
    """The query string of this page with some of it changed; parameters that become empty are left out."""
    asked = context["request"].GET.copy()
    for name, value in changes.items():
        asked[name] = str(value)
    for name in [name for name, value in asked.items() if not value]:
        del asked[name]
    return str(asked.urlencode())
