"""Parts of the choice of papers: how close papers are to what a reader liked, and what stood below a line before."""

from __future__ import annotations

from datetime import timedelta

from digests.line import LIKED_COMPARED
from papers.services.recommend.reader_signals import SIGNAL_LIMITS, SIGNALS_OF

RISES_WITHIN = timedelta(days=14)
"""A paper that stood below the line of a mail is in a later one, if it rises above it so soon."""

LIKED_OF = f"""
    SELECT signal.paper_id FROM ({SIGNALS_OF}) signal
    WHERE signal.counts AND signal.source NOT IN ('put aside', 'less', 'ignored') AND NOT EXISTS (
        SELECT FROM papers_recommendationfeedback said
        WHERE said.user_id = asked.id AND said.paper_id = signal.paper_id AND said.kind <> 'more')
    GROUP BY signal.paper_id ORDER BY max(signal.at) DESC, signal.paper_id DESC LIMIT {LIKED_COMPARED}
"""  # noqa: S608  joined from constants
"""The papers that the reader `asked.id` liked last; `profile` is a row of papers_recommendationprofile, or none."""

WAITING = """
, waiting AS MATERIALIZED (
    -- What stood below the line since it was drawn, in mails of the schedule that the subscription is part of or was;
    -- told: in a mail that its reader got.
    -- What is news now is found as such.
    SELECT lined.schedule_id, lined.cause, coalesce(merged.kept_id, below.paper_id) AS paper_id,
        bool_or(delivery.state = ANY(%(chosen)s)) AS is_told
    FROM lined
    JOIN digests_delivery delivery ON delivery.subscriber_id = lined.subscriber_id
        AND delivery.planned_at >= %(rises_from)s
        AND delivery.planned_at > coalesce(lined.line_set_at, '-infinity')
        AND delivery.state = ANY(%(chosen)s || ARRAY['skipped'])
    CROSS JOIN LATERAL unnest(delivery.below_ids, delivery.below_causes) AS below (paper_id, causes)
    LEFT JOIN digests_mergedpaper merged ON merged.gone_id = below.paper_id
    WHERE lined.cause::text = ANY(string_to_array(below.causes, ','))
    GROUP BY 1, 2, 3
)"""

LIKENESS = f"""
, serving AS MATERIALIZED (
    SELECT name FROM papers_embeddingmodel WHERE serves AND vector_count > 0 LIMIT 1
), tastes AS MATERIALIZED (
    SELECT asked.id AS user_id, known.vector
    FROM (SELECT DISTINCT user_id AS id FROM asked WHERE min_score IS NOT NULL AND kind <> 'for_you') AS asked
    LEFT JOIN papers_recommendationprofile profile ON profile.user_id = asked.id
    CROSS JOIN LATERAL ({LIKED_OF}) AS liked
    JOIN papers_papervector known ON known.paper_id = liked.paper_id AND known.model = (SELECT name FROM serving)
), closeness AS MATERIALIZED (
    SELECT wanted.schedule_id, wanted.paper_id, max(1 - (known.vector <=> tastes.vector)) AS score
    FROM (SELECT DISTINCT schedule_id, paper_id FROM pairs WHERE min_score IS NOT NULL AND score IS NULL) wanted
    JOIN due USING (schedule_id)
    JOIN papers_papervector known ON known.paper_id = wanted.paper_id AND known.model = (SELECT name FROM serving)
    JOIN tastes ON tastes.user_id = due.user_id
    GROUP BY wanted.schedule_id, wanted.paper_id
)"""  # noqa: S608  joined from constants

LIKENESS_PARAMETERS = {**SIGNAL_LIMITS, "names_imports": False}
"""What `LIKENESS` takes."""
