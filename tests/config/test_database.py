"""A connection that is kept between requests: whether it still stands is known without asking the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.utils import load_backend

from config.database.base import DatabaseWrapper

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept() -> Iterator[DatabaseWrapper]:
    """A second connection to the test database, with nothing asked of it since it was made."""
    settings = connection.settings_dict | {"CONN_HEALTH_CHECKS": True}
    wrapper = load_backend(settings["ENGINE"]).DatabaseWrapper(settings)
    wrapper.inc_thread_sharing()
    wrapper.connect()
    yield wrapper
    wrapper.close()


def end_session(pid: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        assert cursor.fetchone() == (True,)


def statements_of(pid: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [pid])
        return str(cursor.fetchone())


def test_a_connection_that_stands_is_usable_without_a_statement(kept: DatabaseWrapper) -> None:
    kept.cursor().execute("SELECT 'the last one'")
    assert kept.is_usable()
    assert "the last one" in statements_of(kept.connection.info.backend_pid)


def test_a_session_that_the_server_ended_is_not_usable_and_is_replaced(kept: DatabaseWrapper) -> None:
    before = kept.connection.info.backend_pid
    end_session(before)
    assert not kept.is_usable()
    kept.close_if_unusable_or_obsolete()  # as a request begins
    with kept.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
    assert kept.connection.info.backend_pid != before


@pytest.mark.django_db(transaction=True)
def test_what_the_server_tells_an_idle_connection_is_not_its_end(kept: DatabaseWrapper) -> None:
    kept.cursor().execute("LISTEN news")
    with connection.cursor() as cursor:  # in no transaction, so it is sent at once
        cursor.execute("NOTIFY news, 'some'")
    assert [kept.is_usable() for _ in range(3)] == [True] * 3
    kept.cursor().execute("SELECT 1")


def test_a_broken_transaction_is_asked_about(kept: DatabaseWrapper) -> None:
    kept.set_autocommit(False)
    with pytest.raises(Exception, match="no_such_table"):
        kept.cursor().execute("SELECT * FROM no_such_table")
    assert not kept.is_usable()
    kept.rollback()
    assert kept.is_usable()


def test_one_that_was_closed_here_is_not_usable(kept: DatabaseWrapper) -> None:
    kept.close()
    assert not kept.is_usable()
