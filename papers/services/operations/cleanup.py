"""Deletes expired rows: old fetch runs, resolved rejected records, spent sign-in links, sessions that ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db.models import Max

from papers.models import (
    ApiToken,
    ClientKey,
    FetchRun,
    Invitation,
    LoginLink,
    RejectedRecord,
    SecurityEvent,
    ShownRecommendation,
    SourceDay,
)
from papers.services.accounts.attempts import delete_old_attempts
from papers.services.accounts.mail_allowance import delete_old_allowances
from papers.services.accounts.security_log import SECURITY_EVENTS_KEPT
from papers.services.curation.find_candidates import delete_expired_candidates
from papers.services.curation.undo import delete_expired_changes
from papers.services.fetching.completeness import delete_expired_announcements
from papers.services.fetching.thumbnails import delete_old_thumbnails
from papers.services.library_import.drafts import delete_expired_imports
from papers.services.reading.follows import delete_unfollowed
from papers.services.recommend.feedback import delete_forgotten_feedback

FETCH_RUNS_KEPT = timedelta(days=60)
SETTLED_REJECTS_KEPT = timedelta(days=30)
REJECTS_KEPT = timedelta(days=365)
LISTS_KEPT = timedelta(days=400)
LINKS_KEPT = timedelta(days=7)
INVITATIONS_KEPT = timedelta(days=365)
"""After they could no longer be used."""
SHOWN_KEPT = timedelta(days=60)
"""Longer than a paper is recommended to anybody."""
TOKENS_KEPT = timedelta(days=365)
"""After they could no longer be used."""
CLIENT_KEYS_KEPT = timedelta(days=365)
"""For how long a program may send the same again."""


def delete_expired_rows(*, now: datetime) -> int:
    """Delete rows that are older than they are kept, and return how many.

    Idempotent. The last fetch run of each source stays, however old.
    """
    last_runs = FetchRun.objects.values("source").annotate(last=Max("pk")).values("last")
    old = (
        FetchRun.objects.filter(started_at__lt=now - FETCH_RUNS_KEPT).exclude(pk__in=last_runs),
        RejectedRecord.objects.filter(resolved_at__lt=now - SETTLED_REJECTS_KEPT),
        RejectedRecord.objects.filter(last_seen_at__lt=now - REJECTS_KEPT),
        SourceDay.objects.filter(day__lt=(now - LISTS_KEPT).date()),
        LoginLink.objects.filter(expires_at__lt=now - LINKS_KEPT),
        Invitation.objects.filter(expires_at__lt=now - INVITATIONS_KEPT),
        SecurityEvent.objects.filter(at__lt=now - SECURITY_EVENTS_KEPT),
        ShownRecommendation.objects.filter(shown_at__lt=now - SHOWN_KEPT),
        ApiToken.objects.filter(expires_at__lt=now - TOKENS_KEPT),
        ApiToken.objects.filter(revoked_at__lt=now - TOKENS_KEPT),
        ClientKey.objects.filter(created_at__lt=now - CLIENT_KEYS_KEPT),
        Session.objects.filter(expire_date__lt=now),
    )
    deleted = (
        delete_expired_announcements(now)
        + delete_expired_candidates(now=now)
        + delete_expired_changes(now=now)
        + delete_unfollowed()
        + delete_forgotten_feedback(now=now)
        + delete_old_attempts(now=now)
        + delete_old_allowances(now=now)
        + delete_old_thumbnails(now=now)
    )
    return sum(rows.delete()[0] for rows in old) + deleted + delete_expired_imports(now=now)
