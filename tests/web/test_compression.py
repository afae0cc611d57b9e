"""What leaves compressed, for whom, and what caches and browsers are told of it."""

from __future__ import annotations

import gzip
import zlib

import pytest
from django.conf import settings as project_settings
from django.http import HttpResponse
from django.test import RequestFactory
from pytest_django import Settings

from papers.web.compression import CompressionMiddleware, gunzipped, gzipped, takes_gzip
from tests.support import factories
from tests.support.factories import TODAY
from tests.support.people import anonymous_client, client_of, reader

DAY = f"/papers/date/{TODAY}"
GZIP = {"Accept-Encoding": "gzip, deflate, br"}
BODY = b"Papers of the day. " * 400


@pytest.mark.parametrize("body", [b"", b"x", BODY, "ü€😀".encode() * 1000])
@pytest.mark.parametrize("padding", [0, 1, 2, 100])
def test_it_is_gzip_as_any_program_reads_it(body: bytes, padding: int) -> None:
    packed = gzipped(body, padding=padding)
    assert gzip.decompress(packed) == gunzipped(packed) == body
    assert zlib.decompress(packed, 31) == body
    assert len(packed) == len(gzipped(body)) + padding
    assert packed == gzipped(body, padding=padding)


@pytest.mark.parametrize(
    ("said", "takes"),
    [
        ("gzip", True), ("GZIP", True), ("gzip, deflate, br", True), ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        ("*", True), ("gzip ; q=0.5", True), ("br,gzip;Q=1", True), ("identity;q=1, *;q=0.5", True),
        ("", False), ("br", False), ("gzip;q=0", False), ("gzip;q=0.000", False), ("*;q=0", False), ("identity", False),
        ("gzip;q=0, *", False), ("gzipped", False), ("x-gzip", False), ("gzip;q=two", False), ("gzip;level=9", False),
    ],
)  # fmt: skip
def test_who_takes_it_says_so(said: str, takes: bool) -> None:
    assert takes_gzip(RequestFactory().get("/", headers={"Accept-Encoding": said})) is takes


def answer_to(response: HttpResponse, accept: str = "gzip") -> HttpResponse:
    request = RequestFactory().get("/", headers={"Accept-Encoding": accept} if accept else {})
    return CompressionMiddleware(lambda _: response)(request)


@pytest.mark.parametrize(
    "content_type",
    ["text/html; charset=utf-8", "text/plain", "text/css", "application/json", "application/feed+json; charset=utf-8",
     "application/atom+xml; charset=utf-8", "application/xml", "image/svg+xml"],
)  # fmt: skip
def test_text_of_every_kind_is_compressed(content_type: str) -> None:
    answer = answer_to(HttpResponse(BODY, content_type=content_type, headers={"ETag": '"a"'}))
    assert gzip.decompress(answer.content) == BODY
    assert (answer["Content-Encoding"], answer["Vary"], answer["ETag"]) == ("gzip", "Accept-Encoding", 'W/"a"')
    assert answer["Content-Length"] == str(len(answer.content))


@pytest.mark.parametrize(
    "content_type", ["image/png", "application/pdf", "application/zip", "application/octet-stream", ""]
)
def test_what_is_no_text_is_left(content_type: str) -> None:
    answer = answer_to(HttpResponse(BODY, content_type=content_type))
    assert answer.content == BODY
    assert not answer.has_header("Content-Encoding")


def test_other_answers_are_left_and_caches_know_that_it_depends() -> None:
    for response, accept in (
        (HttpResponse(BODY), ""),
        (HttpResponse(BODY), "br"),
        (HttpResponse(b"short"), "gzip"),
        (HttpResponse(BODY, headers={"Cache-Control": "no-transform"}), "gzip"),
    ):
        was = response.content
        answer = answer_to(response, accept)
        assert answer.content == was
        assert not answer.has_header("Content-Encoding")
        assert answer["Vary"] == "Accept-Encoding"


def test_nothing_is_compressed_twice() -> None:
    packed = gzipped(BODY)
    answer = answer_to(HttpResponse(packed, headers={"Content-Encoding": "gzip"}))
    assert answer.content == packed


def test_files_have_their_own_way_and_are_not_compressed_here() -> None:
    order = project_settings.MIDDLEWARE
    ours = order.index("papers.web.compression.CompressionMiddleware")
    assert order[ours - 1] == "whitenoise.middleware.WhiteNoiseMiddleware"


def test_the_same_answer_is_never_twice_as_long_for_sure() -> None:
    """What is somebody's own has a length that says little (BREACH)."""
    assert len({len(answer_to(HttpResponse(BODY)).content) for _ in range(60)}) > 10


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [0, 60])
@pytest.mark.parametrize("path", [DAY, "/papers.atom", "/papers.json"])
def test_a_kept_page_is_the_same_for_those_who_take_it_and_those_who_do_not(
    path: str, seconds: int, settings: Settings
) -> None:
    settings.ANONYMOUS_PAGE_SECONDS = seconds
    for _ in range(12):
        factories.listing()
    plain = anonymous_client().get(path)
    for _ in range(2):
        packed = anonymous_client().get(path, headers=GZIP)
        assert packed["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.content) == plain.content
        assert len(packed.content) < len(plain.content) / 2
        assert packed["Content-Type"] == plain["Content-Type"]
        assert "Accept-Encoding" in packed["Vary"]
        assert "Accept-Encoding" in plain["Vary"]
    again = anonymous_client().get(path)
    assert again.content == plain.content
    assert not again.has_header("Content-Encoding")


@pytest.mark.django_db
@pytest.mark.parametrize("seconds", [0, 60])
@pytest.mark.parametrize("path", [DAY, "/papers.atom"])
def test_whoever_has_a_page_is_told_so_with_the_same_tag(path: str, seconds: int, settings: Settings) -> None:
    settings.ANONYMOUS_PAGE_SECONDS = seconds
    for _ in range(12):
        factories.listing()
    tag = anonymous_client().get(path, headers=GZIP).headers.get("ETag", "")
    if seconds == 0 and not tag:
        return  # such a page is made anew each time
    assert tag.startswith('W/"')
    again = anonymous_client().get(path, headers={**GZIP, "If-None-Match": tag})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    assert "Accept-Encoding" in again["Vary"]
    assert anonymous_client().get(path, headers={"If-None-Match": tag.removeprefix("W/")}).status_code == 304


@pytest.mark.django_db
def test_a_reader_s_page_is_compressed_and_its_length_varies() -> None:
    for _ in range(12):
        factories.listing()
    client = client_of(reader())
    answers = [client.get(DAY, headers=GZIP) for _ in range(8)]
    assert all(b"Sign out" in gzip.decompress(answer.content) for answer in answers)
    assert all("private" in answer["Cache-Control"] for answer in answers)
    assert len({len(answer.content) for answer in answers}) > 2
