"""How long a paper counts as new to a reader's mail, and papers that count as new a second time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from papers.models import FollowedPaper, TopicMatch
from papers.services.ingest.releases import next_release

RELEASE_WINDOW = timedelta(days=30)
"""How far back a topic looks: a paper listed before that is new to none."""

# Both stamp the papers' rows with a new release, and return nothing.
_STAMP_LISTINGS = """
    UPDATE papers_listing SET release = %(release)s WHERE paper_id = ANY(%(papers)s) AND hidden_at IS NULL
"""
_STAMP_MATCHES = """
    UPDATE {} found SET release = %(release)s, matched_at = %(now)s FROM papers_paper paper
    WHERE found.paper_id = ANY(%(papers)s) AND found.release > 0
      AND paper.id = found.paper_id AND paper.listed_at >= %(oldest)s
"""
_STATEMENTS = (
    _STAMP_LISTINGS,
    _STAMP_MATCHES.format(TopicMatch._meta.db_table),
    _STAMP_MATCHES.format(FollowedPaper._meta.db_table),
)


def re_release(paper_ids: Collection[int], *, now: datetime) -> None:
    """Have mails bring papers that none could bring for a while: they were hidden, off their day, or the sample's.

    A mail that went out meanwhile has passed their releases, and would never look back. Whoever got them before does
    not get them again. Inside a transaction that holds the papers' locks; three statements, none for no paper.
    """
    if not paper_ids:
        return
    asked: dict[str, Any] = {
        "papers": list(paper_ids),
        "release": next_release(),
        "now": now,
        "oldest": now - RELEASE_WINDOW,
    }
    with connection.cursor() as cursor:
        for statement in _STATEMENTS:
            cursor.execute(statement, asked)
