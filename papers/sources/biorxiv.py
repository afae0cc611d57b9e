"""bioRxiv and medRxiv, by their API: what was posted on each day, a row for each version. https://api.biorxiv.org/

The API has no search. It gives 30 to 100 rows a page, as it likes, and may count more rows than it has: the place in a
day's list moves on by the rows that came, and a page without rows is its end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, ClassVar

from papers.catalogue.identifiers import is_preprint_doi, parse_doi
from papers.outbound.errors import SourceError
from papers.outbound.request import FetchRequest
from papers.sources.arxiv import WAIT_SECONDS
from papers.sources.base import (
    FetchBatch,
    FetchContext,
    RawAuthor,
    RawListing,
    RawPaper,
    RawVersion,
    RecordSource,
    RejectedPayload,
    SourceAdapter,
    SourceSettings,
    UnreadableRecord,
)
from papers.sources.daily_lists import days_to_ask
from papers.sources.isolated import read_large_isolated
from papers.sources.preprint_categories import BIORXIV, MEDRXIV, chosen_categories
from papers.sources.record_markup import plain_abstract, plain_line
from papers.sources.xml import MAX_PAYLOAD_CHARACTERS
from papers.text.names import in_order_of_speech

HOST_GROUP = "biorxiv"
FIRST_DAYS = 2
"""How far back the first fetch goes, before today."""
OVERLAP_DAYS = 1
"""Days that are asked for again, because rows come in until a day is over somewhere."""
MAX_PAGES = 500
"""Of a day, which has some hundred rows."""
MAX_BYTES = 20_000_000
DEADLINE_SECONDS = 60.0

BIORXIV_RECORDS = RecordSource("biorxiv", rank=55, display_name="bioRxiv", lists_when_stored=True)
MEDRXIV_RECORDS = RecordSource("medrxiv", rank=56, display_name="medRxiv", lists_when_stored=True)

_WITHDRAWN = re.compile(r"\s*\[?(?:withdrawn|retracted)\b", re.I)
_LICENSES = {
    "cc0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "cc_by": "https://creativecommons.org/licenses/by/4.0/",
    "cc_by_nc": "https://creativecommons.org/licenses/by-nc/4.0/",
    "cc_by_nd": "https://creativecommons.org/licenses/by-nd/4.0/",
    "cc_by_nc_nd": "https://creativecommons.org/licenses/by-nc-nd/4.0/",
}
"""As the API writes them; `cc_no` is none."""


@dataclass(frozen=True, slots=True)
class PreprintPage:
    """One page of a day's list. `rows` names each row that came, whether it was chosen and read or not."""

    papers: tuple[RawPaper, ...]
    rejected: tuple[UnreadableRecord, ...]
    rows: tuple[str, ...]
    total: int = 0
    """Rows of the day, as the API counts them."""


def parse_page(data: bytes, *, server: str, categories: Sequence[str] = ()) -> PreprintPage:
    """Read a page of the list of a day. Rows in other categories than the chosen ones are left out; none chosen: all.

    Raises:
        SourceError: it is no such page.
    """
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError) as error:  # such as "Error : (2002) Connection refused", with status 200
        raise SourceError(
            "The preprint server's answer is not JSON. It is asked for again; if this stays, look what its API answers."
        ) from error
    found = answer.get("collection", [] if _is_empty(answer) else None) if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise SourceError("The preprint server's answer has no list of preprints in it.")
    wanted = frozenset(categories)
    read: list[RawPaper] = []
    rejected: list[UnreadableRecord] = []
    for row in found:
        if wanted and isinstance(row, dict) and _folded(row.get("category")) not in wanted:
            continue
        try:
            read.append(_read_row(row, server=server))
        except SourceError as error:
            payload = json.dumps(row, ensure_ascii=False)[:MAX_PAYLOAD_CHARACTERS]
            rejected.append(UnreadableRecord(_text(row, "doi"), payload, str(error)))
    names = tuple(f"{_text(row, 'doi')} {_text(row, 'version')}" for row in found)
    return PreprintPage(_newest(read), tuple(rejected), names, _total(answer))


class PreprintServer(SourceAdapter):
    """Asks for the lists of some days, today's last."""

    server: ClassVar[str]
    known_categories: ClassVar[Sequence[str]]
    host_group = HOST_GROUP
    default_base_url = "https://api.biorxiv.org"
    default_interval = timedelta(hours=6)

    def problems(self, settings: SourceSettings) -> Mapping[str, str]:
        _, unknown = chosen_categories(settings.query, self.known_categories)
        if not unknown:
            return {}
        named = ", ".join(self.known_categories)
        return {"query": f"{self.default_name} has no category {', '.join(unknown)}. It has: {named}."}

    def parse_rejected(self, rejected: RejectedPayload) -> RawPaper:
        return _read_row(rejected.as_json(), server=self.server)

    def fetch(self, context: FetchContext) -> Iterator[FetchBatch]:
        """Raises SourceError where a day's list can't be read."""
        categories, _ = chosen_categories(context.query, self.known_categories)
        days = days_to_ask(context, first_days=FIRST_DAYS, again_days=OVERLAP_DAYS)
        for number, day in enumerate(days, start=1):
            fields: dict[str, Any] = {"done": number, "total": len(days), "label": f"what was posted on {day}"}
            for page in self._pages(context, day, categories):
                yield FetchBatch(papers=page.papers, rejected=page.rejected, **fields)
            yield FetchBatch(cursor={**context.cursor, "through": day.isoformat()}, **fields)

    def _pages(self, context: FetchContext, day: date, categories: Sequence[str]) -> Iterator[PreprintPage]:
        seen: set[str] = set()
        position = 0
        for _ in range(MAX_PAGES):
            page = self._ask(context, day, position, categories)
            if not page.rows:
                return
            if seen.issuperset(page.rows):
                if position >= page.total > 0:
                    return
                break
            yield page
            seen |= set(page.rows)
            position += len(page.rows)
        raise SourceError(
            f"{self.default_name}’s list of {day} goes on and on without a new preprint. It is asked for again; if "
            "this stays, look at the source's address."
        )

    def _ask(self, context: FetchContext, day: date, position: int, categories: Sequence[str]) -> PreprintPage:
        request = FetchRequest(
            url=f"{context.base_url.rstrip('/')}/details/{self.server}/{day}/{day}/{position}/json",
            group=HOST_GROUP,
            accept="application/json",
            max_bytes=MAX_BYTES,
            deadline_seconds=DEADLINE_SECONDS,
            wait_seconds=WAIT_SECONDS,
        )
        body = context.send(request).body
        return read_large_isolated(parse_page, body, server=self.server, categories=categories)


class BioRxiv(PreprintServer):
    """Preprints of biology."""

    kind = server = "biorxiv"
    label = "bioRxiv"
    default_name = "bioRxiv"
    records = (BIORXIV_RECORDS,)
    known_categories = BIORXIV


class MedRxiv(PreprintServer):
    """Preprints of medicine."""

    kind = server = "medrxiv"
    label = "medRxiv"
    default_name = "medRxiv"
    records = (MEDRXIV_RECORDS,)
    known_categories = MEDRXIV


biorxiv_adapter = BioRxiv()
medrxiv_adapter = MedRxiv()


def _read_row(row: Any, *, server: str) -> RawPaper:
    """A version of a preprint.

    Raises:
        SourceError: it has no title, or no DOI that such a server gives out.
    """
    doi = parse_doi(_text(row, "doi"))
    title = plain_line(_text(row, "title"))
    if doi is None or not is_preprint_doi(doi) or not title:
        raise SourceError("The preprint has no title, or no DOI of its server.")
    posted = _posted(_text(row, "date"))
    number = int(said) if re.fullmatch(r"[1-9][0-9]{0,3}", said := _text(row, "version"), re.ASCII) else 1
    journal = parse_doi(_text(row, "published"))
    names = (in_order_of_speech(name) for name in _text(row, "authors").split(";"))
    return RawPaper(
        source=server,
        title=title,
        version=number,
        doi=doi,
        identifiers=(("doi", journal),) if journal and not is_preprint_doi(journal) else (),
        abstract=plain_abstract(_text(row, "abstract")) or None,
        authors=tuple(RawAuthor(name) for name in names if name) or None,
        published_at=posted if number == 1 else None,
        updated_at=posted,
        license=_LICENSES.get(_text(row, "license").lower()),
        is_withdrawn=True if _WITHDRAWN.match(title) or "withdrawn" in _text(row, "type").lower() else None,
        versions=(RawVersion(number, posted),),
        url=f"https://www.{server}.org/content/{doi}v{number}",
        # A new version is news of its paper, and nothing for a day's edition.
        listed_on=None if number == 1 else RawListing(posted.date(), "replace") if posted else None,
    )


def _newest(papers: Sequence[RawPaper]) -> tuple[RawPaper, ...]:
    """One record for each preprint, in its newest version, with all versions that came."""
    places = {paper.doi: place for place, paper in reversed(list(enumerate(papers)))}
    ordered = sorted(papers, key=lambda paper: (places[paper.doi], paper.version or 1))
    found = []
    for _, group in groupby(ordered, key=lambda paper: paper.doi):
        versions = list(group)
        first = versions[0]
        newest = replace(
            versions[-1],
            versions=tuple(version for paper in versions for version in paper.versions),
            published_at=first.published_at,
            listed_on=first.listed_on,
        )
        found.append(newest)
    return tuple(found)


def _posted(text: str) -> datetime | None:
    """Midnight in UTC of a day such as 2026-06-30, whose month and day may have one figure."""
    match = re.fullmatch(r"(\d{4})-(\d{1,2})-(\d{1,2})", text, re.ASCII)
    try:
        return datetime(int(match[1]), int(match[2]), int(match[3]), tzinfo=UTC) if match else None
    except ValueError:
        return None


def _is_empty(answer: Mapping[str, Any]) -> bool:
    return _text(_message(answer), "status").lower().startswith("no posts found")


def _message(answer: Mapping[str, Any]) -> Any:
    messages = answer.get("messages")
    return messages[0] if isinstance(messages, list) and messages else None


def _total(answer: Mapping[str, Any]) -> int:
    said = _text(_message(answer), "total")
    return int(said) if re.fullmatch(r"[0-9]{1,9}", said, re.ASCII) else 0


def _text(row: Any, name: str) -> str:
    """A field as text, on both sides without blanks; numbers come as such or as text."""
    value = row.get(name) if isinstance(row, dict) else None
    return value.strip() if isinstance(value, str) else str(value) if type(value) is int else ""


def _folded(category: Any) -> str:
    return " ".join(category.lower().replace("_", " ").split()) if isinstance(category, str) else ""
