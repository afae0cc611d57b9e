"""New works by a filter of OpenAlex: read, asked for with a key that nobody sees, and refused in words."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from papers.outbound.errors import HttpStatusError, SourceError
from papers.outbound.request import FetchRequest, FetchResponse
from papers.sources.base import FetchBatch, FetchContext, RawAuthor, RejectedPayload, SourceSettings
from papers.sources.openalex import FIRST_DAYS, OVERLAP_DAYS, adapter, conditions_of, parse_works
from tests.support.source_context import FRIDAY_MORNING, last_cursor, papers_of, scripted_context

KEY = "a-key-that-nobody-sees"
FILTER = "authorships.institutions.ror:https://ror.org/012345678"
# In the shape that https://developers.openalex.org documents; all values are made up.
WORK: dict[str, Any] = {
    "id": "https://openalex.org/W5555000001",
    "doi": "https://doi.org/10.5555/TIDES.2026.1",
    "display_name": "Clocks of the <i>shore</i>",
    "type": "article",
    "publication_date": "2026-11-18",
    "is_retracted": False,
    "abstract_inverted_index": {"Two": [0], "clocks": [1, 4], "tell": [2], "other": [3], "apart.": [5]},
    "authorships": [
        {
            "author_position": "first",
            "author": {"display_name": "Ada Holm", "orcid": "https://orcid.org/0000-0002-1825-0097"},
            "institutions": [{"display_name": "Tidal Lab", "ror": "https://ror.org/012345678"}],
        },
        {"author_position": "last", "author": {"display_name": "Jun Ito", "orcid": None}, "institutions": []},
    ],
    "primary_location": {
        "landing_page_url": "https://doi.org/10.5555/tides.2026.1",
        "source": {"display_name": "Journal of Tides", "type": "journal"},
    },
    "biblio": {"volume": "12", "issue": "3", "first_page": "1", "last_page": "9"},
}


def work(**changes: Any) -> dict[str, Any]:
    return {**WORK, **changes}


def works(*items: Any, cursor: str | None = None, count: Any = None) -> bytes:
    meta = {"count": len(items) if count is None else count, "per_page": 100, "next_cursor": cursor}
    return json.dumps({"meta": meta, "results": items, "group_by": []}).encode()


def test_a_work_is_read() -> None:
    [paper] = parse_works(works(work())).papers
    assert (paper.source, paper.doi) == ("openalex", "10.5555/tides.2026.1")
    assert paper.title == "Clocks of the shore"
    assert paper.abstract == "Two clocks tell other clocks apart."
    assert paper.authors == (RawAuthor("Ada Holm", "Tidal Lab", "0000-0002-1825-0097"), RawAuthor("Jun Ito"))
    assert paper.published_at == datetime(2026, 11, 18, tzinfo=UTC)
    assert paper.journal_ref == "Journal of Tides 12(3), 1-9 (2026)"
    assert paper.identifiers == (("url", "https://openalex.org/W5555000001"),)
    assert paper.is_withdrawn is None


def test_what_is_missing_or_of_another_type_is_not_said() -> None:
    bare = {"id": "https://openalex.org/W1", "display_name": "T"}
    odd = work(doi=5, publication_date="soon", authorships={}, abstract_inverted_index=["x"], biblio=1)
    odd |= {"primary_location": {"source": {"display_name": "A Server", "type": "repository"}}}
    for paper in parse_works(works(bare, odd)).papers:
        assert (paper.doi, paper.abstract, paper.authors, paper.published_at) == (None, None, None, None)
        assert (paper.journal_ref, paper.url) == (None, None)


def test_an_abstract_has_no_more_words_than_an_abstract_may() -> None:
    index = {"word": [0, True, -1, 10**9, "2", None], "last": [2], "odd": 7}
    [paper] = parse_works(works(work(abstract_inverted_index=index))).papers
    assert paper.abstract == "word last"


def test_no_papers_are_left_out_and_what_cannot_be_read_is_kept() -> None:
    page = parse_works(works(work(type="dataset"), work(display_name=" "), "x", work(is_retracted=True), count=True))
    assert (page.size, page.total) == (4, None)
    assert [paper.is_withdrawn for paper in page.papers] == [True]
    assert [bad.identifier for bad in page.rejected] == ["https://openalex.org/W5555000001", ""]
    again = RejectedPayload("openalex", json.dumps(work()), date(2026, 11, 20))
    assert adapter.parse_rejected(again).doi == "10.5555/tides.2026.1"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"results": {}}', b"\xff"])
def test_what_is_no_list_of_works_is_an_error(body: bytes) -> None:
    with pytest.raises(SourceError):
        parse_works(body)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        (FILTER, True),
        (f"{FILTER}, type:article|preprint", True),
        ("primary_topic.id:T10028", True),
        ("", False),
        ("tides", False),
        ("type:", False),
        ("type:article,", False),
        ("type:a&api_key:b", True),
        ("x:" + "y" * 2_000, False),
        ("from_publication_date:2020-01-01", False),
        ("type:article,publication_year:2020", False),
    ],
)
def test_a_filter_is_conditions_without_days(text: str, fits: bool) -> None:
    assert (not adapter.problems(SourceSettings(query=text))) is fits
    if fits:
        assert conditions_of(text)


def fetch(*answers: bytes, **fields: Any) -> tuple[list[FetchBatch], list[FetchRequest]]:
    left = list(answers)
    context, log = scripted_context(
        lambda request: left.pop(0), "https://api.openalex.org", **{"query": FILTER, "api_key": KEY, **fields}
    )
    return list(adapter.fetch(context)), log


def test_pages_are_followed_and_the_place_moves_at_the_end() -> None:
    batches, log = fetch(works(work(), cursor="two", count=2), works(work(id="https://openalex.org/W2"), count=2))
    assert len(papers_of(batches)) == 2
    assert [batch.cursor for batch in batches] == [None, {"through": "2026-11-20"}]
    assert [request.params["cursor"] for request in log] == ["*", "two"]
    first = log[0].params["filter"]
    assert first == f"{FILTER},from_publication_date:2026-11-{20 - FIRST_DAYS:02},to_publication_date:2026-11-20"
    assert {request.group for request in log} == {"openalex"}
    _, log = fetch(works(), cursor=last_cursor(batches))
    assert f"from_publication_date:2026-11-{20 - OVERLAP_DAYS}" in str(log[0].params["filter"])


def test_a_list_that_ends_early_is_no_success() -> None:
    with pytest.raises(SourceError, match="1 of 3 works"):
        fetch(works(work(), count=3))


def test_a_list_without_end_is_given_up() -> None:
    with pytest.raises(SourceError, match="Ask for less"):
        fetch(*(works(work(id=f"https://openalex.org/W{page}"), cursor="on", count=10**6) for page in range(60)))


def test_a_cursor_that_leads_in_a_circle_is_followed_once() -> None:
    with pytest.raises(SourceError, match="same works again"):
        fetch(*[works(work(), cursor="on", count=10**6)] * 2)


def test_the_key_is_a_parameter_and_nothing_else() -> None:
    _, log = fetch(works())
    assert log[0].params["api_key"] == KEY
    assert KEY not in log[0].url
    _, log = fetch(works(), api_key="")
    assert "api_key" not in log[0].params


@pytest.mark.parametrize(("status", "key", "words"), [
    (400, KEY, "does not understand this filter"),
    (401, "", "wants a key"),
    (403, KEY, "does not take this key"),
    (429, KEY, "fewer requests"),
    (500, KEY, "no success"),
])  # fmt: skip
def test_a_refusal_is_said_in_words_without_the_key(status: int, key: str, words: str) -> None:
    def send(request: FetchRequest) -> FetchResponse:
        body = f'{{"message": "bad api_key {KEY}"}}'.encode()
        raise HttpStatusError("no success", url=request.url, status=status, body=body, retry_after_seconds=7)

    context = FetchContext(send, "https://api.openalex.org", FRIDAY_MORNING, query=FILTER, api_key=key)
    with pytest.raises(SourceError, match=words) as caught:
        list(adapter.fetch(context))
    assert KEY not in str(caught.value)
    assert KEY not in repr(context)
