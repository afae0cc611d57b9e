"""Reading what readers bring: by a worker, one upload at a time, each in a child process.

Whatever is in an upload costs a worker some seconds at most, and the web server none. Uploads are rows: one whose
reader was killed is read again, and given up the third time.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime

from django.db.models import F

from papers.isolation.calls import IsolationError, call_isolated
from papers.locks import AdvisoryLock, try_session_lock
from papers.models import LibraryImport, LibraryUpload
from papers.references.parser import parse_references
from papers.services.library_import.drafts import fill_draft, refuse_upload

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
MAX_RUN_SECONDS = 45.0
"""After that the worker looks after other work first."""
_POLL_SECONDS = 0.05
_GIVEN_UP = (
    "The file could not be read because of an error on this site. An administrator can find the reason in the log."
)


def is_upload_waiting() -> bool:
    """Whether something waits to be read. One query."""
    return LibraryUpload.objects.exists()


def is_another_waiting(library_import: LibraryImport) -> bool:
    """Whether somebody's upload waits beside this one. One query."""
    return LibraryUpload.objects.exclude(pk=library_import.pk).exists()


def read_uploads(*, now: datetime) -> bool:
    """Read what waits, for some time; whether there is more. False where another worker is at it."""
    started = time.monotonic()
    with try_session_lock(AdvisoryLock.LIBRARY_UPLOADS) as is_ours:
        while is_ours and (upload := _next()) is not None:
            _read(upload, now)
            if time.monotonic() - started > MAX_RUN_SECONDS:
                return is_upload_waiting()
    return False


def wait_until_read(library_import: LibraryImport, *, seconds: float) -> bool:
    """Wait for a worker for so long; whether it has been read. `library_import` is up to date then."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        library_import.refresh_from_db(fields=["read_at", "problem"])
        if library_import.read_at is not None:
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _next() -> LibraryUpload | None:
    """The upload that was begun least often, of those the oldest: one that takes long does not keep others waiting."""
    return LibraryUpload.objects.select_related("library_import").order_by("attempts", "pk").first()


def _data_of(upload: LibraryUpload) -> bytes:
    parts = upload.parts.order_by("number").values_list("data", flat=True)
    return b"".join(bytes(part) for part in parts.iterator(chunk_size=4))


def _read(upload: LibraryUpload, now: datetime) -> None:
    of = upload.library_import
    if upload.attempts >= MAX_ATTEMPTS:  # its readers were killed, each time
        refuse_upload(library_import=of, problem=_GIVEN_UP, now=now)
        return
    LibraryUpload.objects.filter(pk=upload.pk).update(attempts=F("attempts") + 1)
    try:
        reading = call_isolated(parse_references, _data_of(upload))
        fill_draft(library_import=of, reading=reading, now=now)
    except IsolationError as error:
        logger.warning("An upload was refused: %s", error, extra={"library_import": of.pk})
        refuse_upload(library_import=of, problem=f"It can’t be read: {error}. Export it again, in parts.", now=now)
    except Exception:  # whatever an upload brings to light, the others are read
        logger.exception("An upload could not be read", extra={"library_import": of.pk})
        if upload.attempts + 1 >= MAX_ATTEMPTS:
            refuse_upload(library_import=of, problem=_GIVEN_UP, now=now)
