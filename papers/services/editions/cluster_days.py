"""Finds which papers of a day are about the same, once its vectors are there, and again when the day changes.

For workers: it loads numpy, though only where a day has changed. The newest days are looked at each time, older ones
where their number of papers changed, or vectors were missing an hour ago. A worker that is killed loses the day it was
at, and nothing else.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection, transaction

from papers.dates import ONE_DAY, start_of_day
from papers.locks import AdvisoryLock, try_lock_transaction
from papers.models import EditionClusters, Paper
from papers.ranking.cluster_names import PaperText, comparable, name_cluster
from papers.services.embeddings.model_switch import CurrentModel, current_model

if TYPE_CHECKING:
    from papers.ranking.stream import Floats

MAX_PAPERS = 2_000
"""Of a day; what is listed behind these is in no cluster."""
TURN_SECONDS = 20.0
_NEWEST_DAYS = 3
_LOOK_BACK = timedelta(days=14)
_LEAST_AROUND = 30
"""With fewer papers of late nothing says what these have in common anyway, and all would be close."""
_TITLES = 2_000
_AT_ONCE = 40

_DUE = """
    SELECT edition.day, edition.listed_count, coalesce(known.digest, '') FROM papers_edition edition
    LEFT JOIN papers_editionclusters known ON known.day = edition.day
    WHERE edition.listed_count > 0 AND (
        known.day IS NULL OR known.listed_count <> edition.listed_count
        OR known.vector_count < edition.listed_count AND known.computed_at < %(an_hour_ago)s
        OR edition.day IN (SELECT day FROM papers_edition WHERE listed_count > 0 ORDER BY day DESC LIMIT %(newest)s))
    ORDER BY edition.day DESC LIMIT %(at_once)s
"""
_VECTORS = """
    SELECT listing.paper_id, halfvec_send(known.vector)
    FROM papers_listing listing
    JOIN papers_paper paper ON paper.id = listing.paper_id AND paper.hidden_at IS NULL
    JOIN papers_papervector known ON known.paper_id = listing.paper_id AND known.model = %(model)s
    WHERE listing.day BETWEEN %(first)s AND %(last)s AND listing.hidden_at IS NULL
    ORDER BY listing.day DESC, listing.paper_id LIMIT %(most)s
"""


class _Due(NamedTuple):
    """A day to be looked at."""

    day: date
    listed_count: int
    digest: str


def cluster_days(*, now: datetime, seconds: float = TURN_SECONDS) -> int:
    """Find the related papers of the days that are due, the newest first, for about so long; how many days changed.

    Idempotent, also for two at once. One transaction a day.
    """
    model = current_model()
    if model is None:
        return 0
    end = time.monotonic() + seconds
    changed = 0
    for due in _due_days(now=now):
        if time.monotonic() > end:
            break
        with transaction.atomic():
            if not try_lock_transaction(AdvisoryLock.DAY_CLUSTERS):
                break
            changed += _cluster_day(due, model, now=now)
    return changed


def _due_days(*, now: datetime) -> list[_Due]:
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"an_hour_ago": now - timedelta(hours=1), "newest": _NEWEST_DAYS, "at_once": _AT_ONCE})
        return [_Due(*row) for row in cursor.fetchall()]


def _cluster_day(due: _Due, model: CurrentModel, *, now: datetime) -> bool:
    """Look at one day; whether it was worked out anew."""
    ids, sent = _read_vectors(model, first=due.day, last=due.day, most=MAX_PAPERS)
    digest = hashlib.sha256(b"".join([repr((model.name, ids)).encode(), *sent])).hexdigest()
    row = {"listed_count": due.listed_count, "vector_count": len(ids), "computed_at": now}
    if digest == due.digest:
        # Written where it says something new: the newest days are looked at every two minutes.
        known = EditionClusters.objects.filter(day=due.day)
        known.exclude(listed_count=due.listed_count, vector_count=due.listed_count).update(**row)
        return False
    clusters = _find(due.day, model, ids, sent)
    EditionClusters.objects.update_or_create(day=due.day, defaults={**row, "clusters": clusters, "digest": digest})
    return True


def _find(day: date, model: CurrentModel, ids: Sequence[int], sent: Sequence[bytes]) -> list[tuple[str, list[int]]]:
    """The clusters of a day, each with its name; those of one name are one."""
    _, around = _read_vectors(model, first=day - _LOOK_BACK, last=day, most=MAX_PAPERS)
    if len(around) < _LEAST_AROUND or len(ids) < 2:
        return []
    from papers.ranking.day_clusters import UNNAMED_CLOSENESS, find_clusters  # numpy: days seldom change

    groups = find_clusters(_numbers(sent), _numbers(around).mean(axis=0))
    rows = Paper.objects.only("title", "abstract").in_bulk(list(ids)).values()
    abstracts = [row.abstract for row in rows]
    texts = {row.pk: PaperText.of(row.title, row.abstract) for row in rows}
    titles = _titles_until(day)
    found: dict[str, list[int]] = {}
    for places, closeness in groups:
        members = [ids[place] for place in places if ids[place] in texts]
        if len(members) < 2:
            continue
        papers = [texts[paper_id] for paper_id in members]
        name = name_cluster(papers, _share_of(titles, members), abstracts=abstracts)
        if name or closeness >= UNNAMED_CLOSENESS:
            # A name says what they share; without one, only these few do.
            found.setdefault(name or f"\0{members[0]}", []).extend(members)
    return [("" if name[0] == "\0" else name, members) for name, members in found.items()]


def _read_vectors(model: CurrentModel, *, first: date, last: date, most: int) -> tuple[list[int], list[bytes]]:
    """The papers that days list, each once, and their vectors as Postgres sends them."""
    with connection.cursor() as cursor:
        cursor.execute(_VECTORS, {"model": model.name, "first": first, "last": last, "most": most})
        found = {pk: bytes(vector) for pk, vector in cursor.fetchall() if len(vector) == 4 + 2 * model.dimensions}
    return list(found), list(found.values())


def _numbers(sent: Sequence[bytes]) -> Floats:
    """As Postgres sends a halfvec: its length, two empty bytes, its numbers."""
    import numpy as np

    return np.array([np.frombuffer(vector, dtype=">f2", offset=4) for vector in sent], dtype=np.float32)


def _titles_until(day: date) -> dict[int, str]:
    """Titles of the papers that came last before the end of a day, ready to be searched. One query."""
    newest = Paper.objects.visible().filter(listed_at__lt=start_of_day(day + ONE_DAY)).newest()
    return {pk: comparable(title) for pk, title in newest.values_list("pk", "title")[:_TITLES]}


def _share_of(titles: dict[int, str], but: Sequence[int]) -> Callable[[str], float]:
    """What tells in which share of the titles, but for those of some papers, a phrase is."""
    others = [title for pk, title in titles.items() if pk not in set(but)]
    return lambda key: sum(f" {key} " in title for title in others) / max(len(others), 1)
