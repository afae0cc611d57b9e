"""How much of a subject is in a mail: at most how many papers, and the line; with what each line would have let in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from digests import line
from digests.models import Schedule, Subscription
from digests.models.subscriber import MAX_PAPERS
from digests.selection.below_line import LIKED_OF, LIKENESS_PARAMETERS
from digests.selection.choose_papers import LIST_DEPTH
from digests.selection.daily_papers import MAILABLE
from papers.services.lists.trending import trending_floor
from papers.text.counts import counted

PREVIEW_WINDOW = timedelta(days=14)
SIZES = (1, 3, 5, 10, 20)
"""How many papers at most may be chosen."""


@dataclass(frozen=True, slots=True)
class LineChoice:
    """A line on the page."""

    value: str
    """As forms and programs name it: any, related, close, or votes-5."""
    label: str
    passing: int
    """How many papers of the last 14 days would have passed."""


@dataclass(frozen=True, slots=True)
class LinePreview:
    """The lines that a subscription may have, and of how many papers they were asked."""

    choices: Sequence[LineChoice]
    total: int
    measures: str
    """What related and close are measured to, in words; empty where they cannot be."""


def line_value(subscription: Subscription) -> str:
    """The subscription's line as forms and programs name it."""
    return f"votes-{subscription.min_votes}" if subscription.line == line.VOTED else str(subscription.line)


def parse_line(value: str) -> tuple[str, int]:
    """Line and votes of such a name.

    Raises:
        ValueError: there is no such line.
    """
    word, _, votes = value.partition("-")
    if word == "votes" and votes.isascii() and votes.isdigit() and 1 <= int(votes[:6]) <= 10_000:
        return line.VOTED, int(votes[:6])
    if value not in (line.ANY, line.RELATED, line.CLOSE):
        raise ValueError("There is no such line.")
    return value, 0


def lines_of(subscription: Subscription) -> list[str]:
    """The lines that can be measured for a subscription, as `line_value` names them. Two queries at most."""
    if subscription.kind not in line.kinds_by_votes():
        return [line.ANY]
    reader = subscription.schedule.subscriber
    has_examples = subscription.topic is not None and subscription.topic.examples.exists()
    close = [line.RELATED, line.CLOSE] if line.has_closeness(
        subscription.kind, has_account=reader.user_id is not None, has_examples=has_examples
    ) else []  # fmt: skip
    return [line.ANY, *close, *(f"votes-{votes}" for votes in line.VOTES)]


def set_limits(*, subscription: Subscription, value: str, max_papers: int | None, now: datetime) -> None:
    """Draw the line of a subscription, and say how many papers of it a mail has at most. Idempotent.

    Raises:
        ValueError: there is no such line, it can't be measured for this subscription, or that is too many.
    """
    kind, votes = parse_line(value)
    measured = subscription.kind in line.kinds_by_votes() if kind == line.VOTED else value in lines_of(subscription)
    if not measured:
        raise ValueError("This line can’t be measured here.")
    if max_papers is not None and not 1 <= max_papers <= MAX_PAPERS:
        raise ValueError(f"A mail has at most {MAX_PAPERS} papers.")
    with transaction.atomic():
        Schedule.objects.select_for_update().get(pk=subscription.schedule_id)
        found = Subscription.objects.filter(pk=subscription.pk)
        found.exclude(line=kind, min_votes=votes).update(line=kind, min_votes=votes, line_set_at=now)
        found.update(max_papers=max_papers)
        subscription.refresh_from_db()


# --- What would have passed -----------------------------------------------------------------------------------------

_CANDIDATES = {
    Subscription.Kind.TOPIC: """
        SELECT paper_id, nullif(score, 0) AS score FROM papers_topicmatch
        WHERE topic_id = %(topic)s AND matched_at >= %(since)s""",
    Subscription.Kind.FOLLOWED: """
        SELECT DISTINCT noted.paper_id, NULL::float8 FROM papers_follow follow
        JOIN papers_followedpaper noted USING (followed_id)
        WHERE follow.user_id = %(user)s AND noted.matched_at >= %(since)s""",
    Subscription.Kind.DAILY: """
        SELECT DISTINCT paper_id, NULL::float8 FROM papers_listing
        WHERE created_at >= %(since)s AND hidden_at IS NULL""",
    Subscription.Kind.TRENDING: f"""
        SELECT id, NULL::float8 FROM papers_paper paper WHERE trending_score >= %(trending_floor)s AND {MAILABLE}
        ORDER BY trending_score DESC, id DESC LIMIT {LIST_DEPTH}""",  # noqa: S608  constants
    Subscription.Kind.TOP: f"""
        SELECT paper_id, NULL::float8 FROM papers_listing WHERE created_at >= %(since)s AND hidden_at IS NULL
        GROUP BY paper_id ORDER BY max(vote_count) DESC, max(source_votes) DESC, paper_id DESC LIMIT {LIST_DEPTH}""",  # noqa: S608  constants
    Subscription.Kind.FOR_YOU: """
        SELECT paper_id, score FROM papers_recommendation WHERE user_id = %(user)s AND tag_id IS NULL""",
}
_MEASURED = """
    WITH candidate (paper_id, score) AS MATERIALIZED ({candidates}), serving AS MATERIALIZED (
        SELECT name FROM papers_embeddingmodel WHERE serves AND vector_count > 0 LIMIT 1
    ), tastes AS MATERIALIZED (
        SELECT known.vector FROM (SELECT %(user)s::bigint AS id WHERE %(compares)s) AS asked
        LEFT JOIN papers_recommendationprofile profile ON profile.user_id = asked.id
        CROSS JOIN LATERAL ({liked}) AS liked
        JOIN papers_papervector known ON known.paper_id = liked.paper_id AND known.model = (SELECT name FROM serving)
    )
    SELECT greatest(paper.vote_count, coalesce((
            SELECT max(votes) FROM papers_paperexternalcounts WHERE paper_id = paper.id), 0)),
        coalesce(candidate.score, (SELECT max(1 - (known.vector <=> tastes.vector))
            FROM papers_papervector known, tastes
            WHERE known.paper_id = paper.id AND known.model = (SELECT name FROM serving)), 0)
    FROM candidate JOIN papers_paper paper ON paper.id = candidate.paper_id WHERE {mailable}
"""


def preview_lines(subscription: Subscription, *, now: datetime) -> LinePreview:
    """What each line would have let in of the last 14 days; of lists that change as a whole, of what they have now.

    Three queries.
    """
    values = lines_of(subscription)
    rows = _measure(subscription, now=now, compares=line.RELATED in values) if len(values) > 1 else []
    own = line_value(subscription)
    values += [own] if own not in values else []
    choices = []
    for value in values:
        kind, votes = parse_line(value)
        least = line.min_score(subscription.kind, kind)
        passing = sum(1 for have, score in rows if have >= votes and (least is None or score >= least))
        choices.append(LineChoice(value, _label(kind, votes), passing))
    return LinePreview(choices, len(rows), _measures(subscription) if line.RELATED in values else "")


def _measure(subscription: Subscription, *, now: datetime, compares: bool) -> list[tuple[int, float]]:
    """Votes and closeness of each paper. One query."""
    candidates = _CANDIDATES[Subscription.Kind(subscription.kind)]
    asked = {
        **LIKENESS_PARAMETERS,
        "topic": subscription.topic_id,
        "user": subscription.schedule.subscriber.user_id,
        "since": now - PREVIEW_WINDOW,
        "trending_floor": trending_floor(now=now),
        "compares": compares and subscription.kind != Subscription.Kind.FOR_YOU,
    }
    with connection.cursor() as cursor:
        cursor.execute(_MEASURED.format(candidates=candidates, liked=LIKED_OF, mailable=MAILABLE), asked)
        return [(votes, score) for votes, score in cursor.fetchall()]


def _label(kind: str, votes: int) -> str:
    if kind == line.VOTED:
        return f"{counted(votes, 'vote')} or more"
    return {line.ANY: "Anything", line.RELATED: "Related only", line.CLOSE: "Close only"}[kind]


def _measures(subscription: Subscription) -> str:
    if subscription.topic is not None and subscription.topic.examples.exists():
        return "the topic’s examples"
    return "the papers you liked last"
