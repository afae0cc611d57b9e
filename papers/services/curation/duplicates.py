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
from papers.services.embeddings.nearest import nearest_papers

RECHECK_AFTER = (timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=30))
"""After the last of them a paper is not looked at any more, unless its title changes."""

BATCH_SIZE = 100
_LOOKED_AT = 20
_SAME_TITLE = 0.95
_LIKE_TITLE = 0.6
_SAME_AUTHORS = 0.5
_SAME_MEANING = 0.9
# "Editorial" is the title of many papers.
_TELLING_WORDS = 4
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class PaperSimilarity:
    """How alike two papers are, each from 0 to 1."""

    title: float
    authors: float | None
    """None where one of them names none."""
    meaning: float | None
    """None where one of them has no vector."""

    @property
    def is_suspect(self) -> bool:
        """Whether a curator is asked."""
        if self.title >= _SAME_TITLE:
            return self.authors is None or self.authors >= _SAME_AUTHORS
        is_near = self.meaning is not None and self.meaning >= _SAME_MEANING
        return is_near and self.title >= _LIKE_TITLE and (self.authors or 0) >= _SAME_AUTHORS


def paper_similarity(one: Paper, other: Paper, *, meaning: float | None = None) -> PaperSimilarity:
    """How alike two papers are. No queries."""
    return PaperSimilarity(_alike(one.title, other.title), _shared(one.author_keys, other.author_keys), meaning)


def check_duplicates(*, now: datetime, at_a_time: int = BATCH_SIZE) -> int:
    """Compare what is due with all others; how many pairs were found. Idempotent; two workers take different ones."""
    found = 0
    with transaction.atomic():
        due = DuplicateCheck.objects.select_for_update(skip_locked=True).filter(next_at__lte=now)
        for check in list(due.order_by("next_at", "pk")[:at_a_time]):
            paper = Paper.objects.filter(pk=check.paper_id, hidden_at=None).first()
            found += _note(find_suspects(paper), paper, now) if paper else 0
            _put_off(check, now)
    return found


def find_suspects(paper: Paper) -> list[tuple[Paper, PaperSimilarity]]:
    """The papers that may be this one. Three queries and one by meaning."""
    meanings = {each.paper_id: 1 - each.distance for each in nearest_papers([paper.pk], limit=_LOOKED_AT)}
    others = {other.pk: other for other in Paper.objects.visible().filter(pk__in=meanings)}
    if len(_WORD.findall(paper.title)) >= _TELLING_WORDS:
        same_title = Paper.objects.visible().matching(Query(TitleTerm(paper.title))).exclude(pk=paper.pk)
        others |= {other.pk: other for other in same_title.order_by("pk")[:_LOOKED_AT]}
    alike = ((other, paper_similarity(paper, other, meaning=meanings.get(other.pk))) for other in others.values())
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
                vector_score=like.meaning,
                found_at=now,
            )
        )
    known = {(pair.first_id, pair.second_id) for pair in DuplicatePair.objects.about(paper.pk)}
    fresh = [pair for pair in pairs if (pair.first_id, pair.second_id) not in known]
    DuplicatePair.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


def _put_off(check: DuplicateCheck, now: datetime) -> None:
    if check.times >= len(RECHECK_AFTER):
        check.delete()
        return
    check.next_at, check.times = now + RECHECK_AFTER[check.times], check.times + 1
    check.save(update_fields=["next_at", "times"])


def _alike(one: str, other: str) -> float:
    one, other = (" ".join(_WORD.findall(title.casefold())) for title in (one, other))
    return 1.0 if one == other else SequenceMatcher(None, one, other, autojunk=False).ratio()


def _shared(one: Iterable[str], other: Iterable[str]) -> float | None:
    """How many of the fewer authors are on both, by last name and first letter, as journals shorten names."""
    mine, theirs = ({(key.split()[-1], key[0]) for key in keys if key} for keys in (one, other))
    return len(mine & theirs) / min(len(mine), len(theirs)) if mine and theirs else None
