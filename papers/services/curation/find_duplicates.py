"""Papers that may be one: found by title, authors and meaning, by a worker, and put before the curators.

Sources that share an identifier meet in one paper by themselves. What is looked for here is a paper that two sources
know by different names: a preprint and its version in a journal. Two arXiv ids are never one paper, so the papers
without one are looked at: when they come, and some days later again, as the other one may come after them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher

from django.db import transaction

from papers.models import DuplicateCheck, DuplicatePair, Paper
from papers.query.nodes import TitleTerm
from papers.query.parser import Query
from papers.retry import RetrySchedule
from papers.services.embeddings.nearest import nearest_papers

RECHECKS = RetrySchedule((timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=30)))
"""Pauses between the checks of one paper; after the last it is not checked again, unless its title changes."""

BATCH_SIZE = 100
_CANDIDATES = 20
_SAME_TITLE = 0.95
_LIKE_TITLE = 0.6
_SAME_AUTHORS = 0.5
_SAME_SEMANTICS = 0.9
# "Editorial" is the title of many papers.
_TELLING_WORDS = 4
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class PaperSimilarity:
    """How alike two papers are, each from 0 to 1."""

    title: float
    authors: float | None
    """None where one of them names none."""
    semantic: float | None
    """None where one of them has no vector."""

    @property
    def is_suspect(self) -> bool:
        """Whether a curator is asked."""
        if self.title >= _SAME_TITLE:
            return self.authors is None or self.authors >= _SAME_AUTHORS
        is_near = self.semantic is not None and self.semantic >= _SAME_SEMANTICS
        return is_near and self.title >= _LIKE_TITLE and (self.authors or 0) >= _SAME_AUTHORS


def paper_similarity(one: Paper, other: Paper, *, semantic: float | None = None) -> PaperSimilarity:
    """How alike two papers are. No queries."""
    return PaperSimilarity(_alike(one.title, other.title), _shared(one.author_keys, other.author_keys), semantic)


def check_duplicates(*, now: datetime, batch_size: int = BATCH_SIZE) -> int:
    """Compare the papers that are due with all others, and return the number of pairs found.

    Idempotent; two workers take different papers.
    """
    found = 0
    with transaction.atomic():
        due = DuplicateCheck.objects.select_for_update(skip_locked=True).filter(next_at__lte=now)
        for check in list(due.order_by("next_at", "pk")[:batch_size]):
            paper = Paper.objects.filter(pk=check.paper_id, hidden_at=None).first()
            found += _note(find_suspects(paper), paper, now) if paper else 0
            _schedule_recheck(check, now)
    return found


def find_suspects(paper: Paper) -> list[tuple[Paper, PaperSimilarity]]:
    """The papers that may be this one. Three queries, and one of the nearest vectors."""
    meanings = {each.paper_id: 1 - each.distance for each in nearest_papers([paper.pk], limit=_CANDIDATES)}
    others = {other.pk: other for other in Paper.objects.visible().filter(pk__in=meanings)}
    if len(_WORD.findall(paper.title)) >= _TELLING_WORDS:
        same_title = Paper.objects.visible().matching(Query(TitleTerm(paper.title))).exclude(pk=paper.pk)
        others |= {other.pk: other for other in same_title.order_by("pk")[:_CANDIDATES]}
    alike = ((other, paper_similarity(paper, other, semantic=meanings.get(other.pk))) for other in others.values())
    return [(other, like) for other, like in alike if like.is_suspect and not other.is_sample]


def _note(found: Iterable[tuple[Paper, PaperSimilarity]], paper: Paper, now: datetime) -> int:
    pairs = []
    for other, like in found:
        first, second = sorted((paper.pk, other.pk))
        pairs.append(
            DuplicatePair(
                first_id=first,
                second_id=second,
                title_score=like.title,
                author_score=like.authors or 0,
                vector_score=like.semantic,
                found_at=now,
            )
        )
    known = {(pair.first_id, pair.second_id) for pair in DuplicatePair.objects.about(paper.pk)}
    fresh = [pair for pair in pairs if (pair.first_id, pair.second_id) not in known]
    DuplicatePair.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


def _schedule_recheck(check: DuplicateCheck, now: datetime) -> None:
    pause = RECHECKS.pause_after(check.times + 1)
    if pause is None:
        check.delete()
        return
    check.next_at, check.times = now + pause, check.times + 1
    check.save(update_fields=["next_at", "times"])


def _alike(one: str, other: str) -> float:
    one, other = (" ".join(_WORD.findall(title.casefold())) for title in (one, other))
    return 1.0 if one == other else SequenceMatcher(None, one, other, autojunk=False).ratio()


def _shared(one: Iterable[str], other: Iterable[str]) -> float | None:
    """How many of the fewer authors are on both, by last name and first letter, as journals shorten names."""
    mine, theirs = ({(key.split()[-1], key[0]) for key in keys if key} for keys in (one, other))
    return len(mine & theirs) / min(len(mine), len(theirs)) if mine and theirs else None
