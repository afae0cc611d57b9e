"""New works of an institution, author, journal or topic, from OpenAlex's API. https://developers.openalex.org

What is asked for is a filter in OpenAlex's own language. Works are found by the day on which they came out, so the days
before the last fetch are asked for again: some are in the index a week later. A key is the operator's own
(https://openalex.org/settings/api) and goes into the address as a parameter, which no log and no error repeats.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any

from papers.catalogue.identifiers import parse_whole_doi
from papers.outbound.errors import HttpStatusError, SourceError
from papers.outbound.request import FetchRequest
from papers.sources.arxiv import WAIT_SECONDS, parse_date
from papers.sources.base import (
    FetchBatch,
    FetchContext,
    RawAuthor,
    RawPaper,
    RecordSource,
    RejectedPayload,
    SourceAdapter,
    SourceSettings,
)
from papers.sources.isolated import read_large_isolated
from papers.sources.record_markup import plain_line
from papers.sources.webpage import format_journal_ref
from papers.sources.works import WorksPage, brings_nothing_new, first_day_to_ask, read_json, works_page

HOST_GROUP = "openalex"
PAGE_SIZE = 100
MAX_PAGES = 50
FIRST_DAYS = 14
OVERLAP_DAYS = 10
MAX_BYTES = 50_000_000
DEADLINE_SECONDS = 90.0
MAX_FILTER = 1_000
MAX_WORDS = 20_000
"""Of an abstract, whose words come with their places."""

RECORDS = RecordSource(
    "openalex", rank=36, display_name="OpenAlex", words_of="OpenAlex", only_claims=True, lists_when_stored=True
)

_FIELDS = (
    *("id", "doi", "display_name", "type", "publication_date", "authorships", "abstract_inverted_index"),
    *("primary_location", "biblio", "is_retracted"),
)
_NO_PAPERS = frozenset({
    "dataset", "software", "paratext", "grant", "peer-review", "erratum", "libguides", "supplementary-materials",
    "reference-entry", "standard", "database", "other",
})  # fmt: skip
_CONDITION = re.compile(r"([a-z][a-z0-9_.]{0,80}):([^,\s\x00-\x1f][^,\x00-\x1f]{0,300})")
_OWN_FILTERS = frozenset({"from_publication_date", "to_publication_date", "publication_date", "publication_year"})
_ORCID = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]")


def parse_works(data: bytes) -> WorksPage:
    """Read a page of works. What is no paper by its type, such as a dataset, is left out.

    Raises:
        SourceError: it is no such page.
    """
    answer = read_json(data, "OpenAlex")
    meta = _part(answer, "meta")
    return works_page(
        answer.get("results"),
        "OpenAlex",
        read=_read_work,
        name_of=lambda item: _text(item, "id"),
        is_paper=lambda item: item.get("type") not in _NO_PAPERS,
        next_cursor=meta.get("next_cursor"),
        total=meta.get("count"),
    )


def conditions_of(text: str) -> tuple[str, ...] | None:
    """The conditions of a filter, separated by commas; None where one of them is not a condition."""
    parts = [part.strip() for part in text.split(",")] if len(text) <= MAX_FILTER else [""]
    return tuple(parts) if all(map(_CONDITION.fullmatch, parts)) else None


class OpenAlex(SourceAdapter):
    """Asks for the works of the last days that fit a filter, page by page."""

    kind = "openalex"
    label = "Works by a filter (OpenAlex)"
    default_name = "OpenAlex"
    records = (RECORDS,)
    host_group = HOST_GROUP
    default_base_url = "https://api.openalex.org"
    default_interval = timedelta(days=1)
    takes_key = True

    def problems(self, settings: SourceSettings) -> Mapping[str, str]:
        conditions = conditions_of(settings.query)
        if not conditions:
            return {"query": "Give a filter of OpenAlex, such as authorships.institutions.ror:https://ror.org/…"}
        if any(condition.partition(":")[0] in _OWN_FILTERS for condition in conditions):
            return {"query": "Leave out the days: Broadsheet asks for the last ones."}
        return {}

    def parse_rejected(self, rejected: RejectedPayload) -> RawPaper:
        return _read_work(rejected.as_json())

    def fetch(self, context: FetchContext) -> Iterator[FetchBatch]:
        """Raises SourceError where the filter is not valid, or its works can't be read."""
        if problems := self.problems(SourceSettings(query=context.query)):
            raise SourceError(problems["query"])
        today = context.now.astimezone(UTC).date()
        first = first_day_to_ask(context, today, first_days=FIRST_DAYS, again_days=OVERLAP_DAYS)
        cursor, done = "*", 0
        seen: set[str] = set()
        for _ in range(MAX_PAGES):
            page = _ask(context, first, today, cursor)
            if brings_nothing_new(page.names, seen):
                raise SourceError("OpenAlex gave the same works again. They are asked for from the beginning.")
            done += page.size
            is_last = not page.next_cursor or not page.size
            if is_last and done < (page.total or 0):
                raise SourceError(f"OpenAlex gave {done} of {page.total} works. It is asked for again.")
            place = {**context.cursor, "through": today.isoformat()} if is_last else None
            yield FetchBatch(page.papers, page.rejected, cursor=place, done=done, total=page.total, label="works")
            if is_last:
                return
            cursor = page.next_cursor
        raise SourceError(f"More than {done:,} works fit this filter since {first}. Ask for less.")


adapter = OpenAlex()


def _ask(context: FetchContext, first: date, today: date, cursor: str) -> WorksPage:
    days = f"from_publication_date:{first},to_publication_date:{today}"
    params: dict[str, str | int] = {
        "filter": f"{','.join(conditions_of(context.query) or ())},{days}",
        "select": ",".join(_FIELDS),
        "per_page": PAGE_SIZE,
        "cursor": cursor,
    }
    if context.api_key:
        params["api_key"] = context.api_key
    request = FetchRequest(
        url=f"{context.base_url.rstrip('/')}/works",
        group=HOST_GROUP,
        params=params,
        accept="application/json",
        max_bytes=MAX_BYTES,
        deadline_seconds=DEADLINE_SECONDS,
        wait_seconds=WAIT_SECONDS,
    )
    try:
        body = context.send(request).body
    except HttpStatusError as error:
        raise _in_words(error, has_key=bool(context.api_key)) from error
    return read_large_isolated(parse_works, body)


def _in_words(error: HttpStatusError, *, has_key: bool) -> SourceError:
    """What a refusal means here. What OpenAlex says of it is not repeated: it may hold the key."""
    if error.status == HTTPStatus.BAD_REQUEST:
        return SourceError("OpenAlex does not understand this filter. Look at it on openalex.org.")
    if error.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS):
        said = "does not take this key, or wants fewer requests" if has_key else "wants a key, or fewer requests"
        return SourceError(
            f"OpenAlex {said}. A key is free at openalex.org/settings/api.",
            retry_after_seconds=error.retry_after_seconds,
        )
    return error


def _read_work(item: Any) -> RawPaper:
    """One item of a list.

    Raises:
        SourceError: it has no title, or no name.
    """
    title, name = plain_line(_text(item, "display_name")), _text(item, "id")
    if not title or not name:
        raise SourceError("The work has no title or no id.")
    doi = parse_whole_doi(_text(item, "doi"))
    location = _part(item, "primary_location")
    page = _text(location, "landing_page_url") or None
    return RawPaper(
        source=RECORDS.name,
        title=title,
        doi=doi,
        identifiers=(("url", name),),
        abstract=_abstract(_part(item, "abstract_inverted_index")) or None,
        authors=_authors(item.get("authorships")),
        published_at=_moment(_text(item, "publication_date")),
        journal_ref=_journal_ref(item, location) or None,
        is_withdrawn=True if item.get("is_retracted") is True else None,
        url=page,
    )


def _abstract(index: Mapping[str, Any]) -> str:
    """The words in their places, of an abstract that comes as words with places."""
    words: dict[int, str] = {}
    for word, places in index.items():
        for place in places if isinstance(places, list) else ():
            if type(place) is int and 0 <= place < MAX_WORDS:
                words[place] = word
    return " ".join(words[place] for place in sorted(words))


def _authors(given: Any) -> tuple[RawAuthor, ...] | None:
    found = []
    for entry in given if isinstance(given, list) else ():
        author = _part(entry, "author")
        name = plain_line(_text(author, "display_name") or _text(entry, "raw_author_name"))
        places = entry.get("institutions") if isinstance(entry, dict) else None
        place = _text(places[0], "display_name") if isinstance(places, list) and places else ""
        orcid = _ORCID.search(_text(author, "orcid"))
        if name:
            found.append(RawAuthor(name, plain_line(place), orcid[0] if orcid else ""))
    return tuple(found) or None


def _journal_ref(item: Mapping[str, Any], location: Mapping[str, Any]) -> str:
    """Of a journal or conference; a repository is no place where something appeared."""
    venue, biblio = _part(location, "source"), _part(item, "biblio")
    if venue.get("type") not in ("journal", "conference"):
        return ""
    first, last = _text(biblio, "first_page"), _text(biblio, "last_page")
    return format_journal_ref(
        plain_line(_text(venue, "display_name")),
        volume=_text(biblio, "volume"),
        issue=_text(biblio, "issue"),
        pages=f"{first}-{last}" if first and last and first != last else first,
        year=_text(item, "publication_date")[:4],
    )


def _moment(text: str) -> datetime | None:
    day = parse_date(text)
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def _part(owner: Any, name: str) -> Mapping[str, Any]:
    value = owner.get(name) if isinstance(owner, dict) else None
    return value if isinstance(value, dict) else {}


def _text(owner: Any, name: str) -> str:
    value = owner.get(name) if isinstance(owner, dict) else None
    return value.strip() if isinstance(value, str) else ""
