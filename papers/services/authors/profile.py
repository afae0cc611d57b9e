"""What the page of an author or organization shows beside the list: papers by year, categories, who else is on them.

Read from the newest 5,000 papers and cached for ten minutes: at most three statements, however many papers there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db import connection

from papers.models import Followed, Paper
from papers.ranking.charts import BarChart, BarRow, Series
from papers.services.authors.lookup import Contributor, cache_digest
from papers.services.ingest.clean_record import author_index_key

MAX_PAPERS_READ = 5_000
MAX_AUTHORS_FOR_COAUTHORS = 50
"""Papers with more authors than this say nothing about who works with whom, and are not counted for it."""
_SHOWN = 12
_LEAST_YEARS = 12
_SECONDS = 10 * 60

_FACTS = f"""
WITH mine AS MATERIALIZED ({{inner}})
SELECT 'year', extract(year FROM coalesce(published_at, listed_at) AT TIME ZONE 'UTC')::int::text, count(*), 0
FROM mine GROUP BY 2
UNION ALL
(SELECT 'category', category, count(*), 0 FROM mine, unnest(categories) AS category
    GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT {_SHOWN})
UNION ALL
(SELECT 'person', person, count(*), max(id) FROM mine, unnest(author_keys) AS person
    WHERE author_count <= {MAX_AUTHORS_FOR_COAUTHORS} AND person <> ALL(%s)
    GROUP BY 2 ORDER BY 3 DESC, 2 LIMIT {_SHOWN})
UNION ALL
(SELECT 'newest', '', 0, id FROM mine ORDER BY listed_at DESC, id DESC LIMIT 5)
"""  # noqa: S608  numbers of this module


@dataclass(frozen=True, slots=True)
class Coauthor:
    """Another author of these papers."""

    key: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class AuthorProfile:
    """What an author's or organization's page tells beside the list of papers."""

    name: str
    """As the newest paper writes it, or a curator did."""
    paper_count: int
    """At most `MAX_PAPERS_READ`."""
    years: tuple[tuple[int, int], ...] = ()
    """Year and papers, oldest first, none left out in between."""
    categories: tuple[tuple[str, int], ...] = ()
    people: tuple[Coauthor, ...] = ()
    orcids: tuple[str, ...] = ()
    """As the newest papers' records give them."""

    @property
    def is_truncated(self) -> bool:
        return self.paper_count >= MAX_PAPERS_READ

    @property
    def by_year(self) -> BarChart:
        """Papers per year, with the empty years before where there are few, so that no bar is as wide as the page."""
        first = self.years[0][0] if self.years else 0
        before = tuple((year, 0) for year in range(first - (_LEAST_YEARS - len(self.years)), first))
        rows = tuple(BarRow(str(year), (count,)) for year, count in (*before, *self.years))
        return BarChart(title="Papers per year", first="Year", series=(Series("stored", "papers"),), rows=rows)


def read_author_profile(contributor: Contributor) -> AuthorProfile:
    """What is known of an author or organization. Two queries, or none for some minutes."""
    state = f"{contributor.key}:{len(contributor.names)}:{len(contributor.claimed)}"
    cached = f"facts:{contributor.kind}:{cache_digest(state)}"
    kept: list[Any] | None = cache.get(cached)
    if kept is not None:
        return _unpacked(kept)
    found = _read(contributor)
    people = [(person.key, person.name, person.count) for person in found.people]
    cache.set(cached, (found.name, found.paper_count, found.years, found.categories, people, found.orcids), _SECONDS)
    return found


def _unpacked(kept: list[Any]) -> AuthorProfile:
    """The profile that the cache, which holds JSON, had in this form."""
    name, paper_count, years, categories, people, orcids = kept
    return AuthorProfile(
        name=name,
        paper_count=paper_count,
        years=tuple((year, count) for year, count in years),
        categories=tuple((code, count) for code, count in categories),
        people=tuple(Coauthor(*person) for person in people),
        orcids=tuple(orcids),
    )


def _read(contributor: Contributor) -> AuthorProfile:
    columns = ("id", "published_at", "listed_at", "categories", "author_keys", "author_count")
    inner, values = contributor.papers().newest_sorted().values(*columns)[:MAX_PAPERS_READ].query.sql_with_params()
    own = list(contributor.names) if contributor.kind == Followed.Kind.AUTHOR else []
    with connection.cursor() as cursor:
        cursor.execute(_FACTS.replace("{inner}", inner), [*values, own])
        rows = cursor.fetchall()
    years = Counter({int(word): count for kind, word, count, _ in rows if kind == "year"})
    people = [(word, count, paper) for kind, word, count, paper in rows if kind == "person"]
    newest = [paper for kind, _, _, paper in rows if kind == "newest"]
    names, orcids = _written([paper for _, _, paper in people], newest, contributor)
    return AuthorProfile(
        name=contributor.name or next((names[key] for key in own if key in names), "") or contributor.key.title(),
        paper_count=years.total(),
        years=tuple((year, years[year]) for year in range(min(years), max(years) + 1)) if years else (),
        categories=tuple((word, count) for kind, word, count, _ in rows if kind == "category"),
        people=tuple(Coauthor(key, names.get(key, key.title()), count) for key, count, _ in people),
        orcids=orcids,
    )


def _written(
    of_people: Iterable[int], newest: list[int], contributor: Contributor
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Names by key, as papers write them, and the ORCIDs that the newest papers give this author. One query."""
    names: dict[str, str] = {}
    orcids: list[str] = []
    rows = dict(Paper.objects.filter(pk__in={*of_people, *newest}).values_list("pk", "authors"))
    for paper in [*newest, *(pk for pk in rows if pk not in newest)]:
        for author in rows.get(paper, ()):
            key = author_index_key(author["name"])
            names.setdefault(key, author["name"])
            if key in contributor.names and (orcid := author.get("orcid")):
                orcids.append(orcid)
    return names, tuple(dict.fromkeys(orcids))
