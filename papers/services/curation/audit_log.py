"""How a curator's action is done: in one transaction, on what the curator saw, with a line in the public log."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction

from papers.locks import AdvisoryLock, lock_transaction
from papers.models import CurationEvent, Paper, User
from papers.services.curation import row_diff
from papers.services.curation.audit_actions import CurationAction
from papers.services.curation.refresh_derived import refresh_derived_columns
from papers.services.curation.row_diff import ActionScope
from papers.text.cleaning import typed_line

MAX_REASON_LENGTH = 1_000


class CurationError(Exception):
    """The action cannot be done; the message says why, for a curator."""


class AlreadyDecidedError(CurationError):
    """Somebody else decided on it since it was shown. Nothing was changed; `event` is what was decided."""

    def __init__(self, event: CurationEvent) -> None:
        super().__init__("Someone else decided on this while you had it open.")
        self.event = event


@dataclass(frozen=True, slots=True)
class Actor:
    """Who decides, when, and on what they saw."""

    curator: User
    now: datetime
    last_event_id: int | None = None
    """The newest event about the subject when it was shown, 0 for none; None: whatever was decided since."""
    reason: str = ""
    batch: uuid.UUID | None = None


@dataclass(slots=True)
class AuditEntry:
    """What the log is to say of an action; filled in while it is done."""

    paper_id: int | None = None
    day: date | None = None
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    recount: bool = False
    """Votes or comments went from one paper to another, or came or went."""
    is_final: bool = False
    """It can't be undone, as it was no decision."""
    event: CurationEvent | None = None
    """Afterwards: the line in the log; None where there was nothing to change."""


@contextmanager
def record_action(
    actor: Actor, action: CurationAction, *, subject: str, scope: ActionScope, day: date | None = None
) -> Iterator[AuditEntry]:
    """A transaction in which the papers of `scope` are locked; what is changed in it is logged, and can be undone.

    Nothing is logged where nothing changes, so that an action that is done twice is logged once.

    Raises:
        AlreadyDecidedError: somebody decided on `subject` since the curator saw it.
        Paper.DoesNotExist: one of the papers is gone.
    """
    with transaction.atomic():
        lock_subject(subject, scope)
        _refuse_stale_decision(actor, subject)
        before = row_diff.snapshot_rows(scope)
        entry = AuditEntry(paper_id=scope.papers[0] if scope.papers else None, day=day)
        yield entry
        days = {*scope.days, *_days(before)}
        changes = row_diff.diff_snapshots(before, row_diff.snapshot_rows(scope))
        if not changes:
            return
        refresh_derived_columns(scope.papers, days, now=actor.now, recount=entry.recount)
        entry.event = _write_event(actor, action, subject, entry, changes)


def _write_event(
    actor: Actor, action: CurationAction, subject: str, entry: AuditEntry, changes: list[row_diff.RowChange]
) -> CurationEvent:
    return CurationEvent.objects.create(
        actor=actor.curator,
        action=action,
        subject=subject,
        paper_id=entry.paper_id,
        day=entry.day,
        before=entry.before,
        after=entry.after,
        reason=clean_reason(actor.reason),
        changes=[] if entry.is_final else changes,
        batch=actor.batch,
    )


def _refuse_stale_decision(actor: Actor, subject: str) -> None:
    """Under the subject's lock.

    Raises:
        AlreadyDecidedError: somebody decided on it since the curator saw it.
    """
    if actor.last_event_id is not None:
        newest = CurationEvent.objects.filter(subject=subject).order_by("-pk").first()
        if newest is not None and newest.pk != actor.last_event_id:
            raise AlreadyDecidedError(newest)


def lock_subject(subject: str, scope: ActionScope) -> None:
    """Lock a subject against other curators, and its papers against voters and sources, too.

    Raises:
        Paper.DoesNotExist: one of the papers is gone.
    """
    lock_transaction(AdvisoryLock.CURATION_SUBJECT, subject)
    papers = Paper.objects.select_for_update(no_key=True).filter(pk__in=scope.papers).order_by("pk")
    if len(papers.values_list("pk")) < len(set(scope.papers)):
        raise Paper.DoesNotExist


def clean_reason(reason: str) -> str:
    """A reason as the log keeps it: one line, at most `MAX_REASON_LENGTH` characters."""
    return typed_line(reason)[:MAX_REASON_LENGTH]


def _days(rows: dict[tuple[str, str], row_diff.RowData]) -> set[date]:
    return {date.fromisoformat(row["day"]) for (table, _), row in rows.items() if table == "papers_listing"}
