"""One Broadsheet follows another: what a site answers is what the other's reader gets, and circles count nothing twice.

Two sites share this test's tables, one after the other: what one answers is kept while its rows are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import pytest
from django.test import Client, override_settings

from config.site_url import Site
from papers.models import Edition, FetchRun, Listing, Paper, PaperExternalCounts, RejectedRecord, Source, User
from papers.outbound.client import Client as OutboundClient
from papers.outbound.errors import HttpStatusError
from papers.outbound.request import FetchRequest, FetchResponse
from papers.services.fetching.fetch_runner import fetch_source, preview_source
from papers.sources.base import SourceSettings
from papers.sources.broadsheet import adapter
from papers.sources.other_site import site_address, site_name
from papers.sources.recognise import suggested_by_text
from tests.support import factories
from tests.support.fetch_runs import disable_rate_limits
from tests.support.pages import parse_html

pytestmark = pytest.mark.django_db

ALICE, BOB = "https://alice.example", "https://bob.example:8443/papers"
DAY = datetime.now(UTC).date() - timedelta(days=2)
NOW = datetime.now(UTC)
Answers = Callable[[httpx.Request], httpx.Response]


@contextmanager
def site(address: str) -> Iterator[None]:
    """For a while the site that runs here is the one at this address."""
    with override_settings(SITE=Site.from_url(address)):
        yield


def answers_of(address: str) -> Answers:
    """What the site answers as it is now, through Django's own stack."""
    kept: dict[str, httpx.Response] = {}
    with site(address):
        for days in range(40):
            path = f"/api/daily_papers?date={NOW.date() - timedelta(days=days)}&limit=100&p=0"
            said = Client().get(path)
            kept[path] = httpx.Response(said.status_code, headers=dict(said.headers), content=said.content)

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        return kept.get(path[path.index("/api/") :]) or httpx.Response(200, json=[])

    return answer


@dataclass
class FakeClient:
    """Speaks to a site through httpx, as the guarded client does, without its guard."""

    answer: Answers
    asked: list[FetchRequest] = field(default_factory=list)

    def fetch(self, request: FetchRequest) -> FetchResponse:
        self.asked.append(request)
        with httpx.Client(transport=httpx.MockTransport(self.answer)) as client:
            answer = client.get(request.url, params=dict(request.params))
        if answer.status_code != 200:
            raise HttpStatusError(
                "It does not want to.", status=answer.status_code, url=request.url, body=answer.content
            )
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return FetchResponse(request.url, 200, headers, answer.content, "", "", None, 0, len(answer.content), 0.0)


def follow(address: str, answer: Answers, *, at: str, kind: str = "broadsheet") -> FetchRun:
    """The site `at` an address visits another one."""
    source, _ = Source.objects.get_or_create(
        kind=kind, name=site_name(address), base_url=address, lists=Source.Lists.ALL
    )
    with site(at):
        run = fetch_source(source.pk, now=NOW, make_client=lambda **_: cast(OutboundClient, FakeClient(answer)))
    assert run is not None
    return run


def forget_everything() -> None:
    for model in (Listing, Paper, Edition, Source, RejectedRecord, User):
        model.objects.all().delete()


def listings() -> list[tuple[Any, ...]]:
    rows = Listing.objects.order_by("paper__public_id", "day")
    return list(rows.values_list("paper__public_id", "day", "submitter", "vote_count", "source_votes"))


def counts() -> dict[tuple[str, str], tuple[int, int, str, str]]:
    rows = PaperExternalCounts.objects.all()
    return {(row.paper.public_id, row.source): (row.votes, row.comments, row.submitted_by, row.url) for row in rows}


def alices_day() -> None:
    """Three papers of which one has votes and a submitter, one a DOI, and one nothing that names it elsewhere."""
    with site(ALICE):
        best = factories.paper(public_id="2603.99001", title="On Ice", vote_count=3, comment_count=2)
        factories.external_counts(best, votes=84)
        factories.listing(best, DAY, by="submission", user=factories.user("rita"))
        factories.listing(factories.paper(public_id="doi/10.1000/ice.1"), DAY)
        factories.listing(factories.paper(public_id="p-abcdefghij"), DAY)


def test_days_votes_and_submitters_are_kept_under_the_sites_name() -> None:
    alices_day()
    alice = answers_of(ALICE)
    forget_everything()
    run = follow(ALICE, alice, at=BOB)
    assert run.state == "done", run.error
    assert listings() == [("2603.99001", DAY, "rita", 0, 3), ("doi/10.1000/ice.1", DAY, "", 0, 0)]
    assert counts() == {
        ("2603.99001", "alice.example"): (3, 2, "rita", f"{ALICE}/papers/2603.99001"),
        ("doi/10.1000/ice.1", "alice.example"): (0, 0, "", f"{ALICE}/papers/doi/10.1000/ice.1"),
    }
    assert not RejectedRecord.objects.exists(), "what only the other site can name is no fault"
    card = parse_html(Client().get(f"/papers/date/{DAY}").content.decode())
    facts = [" ".join(fact.text_content().split()) for fact in card.xpath("//li[@class='figure']")]
    assert facts == ["3 on alice.example, 2 comments, submitted by rita", "listed on alice.example"]
    page = Client().get("/papers/2603.99001").content.decode()
    assert f'href="{ALICE}/papers/2603.99001"' in page
    assert "Text from another Broadsheet’s list" in page


def test_hugging_faces_source_may_be_led_there_and_the_votes_are_not_called_hugging_faces() -> None:
    alices_day()
    alice = answers_of(ALICE)
    forget_everything()
    run = follow(ALICE, alice, at=BOB, kind="huggingface")
    assert run.state == "done", run.error
    assert {source: row[0] for (name, source), row in counts().items() if name == "2603.99001"} == {"alice.example": 3}
    assert "Text from another Broadsheet’s list" in Client().get("/papers/2603.99001").content.decode()
    assert not RejectedRecord.objects.exists()
    assert "does not follow itself" in follow(ALICE, alice, at=ALICE, kind="huggingface").error


def test_a_sample_stays_where_it_is() -> None:
    factories.listing(factories.paper(is_sample=True), DAY)
    alice = answers_of(ALICE)
    forget_everything()
    assert follow(ALICE, alice, at=BOB).state == "done"
    assert listings() == []
    assert not RejectedRecord.objects.exists()


def test_votes_are_followed_up_and_down() -> None:
    alices_day()
    first = answers_of(ALICE)
    Paper.objects.update(vote_count=1)
    later = answers_of(ALICE)
    forget_everything()
    follow(ALICE, first, at=BOB)
    follow(ALICE, later, at=BOB)
    assert counts()["2603.99001", "alice.example"][0] == 1


def test_hugging_faces_own_counts_stand_beside_it() -> None:
    paper = factories.paper(public_id="2603.99001", vote_count=3)
    factories.listing(paper, DAY)
    alice = answers_of(ALICE)
    forget_everything()
    factories.external_counts(factories.paper(public_id="2603.99001"), votes=84)
    follow(ALICE, alice, at=BOB)
    assert {source: row[0] for (_, source), row in counts().items()} == {"huggingface": 84, "alice.example": 3}


def test_a_circle_of_two_lists_nothing_twice_and_inflates_no_vote() -> None:
    alices_day()
    alice = answers_of(ALICE)
    forget_everything()
    follow(ALICE, alice, at=BOB)
    Paper.objects.filter(public_id="2603.99001").update(vote_count=2)
    bob = answers_of(BOB)
    forget_everything()
    alices_day()
    before = [(row[0], row[1]) for row in listings()]
    for _ in range(3):
        follow(BOB, bob, at=ALICE)
        assert [(row[0], row[1]) for row in listings()] == before
        assert counts()["2603.99001", "bob.example:8443/papers"][0] == 2
        assert Paper.objects.get(public_id="2603.99001").vote_count == 3
        answer = answers_of(ALICE)(httpx.Request("GET", f"{ALICE}/api/daily_papers?date={DAY}&limit=100&p=0"))
        assert [item["paper"]["upvotes"] for item in answer.json()] == [3, 0, 0]


def test_what_a_curator_took_off_the_day_does_not_come_back_from_a_circle() -> None:
    alices_day()
    alice = answers_of(ALICE)
    forget_everything()
    follow(ALICE, alice, at=BOB)
    bob = answers_of(BOB)
    forget_everything()
    alices_day()
    Listing.objects.filter(paper__public_id="2603.99001").update(hidden_at=NOW)
    follow(BOB, bob, at=ALICE)
    assert not Listing.objects.visible().filter(paper__public_id="2603.99001").exists()


def test_a_site_does_not_follow_itself_whatever_its_address() -> None:
    alices_day()
    itself = answers_of(ALICE)
    before = (listings(), counts())
    run = follow("https://another-name.example", itself, at=ALICE)
    assert run.state == "failed"
    assert "does not follow itself" in run.error
    assert (listings(), counts()) == before
    assert follow("https://another-name.example", itself, at=BOB).state == "done"


def test_more_than_a_page_is_read_to_its_end() -> None:
    for number in range(1, 106):
        name = f"doi/10.1000/{number}" if number % 2 else f"2603.{number:05}"
        factories.listing(factories.paper(public_id=name), DAY)
    first, second = (Client().get(f"/api/daily_papers?date={DAY}&limit=100&p={page}").content for page in (0, 1))
    forget_everything()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.params["date"] != str(DAY):
            return httpx.Response(200, json=[])
        return httpx.Response(200, content={"0": first, "1": second}.get(request.url.params["p"], b"[]"))

    follow(ALICE, answer, at=BOB)
    assert len(listings()) == 105


def test_a_private_network_must_be_on_the_allow_list(monkeypatch: pytest.MonkeyPatch) -> None:
    disable_rate_limits(monkeypatch)
    source = Source(kind="broadsheet", name="Next door", base_url="http://10.11.12.13:8000")
    preview = preview_source(source, now=NOW, total_seconds=5, max_batches=1)
    assert "10.11.12.13" in preview.error
    assert "BROADSHEET_FETCH_ALLOW" in preview.error


def test_each_site_has_its_own_rate_limit_and_page_addresses() -> None:
    client = FakeClient(lambda _: httpx.Response(200, json=[]))
    source = factories.source("broadsheet", base_url=f"{BOB}/api/daily_papers")
    fetch_source(source.pk, now=NOW, make_client=lambda **_: cast(OutboundClient, client))
    assert {request.group for request in client.asked} == {"feed:bob.example"}
    assert {request.url for request in client.asked} == {f"{BOB}/api/daily_papers"}


@pytest.mark.parametrize(
    "text", [f"{BOB}/api/daily_papers", f"{BOB}/api/daily_papers?date=2026-03-04", f"{BOB}/api/daily_papers/"]
)
def test_the_address_of_a_sites_list_is_recognised(text: str) -> None:
    found = suggested_by_text(text)
    assert found is not None
    assert (found.kind, found.base_url, found.name) == ("broadsheet", BOB, "bob.example:8443/papers")


def test_hugging_face_is_no_broadsheet_and_a_site_needs_an_address() -> None:
    assert suggested_by_text("https://huggingface.co/api/daily_papers") is None
    assert set(adapter.problems(SourceSettings())) == {"base_url"}
    assert adapter.problems(SourceSettings(base_url=ALICE)) == {}
    assert site_address(f"{ALICE}/") == ALICE
