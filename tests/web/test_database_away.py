"""What a reader sees while the database is away: that it is, not that something is broken."""

from __future__ import annotations

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test import Client

from papers.views import paper_lists


def fail_with(monkeypatch: pytest.MonkeyPatch, cause: Exception) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OperationalError(str(cause)) from cause

    monkeypatch.setattr(paper_lists, "record_visit", fail)


@pytest.mark.parametrize(
    "cause",
    [psycopg.OperationalError("connection refused"), psycopg.errors.AdminShutdown(), psycopg.errors.CannotConnectNow()],
    ids=["nobody there", "going down", "coming up"],
)
@pytest.mark.django_db
def test_a_page_asks_for_patience(monkeypatch: pytest.MonkeyPatch, cause: Exception) -> None:
    fail_with(monkeypatch, cause)

    answer = Client(raise_request_exception=False).get("/papers/trending")

    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "The database is not responding" in answer.content.decode()


@pytest.mark.django_db
def test_a_statement_that_took_too_long_is_an_error_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, psycopg.errors.QueryCanceled())
    assert Client(raise_request_exception=False).get("/papers/trending").status_code == 500


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_broke_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    def end_it(*args: object, **kwargs: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(paper_lists, "record_visit", end_it)
    client = Client(raise_request_exception=False)
    try:
        assert client.get("/papers/trending").status_code == 503
    finally:
        connection.close()  # as the end of a request does where it is not a test's
    monkeypatch.undo()
    assert client.get("/papers/trending").status_code == 200
