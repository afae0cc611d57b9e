"""Addresses: their one stored form, and where they end in a sentence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.text.urls import normalise_url, strip_trailing_punctuation


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTPS://Example.ORG", "https://example.org/"),
        ("http://example.org:80/a", "http://example.org/a"),
        ("https://example.org:8443/a", "https://example.org:8443/a"),
        (" https://example.org/a#part ", "https://example.org/a"),
        ("https://example.org/a?utm_source=x&id=1", "https://example.org/a?id=1"),
        ("https://example.org/a?id=1&b=%20c", "https://example.org/a?id=1&b=%20c"),
        ("https://example.org/ü", "https://example.org/%C3%BC"),
        ("https://müller.example/", "https://xn--mller-kva.example/"),
        ("https://STRAßE.example/", "https://xn--strae-oqa.example/"),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]/x"),
        ("https://example.org./x", "https://example.org/x"),
    ],
)
def test_one_address_has_one_spelling(url: str, expected: str) -> None:
    assert normalise_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https:///path",
        "https://user:secret@example.org/",
        "https://example.org:99999/",
        "https://example.org:port/",
        "https://exa mple.org/",
        'https://example.org/"onclick=',
        "https://example.org/<b>",
        "https://example.org\\@evil.example/",
        "https://[::1",
        "https://" + "a" * 300 + "/",
        "https://example.org/" + "a" * 2_000,
        "https://…",
    ],
)
def test_what_is_no_web_address_has_none(url: str) -> None:
    assert normalise_url(url) is None


@given(st.text(max_size=40), st.text(max_size=20))
def test_a_normalised_address_stays_as_it_is(path: str, query: str) -> None:
    url = normalise_url(f"https://Example.org/{path}?{query}")
    assert url is None or normalise_url(url) == url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example/b.", "https://a.example/b"),
        ("https://a.example/b).", "https://a.example/b"),
        ("https://a.example/b_(c)", "https://a.example/b_(c)"),
        ("https://a.example/b_(c)).", "https://a.example/b_(c)"),
        ("...", ""),
    ],
)
def test_the_marks_of_the_sentence_are_cut_off(text: str, expected: str) -> None:
    assert strip_trailing_punctuation(text) == expected
