"""The card: what it says of a paper, that it is rendered once a change, and that votes never wait for that."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.template import Context, Template
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from papers.models import CardLead, LibraryItem, Listing, Paper, User
from papers.process_memory import forget_everything
from papers.services.lists.rows import ListRow, read_list_rows
from papers.services.lists.viewer_state import read_viewer_state
from papers.services.reading.library import set_library_state
from papers.services.reading.seen import mark_seen
from papers.services.reading.tags import set_tags
from papers.services.reading.votes import set_vote
from papers.web import card_parts
from papers.web import cards as service
from papers.web.card_slots import SLOTS, SlotError
from papers.web.cards import render_cards
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.pages import Card, parse_card, parse_html

pytestmark = pytest.mark.django_db

YEAR = TODAY.year


def row(paper: Paper, **about: Any) -> ListRow:
    paper.refresh_from_db()
    return ListRow(paper.pk, paper.public_id, paper.changed_at, paper.vote_count, (), **about)


def html(*rows: ListRow, viewer: User | None = None, this_year: int = YEAR) -> str:
    voted = [row.paper_id for row in rows if row.vote_count]
    marks = read_viewer_state(viewer or AnonymousUser(), [row.paper_id for row in rows], voters_of=voted)
    return render_cards(rows, viewer=marks, this_year=this_year)


def card(paper: Paper, viewer: User | None = None, **about: Any) -> Card:
    return parse_card(parse_html(html(row(paper, **about), viewer=viewer)))


class TestAuthors:
    @pytest.mark.parametrize(
        ("names", "line"),
        [
            (["Ada"], "Ada"),
            (["Ada", "Bo"], "Ada and Bo"),
            (["Ada", "Bo", "Cy"], "Ada, Bo and Cy"),
            (["Ada", "Bo", "Cy", "Di"], "Ada, Bo, Cy and Di"),
            (["Ada", "Bo", "Cy", "Di", "Ed"], "Ada, Bo, Cy and 2 others"),
            ([f"A{n}" for n in range(3000)], "A0, A1, A2 and 2,997 others"),
            ([], ""),
        ],
    )
    def test_first_names_then_the_number_of_others(self, names: list[str], line: str) -> None:
        assert card(factories.paper(authors=names)).byline == line

    def test_the_number_where_no_names_are_known(self) -> None:
        paper = factories.paper(authors=[])
        Paper.objects.filter(pk=paper.pk).update(author_count=12)
        assert card(paper).byline == "12 authors"

    def test_the_organization(self) -> None:
        assert card(factories.paper(authors=[], organization="CERN")).byline == "CERN"
        assert card(factories.paper(authors=["Ada"], organization="CERN")).byline == "Ada · CERN"


class TestTheDate:
    def test_the_year_only_when_it_is_not_this_one(self) -> None:
        paper = factories.paper(announced_on=TODAY)
        assert card(paper).facts[0] == "4 Mar"
        assert ">4 Mar 2026<" in html(row(paper), this_year=2027)

    def test_announced_before_published_before_first_seen(self) -> None:
        seen = factories.paper(listed_at=datetime(2026, 3, 3, tzinfo=UTC))
        published = factories.paper(published_at=datetime(2026, 3, 2, tzinfo=UTC))
        assert (card(seen).facts[0], card(published).facts[0]) == ("3 Mar", "2 Mar")


class TestFacts:
    def test_a_plain_paper_says_no_more_than_it_has(self) -> None:
        assert card(factories.paper(categories=[])).facts == ["4 Mar"]

    def test_categories_venue_and_links(self) -> None:
        links = {
            "abs": {"url": "https://arxiv.org/abs/2603.1", "found": "arxiv"},
            "pdf": {"url": "https://arxiv.org/pdf/2603.1", "found": "arxiv"},
            "code": {"url": "https://github.com/a/b", "found": "abstract"},
            "project": {"url": "https://a.github.io/", "found": "comment"},
        }
        paper = factories.paper(categories=["cs.CL", "cs.LG"], venue="ACL 2026", links=links)
        assert card(paper).facts == ["4 Mar", "cs.CLcs.LG", "ACL 2026", "arXiv", "PDF", "Code", "Project"]

    def test_comments_only_when_there_are_some(self) -> None:
        assert "1 comment" in card(factories.paper(comment_count=1)).facts
        assert not [fact for fact in card(factories.paper()).facts if "comment" in fact]

    def test_the_figures_of_a_source_are_said_to_be_its_own(self) -> None:
        paper = factories.paper()
        factories.external_counts(paper, votes=1212, comments=3, submitted_by="akira")
        found = card(paper)
        assert found.votes == 0
        assert found.facts[-1] == "1,212 on Hugging Face, 3 comments, submitted by akira"

    def test_a_source_that_counts_nothing_is_not_shown(self) -> None:
        paper = factories.paper(categories=[])
        factories.external_counts(paper, votes=0)
        assert card(paper).facts == ["4 Mar"]

    def test_marks(self) -> None:
        assert "withdrawn" in card(factories.paper(withdrawn_at=NOW)).facts
        assert "sample summary" in card(factories.paper(is_sample=True)).facts
        assert card(factories.paper(), is_pinned=True, submitted_by="rita").facts[:2] == ["pinned", "submitted by rita"]


class TestTheAbstract:
    def test_a_long_one_is_folded_and_whole(self) -> None:
        abstract = " ".join(f"Sentence number {n} is here." for n in range(60))
        found = parse_html(html(row(factories.paper(abstract=abstract))))
        assert len(parse_card(found).excerpt) < 340
        (whole,) = found.find_class("full")
        assert whole.text_content() == abstract
        assert whole.getparent().tag == "details"

    def test_a_short_one_is_not_folded(self) -> None:
        found = html(row(factories.paper(abstract="Short.")))
        assert "Short." in found
        assert "<details" not in found

    def test_none_at_all_leaves_no_gap(self) -> None:
        assert "abstract" not in html(row(factories.paper(abstract="")))


def test_what_others_wrote_is_escaped() -> None:
    evil = "<script>alert(1)</script> & \x00\x01 \"'"
    paper = factories.paper(title="safe", venue="V<b>")
    Paper.objects.filter(pk=paper.pk).update(
        title=evil.replace("\x00", ""), abstract=evil.replace("\x00", ""), authors=[{"name": "<i>Eve</i>"}],
        organization="<u>", links={"abs": {"url": "https://x.org/\"><script>", "found": "feed"}},
    )  # fmt: skip
    factories.external_counts(paper, votes=3, submitted_by="<s>")
    found = html(row(paper, submitted_by="<em>"))
    for tag in ("<script", "<i>", "<u>", "<b>", "<s>", "<em>"):
        assert tag not in found


def test_formulas_are_drawn() -> None:
    found = html(row(factories.paper(title=r"On $\alpha_1$", abstract=r"We show $x^2$.")))
    assert found.count("<math") == 2
    assert "\\alpha" not in found.replace("<annotation", "").split("</math>")[-1]


class TestTheCache:
    def test_a_card_is_rendered_once_a_change(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rendered: list[int] = []
        render = service._render

        def noted(paper: Paper, *counts: Any, **more: Any) -> tuple[str, str]:
            rendered.append(paper.pk)
            return render(paper, *counts, **more)

        monkeypatch.setattr(service, "_render", noted)
        paper = factories.paper()
        html(row(paper))
        html(row(paper))
        assert rendered == [paper.pk]
        Paper.objects.filter(pk=paper.pk).update(title="Another", changed_at=NOW + timedelta(seconds=1))
        assert card(paper).title == "Another"
        assert rendered == [paper.pk] * 2

    def test_the_template_is_rendered_once_for_papers_with_the_same_parts(self) -> None:
        card_parts._pieces.cache_clear()
        titles = ["One", "Two", "\x04title\x04"]
        papers = [factories.paper(title=title, abstract="Short.", organization="") for title in titles]
        assert [card(paper).title for paper in papers[:2]] == ["One", "Two"]
        assert html(row(papers[2])).count("</h2>") == 1  # a text with the marks of parts is no part
        assert card_parts._pieces.cache_info().misses == 1
        assert "Lab" in html(row(factories.paper(abstract="Short.", organization="Lab")))
        assert card_parts._pieces.cache_info().misses == 2

    def test_a_lost_cache_costs_time_only(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        rows = [row(factories.paper()) for _ in range(3)]
        first = html(*rows)
        cache.clear()
        with django_assert_num_queries(0):
            assert html(*rows) == first  # from the memory of the process
        forget_everything()
        assert html(*rows) == first
        forget_everything()
        with django_assert_num_queries(0):
            assert html(*rows) == first  # from the cache

    @pytest.mark.parametrize(
        "change",
        [
            {"title": "Another"},
            {"abstract": "Other words."},
            {"authors": [{"name": "Somebody Else"}]},
            {"withdrawn_at": NOW},
            {"categories": ["cs.RO"]},
            {"venue": "ACL 2026"},
            {"comment_count": 3},
            {"links": {"code": {"url": "https://github.com/a/b", "found": "abstract"}}},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_whatever_changes_a_paper_changes_its_card_at_once(self, change: dict[str, Any]) -> None:
        paper = factories.paper()
        before = html(row(paper))
        Paper.objects.filter(pk=paper.pk).update(**change, changed_at=paper.changed_at + timedelta(microseconds=1))
        assert html(row(paper)) != before

    def test_what_a_reader_wants_to_see_of_abstracts_is_the_reader_s_own(self) -> None:
        abstract = "Tides are old. " * 30 + "We measure tides."
        paper = factories.paper(abstract=abstract, sentence_roles=f"b{len(abstract) - 18} A{len(abstract)}")
        plain, other = factories.user(), factories.user(card_lead=CardLead.BEGINNING)
        shown = [card(paper, viewer).excerpt for viewer in (plain, other, plain, other)]
        assert shown[:2] == shown[2:]
        assert shown[0] == "We measure tides."
        assert shown[1].startswith("Tides are old.")

    def test_readers_never_see_each_other_s_marks(self) -> None:
        paper, rita, carl = factories.paper(), factories.user("rita"), factories.user("carl")
        untouched = html(row(paper), viewer=carl)
        set_library_state(user=rita, paper_ids=[paper.pk], state=LibraryItem.State.READ)
        set_tags(user=rita, paper_id=paper.pk, names=["100% %(key)s"])
        mark_seen(user=rita, paper_ids=[paper.pk])
        own = html(row(paper), viewer=rita)
        assert "100% %(key)s" in own
        assert "In your library: read." in own
        assert html(row(paper), viewer=carl) == untouched
        assert html(row(paper), viewer=rita) == own
        assert "rita" not in html(row(paper)) + untouched

    def test_a_vote_shows_without_rendering_anew(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        paper, user, other = factories.paper(), factories.user(), factories.user()
        assert card(paper).votes == 0
        set_vote(user=user, paper_id=paper.pk, on=True)
        now = row(paper)
        with django_assert_num_queries(0):
            assert parse_card(parse_html(html(now))).votes == 1
        with django_assert_num_queries(1):
            assert parse_card(parse_html(html(now, viewer=user))).is_pressed
        with django_assert_num_queries(1):
            assert not parse_card(parse_html(html(now, viewer=other))).is_pressed

    def test_one_query_for_all_that_are_not_kept(self) -> None:
        def queries(number: int) -> int:
            from django.db import connection

            rows = []
            for _ in range(number):
                paper = factories.paper()
                factories.external_counts(paper, votes=2)
                rows.append(row(paper))
            with CaptureQueriesContext(connection) as captured:
                html(*rows)
            return len(captured)

        assert queries(3) == queries(12) == 2  # the papers, and the figures of their sources

    def test_a_paper_that_was_removed_meanwhile_is_left_out(self) -> None:
        gone, here = factories.paper(), factories.paper(title="Here")
        rows = [row(gone), row(here)]
        Paper.objects.filter(pk=gone.pk).delete()
        assert "Here" in html(*rows)


@pytest.mark.parametrize(("name", "act"), [("vote", "vote"), ("save", "save")])
def test_what_a_visitor_presses_is_kept_until_after_the_sign_in(name: str, act: str) -> None:
    found = parse_html(html(row(factories.paper(public_id="hep-th/9901001"))))
    (button,) = found.find_class(name)
    said = [button.get(attribute) for attribute in ("form", "formaction", "name", "value")]
    assert said == ["votes", "/papers/hep-th/9901001/after-sign-in", "act", act]


def test_the_vote_of_a_reader_belongs_to_the_page_s_form() -> None:
    found = parse_html(html(row(factories.paper(public_id="2603.1")), viewer=factories.user()))
    (vote,) = found.find_class("vote")
    assert (vote.get("form"), vote.get("formaction"), vote.get("value")) == ("votes", "/papers/2603.1/vote", "1")


def test_a_submission_names_the_reader_on_the_list() -> None:
    user = factories.user("rita")
    factories.listing(factories.paper(), by=Listing.By.SUBMISSION, user=user, pinned_at=timezone.now())
    (found,) = read_list_rows(Listing.objects.best_of_day(TODAY), ["position"])
    assert (found.submitted_by, found.is_pinned) == ("rita", True)


class TestSlots:
    def test_the_template_has_each_slot_once(self) -> None:
        html, _ = service._render(factories.paper(), this_year=YEAR)
        assert sorted(html.split("\x00")[1::2]) == sorted(SLOTS)

    def test_an_unknown_slot_is_refused(self) -> None:
        template = Template("{% load broadsheet %}{% slot 'votes' %}")
        with pytest.raises(SlotError, match="votes"):
            template.render(Context())

    def test_a_missing_slot_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(service, "SLOTS", SLOTS | {"price"})
        with pytest.raises(SlotError, match="price"):
            service._render(factories.paper(), this_year=YEAR)

    def test_no_mark_of_a_slot_is_left_on_a_page(self) -> None:
        paper = factories.paper()
        assert not re.search(r"[\x00-\x08]", html(row(paper)) + html(row(paper), viewer=factories.user()))

    def test_a_paper_that_is_twice_on_a_list_has_two_cards(self) -> None:
        found = row(factories.paper())
        assert html(found, found) == html(found) * 2


def test_of_many_tags_a_card_shows_a_dozen() -> None:
    html = service.render_own_tags(7, [f"tag-{number}" for number in range(20)], owner="rita")
    assert html.count('class="tag"') == 12
    assert "and 8 more" in html
    assert "more" not in service.render_own_tags(7, ["one"], owner="rita")
