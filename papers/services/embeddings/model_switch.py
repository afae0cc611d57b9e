"""Which model serves search, which one is the target of the settings, and how the one takes over from the other.

A changed model embeds all papers again, the newest first, while the old one goes on serving. It takes over once 95 of
100 papers of the last 365 days have its vectors and its index is built; then the old vectors are removed.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import F
from psycopg import sql

from papers.locks import AdvisoryLock, lock_transaction, session_lock
from papers.models import SHIPPED_DIMENSIONS, SHIPPED_MODEL, EmbeddingBacklog, EmbeddingModel, Paper, PaperVector
from papers.services.embeddings import backlog
from papers.services.embeddings.shipped import unavailable_reason
from papers.services.embeddings.vector_sql import indexed_vector

logger = logging.getLogger(__name__)

READY_SHARE = 0.95
READY_WINDOW = timedelta(days=365)

_REMOVED_AT_ONCE = 2_000
_INDEX_MEMORY = "512MB"  # an index that fits into it is built several times faster
_KEY = "embedding-model"
_SECONDS = 30


@dataclass(frozen=True, slots=True)
class TargetModel:
    """The model that the settings name; `endpoint` is empty for the shipped one."""

    name: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class CurrentModel:
    """The model that search uses now, with some vectors already there."""

    name: str
    dimensions: int


def target_model() -> TargetModel | None:
    """What the settings ask for; None where meaning is turned off, or the shipped model cannot run here."""
    if not settings.EMBEDDINGS:
        return None
    if settings.EMBEDDINGS_URL:
        return TargetModel(name=settings.EMBEDDINGS_MODEL[:80], endpoint=settings.EMBEDDINGS_URL)
    return None if unavailable_reason() else TargetModel(name=SHIPPED_MODEL, endpoint="")


def current_model() -> CurrentModel | None:
    """The model that search uses; None without one, or before it has a single vector. One cached read.

    While models are changed this is the old one, until the new one is ready; see the top of this module.
    """
    if not settings.EMBEDDINGS:
        return None
    row: tuple[str, int] | None = cache.get(_KEY)
    if row is None:
        found = EmbeddingModel.objects.filter(serves=True, vector_count__gt=0, dimensions__gt=0).first()
        row = (found.name, found.dimensions or 0) if found else ("", 0)
        cache.set(_KEY, row, _SECONDS)
    name, dimensions = row
    return CurrentModel(name, dimensions) if name else None


def invalidate_current_model() -> None:
    """Drop the cached model, so that every process reads it again."""
    cache.delete(_KEY)


def ensure_target_model(target: TargetModel | None) -> EmbeddingModel | None:
    """Bring the tables in line with the settings: the row of the target model, with all papers that lack its vector.

    Idempotent. The first model there is serves at once, as far as it has come.
    """
    with transaction.atomic():
        lock_transaction(AdvisoryLock.EMBEDDING_MODEL)
        before = EmbeddingModel.objects.filter(is_target=True).first()
        if target is None:
            EmbeddingModel.objects.filter(is_target=True).update(is_target=False)
            return None
        if before is not None and before.name == target.name:
            EmbeddingModel.objects.filter(pk=before.pk).update(endpoint=target.endpoint)
            return before
        return _set_target(target)


def _set_target(target: TargetModel) -> EmbeddingModel:
    EmbeddingModel.objects.filter(is_target=True).update(is_target=False)
    dimensions = SHIPPED_DIMENSIONS if target.name == SHIPPED_MODEL else None
    row, _ = EmbeddingModel.objects.get_or_create(name=target.name, defaults={"dimensions": dimensions})
    row.endpoint = target.endpoint
    row.is_target = True
    row.serves = row.serves or not EmbeddingModel.objects.filter(serves=True).exists()
    row.vector_count = PaperVector.objects.filter(model=row.name).count()
    row.last_error = ""
    row.save()
    EmbeddingBacklog.objects.all().delete()
    waiting = backlog.enqueue_missing(row.name)
    logger.info("Papers are embedded with %s from now on: %d wait", row.name, waiting)
    transaction.on_commit(invalidate_current_model)
    return row


def record_dimensions(name: str, dimensions: int) -> None:
    """Keep how long a model's vectors are; its index is made while it has none. Not inside a transaction."""
    if EmbeddingModel.objects.filter(name=name, dimensions=None).update(dimensions=dimensions):
        row = EmbeddingModel.objects.get(name=name)
        if row.serves:
            ensure_index(row)


def promote_when_ready(*, now: datetime) -> bool:
    """Let the target model serve, if another one still does and it is ready. Not inside a transaction."""
    row = EmbeddingModel.objects.filter(is_target=True, serves=False, dimensions__isnull=False).first()
    if row is None or not _is_ready(row, now=now):
        return False
    ensure_index(row)
    with transaction.atomic():
        EmbeddingModel.objects.filter(serves=True).update(serves=False)
        EmbeddingModel.objects.filter(pk=row.pk, is_target=True).update(serves=True)
    invalidate_current_model()
    logger.info("Search uses the vectors of %s now", row.name)
    return True


def _is_ready(row: EmbeddingModel, *, now: datetime) -> bool:
    recent = Paper.objects.visible().filter(listed_at__gt=now - READY_WINDOW)
    papers = recent.count()
    waiting = EmbeddingBacklog.objects.filter(listed_at__gt=now - READY_WINDOW).count()
    if not papers:
        papers, waiting = Paper.objects.count(), EmbeddingBacklog.objects.count()
    return row.vector_count > 0 and waiting <= papers * (1 - READY_SHARE)


def delete_superseded_vectors() -> int:
    """Remove some of the vectors of models that neither serve nor are the target. Returns how many; call until it is 0.

    Not inside a transaction.
    """
    row = EmbeddingModel.objects.filter(is_target=False, serves=False).first()
    if row is None:
        return 0
    if row.name != SHIPPED_MODEL:
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(hnsw_index_name(row.name)))
            )
    some = PaperVector.objects.filter(model=row.name).values("pk")[:_REMOVED_AT_ONCE]
    removed, _ = PaperVector.objects.filter(pk__in=list(some.values_list("pk", flat=True))).delete()
    if removed < _REMOVED_AT_ONCE:
        row.delete()
    return removed


def recount_vectors() -> None:
    """Count the vectors again, and enqueue papers that neither have one nor wait for one. Idempotent."""
    for row in EmbeddingModel.objects.all():
        # A count that another process moves on in between is put right the next night.
        EmbeddingModel.objects.filter(pk=row.pk).update(vector_count=PaperVector.objects.filter(model=row.name).count())
    if target := EmbeddingModel.objects.filter(is_target=True).first():
        backlog.enqueue_missing(target.name)


def record_failure(name: str, message: str, *, now: datetime) -> None:
    """Keep what went wrong for /status."""
    EmbeddingModel.objects.filter(name=name).update(last_error=message[:1000], last_error_at=now)


def record_embedded(name: str, count: int, *, now: datetime) -> None:
    """Count vectors that were stored; what went wrong before is over."""
    EmbeddingModel.objects.filter(name=name).update(
        vector_count=F("vector_count") + count, last_embedded_at=now, last_error="", last_error_at=None
    )


def hnsw_index_name(model: str) -> str:
    """The name of a model's HNSW index."""
    if model == SHIPPED_MODEL:
        return "paper_vector_shipped"
    return f"paper_vector_{hashlib.sha256(model.encode()).hexdigest()[:12]}"


def ensure_index(row: EmbeddingModel) -> None:
    """Build a model's HNSW index, unless it is there; one that a kill left half built is built again.

    Writers go on meanwhile. Not inside a transaction.
    """
    name = hnsw_index_name(row.name)
    with session_lock(AdvisoryLock.EMBEDDING_INDEX), connection.cursor() as cursor:
        cursor.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [sql.Identifier(name).as_string()]
        )
        found = cursor.fetchone()
        if found and found[0]:
            return
        if found:
            cursor.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(name)))
        cursor.execute("SELECT set_config('maintenance_work_mem', %s, false)", [_INDEX_MEMORY])
        cursor.execute(
            sql.SQL(
                "CREATE INDEX CONCURRENTLY {} ON papers_papervector "
                "USING hnsw (({}) halfvec_cosine_ops) WHERE model = {}"
            ).format(sql.Identifier(name), indexed_vector(row.dimensions), sql.Literal(row.name))
        )
        cursor.execute("RESET maintenance_work_mem")
