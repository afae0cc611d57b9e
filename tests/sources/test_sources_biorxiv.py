"""bioRxiv and medRxiv: a row a version, days read page by page, and an API that answers what it likes."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from papers.outbound.errors import SourceError
from papers.outbound.host_rate_limit import group_of_host
from papers.outbound.request import FetchRequest
from papers.sources.base import RawAuthor, RawListing, RawVersion, RejectedPayload, SourceSettings
from papers.sources.biorxiv import biorxiv_adapter, medrxiv_adapter, parse_page
from tests.support.source_context import FRIDAY_MORNING, last_cursor, papers_of, scripted_context

ROW = {
    "doi": "10.64898/2026.11.18.600001",
    "title": "Tides in a dish: <i>Alga marina</i> keeps time",
    "authors": "Holm, A.; Ito, J.; Tidal Consortium",
    "author_corresponding": "Ada Holm",
    "author_corresponding_institution": "Tidal Lab",
    "date": "2026-11-19",
    "version": "1",
    "type": "new results",
    "license": "cc_by_nc_nd",
    "category": "cell biology",
    "jatsxml": "https://www.biorxiv.org/content/early/2026/11/19/2026.11.18.600001.source.xml",
    "abstract": "A dish of water.\n\nIt keeps time.",
    "published": "NA",
    "server": "bioRxiv",
}


def row(**changes: Any) -> dict[str, Any]:
    return {**ROW, **changes}


def page(*rows: Any, total: int | None = None) -> bytes:
    message = {"status": "ok", "cursor": 0, "count": len(rows), "total": str(total or len(rows))}
    return json.dumps({"messages": [message], "collection": rows}).encode()


EMPTY = json.dumps({"messages": [{"status": "no posts found"}], "collection": []}).encode()


def pages_by_day(days: dict[str, list[bytes]]) -> Callable[[FetchRequest], bytes]:
    """Each day's pages in their order; then there are none."""
    left = {day: list(pages) for day, pages in days.items()}

    def answer(request: FetchRequest) -> bytes:
        day = request.url.split("/details/biorxiv/")[1][:10]
        return left[day].pop(0) if left.get(day) else EMPTY

    return answer


def test_a_row_has_the_preprints_own_words() -> None:
    [paper] = parse_page(page(row()), server="biorxiv").papers
    assert (paper.source, paper.doi, paper.version) == ("biorxiv", "10.64898/2026.11.18.600001", 1)
    assert paper.title == "Tides in a dish: Alga marina keeps time"
    assert paper.authors == (RawAuthor("A. Holm"), RawAuthor("J. Ito"), RawAuthor("Tidal Consortium"))
    assert paper.abstract == "A dish of water.\n\nIt keeps time."
    assert paper.published_at == datetime(2026, 11, 19, tzinfo=UTC)
    assert paper.license == "https://creativecommons.org/licenses/by-nc-nd/4.0/"
    assert paper.url == "https://www.biorxiv.org/content/10.64898/2026.11.18.600001v1"
    assert paper.identifiers == ()
    assert paper.is_withdrawn is None
    assert paper.listed_on is None, "it stands on the edition of the day on which it is stored"


def test_the_published_doi_is_another_name_of_it() -> None:
    [paper] = parse_page(page(row(published="10.5555/tides.2026.7")), server="biorxiv").papers
    assert paper.identifiers == (("doi", "10.5555/tides.2026.7"),)


def test_versions_of_one_page_are_one_record_in_its_newest_words() -> None:
    rows = [row(), row(version="3", date="2026-11-20", title="New words"), row(version="2", date="2026-11-20")]
    [paper] = parse_page(page(*rows), server="biorxiv").papers
    assert (paper.title, paper.version) == ("New words", 3)
    assert [version.number for version in paper.versions] == [1, 2, 3]
    assert paper.published_at == datetime(2026, 11, 19, tzinfo=UTC)
    assert paper.listed_on is None


def test_a_later_version_alone_is_no_news_for_an_edition() -> None:
    [paper] = parse_page(page(row(version="2")), server="biorxiv").papers
    assert paper.published_at is None, "when the first was posted is not said"
    assert paper.versions == (RawVersion(2, datetime(2026, 11, 19, tzinfo=UTC)),)
    assert paper.listed_on == RawListing(date(2026, 11, 19), "replace")


@pytest.mark.parametrize(
    ("changes", "is_withdrawn"),
    [
        ({"title": "WITHDRAWN: Tides in a dish"}, True),
        ({"type": "WITHDRAWN"}, True),
        ({"title": "Withdrawal from tides"}, None),
    ],
)
def test_a_withdrawal_is_told_by_title_or_type(changes: dict[str, str], is_withdrawn: bool | None) -> None:
    [paper] = parse_page(page(row(**changes)), server="biorxiv").papers
    assert paper.is_withdrawn is is_withdrawn


def test_days_may_have_one_figure_and_nonsense_is_no_date() -> None:
    papers = parse_page(
        page(row(date="2026-6-3"), row(doi="10.1101/2026.01.01.000002", date="2026-13-99")), server="biorxiv"
    ).papers
    assert [paper.published_at for paper in papers] == [datetime(2026, 6, 3, tzinfo=UTC), None]


@pytest.mark.parametrize("bad", [row(doi="10.5555/other.1"), row(title=" "), row(doi=None), "text", 7, None])
def test_a_row_that_cant_be_read_costs_itself(bad: Any) -> None:
    found = parse_page(page(bad, row()), server="biorxiv")
    assert len(found.papers) == 1
    [rejected] = found.rejected
    assert rejected.error
    assert len(found.rows) == 2
    again = RejectedPayload("biorxiv", rejected.payload, date(2026, 11, 20))
    with pytest.raises(SourceError):
        biorxiv_adapter.parse_rejected(again)
    good = RejectedPayload("biorxiv", json.dumps(row()), date(2026, 11, 20))
    assert biorxiv_adapter.parse_rejected(good).doi == ROW["doi"]


@pytest.mark.parametrize("body", [b"Error : (2002) Connection refused", b"[]", b"{}", b'{"collection": 5}', b"\xff"])
def test_what_is_no_page_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(SourceError):
        parse_page(body, server="biorxiv")


def test_a_day_without_preprints_may_lack_the_list() -> None:
    assert parse_page(b'{"messages":[{"status":"no posts found"}]}', server="biorxiv").rows == ()


def test_days_are_read_to_their_end_by_the_rows_that_came() -> None:
    pages = [
        page(row(), row(doi="10.64898/2026.11.18.600002"), total=9),
        page(row(doi="10.64898/2026.11.18.600003"), total=9),
    ]
    context, log = scripted_context(
        pages_by_day({"2026-11-19": pages}), "https://api.biorxiv.org", cursor={"through": "2026-11-20"}
    )
    batches = list(biorxiv_adapter.fetch(context))
    assert [paper.doi for paper in papers_of(batches)] == [f"10.64898/2026.11.18.60000{n}" for n in (1, 2, 3)]
    assert [request.url.removeprefix("https://api.biorxiv.org/details/biorxiv/") for request in log] == [
        *("2026-11-19/2026-11-19/0/json", "2026-11-19/2026-11-19/2/json", "2026-11-19/2026-11-19/3/json"),
        "2026-11-20/2026-11-20/0/json",
    ]
    assert {request.group for request in log} == {"biorxiv"}
    assert last_cursor(batches) == {"through": "2026-11-20"}


def test_a_list_that_says_the_same_for_ever_is_left() -> None:
    context, log = scripted_context(lambda _: page(row(), total=400), "https://api.biorxiv.org")
    with pytest.raises(SourceError, match="goes on and on"):
        list(biorxiv_adapter.fetch(context))
    assert len(log) == 2


def test_the_whole_list_again_at_its_end_is_its_end() -> None:
    context, _ = scripted_context(lambda _: page(row(), total=1), "https://api.biorxiv.org", since=date(2026, 11, 20))
    assert len(papers_of(list(biorxiv_adapter.fetch(context)))) == 1


def test_only_the_chosen_categories_are_kept() -> None:
    rows = [row(), row(doi="10.1101/2026.11.18.600002", category="Neuroscience"), row(doi="10.1101/1", category="x")]
    context, _ = scripted_context(
        pages_by_day({"2026-11-20": [page(*rows)]}), "https://api.biorxiv.org", query="neuroscience; Cell_Biology"
    )
    assert [paper.doi for paper in papers_of(list(biorxiv_adapter.fetch(context)))] == [
        ROW["doi"],
        "10.1101/2026.11.18.600002",
    ]


def test_how_far_back_a_fetch_goes() -> None:
    def first(**fields: Any) -> str:
        context, log = scripted_context(lambda _: EMPTY, "https://api.biorxiv.org", **fields)
        list(biorxiv_adapter.fetch(context))
        return log[0].url.split("/")[5]

    assert FRIDAY_MORNING.date() == date(2026, 11, 20)
    assert first() == "2026-11-18"
    assert first(cursor={"through": "2026-11-15"}) == "2026-11-14"
    assert first(cursor={"through": "2026-01-01"}) == "2026-10-20", "after a long pause, a month"
    assert first(cursor={"through": "2099-01-01"}) == "2026-11-19", "a place in the future is none"
    assert first(since=date(2026, 11, 1)) == "2026-11-01"


def test_a_category_that_it_has_not_is_named() -> None:
    [message] = biorxiv_adapter.problems(SourceSettings(query="neuroscience, alchemy")).values()
    assert "no category alchemy" in message
    assert biorxiv_adapter.problems(SourceSettings()) == {}
    assert medrxiv_adapter.problems(SourceSettings(query="Infectious Diseases, endocrinology")) == {}


def test_its_api_has_a_clock_of_its_own_and_its_pages_have_not() -> None:
    assert group_of_host("api.biorxiv.org") == "biorxiv"
    assert group_of_host("www.biorxiv.org") == "feed:www.biorxiv.org"
