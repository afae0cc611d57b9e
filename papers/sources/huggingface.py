"""Hugging Face's daily papers: each day's list, with that site's own votes, comments and submitters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from papers.catalogue.identifiers import parse_arxiv_id
from papers.outbound.errors import HttpStatusError, SourceError
from papers.outbound.request import FetchRequest
from papers.sources.answer_shape import AnswerShape
from papers.sources.arxiv import WAIT_SECONDS, parse_date, parse_datetime
from papers.sources.base import (
    ExternalCounts,
    FetchBatch,
    FetchContext,
    RawAuthor,
    RawListing,
    RawPaper,
    RecordSource,
    RejectedPayload,
    SourceAdapter,
    UnreadableRecord,
)
from papers.sources.daily_lists import MAX_DAYS_BACK, days_to_ask
from papers.sources.isolated import read_large_isolated
from papers.sources.other_site import OWN_ADDRESS, SITE_MARK_HEADER, as_the_sites, faults_only
from papers.sources.partial import PartFailures
from papers.sources.xml import MAX_PAYLOAD_CHARACTERS

PAGE_SIZE = 100
MAX_PAGES = 20
RECENT_DAYS = 3
"""Days before today that are asked again each time, because people go on voting."""
FIRST_DAYS = 7
MAX_BYTES = 20_000_000
_ACCOUNT = ("_id", "avatarUrl", "fullname", "name", "type", "user", "isPro", "isHf", "isHfAdmin", "isMod",
            "followerCount", "isUserFollowing")  # fmt: skip
_ORGANIZATION = ("_id", "avatar", "fullname", "name")
ANSWER = AnswerShape(
    needed=frozenset({
        "[]/numComments", "[]/paper/id", "[]/paper/title", "[]/paper/summary", "[]/paper/authors[]/name",
        "[]/paper/publishedAt", "[]/paper/upvotes",
    }),
    known=frozenset({
        *(f"[]/{name}" for name in (
            "paper", "title", "summary", "thumbnail", "publishedAt", "mediaUrl", "mediaUrls", "submittedBy",
            "organization",
            "isAuthorParticipating",
        )),
        *(f"[]/paper/{name}" for name in (
            "authors", "authors[]/_id", "authors[]/hidden", "authors[]/status", "authors[]/statusLastChangedAt",
            "authors[]/user", "ai_keywords", "ai_summary", "ai_summary_model", "discussionId", "githubRepo",
            "githubRepoAddedBy", "githubStars", "mediaUrls", "organization", "projectPage", "submittedOnDailyAt",
            "submittedOnDailyBy",
        )),
        *(f"[]/{owner}/{name}" for owner in ("organization", "paper/organization") for name in _ORGANIZATION),
        *(f"[]/{owner}/{name}" for name in _ACCOUNT
          for owner in ("submittedBy", "paper/submittedOnDailyBy", "paper/authors[]/user")),
    }),
)  # fmt: skip
"""Of the day's list, which has no documentation; as it was seen from 2024 to 2026."""
MAX_DAYS_APART = 7
"""Between the day that an item names and that of the list it came in."""
SAMPLE = "sample"
"""What another Broadsheet says of the papers that stand on its pages until it has read any: nobody takes them over."""
RECORDS = RecordSource("huggingface", rank=30, display_name="Hugging Face", words_of="Hugging Face’s list")


@dataclass(frozen=True, slots=True)
class DailyListPage:
    """One page of a day's list. `size` counts its items, read or not."""

    papers: tuple[RawPaper, ...]
    rejected: tuple[UnreadableRecord, ...]
    size: int


def parse_list(data: bytes, *, day: date, site: str, first_position: int = 0) -> DailyListPage:
    """Read one page of the list of the day that was asked for. `site` is the address that papers' pages are under.

    Raises:
        SourceError: it is not JSON.
    """
    try:
        items = json.loads(data)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is the former
        raise SourceError(
            f"The list of {day} is not JSON. It is asked for again; "
            "if this stays, open the source's address and look what it answers."
        ) from error
    if not isinstance(items, list):
        return DailyListPage((), (_rejected(str(day), items, "The day's list is not a JSON array."),), size=0)
    papers: list[RawPaper] = []
    rejected: list[UnreadableRecord] = []
    for position, item in enumerate(items, start=first_position + 1):
        if _part(item, "source", str) == SAMPLE:
            continue
        try:
            papers.append(_read_item(item, day=day, site=site, position=position))
        except _UnreadableError as error:
            rejected.append(_rejected(_name_of(item), item, str(error)))
    return DailyListPage(tuple(papers), tuple(rejected), size=len(items))


class HuggingFace(SourceAdapter):
    """Asks for the lists of some days, today's last."""

    kind = "huggingface"
    label = "Hugging Face daily papers"
    default_name = "Hugging Face daily papers"
    records = (RECORDS,)
    host_group = "huggingface"
    base_url_setting = "HUGGINGFACE_URL"
    default_lists = "all"
    has_daily_list = True

    def parse_rejected(self, rejected: RejectedPayload) -> RawPaper:
        """The paper in one item, of the list of the day on which it came."""
        site = rejected.site.rstrip("/")
        try:
            return _read_item(rejected.as_json(), day=rejected.received_on, site=site, position=0)
        except _UnreadableError as error:
            raise SourceError(str(error)) from error

    def fetch(self, context: FetchContext) -> Iterator[FetchBatch]:
        """Raises SourceError where no list can be read."""
        days = _days(context)
        absent: HttpStatusError | None = None
        has_answered = False
        failures, failed = PartFailures(), [day.isoformat() for day in _failed_days(context)]
        for number, day in enumerate(days, start=1):
            failed = [each for each in failed if each != day.isoformat()]
            try:
                yield from _fetch_day(context, day, failed, done=number, total=len(days))
                has_answered = True
            except SourceError as error:
                # A mirror may lack a day; where every day is lacking, the address is wrong.
                if isinstance(error, HttpStatusError) and error.status == HTTPStatus.NOT_FOUND:
                    absent = error
                    continue
                failures.note(f"The list of {day}", error)
                failed = [*failed, day.isoformat()]
        if failed and has_answered:
            yield FetchBatch(cursor=_cursor(context, days[-1], failed))
        failures.raise_if_any()
        if absent and not has_answered:
            raise absent


adapter = HuggingFace()


def _days(context: FetchContext) -> list[date]:
    days = days_to_ask(context, first_days=FIRST_DAYS, again_days=RECENT_DAYS)
    return sorted({*days, *_failed_days(context)})


def _failed_days(context: FetchContext) -> list[date]:
    """Days whose lists could not be read, which are asked for again for a month."""
    first = context.now.astimezone(UTC).date() - timedelta(days=MAX_DAYS_BACK)
    found = (parse_date(str(day)) for day in context.cursor.get("failed", ()))
    return [day for day in found if day is not None and day >= first]


def _cursor(context: FetchContext, through: date, failed: Sequence[str]) -> dict[str, Any]:
    kept = {name: value for name, value in context.cursor.items() if name != "failed"}
    return {**kept, "through": through.isoformat(), **({"failed": list(failed)} if failed else {})}


def _fetch_day(
    context: FetchContext, day: date, failed: Sequence[str], *, done: int, total: int
) -> Iterator[FetchBatch]:
    """A day's pages, until one brings nothing new: the service may give fewer items than it was asked for."""
    seen: set[str] = set()
    position = 0
    fields: dict[str, Any] = {"done": done, "total": total, "label": f"the list of {day}"}
    for page in range(MAX_PAGES):
        answer = _ask(context, day, page, position)
        if answer is None:  # not open yet
            yield FetchBatch(**fields)
            return
        position += answer.size
        fresh = tuple(paper for paper in answer.papers if _key(paper) not in seen)
        seen |= {_key(paper) for paper in fresh}
        if page > 0 and not fresh:
            break
        yield FetchBatch(papers=fresh, rejected=answer.rejected, list_day=day, **fields)
        if not fresh:
            break
    last = parse_date(context.cursor.get("through"))
    yield FetchBatch(cursor=_cursor(context, max(day, last) if last and not context.since else day, failed), **fields)


def _ask(context: FetchContext, day: date, page: int, position: int) -> DailyListPage | None:
    """One page; None where the day's list isn't open yet, which is status 400."""
    site = context.base_url.rstrip("/")
    request = FetchRequest(
        url=f"{site}/api/daily_papers",
        group=HuggingFace.host_group,
        params={"date": day.isoformat(), "limit": PAGE_SIZE, "p": page},
        accept="application/json",
        max_bytes=MAX_BYTES,
        wait_seconds=WAIT_SECONDS,
    )
    try:
        answer = context.send(request)
    except HttpStatusError as error:
        yesterday = context.now.astimezone(UTC).date() - timedelta(days=1)
        if error.status == HTTPStatus.BAD_REQUEST and day >= yesterday:
            return None
        raise
    mark = answer.headers.get(SITE_MARK_HEADER)
    if mark and mark == context.own_mark:
        raise SourceError(OWN_ADDRESS)
    listed = read_large_isolated(parse_list, answer.body, day=day, site=site, first_position=position)
    return _as_another_sites(listed, site) if mark else listed


def _as_another_sites(page: DailyListPage, site: str) -> DailyListPage:
    """What a Broadsheet counts is its own, also where somebody led the source of Hugging Face's lists to it."""
    papers = tuple(as_the_sites(paper, site) for paper in page.papers)
    return replace(page, papers=papers, rejected=faults_only(page.rejected))


def _key(paper: RawPaper) -> str:
    return paper.arxiv_id or paper.doi or ""


class _UnreadableError(Exception):
    """One item is not what it should be."""


def _read_item(item: Any, *, day: date, site: str, position: int) -> RawPaper:
    """Every field but id and title may be missing: they were added over the years."""
    paper = _part(item, "paper", dict)
    if not isinstance(item, dict) or paper is None:
        raise _UnreadableError("The item is not an object with a paper in it.")
    name = (_part(paper, "id", str) or "").strip()
    arxiv_id = parse_arxiv_id(name)
    doi = name.removeprefix("doi/") if name.startswith("doi/10.") else None  # another Broadsheet's, never that site's
    title = _part(paper, "title", str) or _part(item, "title", str) or ""
    if (arxiv_id is None and doi is None) or not title.strip():
        raise _UnreadableError("The paper has no arXiv id or no title.")
    submitter = _account(_part(paper, "submittedOnDailyBy", dict) or _part(item, "submittedBy", dict))
    listed_at = parse_datetime(_part(paper, "submittedOnDailyAt", str))
    return RawPaper(
        source=RECORDS.name,
        title=title,
        arxiv_id=arxiv_id.value if arxiv_id else None,
        doi=doi,
        abstract=_part(paper, "summary", str) or _part(item, "summary", str),
        authors=_authors(_part(paper, "authors", list)),
        published_at=parse_datetime(_part(paper, "publishedAt", str)),
        organization=_account(_part(item, "organization", dict) or _part(paper, "organization", dict)) or None,
        code_url=_part(paper, "githubRepo", str),
        project_url=_part(paper, "projectPage", str),
        external_counts=ExternalCounts(
            votes=_count(paper.get("upvotes")),
            comments=_count(item.get("numComments")),
            submitted_by=submitter,
            url=f"{site}/papers/{arxiv_id.value if arxiv_id else quote(name)}",
        ),
        # The outer publishedAt is mostly the paper's own date.
        listed_on=RawListing(_list_day(listed_at, day), "daily", position, submitter),
    )


def _list_day(listed_at: datetime | None, asked: date) -> date:
    """The day that the item names, unless that is far from the list it came in: a date that can't be."""
    if listed_at is None or abs((listed_at.date() - asked).days) > MAX_DAYS_APART:
        return asked
    return listed_at.date()


def _part(owner: Any, name: str, kind: type) -> Any:
    """A field of an object, where it has the type it should have."""
    value = owner.get(name) if isinstance(owner, dict) else None
    return value if isinstance(value, kind) else None


def _authors(items: list[Any] | None) -> tuple[RawAuthor, ...] | None:
    """Authors hidden there stay out; None where no name is left, since arXiv's record knows better."""
    named = (item for item in items or () if isinstance(item, dict) and not item.get("hidden"))
    return tuple(RawAuthor(item["name"]) for item in named if isinstance(item.get("name"), str)) or None


def _account(account: Mapping[str, Any] | None) -> str:
    names = (account.get(name) for name in ("fullname", "user", "name")) if account else ()
    return next((name for name in names if isinstance(name, str) and name.strip()), "")


def _count(value: Any) -> int:
    """A number of votes or comments; `true`, which Python takes for 1, is none."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return min(value, 2**31 - 1) if is_number and value > 0 else 0


def _name_of(item: Any) -> str:
    return str(_part(_part(item, "paper", dict), "id", str) or "")


def _rejected(identifier: str, item: Any, error: str) -> UnreadableRecord:
    payload = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
    return UnreadableRecord(identifier, payload[:MAX_PAYLOAD_CHARACTERS], error)
