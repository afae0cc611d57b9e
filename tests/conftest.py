"""One embedded Postgres and one Valkey for the whole run, the same that `make run` starts; none with DATABASE_URL set.

pytest's main process starts them before Django reads its settings; xdist's workers inherit their addresses.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache

from config.local.paths import DataDir
from config.local.postgres import PostgresServer
from config.local.supervisor import Supervisor
from config.local.valkey import ValkeyServer
from config.monitoring import counts
from papers.web import process_memory

# A test database that a crash ruins is made again: nothing waits for the disk.
FAST_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "100",
    "autovacuum_naptime": "1h",  # statistics that change in the middle of a test change its plan
    "shared_buffers": "128MB",
    "log_min_duration_statement": "-1",
}

servers = pytest.StashKey[tuple[Supervisor, Path]]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Runs before pytest-django's own hook, which sets Django up once its settings are loaded."""
    if not hasattr(config, "workerinput"):
        _forget_surroundings()
        _start_servers(config)
    _change_settings()


def _start_servers(config: pytest.Config) -> None:
    data = DataDir(tempfile.mkdtemp(prefix="broadsheet-tests-"))
    data.make()
    os.environ["BROADSHEET_DATA_DIR"] = str(data.path)
    supervisor = Supervisor(data)
    config.stash[servers] = supervisor, data.path
    if config.option.collectonly:
        return
    postgres = PostgresServer(data, settings=FAST_SETTINGS)
    if "DATABASE_URL" not in os.environ:
        postgres.prepare()
        supervisor.start(postgres)
        supervisor.wait_for(postgres, seconds=30)
        postgres.create_database()
        os.environ["DATABASE_URL"] = data.database_url
    if "REDIS_URL" not in os.environ:
        valkey = ValkeyServer(data, privileges=postgres.privileges)
        supervisor.start(valkey)
        supervisor.wait_for(valkey, seconds=10)
        os.environ["REDIS_URL"] = data.redis_url


def _change_settings() -> None:
    """The cache in memory, each process its own; no page kept; passwords hashed quickly; static files as they are."""
    settings.CACHES = {"default": {"BACKEND": "tests.support.memory_cache.SealedMemoryCache"}}
    settings.ANONYMOUS_PAGE_SECONDS = 0
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    files = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": files}
    # All processes have one Redis; what requests of one are counted as, and show the doctor, is not for the others.
    counts.HASH += f"-{os.getpid()}"
    counts.SIGHTINGS += f"-{os.getpid()}"


def _forget_surroundings() -> None:
    """What a developer has set for a running Broadsheet, in the shell or in `.env`, says nothing about the tests."""
    for name in [name for name in os.environ if name.startswith("BROADSHEET_") or name in {"PORT", "SECRET_KEY"}]:
        del os.environ[name]
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Also called after Ctrl-C; after kill -9 the kernel stops the servers."""
    if servers in config.stash:
        supervisor, folder = config.stash[servers]
        supervisor.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    yield
    cache.clear()
    process_memory.forget_everything()
