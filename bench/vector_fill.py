"""Vectors for papers that were made for a measurement, written as fast as Postgres takes them.

Embedding 165,073 papers takes hours. Only how long a search takes is measured with these, never how good it is: each is
a real vector, moved at random, so that vectors lie in clusters as real ones do, and papers with the same text differ.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.vector_cache import RealVectors
from papers.models import SHIPPED_DIMENSIONS, SHIPPED_MODEL

MOVED = 0.5
"""So long a random step every vector takes, which is as far as two papers of one subject are from each other."""
CLUSTERS = 500
AT_ONCE = 10_000
_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"
# A row as COPY BINARY has it (https://www.postgresql.org/docs/current/sql-copy.html): fields, then length and value of
# each; a halfvec is its length, two empty bytes and its numbers.
_ROW = np.dtype(
    [
        ("fields", ">i2"), ("paper_size", ">i4"), ("paper", ">i8"), ("vector_size", ">i4"), ("dimensions", ">i2"),
        ("unused", ">i2"), ("vector", ">f2", (SHIPPED_DIMENSIONS,)),
    ]
)  # fmt: skip


def fill_vectors(file: str) -> str:
    """Give every paper a vector and build the index; what they are, in a few words. Not inside a transaction.

    Without a file of real ones they are made up.
    """
    from django.db import connection

    from papers.models import PaperVector

    real = RealVectors.read(file) if file else RealVectors(_made_up())
    (index,) = PaperVector._meta.indexes
    with connection.schema_editor() as editor:
        editor.remove_index(PaperVector, index)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE made (paper_id bigint, vector halfvec)")
        for rows in _rows(real):  # read before the copying begins: a connection does one thing at a time
            with cursor.copy("COPY made FROM STDIN (FORMAT binary)") as copy:
                copy.write(_COPY_HEAD + rows.tobytes() + _COPY_END)
        cursor.execute("SET session_replication_role = replica")  # no trigger: no topic waits for them
        cursor.execute(
            "INSERT INTO papers_papervector (paper_id, model, vector) SELECT paper_id, %s, vector FROM made",
            [SHIPPED_MODEL],
        )
        cursor.execute("RESET session_replication_role")
        cursor.execute("DROP TABLE made")
        cursor.execute("SET maintenance_work_mem = '2GB'")
        with connection.schema_editor() as editor:
            editor.add_index(PaperVector, index)
        cursor.execute("RESET maintenance_work_mem")
        cursor.execute("VACUUM ANALYZE papers_papervector")
    return (
        f"moved at random from {len(real.vectors):,} real ones" if file else f"made at random, in {CLUSTERS} clusters"
    )


def _rows(real: RealVectors) -> Iterator[NDArray[Any]]:
    from papers.models import Paper
    from papers.services.embeddings.embedder import paper_text

    dice = np.random.default_rng(7)
    last = 0
    while some := list(
        Paper.objects.order_by("pk").filter(pk__gt=last).values_list("pk", "title", "abstract")[:AT_ONCE]
    ):
        last = some[-1][0]
        known = [real.place_of(paper_text(title, abstract)) for _, title, abstract in some]
        places = [
            pk % len(real.vectors) if place is None else place for (pk, *_), place in zip(some, known, strict=True)
        ]
        steps = dice.standard_normal((len(some), SHIPPED_DIMENSIONS), dtype=np.float32)
        rows = np.zeros(len(some), dtype=_ROW)
        rows["fields"], rows["paper_size"], rows["dimensions"] = 2, 8, SHIPPED_DIMENSIONS
        rows["vector_size"] = 4 + 2 * SHIPPED_DIMENSIONS
        rows["paper"] = [pk for pk, _, _ in some]
        rows["vector"] = _of_length_one(real.vectors[places] + steps * (MOVED / SHIPPED_DIMENSIONS**0.5))
        yield rows


def _made_up() -> NDArray[np.float32]:
    return _of_length_one(np.random.default_rng(3).normal(size=(CLUSTERS, SHIPPED_DIMENSIONS)))


def _of_length_one(vectors: Any) -> NDArray[np.float32]:
    found: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return found
