"""The papers of a day that are about the same, as `cluster_days.py` found them: for pages, without numpy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from papers.models import Edition
from papers.text.counts import counted


class RelatedPapers(NamedTuple):
    """Some papers of one day that are about the same."""

    name: str
    """What they are about, such as "speculative decoding"; empty where no words say it well."""
    paper_ids: frozenset[int]

    def words(self, others: int, *, is_today: bool) -> str:
        """What is said beside one of them of the `others`."""
        if not self.name:
            return f"{others} more like this"
        when = "today" if is_today else "that day"
        return f"Also {when} on {self.name}: {counted(others, 'paper')}"


def related_of(edition: Edition | None) -> tuple[RelatedPapers, ...]:
    """The related papers of an edition that was read for its day's page; empty where none are known. No queries."""
    if edition is None or not edition.clusters:
        return ()
    found = json.loads(edition.clusters) if isinstance(edition.clusters, str) else edition.clusters
    return tuple(RelatedPapers(name, frozenset(paper_ids)) for name, paper_ids in found)


def related_to(paper_id: int, related: Iterable[RelatedPapers]) -> RelatedPapers | None:
    """Those among which a paper is."""
    return next((each for each in related if paper_id in each.paper_ids), None)


class Fold(NamedTuple):
    """What stands behind one paper of a day."""

    related: RelatedPapers
    paper_ids: tuple[int, ...]


def folds_of(order: Sequence[int], related: Iterable[RelatedPapers]) -> dict[int, Fold]:
    """The folds of a day by the paper that leads each: the first in `order`, which may lack some."""
    folds = {}
    for each in related:
        first, *others = [paper_id for paper_id in order if paper_id in each.paper_ids] or [0]
        if others:
            folds[first] = Fold(each, tuple(others))
    return folds
