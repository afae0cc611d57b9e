"""All papers as rows that `import_papers` reads, a part at a time: memory does not grow with the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from papers.models import Paper
from papers.services.changes.paper_rows import COLUMNS, paper_row
from papers.services.changes.read_changes import identifiers_of

PAPERS_A_PART = 1_000


def export_rows() -> Iterator[dict[str, Any]]:
    """Each paper that readers may see, the oldest key first. Two queries a thousand papers."""
    last = 0
    while True:
        papers = list(Paper.objects.visible().filter(pk__gt=last).only(*COLUMNS).order_by("pk")[:PAPERS_A_PART])
        if not papers:
            return
        names = identifiers_of([paper.pk for paper in papers])
        for paper in papers:
            yield paper_row(paper, names.get(paper.pk, {}))
        last = papers[-1].pk
