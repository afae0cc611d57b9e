"""Listing without a curator: what matches a topic, what the group votes for, up to a limit a day.

A rule looks at papers that no edition has had, hidden or not, that no rule has listed before and no curator left out.
So nothing is listed twice, and what a curator took away stays away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction

from papers.hooks import lists_changed
from papers.locks import AdvisoryLock, lock_transaction
from papers.models import Listing, ListRule, Paper, RuleListing
from papers.services.editions.listing import SAMPLE_KIND, ListingEntry, ListingRule, add_listings
from papers.services.operations.installation import group_settings, group_today

# A topic's papers are news for so long; votes take longer to come.
TOPIC_WINDOW = timedelta(days=3)
VOTES_WINDOW = timedelta(days=30)
PREVIEW_DAYS = 7
# Behind what the sources announced, where votes don't decide.
_BEHIND_ALL = 100_000

_MATCHES = """
    FROM papers_topicmatch found JOIN papers_paper paper ON paper.id = found.paper_id
    WHERE found.topic_id = %(topic)s AND found.listed_at >= %(since)s AND found.listed_at <= %(until)s
"""
_VOTED = """
    FROM papers_paper paper CROSS JOIN (SELECT 0 AS score) found
    WHERE paper.vote_count > 0 AND paper.listed_at >= %(since)s AND paper.listed_at <= %(until)s
"""
_MAY_BE_LISTED = """
    AND paper.vote_count >= %(votes)s AND paper.hidden_at IS NULL AND paper.withdrawn_at IS NULL AND NOT paper.is_sample
"""
_IS_NEWS = """
    AND NOT EXISTS (SELECT FROM papers_rulelisting ruled WHERE ruled.paper_id = paper.id)
    AND NOT EXISTS (
        SELECT FROM papers_candidate decided WHERE decided.paper_id = paper.id AND decided.decided_at IS NOT NULL)
    AND NOT EXISTS (SELECT FROM papers_listing listed WHERE listed.paper_id = paper.id AND listed.kind <> %(sample)s)
"""
_ORDER = "ORDER BY paper.vote_count DESC, found.score DESC, paper.listed_at DESC, paper.id DESC"


class RuleCriteria(NamedTuple):
    """What a rule asks for, stored or not."""

    topic_id: int | None
    min_votes: int
    limit: int

    @classmethod
    def of(cls, rule: ListRule) -> RuleCriteria:
        return cls(rule.topic_id, rule.min_votes, rule.limit)

    @property
    def reach(self) -> timedelta:
        """How old a paper may be."""
        return VOTES_WINDOW if self.min_votes else TOPIC_WINDOW


@dataclass(frozen=True, slots=True)
class RulePreviewDay:
    """What a rule would have listed of a day's papers."""

    day: date
    titles: tuple[str, ...]
    over: int
    """More that fit, and were over the limit."""
    listed: int
    """Papers that fit and are on an edition anyway."""


def apply_rules(*, now: datetime) -> int:
    """List what the rules in force find now; how many papers. Idempotent, also for two workers at once."""
    return sum(_apply(rule, now=now) for rule in ListRule.objects.enabled())


def _apply(rule: ListRule, *, now: datetime) -> int:
    today = group_today(now)
    criteria = RuleCriteria.of(rule)
    with transaction.atomic():
        lock_transaction(AdvisoryLock.LIST_RULES)
        if not ListRule.objects.filter(pk=rule.pk, is_enabled=True, changed_at=rule.changed_at).exists():
            return 0  # it was changed or removed a moment ago
        left = criteria.limit - RuleListing.objects.on_day(rule, today).count()
        chosen = find_rule_papers(criteria, since=now - criteria.reach, until=now, limit=left) if left > 0 else []
        # Who lists a paper holds its lock, so what is not listed now is not listed by another meanwhile.
        list(Paper.objects.select_for_update(no_key=True).filter(pk__in=chosen).order_by("pk").values_list("pk"))
        chosen = (
            find_rule_papers(criteria, since=now - criteria.reach, until=now, limit=left, paper_ids=chosen)
            if chosen
            else []
        )
        if not chosen:
            return 0
        _list(chosen, rule, today, now)
        return len(chosen)


def _list(paper_ids: Sequence[int], rule: ListRule, day: date, now: datetime) -> None:
    by = Listing.By.TOPIC if rule.topic_id is not None else Listing.By.VOTES
    entries = [ListingEntry(paper_id, day, position=_BEHIND_ALL + place) for place, paper_id in enumerate(paper_ids)]
    add_listings(entries, ListingRule(by=by), now=now)
    RuleListing.objects.bulk_create(
        RuleListing(paper_id=paper_id, rule=rule, day=day, listed_at=now) for paper_id in paper_ids
    )
    lists_changed.notify()


def find_rule_papers(
    criteria: RuleCriteria, *, since: datetime, until: datetime, limit: int, paper_ids: Sequence[int] | None = None
) -> list[int]:
    """The papers that a rule with these criteria would list now, the best first.

    One query, along the index of the topic's papers or that of the papers with votes.
    """
    only = "AND paper.id = ANY(%(paper_ids)s)" if paper_ids is not None else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT paper.id {_source(criteria)} {_MAY_BE_LISTED} {_IS_NEWS} {only} {_ORDER} LIMIT %(limit)s",
            {**_asked(criteria, since, until), "paper_ids": list(paper_ids or ()), "limit": limit},
        )
        return [row[0] for row in cursor.fetchall()]


def preview_rule(criteria: RuleCriteria, *, now: datetime) -> list[RulePreviewDay]:
    """What such a rule would have listed of the papers of the last seven days, by the day they came; newest first.

    One query.
    """
    zone = group_settings().zone
    today = now.astimezone(zone).date()
    first = datetime.combine(today - timedelta(days=PREVIEW_DAYS - 1), datetime.min.time(), zone)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT day, array_agg(title ORDER BY place) FILTER (WHERE NOT is_listed AND place <= %(limit)s),
                count(*) FILTER (WHERE NOT is_listed), count(*) FILTER (WHERE is_listed)
            FROM (
                SELECT found.*, row_number() OVER (PARTITION BY day, is_listed ORDER BY vote_count DESC, score DESC,
                    listed_at DESC, id DESC) AS place
                FROM (
                    SELECT paper.id, paper.title, paper.vote_count, paper.listed_at, found.score,
                        (paper.listed_at AT TIME ZONE %(zone)s)::date AS day,
                        NOT (true {_IS_NEWS}) AS is_listed
                    {_source(criteria)} {_MAY_BE_LISTED}
                ) found
            ) placed
            GROUP BY day
            """,  # noqa: S608
            {**_asked(criteria, first, now), "limit": criteria.limit, "zone": str(zone)},
        )
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    days = [today - timedelta(days=number) for number in range(PREVIEW_DAYS)]
    return [_preview_day(day, *rows.get(day, (None, 0, 0))) for day in days]


def _preview_day(day: date, titles: list[str] | None, fitting: int, listed: int) -> RulePreviewDay:
    shown = tuple(titles or ())
    return RulePreviewDay(day=day, titles=shown, over=fitting - len(shown), listed=listed)


def _source(criteria: RuleCriteria) -> str:
    return _VOTED if criteria.topic_id is None else _MATCHES


def _asked(criteria: RuleCriteria, since: datetime, until: datetime) -> dict[str, Any]:
    votes = criteria.min_votes if criteria.topic_id is not None else max(1, criteria.min_votes)
    return {"topic": criteria.topic_id, "since": since, "until": until, "votes": votes, "sample": SAMPLE_KIND}
