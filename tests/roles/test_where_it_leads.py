"""Where the line leads: cards, the paper's page, mails, feeds, the API and chats; and who may have the first lines."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from digests.content.rendering import MailRenderer
from digests.services.channel_client import NoticeContent, markdown_text, plain_text, slack_text
from digests.services.topic_notices import paper_json
from papers.models import CardLead, Paper, User
from papers.services.lists.rows import ListRow
from papers.services.lists.viewer_state import read_viewer_state
from papers.services.roles.classifier import classify_abstract
from papers.views.feed_lists import feed_entry
from papers.web.cards import render_cards
from papers.web.feeds import PaperFeed, atom_feed, json_feed
from tests.support import factories
from tests.support.pages import get_page, parse_html

pytestmark = pytest.mark.django_db

ABSTRACT = (
    "Tides in shallow seas have long been a challenge, and many methods were tried. In this paper, we propose a new "
    "model of tides. It is trained on 300 gauges of two coasts, which were read by hand for forty years. We show that "
    "it outperforms all others by 12 %. Our code is available at https://example.org/tides."
)
LINE = "In this paper, we propose a new model of tides. We show that it outperforms all others by 12 %."


@pytest.fixture
def tides() -> Paper:
    return factories.paper(title="Tides", abstract=ABSTRACT, sentence_roles=classify_abstract(ABSTRACT))


def excerpt(paper: Paper, viewer: User | None = None) -> str:
    row = ListRow(paper.pk, paper.public_id, paper.changed_at, 0, ())
    marks = read_viewer_state(viewer or AnonymousUser(), [paper.pk])
    card = parse_html(render_cards([row], viewer=marks, this_year=2026))
    assert card.xpath("string(//details//div[@class='full'])") == ABSTRACT  # one press away
    return str(card.xpath("string(//p[@class='excerpt'])"))


class TestCards:
    def test_it_leads(self, tides: Paper) -> None:
        assert excerpt(tides).replace("…", "") == LINE

    def test_a_reader_may_have_the_first_lines(self, tides: Paper) -> None:
        reader = factories.user(card_lead=CardLead.BEGINNING)
        assert excerpt(tides, reader).startswith("Tides in shallow seas")
        assert excerpt(tides).replace("…", "") == LINE  # each has its own

    def test_without_roles_there_are_the_first_lines(self) -> None:
        assert excerpt(factories.paper(abstract=ABSTRACT)).startswith("Tides in shallow seas")

    def test_it_is_chosen_on_the_page_of_preferences(self, client: Client) -> None:
        reader = factories.user()
        client.force_login(reader)
        client.post("/account/reading", {"card_lead": "beginning"})
        client.post("/account/reading", {"card_lead": "nonsense"})
        client.post("/account/reading", {})
        reader.refresh_from_db()
        assert reader.card_lead == CardLead.BEGINNING


class TestPage:
    def test_each_run_says_what_it_is_for(self, tides: Paper) -> None:
        page = get_page(tides.get_absolute_url())
        assert [" ".join(each.text_content().split()) for each in page.xpath("//span[@class='role']")] == [
            "Background:", "Aim:", "Method:", "Result:", "Code, data:",
        ]  # fmt: skip
        shown = " ".join(each.text_content() for each in page.xpath("//div[@class='role-run']/p"))
        assert shown == ABSTRACT
        assert page.xpath("string(//meta[@name='description']/@content)") == LINE

    def test_without_roles_it_is_the_abstract_alone(self) -> None:
        page = get_page(factories.paper(abstract=ABSTRACT).get_absolute_url())
        assert page.xpath("//div[@class='prose']/p/text()")[0].startswith("Tides in shallow seas")
        assert not page.xpath("//span[@class='role']")


class TestElsewhere:
    def test_feeds_have_it_beside_the_abstract(self, tides: Paper) -> None:
        entry = feed_entry(tides)
        feed = PaperFeed("tag:a", "A", "https://a.example", "https://a.example/a", "https://a.example/j", [entry])
        item = json.loads(json_feed(feed))["items"][0]
        assert item["summary"] == LINE
        assert "have long been" in item["content_html"]
        document = atom_feed(feed).decode()
        assert f"<summary>{LINE}</summary>" in document
        assert "have long been" in document

    def test_the_api_has_a_new_field(self, client: Client, tides: Paper) -> None:
        found = client.get(f"/api/v1/papers/{tides.public_id}").json()
        assert (found["line"], found["abstract"]) == (LINE, ABSTRACT)
        assert [each["role"] for each in found["sentences"]] == ["background", "aim", "method", "result", "resource"]
        assert " ".join(each["text"] for each in found["sentences"]) == ABSTRACT
        unknown = client.get(f"/api/v1/papers/{factories.paper().public_id}").json()
        assert (unknown["line"], unknown["sentences"]) == (None, [])

    def test_chats_have_it_under_the_title(self, tides: Paper) -> None:
        told = paper_json(tides)
        content = NoticeContent("topic", "New", lines=[("Tides", told["url"]), ("More", "")], papers=[told])
        assert f"Tides>\n    {LINE}\n• More" in slack_text(content)
        assert f"\n  {LINE}\n" in plain_text(content)
        assert "\n  In this paper, we propose" in markdown_text(content)
        old = NoticeContent.of({"about": "topic", "title": "New", "lines": [["Tides", "u"]], "papers": [{"url": "u"}]})
        assert plain_text(old) == "New\n- Tides u"  # planned by an older release

    def test_mails_lead_with_it(self, tides: Paper) -> None:
        part = MailRenderer("https://a.example", "A", 2026).paper(tides)
        assert "we propose a new model" in part.text
        assert "have long been" not in part.text
