"""Records that could not be read: kept with their error for a curator, each once, and settled when a good one comes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime

from django.db import connection

from papers.catalogue.identifiers import parse_arxiv_id
from papers.sources.base import RawPaper, UnreadableRecord
from papers.sources.xml import MAX_PAYLOAD_CHARACTERS
from papers.text.cleaning import safe_text

MAX_ERROR = 2_000

# Inserts one row, or notes that it was seen again; returns nothing.
_STORE = """
    INSERT INTO papers_rejectedrecord
        (digest, source_id, source_kind, identifier, payload, error, first_seen_at, last_seen_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (digest) DO UPDATE SET last_seen_at = excluded.last_seen_at, error = excluded.error
"""


def unstorable_record(raw: RawPaper, error: str, *, place: int) -> UnreadableRecord:
    """A record that was read and cannot be stored."""
    payload = json.dumps(asdict(raw), default=str, ensure_ascii=False)
    return UnreadableRecord(
        identifier=raw.arxiv_id or raw.doi or raw.url or "", payload=payload, error=error, place=place
    )


def store_rejected(records: Iterable[UnreadableRecord], *, kind: str, source_id: int | None, now: datetime) -> None:
    """Keep bad records; one that is known already was only seen again."""
    rows = {}
    for record in records:
        payload = safe_text(record.payload)[:MAX_PAYLOAD_CHARACTERS]
        digest = hashlib.sha256(f"{kind}\n{payload}".encode()).hexdigest()
        identifier = _name(safe_text(record.identifier))
        rows[digest] = (digest, source_id, kind, identifier, payload, safe_text(record.error)[:MAX_ERROR], now, now)
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.executemany(_STORE, [rows[digest] for digest in sorted(rows)])


def resolve_rejected_records(identifiers: Collection[str], *, now: datetime) -> None:
    """What was rejected under one of these identifiers can be read now."""
    if identifiers:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE papers_rejectedrecord SET resolved_at = %s WHERE resolved_at IS NULL AND identifier = ANY(%s)",
                [now, list(identifiers)],
            )


def _name(identifier: str) -> str:
    """The identifier as `models.Identifier` has it, where it is an arXiv id; else as it is, cut to 500 characters."""
    arxiv = parse_arxiv_id(identifier)
    return arxiv.value if arxiv else identifier.strip()[:500]
