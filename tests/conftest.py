"""One embedded Postgres for the whole run; for each process of tests a folder and a Valkey, as `make run` starts them.

pytest's main process starts them before Django reads its settings; xdist's workers are given their addresses. In that
Postgres each process has a database of its own, so what one process empties, flushes or counts is never another's.
None is started where DATABASE_URL or REDIS_URL names one. A Redis that is named is shared by all processes, and tests
flush it: it must hold nothing else, and wants `-n 0` or `-n 1`.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache

from config.local.paths import DataDir
from config.local.postgres import PostgresServer
from config.local.supervisor import Supervisor
from config.local.valkey import ValkeyServer
from papers import process_memory
from tests.support.prepared_site import copy_prepared, prepared_folder

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

supervisors = pytest.StashKey[list[Supervisor]]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Runs before pytest-django's own hook, which sets Django up once its settings are loaded."""
    if not hasattr(config, "workerinput"):
        _forget_surroundings()
        _start_servers(config)
    _change_settings()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config, specs: Sequence[Any]) -> None:
    """Each worker's own folder and Valkey, in its environment from the start: pytest-django reads settings early."""
    for spec in specs:
        data = _make_folder(config.stash[supervisors][0].data.path / spec.id)
        spec.env["BROADSHEET_DATA_DIR"] = str(data.path)
        if "REDIS_URL" not in os.environ:
            spec.env["REDIS_URL"] = _start_valkey(config, data)


def _start_servers(config: pytest.Config) -> None:
    data = _make_folder(Path(tempfile.mkdtemp(prefix="broadsheet-tests-")))
    os.environ["BROADSHEET_DATA_DIR"] = str(data.path)
    supervisor = Supervisor(data)
    config.stash[supervisors] = [supervisor]
    if config.option.collectonly:
        return
    if "DATABASE_URL" not in os.environ:
        postgres = PostgresServer(data, settings=FAST_SETTINGS)
        postgres.prepare()
        supervisor.start(postgres)
        supervisor.wait_for(postgres, seconds=30)
        postgres.create_database()
        os.environ["DATABASE_URL"] = data.database_url
    has_workers = getattr(config.option, "dist", "no") != "no"
    if "REDIS_URL" not in os.environ and not has_workers:
        os.environ["REDIS_URL"] = _start_valkey(config, data)


def _make_folder(path: Path) -> DataDir:
    data = DataDir(path)
    data.make()
    (path / "static").mkdir()  # whose absence each handler of requests would warn of
    return data


def _start_valkey(config: pytest.Config, data: DataDir) -> str:
    """Start one in this folder. Returns its address."""
    valkey, supervisor = ValkeyServer(data), Supervisor(data)
    config.stash[supervisors].append(supervisor)
    supervisor.start(valkey)
    supervisor.wait_for(valkey, seconds=10)
    return data.redis_url


def _change_settings() -> None:
    """The cache in memory, each process its own; no page kept; passwords hashed quickly; static files as they are."""
    settings.CACHES = {"default": {"BACKEND": "tests.support.memory_cache.SealedMemoryCache"}}
    settings.ANONYMOUS_PAGE_SECONDS = 0
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    files = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": files}


def _forget_surroundings() -> None:
    """What a developer has set for a running Broadsheet, in the shell or in `.env`, says nothing about the tests."""
    for name in [name for name in os.environ if name.startswith("BROADSHEET_") or name in {"PORT", "SECRET_KEY"}]:
        del os.environ[name]
    os.environ["PYTHON_DOTENV_DISABLED"] = "1"
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Also called after Ctrl-C; after kill -9 the kernel stops the servers."""
    started = config.stash.get(supervisors, [])
    for supervisor in reversed(started):
        supervisor.stop()
    if started:
        shutil.rmtree(started[0].data.path, ignore_errors=True)


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    yield
    cache.clear()
    process_memory.forget_everything()


@pytest.fixture(scope="session", autouse=True)
def _empty_used_tables_only() -> Iterator[None]:
    from django.test import TransactionTestCase  # these need the models

    from tests.support.empty_tables import empty_tables

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


@pytest.fixture(scope="session")
def prepared_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a site before its first start; all processes of tests have one, and start sites on copies."""
    base = tmp_path_factory.getbasetemp()
    return prepared_folder((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "prepared")


@pytest.fixture(scope="session")
def new_data_folder(tmp_path_factory: pytest.TempPathFactory, prepared_site: Path) -> Callable[[], Path]:
    """Makes a data folder for another site."""

    def make() -> Path:
        folder = tmp_path_factory.mktemp("site")
        copy_prepared(prepared_site, folder)
        return folder

    return make
