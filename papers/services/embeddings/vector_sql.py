"""The SQL of vectors: the expression that a model's index is on, which a query must repeat to be served by it."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql


def indexed_vector(dimensions: int | None) -> sql.Composable:
    """The column `PaperVector.vector` at a model's own length, as its HNSW index has it."""
    return sql.SQL("vector::halfvec({})").format(sql.Literal(dimensions))


def cosine_distance(vector: Sequence[float]) -> sql.Composable:
    """How far the column `PaperVector.vector` is from `vector`, by the index of a model of that length."""
    literal = sql.Literal("[" + ",".join(f"{value:.6g}" for value in vector) + "]")
    return sql.SQL("{} <=> {}::halfvec({})").format(indexed_vector(len(vector)), literal, sql.Literal(len(vector)))
