"""Ranking by meaning: the papers whose vectors are closest to a question's, with the question's filters applied."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import sqrt
from typing import Any

from django.conf import settings
from django.db import connection
from psycopg import sql

from papers.models import SHIPPED_MODEL, PaperCategory
from papers.models.paper import PaperQuerySet
from papers.services.embeddings.nearest import PaperDistance
from papers.services.embeddings.query_vectors import QueryVector
from papers.services.embeddings.vector_sql import cosine_distance

MAX_RESULTS = 200
MAX_FILTERED_RESULTS = 100
"""Through a filter each result costs as many steps in the index as papers fail it."""
MAX_DISTANCE = 0.85
"""Beyond this cosine distance two texts have nothing in common, for any model that is made for search."""
NEAR_DISTANCE = 0.5
"""Where no paper has any of the words, only what is as close as this is offered: by the shipped model; docs/search.md
says how it was chosen. Distances of other models mean something else."""
EXACT_SCAN_LIMIT = 10_000
"""So many are compared one by one, which takes 5 µs each, listing them included; the index takes 30 µs for each paper
that it has to pass by, and finds fewer of the right ones."""
BALANCED_PAPERS = 180_000
"""Among so many, comparing `EXACT_SCAN_LIMIT` papers takes as long as the index does to find 100 in such a part."""


def rank_semantic(
    vector: QueryVector,
    among: PaperQuerySet,
    *,
    is_filtered: bool,
    expected_count: float = 0.0,
    exclude_ids: Collection[int] = (),
) -> list[PaperDistance]:
    """The closest papers, the closest first. One query, two where it is filtered. Inside a transaction.

    `expected_count`: about how many papers pass the filter, where that can be told beforehand.
    """
    if not is_filtered:
        return _by_index(vector, among, exclude_ids, most=MAX_RESULTS)
    if expected_count > 2 * EXACT_SCAN_LIMIT:
        return _by_index(vector, among, exclude_ids, most=MAX_FILTERED_RESULTS)
    few = list(among.order_by().values_list("pk", flat=True)[: EXACT_SCAN_LIMIT + 1])
    if len(few) > EXACT_SCAN_LIMIT:
        return _by_index(vector, among, exclude_ids, most=MAX_FILTERED_RESULTS)
    return rank_semantic_among(vector, few, exclude_ids)


def rank_semantic_in_categories(
    vector: QueryVector, among: PaperQuerySet, categories: Collection[str], *, papers: int, expected_count: float
) -> list[PaperDistance]:
    """The closest papers of one or more categories, the closest first. Three queries at most. Inside a transaction.

    The search index would have each paper opened to see whether it is `among` those that count; a category's papers
    are listed by its own index, a hundred times as fast, and only the closest are looked at. `papers` is about how many
    there are of all categories, `expected_count` of these; 0 where that is not known.
    """
    most = _most_compared(papers)
    listed = PaperCategory.objects.filter(category__in=categories).order_by().values("category")
    if (expected_count or len(listed[: most + 1])) > most:
        # Of the row: the search vector, which has them too, is stored apart and would be unpacked for each paper.
        return _by_index(vector, among.filter(categories__overlap=list(categories)), (), most=MAX_FILTERED_RESULTS)
    near = _compared(vector, sql.SQL("ARRAY(SELECT paper_id FROM papers_papercategory WHERE category = ANY(%s))"),
                     list(categories))  # fmt: skip
    passing = set(among.filter(pk__in=[found.paper_id for found in near]).values_list("pk", flat=True))
    return [found for found in near if found.paper_id in passing]


def _most_compared(papers: int) -> int:
    """Up to how many papers of a category are compared one by one.

    By the index as many have to be passed by as are beside each one that is found: the more papers there are, the more.
    """
    return round(EXACT_SCAN_LIMIT * sqrt(max(1.0, papers / BALANCED_PAPERS)))


def rank_semantic_among(
    vector: QueryVector, paper_ids: Sequence[int], exclude_ids: Collection[int] = ()
) -> list[PaperDistance]:
    """The closest of these papers, compared one by one, the closest first. One query."""
    return _compared(vector, sql.SQL("%s"), sorted(set(paper_ids) - set(exclude_ids)))


def _compared(vector: QueryVector, paper_ids: sql.Composable, value: list[Any]) -> list[PaperDistance]:
    """The closest of an array of papers, given as SQL with one value. One query."""
    query = sql.SQL(
        "SELECT paper_id, distance FROM ("
        " SELECT paper_id, {distance} AS distance FROM papers_papervector of_paper"
        " WHERE of_paper.model = {model} AND paper_id = ANY({ids}) OFFSET 0"
        ") AS each ORDER BY distance LIMIT {limit}"
    ).format(
        distance=cosine_distance(vector.vector),
        model=sql.Literal(vector.model),
        ids=paper_ids,
        limit=sql.Literal(MAX_RESULTS),
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [value])
        return _close(cursor.fetchall())


def near_distance(vector: QueryVector | None) -> float:
    """How far a paper may be that is called close in meaning."""
    if settings.EMBEDDINGS_NEAR:
        return float(settings.EMBEDDINGS_NEAR)
    return NEAR_DISTANCE if vector is not None and vector.model == SHIPPED_MODEL else MAX_DISTANCE


def only_near(found: Sequence[PaperDistance], vector: QueryVector) -> list[PaperDistance]:
    """Those of `found` that are worth being offered for their meaning alone."""
    most = near_distance(vector)
    return [each for each in found if each.distance <= most]


def _by_index(
    vector: QueryVector, among: PaperQuerySet, exclude_ids: Collection[int], *, most: int
) -> list[PaperDistance]:
    """By the HNSW index, which goes on until as many as are asked for have passed the filter."""
    where, values = _where(among)
    query = sql.SQL(
        "SELECT of_paper.paper_id, {distance} AS distance FROM papers_papervector of_paper "
        "JOIN papers_paper ON papers_paper.id = of_paper.paper_id "
        "WHERE of_paper.model = {model} AND of_paper.paper_id <> ALL(%s) AND ({where}) "
        "ORDER BY {distance} LIMIT {limit}"
    ).format(
        distance=cosine_distance(vector.vector),
        model=sql.Literal(vector.model),
        where=sql.SQL(where),  # what Django made, its values apart
        limit=sql.Literal(most),
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL hnsw.iterative_scan = relaxed_order; SET LOCAL hnsw.ef_search = {most}")
        cursor.execute(query, [list(exclude_ids), *values])
        return _close(cursor.fetchall())


def _where(among: PaperQuerySet) -> tuple[str, Sequence[Any]]:
    """The condition of a queryset over papers alone, as SQL."""
    query = among.query.clone()
    query.get_initial_alias()
    compiler = query.get_compiler(connection=connection)
    text, values = compiler.compile(query.where)
    return text or "true", values


def _close(rows: Sequence[tuple[int, float]]) -> list[PaperDistance]:
    near = sorted((PaperDistance(*row) for row in rows), key=lambda found: found.distance)
    return [found for found in near if found.distance <= MAX_DISTANCE]
