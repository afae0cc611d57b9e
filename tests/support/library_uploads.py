"""Uploads of readers, read as a worker does."""

from __future__ import annotations

from datetime import datetime

import pytest

from papers.models import LibraryImport, User
from papers.services.library_import.drafts import store_upload
from papers.services.library_import.upload_reader import read_uploads, wait_until_read
from tests.support import factories


def bring(*, user: User, data: bytes, name: str = "", now: datetime = factories.NOW) -> LibraryImport:
    """What was brought, once it has been read."""
    made = store_upload(user=user, data=data, name=name, now=now)
    read_uploads(now=now)
    made.refresh_from_db()
    return made


def read_while_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """While a view waits for a worker, one reads."""

    def wait(library_import: LibraryImport, *, seconds: float) -> bool:
        read_uploads(now=factories.NOW)
        return wait_until_read(library_import, seconds=seconds)

    monkeypatch.setattr("papers.views.library_import.upload_reader.wait_until_read", wait)
