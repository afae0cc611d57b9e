"""What a source is (`SourceAdapter`), and what passes between one and the core: `FetchContext` in, `FetchBatch` out.

An adapter is two things: a pure `parse_…(bytes)` that turns one answer into records and is tested on bytes alone, and a
`fetch(context)` that asks for the answers one after the other. Neither knows of Django or of the database. Everything
that the core must know about a kind of source is an attribute or a method of its adapter.
"""

from __future__ import annotations

import json
import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from papers.outbound.errors import SourceError as SourceError
from papers.outbound.request import FetchRequest, FetchResponse

OWN_RECORD = 50
"""From this rank on a record is that of the archive or registry that gave out the paper's id."""


@dataclass(frozen=True, slots=True)
class RecordSource:
    """Where records of one make come from, and how far they are believed."""

    name: str
    """Stands in `RawPaper.source`, in the links and counts of a paper, and in rejected records. Never changed."""
    rank: int
    """How good the record is; unique. A better or equal record replaces text, a lesser one only fills what is empty."""
    display_name: str = ""
    """As readers know it, beside a link or a count; empty: its name."""
    words_of: str = ""
    """Whose words its records are, such as "a feed"; empty where they are an own record's."""
    is_archive: bool = False
    """arXiv's own: its records speak of the newest version, also when they give no number."""
    only_claims: bool = False
    """Its records only say which paper they are about, and never speak for a paper that an id names."""
    lists_when_stored: bool = False
    """Its records name no day of a list: papers that are new enough are listed on the day on which they are stored."""


class NoPaperError(SourceError):
    """What was asked for is there, and no paper is in it. Asking again won't help."""


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
    """The site that counted, where the record is another's; empty: the record's own source."""
    is_first_hand: bool = field(default=False, compare=False)
    """Whether the site in `source` said so itself: then what it says is true, also where it is less than before."""
    counted_on: date | None = field(default=None, compare=False)
    """The day by whose end the votes had been given, where the record is on no list that says so."""


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
    """The name of a `RecordSource`."""
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
    """Its position among the records that were stored together, from 0."""


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
    """The part of a fetch that one answer brought. It is stored in one transaction, then the cursor moves.

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
    unread_lists: tuple[AnnouncedIds, ...] = ()
    """Lists that were asked for in vain, where others of their day were read; `note` says why."""
    likely_days: Mapping[str, date] = field(default_factory=dict)
    """By arXiv id, the day under which a paper was most likely announced, as far as its record tells."""
    list_day: date | None = None
    """The records are of the source's own list of this day, of which several batches may bring a part each."""


@dataclass(frozen=True, slots=True)
class FetchContext:
    """What an adapter needs for one fetch. `send` is the guarded client, which keeps to the host rate limits."""

    send: Callable[[FetchRequest], FetchResponse]
    base_url: str
    now: datetime
    categories: tuple[str, ...] = ()
    query: str = ""
    cursor: Mapping[str, Any] = field(default_factory=dict)
    since: date | None = None
    etag: str = ""
    last_modified: str = ""
    api_key: str = field(default="", repr=False)
    """Of a kind that takes one; a secret."""
    own_mark: str = ""
    """What this site's own answers carry, so that it knows them where somebody lets it follow itself."""


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What somebody chose for a source in the form; `lists` is a value of `models.Source.Lists`."""

    base_url: str = ""
    categories: tuple[str, ...] = ()
    query: str = ""
    lists: str = "nothing"


@dataclass(frozen=True, slots=True)
class FetchOutcome:
    """What the time of the next fetch depends on, after one that went well."""

    now: datetime
    interval: timedelta
    """What the source's settings ask for between two fetches."""
    cursor: Mapping[str, Any] = field(default_factory=dict)
    is_stale: bool = False
    """The source served an old batch."""
    has_todays_announcements: bool = False
    """The day's announcements are there, and all of them are stored."""


@dataclass(frozen=True, slots=True)
class RejectedPayload:
    """A record as it was kept."""

    kind: str
    """Of its source: a kind of the registry, or another word for where it came from."""
    payload: str
    received_on: date
    """When it came, in UTC: its day, where the record names none."""
    site: str = ""
    """The address of its source."""

    def as_json(self) -> Any:
        """The payload, read as JSON.

        Raises:
            SourceError: it is not JSON.
        """
        try:
            return json.loads(self.payload)
        except (ValueError, RecursionError) as error:
            raise SourceError("It is not JSON.") from error


class SourceAdapter(ABC):
    """One kind of source. A module of this package makes one instance, named `adapter`; `registry.py` lists it."""

    kind: ClassVar[str]
    """Stored in the rows of its sources, at most 20 characters; never changed."""
    label: ClassVar[str]
    """In the form's list of kinds."""
    default_name: ClassVar[str]
    """Of a new source that is given none."""
    records: ClassVar[tuple[RecordSource, ...]]
    """What its papers carry as `RawPaper.source`."""
    host_group: ClassVar[str] = ""
    """The group of `outbound.host_rate_limit` that its own hosts are in; empty where each host is its own."""
    default_base_url: ClassVar[str] = ""
    """The service's own address; empty where the source must be given one, or a setting names it."""
    base_url_setting: ClassVar[str] = ""
    """The Django setting by which an operator may lead all sources of this kind elsewhere."""
    default_interval: ClassVar[timedelta] = timedelta(hours=1)
    fetch_priority: ClassVar[int] = 0
    """Of several sources that are asked for at once, the highest goes first."""
    default_lists: ClassVar[str] = "nothing"
    """What of it stands on the day's edition when it is made on the first run; a value of `models.Source.Lists`."""
    understands_since: ClassVar[bool] = True
    """Whether it can be asked for days before today."""
    announces: ClassVar[bool] = False
    """Its lists say how many papers of arXiv there must be on a day: what is missing is counted and asked for by id."""
    fills_gaps: ClassVar[bool] = False
    """It may bring papers that were announced before, so days with gaps are checked after a fetch."""
    catches_up: ClassVar[bool] = False
    """It is fetched before its time when the announcements are stale or fail."""
    takes_key: ClassVar[bool] = False
    """Its service may want a key of the operator's."""
    has_daily_list: ClassVar[bool] = False
    """It has a list of its own each day, with which what is stored of it is compared."""
    disable_after: ClassVar[timedelta | None] = None
    """A source that failed for longer is not asked any more until somebody turns it on; None: it is, for ever."""
    redirects_before_move: ClassVar[int | None] = None
    """After that number of fetches in a row that were sent to the same new address, it becomes the source's; None: it
    never does. The adapter counts them in its cursor, as `moved_to` and `moved_times`."""

    @abstractmethod
    def fetch(self, context: FetchContext) -> Iterator[FetchBatch]:
        """Ask the source, one batch an answer.

        Raises:
            SourceError: the fetch can't go on; what was yielded before is good.
        """

    @abstractmethod
    def parse_rejected(self, rejected: RejectedPayload) -> RawPaper:
        """The paper in a record that could not be read when it came, and was kept.

        Raises:
            SourceError: it still can't be read; says why.
        """

    def problems(self, settings: SourceSettings) -> Mapping[str, str]:
        """What the settings of a source lack or may not have: by field, the message that the form shows."""
        return {}

    def next_fetch(self, outcome: FetchOutcome) -> datetime:
        """When to fetch again (aware) after a fetch that went well.

        After the interval, up to a tenth later by chance: many installations don't ask in one second.
        """
        return outcome.now + outcome.interval * random.uniform(1.0, 1.1)  # noqa: S311
