"""Records that could not be read: shown as they came, read again by today's code, stored as their source would."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client

from papers.models import CurationEvent, Listing, Paper, RejectedRecord, Source
from papers.services.ingest.rejected_records import resolve_rejected_records, unstorable_record
from papers.sources.arxiv_announcement_feed import parse_feed
from papers.sources.arxiv_api import parse_search_page
from papers.sources.arxiv_oai import parse_page
from papers.sources.base import (
    ExternalCounts,
    RawAuthor,
    RawListing,
    RawPaper,
    RawVersion,
    RejectedPayload,
    SourceError,
)
from papers.sources.feed import parse_feed_entries
from papers.sources.huggingface import parse_list
from papers.sources.rejected_payload import parse_rejected_payload, pretty_payload
from papers.sources.xml import MAX_PAYLOAD_CHARACTERS
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.pages import parse_html
from tests.support.people import anonymous_client, client_of, curator, reader

ATOM = '<entry xmlns="http://www.w3.org/2005/Atom"><id>http://arxiv.org/abs/2603.00001v1</id><title>{}</title></entry>'
OAI = (
    '<record xmlns="http://www.openarchives.org/OAI/2.0/"><header><identifier>oai:arXiv.org:2603.00001</identifier>'
    '</header><metadata><arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>2603.00001</id><title>{}</title>'
    "</arXivRaw></metadata></record>"
)
RSS = (
    '<item xmlns:arxiv="http://arxiv.org/schemas/atom"><guid>oai:arXiv.org:2603.00001v1</guid><title>{}</title>'
    "<arxiv:announce_type>new</arxiv:announce_type></item>"
)
HUGGING_FACE = '{{"paper": {{"id": "2603.00001", "title": "{}"}}}}'
ENTRY = '{{"id": "2603.00001", "link": "https://arxiv.org/abs/2603.00001", "title": "{}"}}'
KINDS = {"arxiv_api": ATOM, "arxiv_oai": OAI, "arxiv_rss": RSS, "huggingface": HUGGING_FACE, "feed": ENTRY}
WHOLE = RawPaper(
    source="feed",
    title="On ice",
    arxiv_id="2603.00001",
    version=2,
    identifiers=(("url", "https://example.org/ice"),),
    abstract="",
    authors=(RawAuthor("Ada Lovelace", "Lab", "0000-0002-1825-0097"),),
    categories=("cs.CL", "cs.AI"),
    published_at=datetime(2026, 3, 4, 5, 6, tzinfo=UTC),
    announced_on=TODAY,
    is_withdrawn=False,
    versions=(RawVersion(1, datetime(2026, 3, 1, tzinfo=UTC)), RawVersion(2)),
    external_counts=ExternalCounts(
        votes=3, url="https://example.org/ice", source="huggingface", counted_on=date(2026, 3, 3)
    ),
    listed_on=RawListing(TODAY, "daily", 4, "rita"),
)


def kept(kind: str, payload: str) -> RejectedPayload:
    return RejectedPayload(kind, payload, TODAY, "https://example.org/feed.xml")


class TestReading:
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_piece_of_an_answer_is_read(self, kind: str) -> None:
        raw = parse_rejected_payload(kept(kind, KINDS[kind].format("On ice")))
        assert (raw.title, (raw.arxiv_id or "")[:10]) == ("On ice", "2603.00001")

    @pytest.mark.parametrize("kind", KINDS)
    def test_what_is_still_wrong_is_said(self, kind: str) -> None:
        with pytest.raises(SourceError, match="no title"):
            parse_rejected_payload(kept(kind, KINDS[kind].format("")))

    @pytest.mark.parametrize("kind", [*KINDS, "import", "nobody"])
    @pytest.mark.parametrize(
        "payload", ["", "nonsense", "[]", "{}", "7", "null", "<a>", "<!DOCTYPE a><a/>", "[" * 9_000]
    )
    def test_nonsense_is_refused(self, kind: str, payload: str) -> None:
        with pytest.raises(SourceError):
            parse_rejected_payload(kept(kind, payload))

    def test_what_the_sources_keep_is_what_is_read(self) -> None:
        found = [
            parse_search_page(f'<feed xmlns="http://www.w3.org/2005/Atom">{ATOM.format("")}</feed>'.encode()).rejected,
            parse_page(f"<OAI-PMH>{OAI.format('')}</OAI-PMH>".encode()).rejected,
            [
                item.rejected
                for item in parse_feed(f"<rss><channel>{RSS.format('')}</channel></rss>".encode(), now=NOW).items
            ],
            parse_list(f"[{HUGGING_FACE.format('')}]".encode(), day=TODAY, site="https://hf.example").rejected,
            parse_feed_entries(
                b"<rss version='2.0'><channel><item><guid>a</guid></item></channel></rss>", url=""
            ).rejected,
        ]
        for kind, records in zip(KINDS, found, strict=True):
            (record,) = records
            assert record is not None
            with pytest.raises(SourceError) as error:
                parse_rejected_payload(kept(kind, record.payload))
            assert str(error.value) == record.error

    def test_a_paper_that_could_not_be_stored_comes_back_whole(self) -> None:
        payload = unstorable_record(WHOLE, "It was refused.", place=0).payload
        assert parse_rejected_payload(kept("import", payload)) == WHOLE
        assert (
            parse_rejected_payload(
                kept("import", unstorable_record(RawPaper("feed", "Bare"), "", place=0).payload)
            ).title
            == "Bare"
        )

    def test_of_a_long_one_the_beginning_is_not_taken_for_the_whole(self) -> None:
        with pytest.raises(SourceError, match="Only the beginning"):
            parse_rejected_payload(kept("arxiv_api", "<entry>" + "x" * MAX_PAYLOAD_CHARACTERS))

    def test_it_is_shown_line_by_line(self) -> None:
        assert pretty_payload('{"a": ["ä"]}') == '{\n  "a": [\n    "ä"\n  ]\n}'
        assert pretty_payload("<a><b>x</b></a>") == "<a>\n  <b>x</b>\n</a>"
        for odd in ("", "no markup", "<a", "[" * 9_000):
            assert pretty_payload(odd) == odd


@pytest.mark.django_db
class TestTheDesk:
    @pytest.fixture
    def carl(self) -> Client:
        return client_of(curator())

    def press(self, client: Client, record: RejectedRecord, act: str = "accept", **values: Any) -> str:
        asked = {"seen": 0, "act": act, **values}
        return client.post(f"/curate/decide/record/{record.pk}", asked, headers={"HX-Request": "true"}).content.decode()

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_record_that_can_be_read_by_now_becomes_a_paper(self, kind: str, carl: Client) -> None:
        source = factories.source(kind=kind, lists=Source.Lists.ALL, base_url="https://example.org/feed.xml")
        record = factories.rejected_record(
            "2603.7", source=source, source_kind=kind, payload=KINDS[kind].format("On ice")
        )
        said = self.press(carl, record)
        paper = Paper.objects.get(title="On ice")
        assert paper.get_absolute_url() in said
        assert "Undo" not in said
        record.refresh_from_db()
        assert record.resolved_at is not None
        assert Listing.objects.filter(paper=paper).exists() == (kind != "arxiv_oai")
        event = CurationEvent.objects.get()
        assert (event.action, event.paper, event.changes) == ("record-read", paper, [])
        assert "nothing left to decide" in self.press(carl, record, seen=event.pk)
        assert "On ice" in carl.get("/curate/log").content.decode()

    def test_one_that_still_can_t_be_read_stays_and_says_why(self, carl: Client) -> None:
        record = factories.rejected_record(source_kind="arxiv_api", payload=ATOM.format(""))
        assert "no arXiv id or no title" in self.press(carl, record)
        two = replace(WHOLE, title=" ")
        refused = factories.rejected_record(source_kind="feed", payload=unstorable_record(two, "", place=0).payload)
        assert "Still can’t be stored" in self.press(carl, refused)
        assert RejectedRecord.objects.filter(resolved_at=None).count() == 2
        assert not Paper.objects.exists()
        assert not CurationEvent.objects.exists()

    def test_many_are_tried_at_once(self, carl: Client) -> None:
        good = factories.rejected_record("1", source_kind="arxiv_api", payload=ATOM.format("On ice"))
        bad = factories.rejected_record("2", source_kind="arxiv_api", payload=ATOM.format(""))
        items = [f"record:{record.pk}:0" for record in (good, bad)]
        said = carl.post("/curate/bulk", {"item": items, "act": "accept"}, follow=True).content.decode()
        assert "1 done. 1 can’t be decided this way." in said

    def test_the_second_curator_sees_what_the_first_did(self, carl: Client) -> None:
        record = factories.rejected_record(source_kind="arxiv_api", payload=ATOM.format("On ice"))
        self.press(carl, record, "reject")
        assert "decided first" in self.press(client_of(curator("cora")), record)
        assert not Paper.objects.exists()

    def test_the_page_shows_it_as_text(self, carl: Client) -> None:
        record = factories.rejected_record(payload=json.dumps({"title": "<script>alert(1)</script>"}))
        answer = carl.get(f"/curate/records/{record.pk}").content.decode()
        shown: Any = parse_html(answer).xpath("//pre")[0]
        assert "<script>alert(1)</script>" in shown.text_content()
        assert not shown.xpath(".//script")
        assert "Try again" in answer
        resolve_rejected_records([record.identifier], now=NOW)
        assert "Try again" not in carl.get(f"/curate/records/{record.pk}").content.decode()

    @pytest.mark.parametrize(("key", "to_a_stranger"), [("1", 302), ("9" * 18, 302), ("9" * 30, 404)])
    def test_there_is_no_page_of_nothing(self, key: str, to_a_stranger: int, carl: Client) -> None:
        assert carl.get(f"/curate/records/{key}").status_code == 404
        assert client_of(reader()).get(f"/curate/records/{key}").status_code == 404
        assert (
            anonymous_client().get(f"/curate/records/{key}").status_code == to_a_stranger
        )  # no row has a key of 30 digits
