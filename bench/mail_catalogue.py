"""Readers, topics, papers and matches by the hundred thousand, for measurements of mail; made by Postgres itself."""

from __future__ import annotations

from typing import Any

_PAPERS = """
    INSERT INTO papers_paper (public_id, title, title_raw, abstract, abstract_raw, authors, author_count, author_keys,
        organization, categories, primary_category, listed_at, doi, journal_ref, comment, venue, license, links,
        is_sample, record_rank, vote_count, comment_count, created_at, changed_at)
    SELECT 'p-mail' || n, 'A paper on matter number ' || n || ' and how it is weighed', '',
        repeat('It says what was found, how it was found, and what it is good for in practice. ', 12), '',
        '[{"name": "Ada Lovelace"}, {"name": "Émilie du Châtelet"}, {"name": "Sofja Kowalewskaja"}]', 3, '{}',
        'Institute of Weights', '{cs.CL}', 'cs.CL', now(), '', '', '', '', '',
        jsonb_build_object('abs', jsonb_build_object('url', 'https://arxiv.org/abs/2603.' || n, 'found', 'arxiv'),
            'pdf', jsonb_build_object('url', 'https://arxiv.org/pdf/2603.' || n, 'found', 'arxiv')),
        false, 0, CASE WHEN n %% 40 = 0 THEN n %% 7 ELSE 0 END, 0, now(), now()
    FROM generate_series(1, %(papers)s) n
"""
_MATCHES = """
    INSERT INTO papers_topicmatch (topic_id, paper_id, score, matched_at, release, listed_at, vote_count)
    SELECT first.id + (paper.id * 7919 + k * 104729) %% %(topics)s, paper.id, random(), now(), %(release)s,
        paper.listed_at, paper.vote_count
    FROM papers_paper paper, generate_series(1, %(matches)s) k, (SELECT min(id) AS id FROM papers_topic) first
    ON CONFLICT DO NOTHING
"""
_READERS = """
    INSERT INTO digests_subscriber (email, confirmed_at, consent, created_at)
    SELECT 'reader' || n || '@example.org', now(), '{}', now() FROM generate_series(1, %(readers)s) n
"""
_SCHEDULES = """
    INSERT INTO digests_schedule (subscriber_id, frequency, time_zone, local_time, weekday, month_day, skips_weekends,
        max_papers, next_on, next_due_at, last_release, covers_from, created_at)
    SELECT id, 'daily', 'Europe/Berlin', '07:30', 0, 1, false, 20, current_date, now(), 0, now() - interval '1 day',
        now()
    FROM digests_subscriber
"""
_SUBSCRIPTIONS = """
    INSERT INTO digests_subscription (schedule_id, kind, topic_id, created_at)
    SELECT schedule.id, 'topic', first.id + (schedule.id * 6151 + k * 1299709) %% %(topics)s, now()
    FROM digests_schedule schedule, generate_series(1, %(each)s) k, (SELECT min(id) AS id FROM papers_topic) first
    ON CONFLICT DO NOTHING
"""


def fill(*, readers: int, topics: int, papers: int, topics_a_reader: int, matches_a_paper: int) -> None:
    """Empty the tables of mail, and fill them. Every reader has one mail due now."""
    from django.db import connection, transaction

    from papers.models import Topic
    from papers.services.ingest.releases import next_release

    sizes: dict[str, Any] = {
        "readers": readers, "topics": topics, "papers": papers, "each": topics_a_reader, "matches": matches_a_paper,
    }  # fmt: skip
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE digests_subscriber, digests_fragment, papers_topicmatch, papers_topic, papers_paper CASCADE"
        )
        cursor.execute(_PAPERS, sizes)
        Topic.objects.bulk_create(Topic(slug=f"mail-{n}", name=f"Matter {n}") for n in range(topics))
        _fill_readers(cursor, sizes)
        cursor.execute(_MATCHES, {**sizes, "release": next_release()})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def fill_readers(*, readers: int, topics: int, topics_a_reader: int) -> None:
    """So many readers of some of the topics that are there, each with one mail due now."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        _fill_readers(cursor, {"readers": readers, "topics": topics, "each": topics_a_reader})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _fill_readers(cursor: Any, sizes: dict[str, Any]) -> None:
    for statement in (_READERS, _SCHEDULES, _SUBSCRIPTIONS):
        cursor.execute(statement, sizes)


def use_server(port: int, *, in_doubt: str = "resend") -> None:
    """Have mail sent to a server on this machine, from a site with a real name."""
    from django.conf import settings

    from config.site_url import Site

    settings.SITE = Site.from_url("https://papers.example.org")
    settings.SITE_URL = settings.SITE.url
    settings.MAIL_IS_SENT = True
    settings.MAIL_IN_DOUBT = in_doubt
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.DEFAULT_FROM_EMAIL = "Language Lab <papers@example.org>"
