"""What strangers send to the Hugging Face papers contract: odd parameters, headers, conditions."""

from __future__ import annotations

from gzip import decompress as gunzip

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st
from pytest_django import Settings

from papers.api.huggingface.parameters import ParameterError, daily_request
from tests.api.test_huggingface import DAILY, DAY, get, rich_paper
from tests.support import factories
from tests.support.factories import NOW

pytestmark = pytest.mark.django_db


@settings_of_hypothesis(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["date", "week", "month", "sort", "p", "limit", "submitter"]),
        st.one_of(st.text(max_size=40), st.from_regex(r"[0-9W-]{1,12}"), st.integers().map(str)),
    )
)
def test_any_parameters_are_read_or_refused(asked: dict[str, str]) -> None:
    try:
        found = daily_request(asked, now=NOW)
    except ParameterError as error:
        said = str(error)
    else:
        said = ""
        assert 1 <= found.limit <= 100
        assert 0 <= found.start < 2**63
        assert "\0" not in found.submitter
    assert said.isascii()
    assert said.isprintable()


NASTY_HEADERS: list[dict[str, str]] = [
    {"if-none-match": "\xff\xfe"},
    {"if-none-match": '"' + "x" * 7000 + '"'},
    {"if-none-match": ", ,,W/,"},
    {"if-modified-since": "Mon, 99 Foo 99999 99:99:99 GMT"},
    {"if-modified-since": "Thu, 01 Jan 0000 00:00:00 GMT"},
    {"accept": "\xff"},
    {"accept-encoding": "gzip;q=x, *;q=\xff"},
    {"cookie": "sessionid=\xff; broadsheet_theme=\xff; broken"},
    {"authorization": "Bearer hf_" + "x" * 100},
    {"range": "bytes=0-1"},
    {"hx-request": "true"},
    {"x-http-method-override": "DELETE"},
    {"content-length": "5"},
]


@pytest.mark.parametrize("kept_seconds", [0, 60])
@pytest.mark.parametrize("headers", NASTY_HEADERS, ids=lambda headers: next(iter(headers)))
def test_whatever_headers_come_the_answer_is_whole(
    headers: dict[str, str], kept_seconds: int, settings: Settings
) -> None:
    settings.ANONYMOUS_PAGE_SECONDS = kept_seconds
    rich_paper()
    for path in (DAY, "/api/papers/2603.99001", "/api/papers/search?q=ice"):
        for _ in range(2):
            answer = get(path, None, **headers)
            assert answer.status_code == 200, answer.content
            body = gunzip(answer.content) if answer.get("Content-Encoding") == "gzip" else answer.content
            assert b"2603.99001" in body


@pytest.mark.parametrize("given", [{"if-match": '"other"'}, {"if-unmodified-since": "Thu, 01 Jan 1970 00:00:01 GMT"}])
def test_a_condition_that_fails_is_412(given: dict[str, str], settings: Settings) -> None:
    factories.listing()
    for settings.ANONYMOUS_PAGE_SECONDS in (0, 60, 60):
        assert get(DAY, None, **given).status_code == 412
    assert get(DAY).status_code == 200


def test_a_body_no_one_reads_is_refused_as_json() -> None:
    answer = get(DAILY, None, **{"x-broadsheet-body-thrown-away": "1"})
    assert (answer.status_code, answer.json()["error"]) == (413, "This request is too large.")


def test_what_is_asked_for_stands_in_no_header_and_no_error() -> None:
    factories.listing(submitter='x"><y')
    factories.listing(submitter='x"><y')
    evil = "x%22%3E%3Cy%0D%0ASet-Cookie:%20a=b"
    assert get(f"{DAILY}?submitter={evil}&limit=1").json() == []
    link = get(f"{DAILY}?submitter=x%22%3E%3Cy&limit=1")["Link"]
    assert "submitter=x%22%3E%3Cy&" in link
    assert "Cookie" not in get(f"{DAILY}?sort={evil}").json()["error"]


def test_scripts_in_a_papers_words_are_only_words() -> None:
    title = "<script>alert(1)</script> [x](javascript:alert(1))"
    factories.listing(factories.paper(public_id="2603.99001", title=title))
    answer = get(DAY)
    assert answer["Content-Type"].startswith("application/json")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    body = b"".join(get("/papers/2603.99001.md").streaming_content).decode()
    assert "<script>" not in body.replace(r"\<", "")
    assert "](javascript:" not in body.replace(r"\]", "")
