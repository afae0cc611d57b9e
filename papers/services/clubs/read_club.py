"""What pages, mails and calendars show of a club: its meetings, an agenda, suggestions, the archive."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import Count, Prefetch, Q, QuerySet

from papers.models import AgendaItem, Club, ClubMeeting, ClubMember, Paper, User, Vote
from papers.models.club import MINUTES_WORDS, MeetingPosition, may_manage_clubs

FIRST_LOOK_BACK = timedelta(days=28)
"""Before its first meeting, a club is suggested what was voted for in so many days."""
SUGGESTED = 8
SHOWN_AHEAD = 6
ARCHIVE_PAGE = 20
_HEAVY = ("title_raw", "abstract_raw", "search_vector", "author_keys")


@dataclass(frozen=True, slots=True)
class VotingPeriod:
    """From when votes count for a meeting."""

    since: datetime
    words: str
    """`since the last meeting`, `in the last four weeks`."""


@dataclass(frozen=True, slots=True)
class AgendaRow:
    """A paper on an agenda, with what speaks for it."""

    item: AgendaItem
    votes: int
    """Given in the voting period."""
    period: VotingPeriod | None
    """None: votes are not told."""


@dataclass(frozen=True, slots=True)
class SuggestedPaper:
    """A paper that readers voted for in the voting period."""

    paper: Paper
    votes: int


def items_of(meetings: Collection[ClubMeeting]) -> QuerySet[AgendaItem]:
    """The agendas of meetings in their order, with papers and people; without papers that a curator has hidden."""
    found = AgendaItem.objects.filter(meeting__in=meetings, paper__hidden_at=None)
    found = found.select_related("paper", "presenter", "nominated_by").defer(*(f"paper__{name}" for name in _HEAVY))
    return found.order_by("position", "pk")


def read_agenda(meeting: ClubMeeting, *, period: VotingPeriod | None) -> list[AgendaRow]:
    """The agenda of a meeting, with the votes given in that period; None: votes are not told. Two queries."""
    items = list(items_of([meeting]))
    for item in items:
        item.meeting = meeting
    votes = {} if period is None else votes_since(period.since, [one.paper_id for one in items])
    return [AgendaRow(item, votes.get(item.paper_id, 0), period) for item in items]


def voting_period(meeting: ClubMeeting, *, now: datetime) -> VotingPeriod:
    """Since the meeting before this one began; of a club that has not met, the last four weeks. One query."""
    before = ClubMeeting.objects.filter(club=meeting.club_id, starts_at__lt=meeting.starts_at).held(now).first()
    if before is None:
        return VotingPeriod(now - FIRST_LOOK_BACK, "in the last four weeks")
    return VotingPeriod(before.starts_at, "since the last meeting")


def votes_since(since: datetime, paper_ids: Collection[int]) -> dict[int, int]:
    """By paper, how many votes it has got since a moment. One query, none for no papers."""
    if not paper_ids:
        return {}
    votes = Vote.objects.filter(paper__in=paper_ids, created_at__gte=since)
    return dict(votes.values_list("paper").annotate(count=Count("pk")).order_by())


def suggest_papers(meeting: ClubMeeting, *, period: VotingPeriod) -> list[SuggestedPaper]:
    """The papers most voted for in that period that the club never had on an agenda. Two queries."""
    known = AgendaItem.objects.filter(meeting__club=meeting.club_id).values("paper")
    votes = Vote.objects.filter(created_at__gte=period.since, paper__hidden_at=None)
    votes = votes.exclude(paper__in=known)
    counted = votes.values_list("paper").annotate(count=Count("pk")).order_by("-count", "-paper")[:SUGGESTED]
    counts = dict(counted)
    papers = Paper.objects.for_cards().in_bulk(counts)
    return [SuggestedPaper(papers[pk], count) for pk, count in counts.items() if pk in papers]


def next_meetings_of(clubs: Collection[Club], *, now: datetime) -> dict[int, ClubMeeting]:
    """By club, its next meeting that takes place. One query."""
    found = ClubMeeting.objects.filter(club__in=clubs, cancelled_at=None, ends_at__gt=now).select_related("club")
    return {one.club_id: one for one in found.order_by("club", "starts_at", "pk").distinct("club")}


def own_club_keys(viewer: User | AnonymousUser) -> set[int]:
    """The keys of the clubs that `viewer` takes part in. One query, none for a visitor."""
    if not viewer.is_authenticated:
        return set()
    return set(ClubMember.objects.filter(user=viewer).values_list("club", flat=True))


def paper_counts(meetings: Collection[ClubMeeting]) -> dict[int, int]:
    """How many papers readers see on each agenda; 0 is left out. One query."""
    found = AgendaItem.objects.filter(meeting__in=meetings, paper__hidden_at=None)
    return dict(found.order_by().values_list("meeting").annotate(count=Count("pk")))


def meetings_ahead(club: Club, *, now: datetime) -> list[ClubMeeting]:
    """The next meetings, cancelled ones among them. One query."""
    found = list(ClubMeeting.objects.filter(club=club).upcoming(now)[:SHOWN_AHEAD])
    for meeting in found:
        meeting.club = club
    return found


def find_in_archive(club: Club, *, words: str, now: datetime, before: int | None = None) -> list[ClubMeeting]:
    """Meetings that took place, the last first, each with its agenda as `papers_shown`; one more than a page has.

    With `words`, those whose minutes, decisions, note or papers' titles have all of them, as web searches are written.
    Two queries. `before` is the key of the meeting behind which a further page begins.
    """
    found = ClubMeeting.objects.filter(club=club).held(now)
    if words.strip():
        asked = SearchQuery(words[:200], config="english", search_type="websearch")
        said = ClubMeeting.objects.annotate(words=MINUTES_WORDS).filter(words=asked)
        titled = AgendaItem.objects.filter(meeting__club=club, paper__hidden_at=None)
        titled = titled.annotate(words=SearchVector("paper__title", config="english")).filter(words=asked)
        found = found.filter(Q(pk__in=said.values("pk")) | Q(pk__in=titled.values("meeting")))
    if before is not None and (last := ClubMeeting.objects.filter(pk=before, club=club).first()):
        found = found.held(now, after=MeetingPosition(last.starts_at, last.pk))
    shown = list(found.prefetch_related(_agendas())[: ARCHIVE_PAGE + 1])
    for meeting in shown:
        meeting.club = club
    return shown


def _agendas() -> Prefetch[str]:
    items = AgendaItem.objects.filter(paper__hidden_at=None).select_related("paper", "presenter")
    items = items.defer(*(f"paper__{name}" for name in _HEAVY)).order_by("position", "pk")
    return Prefetch("agenda", items, to_attr="papers_shown")


def meetings_for_calendar(clubs: Collection[Club], *, now: datetime, back: timedelta) -> list[ClubMeeting]:
    """The meetings of clubs from `back` ago on, cancelled ones among them, with their agendas. Two queries."""
    found = ClubMeeting.objects.filter(club__in=clubs, ends_at__gt=now - back).select_related("club")
    return list(found.prefetch_related(_agendas()).order_by("starts_at", "pk"))


def meetings_of_paper(paper_id: int, viewer: User | AnonymousUser) -> Sequence[ClubMeeting]:
    """The meetings with a paper on their agenda, of clubs that `viewer` may see, the last first. One query."""
    found = ClubMeeting.objects.filter(agenda__paper=paper_id, cancelled_at=None).select_related("club")
    if not may_manage_clubs(viewer):
        own = Q(club__members__user=viewer.pk) if viewer.is_authenticated else Q()
        found = found.filter(Q(club__is_private=False) | own)
    return list(found.distinct().order_by("-starts_at", "-pk")[:10])


def clubs_of(user: User) -> list[Club]:
    """The clubs that `user` takes part in and that still meet, by name. One query."""
    return list(Club.objects.open().filter(members__user=user).order_by("name", "pk"))


def is_member_of_any(user: User) -> bool:
    """Whether `user` may nominate anywhere. One query."""
    return ClubMember.objects.filter(user=user, club__ended_at=None).exists()
