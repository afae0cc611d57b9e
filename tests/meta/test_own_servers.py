"""What one process of tests writes, empties or counts outside of Postgres is in no other's reach."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import redis
from django.conf import settings

from tests.support.prepared_site import KEPT, copy_prepared

PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "")


@pytest.mark.skipif("broadsheet-tests-" not in settings.REDIS_URL, reason="a Redis is named, which all processes share")
def test_a_process_has_a_redis_and_a_folder_of_its_own() -> None:
    folder = settings.DATA_DIR.path
    assert folder.name == PROCESS or (not PROCESS and folder.name.startswith("broadsheet-tests-"))
    assert settings.DATA_DIR.redis_url == settings.REDIS_URL
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.ping()


def test_a_site_is_started_on_no_more_than_what_was_prepared(tmp_path: Path) -> None:
    """Sockets, logs and notes of running processes are those of another folder."""
    prepared = tmp_path / "prepared"
    for name in ("postgres", "static", "run", "log"):
        (prepared / name).mkdir(parents=True)
    for name in ("secret_key", "socket.path"):
        (prepared / name).write_text("x")
    copy_prepared(prepared, tmp_path / "copy")
    assert {path.name for path in (tmp_path / "copy").iterdir()} == set(KEPT)
