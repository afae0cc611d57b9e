"""Which papers a mail brings: one statement for all the schedules that are due together.

Its cost follows the pairs of a subscription and a new paper, never the papers stored.

- A topic's candidates are its matches released since the schedule's last mail, and so are the papers of those whom a
  reader follows, and what others put on the shared lists that the reader may read at that moment; those of the daily
  papers are the listings, a paper's first. Trending and the most voted are read as
  their pages show them, fifty deep. What is suggested to a reader was worked out before, and comes best first.
- Left out: hidden and withdrawn papers, those of the sample, and whatever was offered to this reader within 180 days,
  in any mail; also under the id of a paper that was merged into it.
- Papers are sorted by the group's votes, then the sources' votes, then how well they match any topic, then the newest.
- When there are too many, each subscription first has an equal share of the places; what is left over goes by the
  order alone. The rest of the topics' papers is offered as "and 23 more", and does not come again.
- A subscription may have a size of its own and a line (digests/line.py). What is over that size is among the "more",
  whatever the subscription is to. What is below the line is noted with the mail, and not offered: when it rises above
  the line within two weeks it is in a later mail, once. A mail names it once, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from digests.line import scored_lines
from digests.models import Suppression
from digests.models.delivery import HISTORY_RETENTION, OFFERED_STATES
from digests.selection.below_line import LIKENESS, LIKENESS_PARAMETERS, RISES_WITHIN, WAITING
from digests.selection.daily_papers import DAILY_PAPERS, MAILABLE
from digests.selection.new_versions import VERSIONS, version_parameters
from papers.models.recommendation import SHOWN_FOR
from papers.services.editions.listing import SAMPLE_KIND
from papers.services.lists.trending import trending_floor

LIST_DEPTH = 50
"""How far down the daily papers, Trending and the most voted are read: their first page."""
# What was offered cannot be older than the paper; but the clocks of two machines may differ.
_CLOCKS_DIFFER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DigestBatch:
    """Mails of one slot, to choose papers for. Times in UTC, dates in the readers' time zone."""

    schedules: Sequence[int]
    period_on: date
    due_at: datetime
    floor: datetime
    """Nothing released before it is taken up, and nothing from before a schedule's own `covers_from`."""
    top_from: date
    top_before: date
    key_digests: Sequence[bytes | None] = ()
    """By schedule, of the key to its mail; none for a preview, which nothing opens."""
    since: int | None = None
    """The release to begin behind, whatever earlier mails offered; then `floor` alone holds."""


_BATCH_COLUMNS = {
    "period_on": "date",
    "due_at": "timestamptz",
    "floor": "timestamptz",
    "top_from": "date",
    "top_before": "date",
    "since": "bigint",
}
_BATCH_ARRAYS = ", ".join(f"%({name})s::{kind}[]" for name, kind in _BATCH_COLUMNS.items())
_ASKED = f"""
WITH due AS MATERIALIZED (
    SELECT schedule.id AS schedule_id, schedule.subscriber_id, reader.user_id, batch.period_on, batch.due_at,
        leaving.key_digest,
        coalesce(batch.since, least(schedule.last_release, overtaken.since)) AS since,
        CASE WHEN batch.since IS NULL THEN greatest(schedule.covers_from, batch.floor)
            ELSE batch.floor END AS floor,
        schedule.max_papers AS size, schedule.sends_empty, batch.top_from, batch.top_before,
        CASE WHEN NOT %(heeds_reasons)s THEN ''
            WHEN suppression.id IS NOT NULL THEN 'no mail to this address: ' || coalesce(said.label, suppression.reason)
            WHEN NOT person.is_active THEN 'the account is suspended' ELSE '' END AS skip_reason
    FROM unnest(%(schedules)s::bigint[], %(places)s::int[], %(key_digests)s::bytea[])
        AS leaving (schedule_id, place, key_digest)
    JOIN unnest({_BATCH_ARRAYS}) WITH ORDINALITY AS batch ({", ".join(_BATCH_COLUMNS)}, place)
        ON batch.place = leaving.place
    JOIN digests_schedule schedule ON schedule.id = leaving.schedule_id
    JOIN digests_subscriber reader ON reader.id = schedule.subscriber_id
    LEFT JOIN papers_user person ON person.id = reader.user_id
    LEFT JOIN digests_suppression suppression ON lower(suppression.address) = lower(reader.email)
    LEFT JOIN unnest(%(reasons)s::text[], %(labels)s::text[]) AS said (reason, label)
        ON said.reason = suppression.reason
    LEFT JOIN unnest(%(overtaken)s::bigint[], %(overtaken_since)s::bigint[]) AS overtaken (schedule_id, since)
        ON overtaken.schedule_id = schedule.id
), asked AS MATERIALIZED (
    -- What their mails are about, without what is paused.
    SELECT due.schedule_id, due.subscriber_id, due.user_id, due.since, due.floor, due.size, due.top_from,
        due.top_before, subscription.id AS cause, subscription.kind, subscription.topic_id, subscription.shared_list_id,
        subscription.max_papers AS own_size, subscription.min_votes, scored.min_score, subscription.line_set_at
    FROM digests_subscription subscription JOIN due USING (schedule_id)
    LEFT JOIN unnest(%(scored_kinds)s::text[], %(scored_lines)s::text[], %(scores)s::float8[])
        AS scored (kind, line, min_score) ON scored.kind = subscription.kind AND scored.line = subscription.line
    WHERE due.skip_reason <= ''  -- as `=`, of which Postgres would expect one row in 200, and join for few
      AND (subscription.paused_until IS NULL OR subscription.paused_until <= due.period_on)
), lists AS MATERIALIZED (
    -- Most subscriptions are to topics, and all else is looked for many times. Who drew a line, or said how many, is
    -- told of all the rest.
    SELECT *, own_size IS NOT NULL OR min_votes > 0 OR min_score IS NOT NULL AS is_strict FROM asked
    WHERE kind <> 'topic'
), lined AS MATERIALIZED (
    SELECT * FROM asked WHERE min_votes > 0 OR min_score IS NOT NULL
), bounds AS MATERIALIZED (
    SELECT min(since) AS since, min(floor) AS floor FROM due
)"""  # noqa: S608  joined from constants of this module

_TOPICS = """
, matched AS MATERIALIZED (
    SELECT found.topic_id, found.paper_id, found.release, found.matched_at, found.score
    FROM (SELECT DISTINCT topic_id FROM asked WHERE kind = 'topic') wanted
    JOIN papers_topicmatch found USING (topic_id), bounds
    WHERE found.release > bounds.since AND found.release <= %(upto)s AND found.matched_at >= bounds.floor
)"""

_FOLLOWED = """
, followed AS MATERIALIZED (
    SELECT follow.user_id, noted.paper_id, max(noted.release) AS release, max(noted.matched_at) AS matched_at
    FROM (SELECT DISTINCT user_id FROM lists WHERE kind = 'followed') wanted
    JOIN papers_follow follow USING (user_id)
    JOIN papers_followedpaper noted USING (followed_id), bounds
    WHERE noted.release > 0 AND noted.release > bounds.since AND noted.release <= %(upto)s
      AND noted.matched_at >= bounds.floor
    GROUP BY follow.user_id, noted.paper_id
)"""

# Who may read a list is asked at each mail: papers/models/shared_list.py, `readable_by`, says the same of pages.
_SHARED_LISTS = """
, read_lists AS MATERIALIZED (
    SELECT lists.cause, lists.shared_list_id
    FROM lists
    JOIN papers_sharedlist shared ON shared.id = lists.shared_list_id
    JOIN papers_user person ON person.id = lists.user_id
    WHERE lists.kind = 'list' AND (shared.visibility <> 'named' OR shared.owner_id = person.id
        OR (shared.owner_id IS NULL AND person.is_curator)
        OR EXISTS (SELECT FROM papers_sharedlistmember member
            WHERE member.shared_list_id = shared.id AND member.user_id = person.id))
), put_on_lists AS MATERIALIZED (
    SELECT entry.shared_list_id, entry.paper_id, entry.release, entry.released_at, entry.added_by_id
    FROM (SELECT DISTINCT shared_list_id FROM read_lists) wanted
    JOIN papers_sharedlistpaper entry USING (shared_list_id), bounds
    WHERE entry.release > bounds.since AND entry.release <= %(upto)s AND entry.released_at >= bounds.floor
)"""

_SUGGESTED = """
, suggested AS MATERIALIZED (
    -- Worked out before; left out is what the page leaves out: seen or tagged since, or shown for long enough.
    SELECT suggestion.user_id, suggestion.paper_id, suggestion.rank, suggestion.score
    FROM (SELECT DISTINCT user_id FROM lists WHERE kind = 'for_you') wanted
    JOIN papers_recommendation suggestion ON suggestion.user_id = wanted.user_id AND suggestion.tag_id IS NULL
    WHERE NOT EXISTS (SELECT FROM papers_seenpaper seen
            WHERE seen.user_id = suggestion.user_id AND seen.paper_id = suggestion.paper_id)
      AND NOT EXISTS (SELECT FROM papers_tag tag JOIN papers_taggedpaper tagged ON tagged.tag_id = tag.id
            WHERE tag.user_id = suggestion.user_id AND tagged.paper_id = suggestion.paper_id)
      AND NOT EXISTS (SELECT FROM papers_shownrecommendation shown WHERE shown.user_id = suggestion.user_id
            AND shown.paper_id = suggestion.paper_id AND shown.shown_at <= %(shown_before)s)
)"""

_LISTS = f"""
, windows AS MATERIALIZED (
    SELECT DISTINCT since, %(upto)s::bigint AS upto, floor FROM lists WHERE kind = 'daily'
), edition AS MATERIALIZED ({DAILY_PAPERS}), trending AS MATERIALIZED (
    SELECT id AS paper_id FROM papers_paper paper
    WHERE trending_score >= %(trending_floor)s AND {MAILABLE}
      AND EXISTS (SELECT FROM lists WHERE kind = 'trending')
    ORDER BY trending_score DESC, id DESC LIMIT %(depth)s
), spans AS MATERIALIZED (
    SELECT DISTINCT top_from, top_before FROM lists WHERE kind = 'top'
), top AS MATERIALIZED (
    SELECT spans.*, best.paper_id FROM spans CROSS JOIN LATERAL (
        SELECT listing.paper_id FROM papers_listing listing JOIN papers_paper paper ON paper.id = listing.paper_id
        WHERE listing.day >= spans.top_from AND listing.day < spans.top_before AND listing.hidden_at IS NULL
          AND {MAILABLE}
        GROUP BY listing.paper_id
        ORDER BY max(listing.vote_count) DESC, max(listing.source_votes) DESC, listing.paper_id DESC LIMIT %(depth)s
    ) best
)"""  # noqa: S608  joined from constants

_PAPERS = f"""
, paper AS MATERIALIZED (
    -- Their order, the same for all readers; and how far back they may have been offered.
    SELECT paper.id AS paper_id,
        CASE WHEN EXISTS (SELECT FROM digests_mergedpaper WHERE kept_id = paper.id) THEN %(history_from)s
            ELSE greatest(paper.created_at - %(clocks_differ)s, %(history_from)s) END AS offered_from,
        row_number() OVER (ORDER BY paper.vote_count DESC, coalesce(figures.votes, 0) DESC,
            coalesce(topics.score, 0) DESC, paper.id DESC) AS place,
        greatest(paper.vote_count, coalesce(figures.votes, 0)) AS votes
    FROM (
        SELECT paper_id FROM matched UNION SELECT paper_id FROM followed UNION SELECT paper_id FROM edition
        UNION SELECT paper_id FROM trending UNION SELECT paper_id FROM top UNION SELECT paper_id FROM suggested
        UNION SELECT paper_id FROM put_on_lists
        UNION SELECT paper_id FROM waiting
    ) candidate
    JOIN papers_paper paper ON paper.id = candidate.paper_id
    LEFT JOIN LATERAL (
        SELECT max(score) AS score FROM papers_topicmatch WHERE paper_id = paper.id) topics ON true
    LEFT JOIN LATERAL (
        SELECT max(votes) AS votes FROM papers_paperexternalcounts WHERE paper_id = paper.id) figures ON true
    WHERE {MAILABLE}
), matched_papers AS MATERIALIZED (
    SELECT * FROM matched JOIN paper USING (paper_id)
)"""  # noqa: S608  joined from constants

_PAIRS = """
, pairs AS MATERIALIZED (
    SELECT asked.schedule_id, asked.subscriber_id, asked.size, asked.cause, true AS by_topic, matched.paper_id,
        matched.place, NULL::int AS own_place, matched.offered_from, matched.votes,
        asked.own_size, asked.min_votes, asked.min_score, nullif(matched.score, 0) AS score
    FROM asked JOIN matched_papers matched ON matched.topic_id = asked.topic_id
        AND matched.release > asked.since AND matched.matched_at >= asked.floor
    UNION ALL
    SELECT lists.schedule_id, lists.subscriber_id, lists.size, lists.cause, true, followed.paper_id,
        paper.place, NULL, paper.offered_from, paper.votes, lists.own_size, lists.min_votes, lists.min_score, NULL
    FROM lists JOIN followed ON lists.kind = 'followed' AND followed.user_id = lists.user_id
        AND followed.release > lists.since AND followed.matched_at >= lists.floor
    JOIN paper USING (paper_id)
    UNION ALL
    SELECT lists.schedule_id, lists.subscriber_id, lists.size, lists.cause, true, listed.paper_id,
        paper.place, NULL, paper.offered_from, paper.votes, lists.own_size, lists.min_votes, lists.min_score, NULL
    FROM lists JOIN read_lists USING (cause)
    JOIN put_on_lists listed ON listed.shared_list_id = read_lists.shared_list_id
        AND listed.release > lists.since AND listed.released_at >= lists.floor
        AND listed.added_by_id IS DISTINCT FROM lists.user_id
    JOIN paper USING (paper_id)
    UNION ALL
    SELECT lists.schedule_id, lists.subscriber_id, lists.size, lists.cause, false, edition.paper_id,
        paper.place, NULL, paper.offered_from, paper.votes, lists.own_size, lists.min_votes, lists.min_score, NULL
    FROM lists JOIN edition ON lists.kind = 'daily' AND edition.since = lists.since AND edition.floor = lists.floor
        AND (edition.position <= %(depth)s OR lists.is_strict)
    JOIN paper USING (paper_id)
    UNION ALL
    SELECT lists.schedule_id, lists.subscriber_id, lists.size, lists.cause, false, trending.paper_id,
        paper.place, NULL, paper.offered_from, paper.votes, lists.own_size, lists.min_votes, lists.min_score, NULL
    FROM lists JOIN trending ON lists.kind = 'trending'
    JOIN paper USING (paper_id)
    UNION ALL
    SELECT lists.schedule_id, lists.subscriber_id, lists.size, lists.cause, false, top.paper_id,
        paper.place, NULL, paper.offered_from, paper.votes, lists.own_size, lists.min_votes, lists.min_score, NULL
    FROM lists JOIN top ON lists.kind = 'top' AND top.top_from = lists.top_from AND top.top_before = lists.top_before
    JOIN paper USING (paper_id)
    UNION ALL
    SELECT lists.schedule_id, lists.subscriber_id, lists.size, lists.cause, false, suggested.paper_id,
        paper.place, suggested.rank, paper.offered_from, paper.votes, lists.own_size, lists.min_votes,
        lists.min_score, suggested.score
    FROM lists JOIN suggested ON lists.kind = 'for_you' AND suggested.user_id = lists.user_id
    JOIN paper USING (paper_id)
    UNION ALL
    -- What stood below a line before. What is listed by itself each time, as what is suggested, is found there.
    SELECT lined.schedule_id, lined.subscriber_id, lined.size, lined.cause, true, waiting.paper_id,
        paper.place, NULL, paper.offered_from, paper.votes, lined.own_size, lined.min_votes, lined.min_score,
        nullif(found.score, 0)
    FROM lined JOIN waiting USING (schedule_id, cause)
    JOIN paper USING (paper_id)
    LEFT JOIN papers_topicmatch found ON found.topic_id = lined.topic_id AND found.paper_id = waiting.paper_id
    WHERE CASE lined.kind
        WHEN 'topic' THEN found.release <= lined.since OR found.matched_at < lined.floor
        WHEN 'followed' THEN NOT EXISTS (SELECT FROM followed WHERE followed.user_id = lined.user_id
            AND followed.paper_id = waiting.paper_id AND followed.release > lined.since
            AND followed.matched_at >= lined.floor)
        WHEN 'list' THEN EXISTS (SELECT FROM read_lists JOIN papers_sharedlistpaper entry USING (shared_list_id)
            WHERE read_lists.cause = lined.cause AND entry.paper_id = waiting.paper_id
            AND (entry.release <= lined.since OR entry.released_at < lined.floor))
        WHEN 'daily' THEN NOT EXISTS (SELECT FROM edition WHERE edition.since = lined.since
            AND edition.floor = lined.floor AND edition.paper_id = waiting.paper_id)
        WHEN 'top' THEN NOT EXISTS (SELECT FROM top WHERE top.top_from = lined.top_from
            AND top.top_before = lined.top_before AND top.paper_id = waiting.paper_id)
        ELSE false END
)"""

_HISTORY = """
, readers AS MATERIALIZED (
    SELECT subscriber_id, min(offered_from) AS offered_from FROM pairs GROUP BY subscriber_id
), offered AS MATERIALIZED (
    SELECT readers.subscriber_id, coalesce(merged.kept_id, earlier.paper_id) AS paper_id
    FROM readers
    JOIN digests_delivery delivery ON delivery.subscriber_id = readers.subscriber_id
        AND delivery.planned_at >= readers.offered_from AND delivery.state = ANY(%(chosen)s)
    CROSS JOIN LATERAL unnest(delivery.paper_ids || delivery.more_ids) AS earlier (paper_id)
    LEFT JOIN digests_mergedpaper merged ON merged.gone_id = earlier.paper_id
)"""

# No joins of what was found with what was asked: Postgres can't estimate the rows, and takes them for few.
_RANKED = """
, judged AS NOT MATERIALIZED (
    SELECT schedule_id, subscriber_id, size, cause, by_topic OR own_size IS NOT NULL AS is_kept, paper_id, place,
        own_place, own_size, true AS passes
    FROM pairs WHERE min_votes = 0 AND min_score IS NULL
    UNION ALL
    SELECT schedule_id, subscriber_id, size, cause, true, paper_id, place, own_place, own_size,
        votes >= min_votes AND (min_score IS NULL OR coalesce(pairs.score, closeness.score, 0) >= min_score)
    FROM pairs LEFT JOIN closeness USING (schedule_id, paper_id) WHERE min_votes > 0 OR min_score IS NOT NULL
), news AS MATERIALIZED (
    SELECT schedule_id, size, cause, is_kept, paper_id, place, own_place, own_size,
        count(*) OVER (PARTITION BY schedule_id) AS pair_count,
        count(own_size) OVER (PARTITION BY schedule_id) AS sized_count
    FROM judged
    WHERE passes AND NOT EXISTS (
        SELECT FROM offered
        WHERE offered.subscriber_id = judged.subscriber_id AND offered.paper_id = judged.paper_id)
), all_of_few AS (
    -- Most mails have room for all there is.
    SELECT schedule_id, paper_id, place, string_agg(cause::text, ',' ORDER BY cause) AS causes
    FROM news WHERE pair_count <= size AND sized_count = 0 GROUP BY schedule_id, place, paper_id
), turns AS (
    SELECT *, row_number() OVER (PARTITION BY schedule_id, cause ORDER BY own_place, place) AS turn
    FROM news WHERE pair_count > size OR sized_count > 0
), once AS (
    -- Over: there are as many as its reader wants of it already, in each subscription that it is there for.
    SELECT schedule_id, paper_id, place, size, min(turn) AS turn, bool_or(is_kept) AS is_kept,
        bool_and(own_size IS NOT NULL AND turn > own_size) AS is_over,
        string_agg(cause::text, ',' ORDER BY cause) AS causes,
        (sum(count(*) FILTER (WHERE turn = 1)) OVER (PARTITION BY schedule_id))::int AS cause_count
    FROM turns GROUP BY schedule_id, paper_id, place, size
), ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY schedule_id ORDER BY is_over, turn > (size + cause_count - 1) / cause_count, place) AS rank
    FROM once
), chosen AS (
    SELECT schedule_id, array_agg(paper_id ORDER BY place) AS paper_ids, array_agg(causes ORDER BY place) AS causes,
        NULL::bigint[] AS more_ids, NULL::text[] AS more_causes
    FROM all_of_few GROUP BY schedule_id
    UNION ALL
    SELECT schedule_id,
        array_agg(paper_id ORDER BY place) FILTER (WHERE rank <= size AND NOT is_over),
        array_agg(causes ORDER BY place) FILTER (WHERE rank <= size AND NOT is_over),
        array_agg(paper_id ORDER BY place) FILTER (WHERE (rank > size OR is_over) AND is_kept),
        array_agg(causes ORDER BY place) FILTER (WHERE (rank > size OR is_over) AND is_kept)
    FROM ranked GROUP BY schedule_id
), unmet AS MATERIALIZED (
    SELECT schedule_id, paper_id, place, string_agg(cause::text, ',' ORDER BY cause) AS causes
    FROM judged
    WHERE NOT passes
      AND NOT EXISTS (SELECT FROM offered
        WHERE offered.subscriber_id = judged.subscriber_id AND offered.paper_id = judged.paper_id)
      AND NOT EXISTS (SELECT FROM news
        WHERE news.schedule_id = judged.schedule_id AND news.paper_id = judged.paper_id)
      AND NOT EXISTS (SELECT FROM waiting WHERE waiting.is_told AND waiting.schedule_id = judged.schedule_id
        AND waiting.cause = judged.cause AND waiting.paper_id = judged.paper_id)
    GROUP BY schedule_id, paper_id, place
), below AS (
    SELECT schedule_id, array_agg(paper_id ORDER BY place) AS below_ids,
        array_agg(causes ORDER BY place) AS below_causes
    FROM unmet GROUP BY schedule_id
)"""

_PLANNED = """
    SELECT due.schedule_id, due.subscriber_id, due.period_on, due.due_at,
        CASE WHEN due.skip_reason = '' AND (chosen.paper_ids IS NOT NULL OR versions.version_ids IS NOT NULL
                OR (due.sends_empty AND below.below_ids IS NOT NULL))
            THEN 'planned' ELSE 'skipped' END AS state,
        CASE WHEN due.skip_reason <> '' THEN due.skip_reason
            WHEN chosen.paper_ids IS NOT NULL OR versions.version_ids IS NOT NULL THEN ''
            WHEN below.below_ids IS NULL THEN %(nothing_new)s
            WHEN due.sends_empty THEN '' ELSE %(nothing_above)s END AS reason,
        coalesce(chosen.paper_ids, '{}') AS paper_ids, coalesce(chosen.causes, '{}') AS causes,
        coalesce(chosen.more_ids, '{}') AS more_ids, coalesce(chosen.more_causes, '{}') AS more_causes,
        coalesce(from_lists.cause_lists, '{}') AS cause_lists, coalesce(versions.version_ids, '{}') AS version_ids,
        coalesce(counted.edition_count, 0) AS edition_count, due.since AS from_release, %(upto)s AS to_release,
        due.floor, due.key_digest, coalesce(below.below_ids, '{}') AS below_ids,
        coalesce(below.below_causes, '{}') AS below_causes
    FROM due
    LEFT JOIN chosen USING (schedule_id)
    LEFT JOIN below USING (schedule_id)
    LEFT JOIN (
        -- Which lists they are, for when the subscription is gone, or the right to read one.
        SELECT schedule_id, array_agg(cause || ':' || shared_list_id ORDER BY cause) AS cause_lists
        FROM lists WHERE kind = 'list' GROUP BY schedule_id
    ) from_lists USING (schedule_id)
    LEFT JOIN versions USING (schedule_id)
    LEFT JOIN (
        SELECT lists.schedule_id, edition.edition_count FROM lists
        JOIN edition ON lists.kind = 'daily' AND edition.since = lists.since AND edition.floor = lists.floor
            AND edition.position = 1 AND NOT lists.is_strict
    ) counted USING (schedule_id)
"""
_CHOICE = "".join(
    (
        *(_ASKED, _TOPICS, _FOLLOWED, _SHARED_LISTS, _SUGGESTED, _LISTS, WAITING, _PAPERS, _PAIRS, _HISTORY),
        *(LIKENESS, _RANKED, VERSIONS, _PLANNED),
    )
)
_COLUMNS = (
    *("schedule_id", "subscriber_id", "period_on", "due_at", "state", "reason", "paper_ids", "causes", "more_ids"),
    *("more_causes", "cause_lists", "version_ids", "edition_count", "from_release", "to_release", "floor"),
    *("key_digest", "below_ids", "below_causes"),
)
_STORE = f"""
WITH stored AS (
    INSERT INTO digests_delivery ({", ".join(_COLUMNS)},
        planned_at, not_before, attempts, owner, content_spec)
    SELECT {", ".join(f"planned.{column}" for column in _COLUMNS)},
        %(now)s, planned.due_at, 0, '', ''
    FROM ({_CHOICE}) planned
    ON CONFLICT (schedule_id, period_on) DO NOTHING
    RETURNING state
)
SELECT count(*) FILTER (WHERE state = 'planned'), count(*) FILTER (WHERE state = 'skipped') FROM stored
"""  # noqa: S608  joined from constants of this module

NOTHING_NEW = "nothing new"
NOTHING_ABOVE = "nothing above the line"


@dataclass(frozen=True, slots=True)
class SelectedPapers:
    """What one mail would bring; as the columns of `Delivery`."""

    schedule_id: int
    subscriber_id: int
    period_on: date
    due_at: datetime
    state: str
    reason: str
    paper_ids: list[int]
    causes: list[str]
    more_ids: list[int]
    more_causes: list[str]
    cause_lists: list[str]
    version_ids: list[int]
    edition_count: int
    from_release: int
    to_release: int
    floor: datetime
    key_digest: bytes | None
    below_ids: list[int]
    below_causes: list[str]


def store_deliveries(
    batches: Sequence[DigestBatch], *, overtaken: Mapping[int, int], upto: int, now: datetime
) -> tuple[int, int]:
    """Choose and store mails with releases up to `upto`; how many were planned, and how many skipped.

    `overtaken`: by schedule the release from which a mail that was given up is made up for. One statement. A slot that
    has its mail already keeps it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STORE, _parameters(batches, overtaken=overtaken, upto=upto, now=now))
        planned, skipped = cursor.fetchone()
    return planned, skipped


def select_papers(batches: Sequence[DigestBatch], *, upto: int, now: datetime) -> list[SelectedPapers]:
    """Choose papers without storing anything, also for readers who may be sent nothing: for previews. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_CHOICE, _parameters(batches, heeds_reasons=False, upto=upto, now=now))
        return [SelectedPapers(*row) for row in cursor.fetchall()]


def _parameters(
    batches: Sequence[DigestBatch],
    *,
    heeds_reasons: bool = True,
    overtaken: Mapping[int, int] | None = None,
    upto: int,
    now: datetime,
) -> dict[str, Any]:
    overtaken, scored = overtaken or {}, scored_lines()
    return {
        **{name: [getattr(one, name) for one in batches] for name in _BATCH_COLUMNS},
        "schedules": [pk for one in batches for pk in one.schedules],
        "key_digests": [digest for one in batches for digest in one.key_digests or (None,) * len(one.schedules)],
        "places": [place for place, one in enumerate(batches, 1) for _ in one.schedules],
        "heeds_reasons": heeds_reasons,
        "reasons": Suppression.Reason.values,
        "labels": [str(label) for label in Suppression.Reason.labels],
        "overtaken": list(overtaken),
        "overtaken_since": list(overtaken.values()),
        "upto": upto,
        "now": now,
        "depth": LIST_DEPTH,
        "sample": SAMPLE_KIND,
        "trending_floor": trending_floor(now=now),
        "shown_before": now - SHOWN_FOR,
        "history_from": now - HISTORY_RETENTION,
        "clocks_differ": _CLOCKS_DIFFER,
        "chosen": [str(state) for state in OFFERED_STATES],
        **version_parameters(now=now),
        "nothing_new": NOTHING_NEW,
        "nothing_above": NOTHING_ABOVE,
        "rises_from": now - RISES_WITHIN,
        "scored_kinds": [kind for kind, _, _ in scored],
        "scored_lines": [line for _, line, _ in scored],
        "scores": [score for _, _, score in scored],
        **LIKENESS_PARAMETERS,
    }
