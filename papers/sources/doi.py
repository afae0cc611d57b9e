"""A DOI's record, from doi.org by content negotiation: Crossref, DataCite and others answer in CSL-JSON.

https://citation.doi.org/docs.html. What does not answer so is led to the paper's own page, which is read as one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from papers.catalogue.identifiers import arxiv_id_of_doi, parse_doi, parse_orcid
from papers.outbound.request import FetchRequest, FetchResponse
from papers.sources import webpage
from papers.sources.answer_shape import AnswerShape
from papers.sources.base import NoPaperError, RawAuthor, RawPaper, RecordSource
from papers.sources.isolated import read_isolated, read_large_isolated
from papers.sources.record_markup import plain_abstract as plain_abstract
from papers.sources.record_markup import plain_line
from papers.text.names import in_order_of_speech, is_one_person

HOST_GROUP = "crossref"
"""The host group of doi.org and Crossref; where doi.org leads to DataCite, that one's rate limit is kept to."""
ANSWER = AnswerShape(needed=frozenset({"DOI", "title", "author[]/family"}))
"""Of a record in CSL-JSON: https://citeproc-js.readthedocs.io/en/latest/csl-json/markup.html."""
RECORDS = RecordSource("doi", rank=50, display_name="the DOI’s record", lists_when_stored=True)
ACCEPT = "application/vnd.citationstyles.csl+json, application/json;q=0.5, text/html;q=0.2"
MAX_BYTES = 10_000_000  # some records list ten thousand references
DEADLINE_SECONDS = 60.0
WAIT_SECONDS = 30.0

# In the order of how well they tell when the paper could first be read.
_DATES = ("posted", "published-online", "published", "issued", "published-print")
_RETRACTIONS = frozenset({"retraction", "withdrawal", "removal"})
_RETRACTED_TITLE = re.compile(r"\s*\[?(?:retracted|withdrawn)(?: (?:article|chapter|paper))?\]?\s*:", re.I)


def look_up_doi(send: Callable[[FetchRequest], FetchResponse], base_url: str, doi: str) -> RawPaper:
    """The record of a DOI (bare, lower case).

    Raises:
        NoPaperError: there is an answer, and no paper in it.
        SourceError: there is no answer; an unknown DOI is a `HttpStatusError` 404.
    """
    response = send(
        FetchRequest(
            url=f"{base_url.rstrip('/')}/{quote(doi, safe='/')}",
            group=HOST_GROUP,
            accept=ACCEPT,
            max_bytes=MAX_BYTES,
            deadline_seconds=DEADLINE_SECONDS,
            wait_seconds=WAIT_SECONDS,
        )
    )
    if "html" not in response.content_type.lower():
        return read_large_isolated(parse_csl_record, response.body, doi=doi)
    # A registry without records led to the page itself. That it is this DOI's page, doi.org says and not the page.
    page = read_isolated(webpage.parse_page, response.body, url=response.url, content_type=response.content_type)
    return replace(page, doi=doi, arxiv_id=None)


def parse_csl_record(data: bytes, *, doi: str) -> RawPaper:
    """Read a record in CSL-JSON. `doi` is the one that was asked for; an arXiv DOI gives its arXiv id.

    Raises:
        NoPaperError: it is no such record, or it has no title.
    """
    return read_csl_record(_json(data), doi=doi)


def read_csl_record(record: Mapping[str, Any], *, doi: str) -> RawPaper:
    """The paper of a record in CSL-JSON, or as Crossref's own API has it, where titles are lists.

    Raises:
        NoPaperError: it has no title.
    """
    title = _title(record)
    if not title:
        raise NoPaperError(f"The record of {doi} has no title, so there is nothing to show.")
    answered = parse_doi(_text(record.get("DOI"))) or doi
    arxiv = arxiv_id_of_doi(doi) or arxiv_id_of_doi(answered)
    abstract = record.get("abstract")
    return RawPaper(
        source=RECORDS.name,
        title=title,
        arxiv_id=arxiv.value if arxiv else None,
        doi=doi,
        identifiers=(("doi", answered),) if answered != doi else (),
        abstract=plain_abstract(abstract) if isinstance(abstract, str) else None,
        authors=_authors(record.get("author")),
        published_at=_published_at(record),
        journal_ref=_journal_ref(record) or None,
        license=_license(record) or None,
        is_withdrawn=_is_retracted(record, title) or None,
    )


def _json(data: bytes) -> Mapping[str, Any]:
    try:
        record = json.loads(data, strict=False)
    except (ValueError, RecursionError) as error:
        raise NoPaperError("doi.org answered something other than the record of a paper.") from error
    if not isinstance(record, dict):
        raise NoPaperError("doi.org answered something other than the record of a paper.")
    return record


def _title(record: Mapping[str, Any]) -> str:
    title, subtitle = _line(record.get("title")), _line(record.get("subtitle"))
    return f"{title}: {subtitle}" if title and subtitle and subtitle.lower() not in title.lower() else title


def _authors(given: Any) -> tuple[RawAuthor, ...] | None:
    """People, and groups, which have a name only. None where the record does not say."""
    if not isinstance(given, list):
        return None
    authors = (
        RawAuthor(_name(entry), _affiliation(entry), _orcid(entry)) for entry in given if isinstance(entry, dict)
    )
    return tuple(author for author in authors if author.name) or None


def _name(entry: Mapping[str, Any]) -> str:
    parts = ("given", "dropping-particle", "non-dropping-particle", "family")
    name = " ".join(filter(None, (_line(entry.get(part)) for part in parts)))
    if name and (suffix := _line(entry.get("suffix"))):
        name = f"{name}, {suffix}"
    whole = name or _line(entry.get("literal")) or _line(entry.get("name"))
    is_turned = (
        "," in whole and is_one_person(whole) and not any(len(word) > 1 and word.isupper() for word in whole.split())
    )
    return in_order_of_speech(whole) if is_turned else whole


def _orcid(entry: Mapping[str, Any]) -> str:
    """Crossref has it as an address in `ORCID`; DataCite's record in CSL-JSON has none."""
    return parse_orcid(_line(entry.get("ORCID"))) or ""


def _affiliation(entry: Mapping[str, Any]) -> str:
    given = entry.get("affiliation")
    places = given if isinstance(given, list) else [given]
    names = (_line(place.get("name") if isinstance(place, dict) else place) for place in places)
    return "; ".join(dict.fromkeys(filter(None, names)))


def _published_at(record: Mapping[str, Any]) -> datetime | None:
    """The earliest of the most exact dates; a day that is not given is the first."""
    found = [(-len(parts), _moment(parts)) for name in _DATES if (parts := _date_parts(record.get(name)))]
    known = [(precision, moment) for precision, moment in found if moment is not None]
    return min(known)[1] if known else None


def date_precision(record: Mapping[str, Any]) -> int:
    """How exactly the record says when the paper appeared: 3 by the day, 2 the month, 1 the year, 0 not at all."""
    return max(len(_date_parts(record.get(name))) for name in _DATES)


def _date_parts(given: Any) -> list[int]:
    """Year, month and day as far as they are there; `[[null]]` is none."""
    lists = given.get("date-parts") if isinstance(given, dict) else None
    first = lists[0] if isinstance(lists, list) and lists else None
    parts: list[int] = []
    for part in first if isinstance(first, list) else ():
        if isinstance(part, bool) or not re.fullmatch(r"[0-9]{1,4}", str(part)):
            break
        parts.append(int(part))
    return parts[:3]


def _moment(parts: list[int]) -> datetime | None:
    year, month, day = (*parts, 1, 1)[:3] if len(parts) < 3 else parts
    try:
        return datetime(year, month, day, tzinfo=UTC) if year > 1000 else None
    except ValueError:
        return None


def _journal_ref(record: Mapping[str, Any]) -> str:
    """Such as `Science 169(3946), 635-641 (1970)`."""
    year = next((str(parts[0]) for name in reversed(_DATES) if (parts := _date_parts(record.get(name)))), "")
    return webpage.format_journal_ref(
        _line(record.get("container-title")),
        volume=_line(record.get("volume")),
        issue=_line(record.get("issue")),
        pages=_line(record.get("page")) or _line(record.get("article-number")),
        year=year,
    )


def _license(record: Mapping[str, Any]) -> str:
    licenses = record.get("license")
    given = [entry.get("URL") for entry in licenses if isinstance(entry, dict)] if isinstance(licenses, list) else []
    return next(filter(None, map(_text, given)), "") or _text(record.get("copyright"))


def _is_retracted(record: Mapping[str, Any], title: str) -> bool:
    updates = record.get("updated-by")
    kinds = {_text(entry.get("type")).lower() for entry in _dicts(updates)}
    return bool(kinds & _RETRACTIONS) or bool(_RETRACTED_TITLE.match(title))


def _dicts(given: Any) -> Iterable[Mapping[str, Any]]:
    return (entry for entry in given if isinstance(entry, dict)) if isinstance(given, list) else ()


def _line(given: Any) -> str:
    """A text on one line, without tags; of a list its first text that is not empty."""
    texts = given if isinstance(given, list) else [given]
    return next(filter(None, (plain_line(_text(text)) for text in texts)), "")


def _text(given: Any) -> str:
    return given if isinstance(given, str) else str(given) if type(given) is int else ""
