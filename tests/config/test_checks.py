"""The system checks: each finds what it is for, and nothing where all is well."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks

from config import checks
from config.local import programs
from config.site_url import Site
from papers.services.paper_import import writer_pool


def ids(found: list[Any]) -> list[str]:
    return [message.id for message in found]


@pytest.mark.django_db
def test_nothing_is_wrong_with_the_defaults() -> None:
    assert [m for m in run_checks(databases=["default"]) if str(m.id).startswith("broadsheet.")] == []


def test_a_short_secret_key(settings: Any) -> None:
    settings.SECRET_KEY = "short"
    assert ids(checks.check_secret_key(None)) == ["broadsheet.E001"]


@pytest.mark.parametrize(
    ("bind", "url", "url_is_set", "proxies", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000", False, (), []),
        ("localhost", "http://127.0.0.1:8000", False, (), []),
        ("0.0.0.0", "http://127.0.0.1:8000", False, (), ["broadsheet.W001"]),  # noqa: S104
        ("::", "http://papers.lab:8000", True, (), ["broadsheet.W002"]),
        ("127.0.0.1", "https://papers.example.org", True, (), ["broadsheet.W003"]),
        ("127.0.0.1", "https://papers.example.org", True, ("127.0.0.1",), []),
    ],
)
def test_the_address_of_the_site(
    settings: Any, bind: str, url: str, *, url_is_set: bool, proxies: tuple[str, ...], expected: list[str]
) -> None:
    settings.BIND, settings.SITE, settings.SITE_URL_IS_SET = bind, Site.from_url(url), url_is_set
    settings.TRUSTED_PROXIES = proxies
    assert ids(checks.check_site(None)) == expected


def test_a_site_for_others_that_sends_no_mail(settings: Any) -> None:
    assert ids(checks.check_mail(None)) == []
    settings.SITE = Site.from_url("https://papers.example.org")
    assert ids(checks.check_mail(None)) == ["broadsheet.W004"]
    settings.MAIL_IS_SENT = True
    assert ids(checks.check_mail(None)) == []


@pytest.mark.parametrize("name", ["DEFAULT_FROM_EMAIL", "SERVER_EMAIL"])
def test_a_sender_that_no_mail_could_be_sent_from(settings: Any, name: str) -> None:
    for good in ("broadsheet@localhost", "broadsheet@[192.0.2.1]", '"Lab, of words" <a@b.example>', "Bücher <a@b.c>"):
        setattr(settings, name, good)
        assert ids(checks.check_sender(None)) == []
    for bad in ("", "papers", "papers@", "Papers <papers@a..b>", "papers@[nowhere]", "päpers@lab.example"):
        setattr(settings, name, bad)
        (found,) = checks.check_sender(None)
        assert found.id == "broadsheet.E005"
        assert "BROADSHEET_MAIL_FROM" in str(found.hint)


def test_without_shared_memory_workers_are_one_process_each(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ids(checks.check_semaphores(None)) == []
    assert "solo" not in programs.program_of(programs.WORKER, processes=2).arguments
    for module in (checks, programs, writer_pool):
        monkeypatch.setattr(module, "has_semaphores", lambda: False)
    (found,) = checks.check_semaphores(None)
    assert found.id == "broadsheet.W005"
    assert "/dev/shm" in str(found.hint)  # noqa: S108
    for part in (programs.WORKER, programs.FETCHER, programs.MAILER):
        assert programs.program_of(part, processes=2).arguments.count("solo") == 1
    with writer_pool.WriterPool(4) as several:
        assert several._pool is None


def test_categories_that_arxiv_does_not_have(settings: Any) -> None:
    settings.ARXIV_CATEGORIES = ("cs.CL", "math.*", "cs.XX", "cats")
    (found,) = checks.check_fetching(None)
    assert found.id == "broadsheet.E002"
    assert "cs.XX, cats" in found.msg


def test_an_allow_list_that_cannot_be_read(settings: Any) -> None:
    settings.FETCH_ALLOW = ("mirror.lab", "http://mirror.lab/")
    (found,) = checks.check_fetching(None)
    assert found.id == "broadsheet.E003"
    assert "http://mirror.lab/" in found.msg


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (checks._check_version(15), ["broadsheet.E010"]),
        (checks._check_version(16), ["broadsheet.W010"]),
        (checks._check_version(18), []),
        (checks._check_pgvector(None), ["broadsheet.E011"]),
        (checks._check_pgvector("0.6.2"), ["broadsheet.E011"]),
        (checks._check_pgvector("0.10.1"), []),
        (checks._check_text("SQL_ASCII", folds=False), ["broadsheet.E012"]),
        (checks._check_text("UTF8", folds=False), ["broadsheet.E013"]),
        (checks._check_text("UTF8", folds=True), []),
    ],
)
def test_the_database_server(found: list[Any], expected: list[str]) -> None:
    assert ids(found) == expected


def test_every_message_says_what_to_do(settings: Any) -> None:
    settings.SECRET_KEY = "short"
    settings.SITE = Site.from_url("https://papers.example.org")
    messages = [
        *checks.check_secret_key(None),
        *checks.check_site(None),
        *checks.check_mail(None),
        *checks._check_version(15),
        *checks._check_pgvector("0.6"),
        *checks._check_text("LATIN1", folds=True),
    ]
    assert len(messages) == 6
    assert all(message.hint for message in messages)
