"""The contract of sources: what they bring (`RawPaper`, `Batch`), what they are given, how they fail.

A source is two things: a pure `parse_…(bytes)` that turns one answer into records and is tested on bytes alone, and a
`fetch(context)` that asks for the answers one after the other. Neither knows of Django or of the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from papers.outbound.client import FetchRequest, FetchResponse
from papers.outbound.errors import SourceError as SourceError

# How good the record of a paper is, by where it came from. A better or equal record replaces text; a lesser one only
# fills what is empty. Steps leave room for sources to come.
RECORD_RANKS: Mapping[str, int] = {
    "arxiv_oai_raw": 90,  # versions, dates, withdrawal and licence, straight from the archive
    "arxiv_api": 80,
    "arxiv_oai": 70,
    "arxiv_rss": 60,
    "doi": 50,
    "webpage": 45,  # a publisher's own tags, but anybody can write a page
    "feed": 40,
    "huggingface": 30,
    "import": 20,
    "sample": 0,
}
OWN_RECORD = 50
"""From this rank on a record is that of whoever gave out the paper's id, and no third party's words."""


@dataclass(frozen=True, slots=True)
class RawAuthor:
    """A name as the source wrote it, and an affiliation and an ORCID (bare, 19 characters) where it gave them."""

    name: str
    affiliation: str = ""
    orcid: str = ""


@dataclass(frozen=True, slots=True)
class RawVersion:
    """One version of a paper; `released_at` is aware, in UTC."""

    number: int
    released_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExternalCounts:
    """What another site counts for a paper, as that site's own."""

    votes: int = 0
    comments: int = 0
    submitted_by: str = ""
    url: str = ""
    source: str = field(default="", compare=False)
    """Whose they are, where somebody else hands them on; else they are those of the record's own source."""
    counted_on: date | None = field(default=None, compare=False)
    """The day by whose end the votes had been given, where the record is on no list that tells."""


@dataclass(frozen=True, slots=True)
class RawListing:
    """A paper's place in a source's own daily list: whether it enters the edition is the source's setting."""

    day: date
    kind: str = ""
    position: int = 0
    submitter: str = ""


@dataclass(frozen=True, slots=True)
class RawPaper:
    """One paper as one source describes it: text uncleaned, identifiers unnormalised. None means "not said".

    An empty string or tuple means "said to be empty": a source that knows a paper has no comment clears the old one.
    """

    source: str
    """A key of `RANKS`."""
    title: str
    arxiv_id: str | None = None
    """In any shape; a version in it counts when `version` is None."""
    version: int | None = None
    doi: str | None = None
    identifiers: tuple[tuple[str, str], ...] = ()
    """More names: (scheme, value) with the schemes of `models.Identifier`."""
    abstract: str | None = None
    authors: tuple[RawAuthor, ...] | None = None
    authors_text: str | None = None
    """All authors in one string, as arXivRaw and RSS have them; used when `authors` is None."""
    categories: tuple[str, ...] | None = None
    """The primary one first."""
    published_at: datetime | None = None
    updated_at: datetime | None = None
    announced_on: date | None = None
    comment: str | None = None
    journal_ref: str | None = None
    license: str | None = None
    is_withdrawn: bool | None = None
    versions: tuple[RawVersion, ...] = ()
    organization: str | None = None
    url: str | None = None
    """The page of the paper, where it is not arXiv's."""
    code_url: str | None = None
    project_url: str | None = None
    external_counts: ExternalCounts | None = None
    listed_on: RawListing | None = None


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """A record that could not be read; `payload` is a piece of the answer, as text."""

    identifier: str
    payload: str
    error: str
    place: int | None = field(default=None, compare=False)
    """Which of the records that were handed over together it was, from 0."""


@dataclass(frozen=True, slots=True)
class AnnouncedIds:
    """What an independent list says was announced on a day.

    `ids` maps each arXiv id of kind new or cross, without version, to its kind. `is_whole` is False when the answer
    reached its cap or was cut: then the count is unknown, and `note` says so in a reader's words.
    """

    day: date
    query: str
    ids: Mapping[str, str]
    is_whole: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True)
class FetchBatch:
    """The part of a visit that one answer brought. It is stored in one transaction, then the cursor moves.

    `cursor` is where to go on after a kill; None leaves the stored one as it is.
    """

    papers: tuple[RawPaper, ...] = ()
    rejected: tuple[UnreadableRecord, ...] = ()
    announced: tuple[AnnouncedIds, ...] = ()
    cursor: dict[str, Any] | None = None
    etag: str | None = None
    last_modified: str | None = None
    done: int = 0
    total: int | None = None
    label: str = ""
    """What was asked for, such as cs.CL; with done and total it makes the progress line."""
    is_stale: bool = False
    """The source served an old batch: stored, but not a success."""
    list_day: date | None = None
    """The records are of the source's own list of this day, of which several batches may bring a part each."""


@dataclass(frozen=True, slots=True)
class FetchContext:
    """What a source is given for one visit. `send` is the guarded client, with the politeness clock."""

    send: Callable[[FetchRequest], FetchResponse]
    base_url: str
    now: datetime
    categories: tuple[str, ...] = ()
    query: str = ""
    cursor: Mapping[str, Any] = field(default_factory=dict)
    since: date | None = None
    etag: str = ""
    last_modified: str = ""
    newest_announced_on: date | None = None
    """The newest day known to have been announced: by it a stale feed is told from a quiet day."""


class SourceAdapter(Protocol):
    """What each module in this package offers under the name `adapter`."""

    kind: str
    group: str
    """The host group of its politeness clock."""

    def fetch(self, context: FetchContext) -> Iterator[FetchBatch]:
        """Visit the source, one batch an answer.

        Raises:
            SourceError: the visit can't go on; what was yielded before is good.
        """
        ...
