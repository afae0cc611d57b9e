"""What readers should get, worked out the slow and plain way: one reader, one paper at a time, in memory.

Shares no code with `digests`: it has its own notion of dates, windows, history and order. Papers are their numbers.
"""

from __future__ import annotations

import calendar
import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
REACH = {"daily": 7 * DAY, "weekly": 14 * DAY, "monthly": 62 * DAY}
HALF = {"daily": 12 * timedelta(hours=1), "weekly": 3.5 * DAY, "monthly": 15.5 * DAY}


@dataclass
class Mail:
    """What one mail should bring."""

    on: date
    papers: list[int]
    more: list[int]
    versions: list[tuple[int, int]]
    since: int
    is_sent: bool = False


@dataclass
class Plan:
    """One schedule, as its reader sees it."""

    reader: str
    frequency: str
    zone: str
    at: time
    topics: list[int]
    size: int
    covers_from: datetime
    next_on: date
    day: int = 1
    wants_versions: bool = False
    wants_daily: bool = False
    since: int = 0
    mails: list[Mail] = field(default_factory=list)

    def moment(self, on: date) -> datetime:
        return datetime.combine(on, self.at, ZoneInfo(self.zone)).astimezone(UTC)

    def following(self, on: date) -> date:
        if self.frequency == "daily":
            return on + DAY
        if self.frequency == "weekly":
            return on + 7 * DAY
        year, month = (on.year, on.month + 1) if on.month < 12 else (on.year + 1, 1)
        return date(year, month, min(self.day, calendar.monthrange(year, month)[1]))


@dataclass
class Match:
    """A paper came to a topic."""

    topic: int
    paper: int
    score: float
    at: datetime
    number: int


@dataclass
class Listing:
    """A paper on a day, or taken off it."""

    paper: int
    day: date
    at: datetime
    number: int
    is_on: bool = True


@dataclass
class World:
    """All there is."""

    plans: list[Plan] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    votes: dict[int, int] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    into: dict[int, int] = field(default_factory=dict)
    saved: dict[str, dict[int, datetime]] = field(default_factory=dict)
    versions: dict[int, list[tuple[int, datetime]]] = field(default_factory=dict)
    number: int = 0

    def now_is(self, paper: int) -> int:
        """The paper that this one went into, if it did."""
        while paper in self.into:
            paper = self.into[paper]
        return paper

    def match(self, topic: int, paper: int, score: float, at: datetime) -> None:
        self.number += 1
        self.matches.append(Match(topic, paper, score, at, self.number))

    def put_on(self, paper: int, day: date, at: datetime) -> None:
        self.number += 1
        self.listings.append(Listing(paper, day, at, self.number))

    def move(self, paper: int, day: date, to: date, at: datetime) -> None:
        for one in self.listings:
            if one.paper == paper and one.day == day:
                one.is_on = False
        self.put_on(paper, to, at)

    def show(self, paper: int, now: datetime) -> None:
        """Hidden until now, it is as new as what comes now."""
        self.gone.discard(paper)
        self.number += 1
        for listing in self.listings:
            if listing.paper == paper and listing.is_on:
                listing.number = self.number
        for match in self.matches:
            if match.paper == paper:
                match.number, match.at = self.number, now

    def merge(self, gone: int, kept: int) -> None:
        self.into[gone] = kept
        self.votes[kept] = 0
        for one in list(self.matches):
            if one.paper == gone:
                if any(other.paper == kept and other.topic == one.topic for other in self.matches):
                    self.matches.remove(one)
                else:
                    one.paper = kept

    def tick(self, now: datetime) -> list[tuple[Plan, Mail]]:
        """The mails that come to be at this moment."""
        made = []
        for frequency in ("daily", "weekly", "monthly"):
            for plan in self.plans:
                if plan.frequency == frequency and plan.moment(plan.next_on) <= now:
                    mail = self._due(plan, now)
                    if mail is not None:
                        made.append((plan, mail))
        return made

    def _due(self, plan: Plan, now: datetime) -> Mail | None:
        on = plan.next_on
        while plan.moment(plan.following(on)) <= now:
            on = plan.following(on)
        plan.next_on = plan.following(on)
        if now - plan.moment(on) > HALF[plan.frequency]:
            return None
        for mail in plan.mails:
            if not mail.is_sent:
                plan.since = min(plan.since, mail.since)
        plan.mails = [mail for mail in plan.mails if mail.is_sent]
        mail = self._choose(plan, on, now)
        plan.since = self.number
        if mail.papers or mail.versions:
            plan.mails.append(mail)
            return mail
        return None

    def _choose(self, plan: Plan, on: date, now: datetime) -> Mail:
        floor = max(plan.covers_from, plan.moment(on) - REACH[plan.frequency])
        had = {
            self.now_is(paper)
            for other in self.plans
            if other.reader == plan.reader
            for mail in other.mails
            for paper in (*mail.papers, *mail.more)
        }
        causes: dict[int, list[int]] = {}
        for topic in plan.topics:
            found = [
                one.paper
                for one in self.matches
                if one.topic == topic
                and one.number > plan.since
                and one.at >= floor
                and one.paper not in self.gone
                and one.paper not in had
            ]
            if found:
                causes[topic] = sorted(found, key=self._order)
        of_topics = {paper for papers in causes.values() for paper in papers}
        if plan.wants_daily and (found := [paper for paper in self._daily(plan.since, floor) if paper not in had]):
            causes[0] = sorted(found, key=self._order)
        share = math.ceil(plan.size / len(causes)) if causes else 0
        turns: dict[int, int] = {}
        for papers in causes.values():
            for turn, paper in enumerate(papers, start=1):
                turns[paper] = min(turn, turns.get(paper, turn))
        ranked = sorted(turns, key=lambda paper: (turns[paper] > share, self._order(paper)))
        return Mail(
            on=on,
            papers=sorted(ranked[: plan.size], key=self._order),
            # What only the daily papers have stays on their page.
            more=sorted((paper for paper in ranked[plan.size :] if paper in of_topics), key=self._order),
            versions=self._versions(plan, floor, now) if plan.wants_versions else [],
            since=plan.since,
        )

    def _daily(self, since: int, floor: datetime) -> list[int]:
        """The daily papers that came after `since`, and stood on no day before."""
        on = [one for one in self.listings if one.is_on]
        before = {one.paper for one in on if one.number <= since}
        oldest = floor.date() - 30 * DAY
        news = (one for one in on if one.number > since and one.at >= floor and one.day >= oldest)
        found = {one.paper for one in news} - before - self.gone
        return sorted(found, key=lambda paper: (-self.votes.get(paper, 0), -paper))[:50]

    def _order(self, paper: int) -> tuple[float, ...]:
        best = max((one.score for one in self.matches if one.paper == paper), default=0.0)
        return (-self.votes.get(paper, 0), -best, -paper)

    def _versions(self, plan: Plan, floor: datetime, now: datetime) -> list[tuple[int, int]]:
        told = {
            one for other in self.plans if other.reader == plan.reader for mail in other.mails for one in mail.versions
        }
        found = []
        for paper, saved_at in self.saved.get(plan.reader, {}).items():
            if paper in self.gone or not self.versions.get(paper):
                continue
            version, seen_at = self.versions[paper][-1]
            if seen_at > max(saved_at, floor, now - 30 * DAY) and (paper, version) not in told:
                found.append((seen_at, paper, version))
        return [(paper, version) for _, paper, version in sorted(found)]
