"""The pages of submitting, with and without JavaScript, and what hostile input comes to."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from papers.models import Listing, Paper, Submission, TaggedPaper, User
from papers.web.ratelimit import RATE_LIMITS
from tests.support import factories
from tests.support.pages import parse_html
from tests.support.people import anonymous_client, client_of, curator, reader, staff

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}
State = Submission.State


@pytest.fixture
def rita() -> User:
    return reader()


@pytest.fixture
def browser(rita: User) -> Client:
    return client_of(rita)


def text_of(response: Any) -> str:
    return " ".join(parse_html(response.content.decode()).text_content().split())


def test_a_submission_is_a_row_and_a_page(browser: Client, rita: User) -> None:
    response = browser.post("/submit", {"given": "https://arxiv.org/abs/2603.50001v2", "tags": "ice, snow"})
    taken = Submission.objects.get()
    assert (taken.user, taken.scheme, taken.value, taken.state) == (rita, "arxiv", "2603.50001", State.FETCHING)
    assert taken.tags == ["ice", "snow"]
    assert response["Location"] == f"/submit/{taken.pk}"
    page = browser.get(response["Location"])
    assert "Fetching the paper" in text_of(page)
    part = browser.get(response["Location"], headers=HTMX)
    assert b"<html" not in part.content
    assert b'hx-trigger="every 2s"' in part.content


def test_sending_the_form_twice_makes_one(browser: Client) -> None:
    for _ in range(2):
        browser.post("/submit", {"given": "2603.50001"})
    assert Submission.objects.count() == 1


def test_what_will_be_added_is_told_at_once(browser: Client) -> None:
    paper = factories.paper(public_id="2603.50001", title="On ice")
    factories.listing(paper)
    for path, words in (
        ("/submit?url=https://arxiv.org/abs/2603.50001", "already here"),
        ("/submit?given=2603.50002", "will be fetched from arXiv"),
        ("/submit?given=10.1000/ice", "doi.org"),
        ("/submit?url=https://journal.example/1", "We will look for a paper"),
        ("/submit?given=nonsense", "neither an arXiv id"),
    ):
        page = browser.get(path)
        assert words in text_of(page), path
        assert words in text_of(browser.get(path, headers=HTMX)), path
        assert b"<html" not in browser.get(path, headers=HTMX).content
    field = parse_html(browser.get("/submit?url=https://arxiv.org/abs/2603.50001").content.decode())
    assert field.xpath("//input[@name='given']/@value") == ["https://arxiv.org/abs/2603.50001"]


def test_a_duplicate_leads_to_the_paper(browser: Client) -> None:
    factories.listing(factories.paper(public_id="2603.50001"))
    response = browser.post("/submit", {"given": "2603.50001"}, follow=True)
    assert response.redirect_chain == [("/papers/2603.50001", 302)]
    assert "already here" in text_of(response)


def test_a_paper_that_is_here_is_tagged_in_the_same_step(browser: Client) -> None:
    factories.listing(factories.paper(public_id="2603.50001"))
    response = browser.post("/submit", {"given": "2603.50001", "tags": "ice", "saves_to_library": "on"}, follow=True)
    assert "The paper is available" in text_of(response)
    assert TaggedPaper.objects.count() == 1
    assert Listing.objects.count() == 1


@pytest.mark.parametrize(
    "given",
    ["", " ", "\x00", "2401.\x0001234", "a" * 5_000, "https://example.org/" + "a" * 5_000, "<script>alert(1)</script>",
     "javascript:alert(1)", "file:///etc/passwd", "gopher://x", "2413.01234", "10.1000",
     "https://user:secret@example.org/", "%00", "'; DROP TABLE papers_paper; --", "٢٤٠١.٠١٢٣٤"],
)  # fmt: skip
def test_hostile_input_gets_a_sentence(browser: Client, given: Any) -> None:
    response = browser.post("/submit", {"given": given})
    assert response.status_code == 200
    page = parse_html(response.content.decode())
    (error,) = page.xpath("//*[@id='id_given_error']")
    assert error.text_content().endswith(".")
    assert not page.xpath("//script[not(@src)]")
    assert not Submission.objects.exists()
    assert browser.get("/submit", {"given": given}).status_code == 200
    assert browser.get("/submit", {"url": given}, headers=HTMX).status_code == 200


def test_too_many_are_refused(browser: Client) -> None:
    for _ in range(RATE_LIMITS["submit"].attempts):
        assert browser.post("/submit", {"given": ""}).status_code == 200
    assert browser.post("/submit", {"given": ""}).status_code == 429


@pytest.mark.parametrize(
    "path", ["/abs/2603.50001v2", "/pdf/2603.50001.pdf", "/papers/2603.50001", "/papers/2603.50001v9"]
)
def test_an_unknown_arxiv_id_has_one_button(path: str, browser: Client) -> None:
    response = browser.get(path, follow=True)
    assert response.status_code == 404
    page = parse_html(response.content.decode())
    (form,) = page.xpath("//main//form")
    fields = {field.get("name"): field.get("value") for field in form.xpath(".//input")}
    assert len(form.xpath(".//button")) == 1
    sent = browser.post(form.get("action"), fields)
    taken = Submission.objects.get()
    assert sent["Location"] == taken.get_absolute_url()
    assert (taken.value, taken.is_for_edition) == ("2603.50001", False)


def test_an_old_id_keeps_its_slash(browser: Client) -> None:
    page = browser.get("/pdf/hep-th/9901001v2.pdf", follow=True)
    assert b'value="hep-th/9901001"' in page.content


def test_a_stranger_sees_a_calm_404() -> None:
    response = anonymous_client().get("/abs/2603.50001", follow=True)
    assert response.status_code == 404
    assert not parse_html(response.content.decode()).xpath("//main//form")
    assert "Sign in" in text_of(response)
    assert anonymous_client().get("/papers/nonsense").status_code == 404
    assert anonymous_client().get("/abs/nonsense").status_code == 404


def test_a_hidden_paper_looks_like_one_that_is_not_here(browser: Client) -> None:
    factories.paper(public_id="2603.50001", hidden_at=factories.NOW)
    hidden, unknown = (browser.get(f"/papers/2603.5000{number}") for number in (1, 2))
    assert text_of(hidden).replace("50001", "50002") == text_of(unknown)
    assert "curator" in text_of(browser.post("/submit", {"given": "2603.50001"}))


def test_the_states_of_a_submission(browser: Client, rita: User) -> None:
    paper = factories.paper(title="On ice")
    factories.listing(paper)
    for number, (state, reason, words) in enumerate(
        (
            (State.FAILED, "There is no arXiv paper with this id.", "There is no arXiv paper with this id."),
            (State.WAITING, "", "A curator will decide"),
            (State.REJECTED, "Not our field.", "Not our field."),
            (State.ACCEPTED, "", "in the daily papers of 4 March 2026"),
            (
                State.FETCHING,
                "arXiv could not be reached. Try again later.",
                "It will be tried again automatically at 12:00",
            ),
        )
    ):
        found = None if state in (State.FAILED, State.FETCHING) else paper
        taken = factories.submission(f"10.1000/{number}", rita, state=state, reason=reason, paper=found)
        said = text_of(browser.get(taken.get_absolute_url()))
        assert words in said, state
        assert ("On ice" in said) == (found is not None)
    listed = text_of(browser.get("/submit"))
    assert "could not be fetched" in listed
    assert "declined: Not our field." in listed


def test_what_failed_is_tried_again_by_a_button(browser: Client, rita: User) -> None:
    taken = factories.submission(by=rita, state=State.FAILED, next_attempt_at=None)
    assert browser.post(f"{taken.get_absolute_url()}/retry")["Location"] == taken.get_absolute_url()
    taken.refresh_from_db()
    assert taken.state == State.FETCHING
    assert browser.get(f"{taken.get_absolute_url()}/retry").status_code == 405


def test_the_card_says_who_submitted_it(browser: Client) -> None:
    factories.paper(public_id="2603.50001", title="On ice")
    browser.post("/submit", {"given": "2603.50001"})
    day = Listing.objects.get().day
    assert "submitted by rita" in text_of(anonymous_client().get(f"/papers/date/{day}"))


def test_the_list_costs_the_same_for_few_and_for_many(browser: Client, rita: User) -> None:
    counts = []
    browser.get("/submit")  # reads the group's choices, which are kept
    for number in (2, 15):
        for place in range(number):
            factories.submission(f"10.1000/{number}-{place}", rita, paper=factories.paper(), state=State.ACCEPTED)
        with CaptureQueriesContext(connection) as captured:
            assert browser.get("/submit").status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 6


def test_a_curator_decides_in_the_admin() -> None:
    ada = client_of(staff())
    accepted, rejected = (
        factories.submission(f"10.1000/{n}", paper=factories.paper(), state=State.WAITING) for n in range(2)
    )
    url = "/admin/papers/submission/"
    assert "Accept" in ada.get(url).content.decode()
    ada.post(url, {"action": "accept", "reason": "", "_selected_action": [accepted.pk]})
    ada.post(url, {"action": "reject", "reason": "", "_selected_action": [rejected.pk]})
    rejected.refresh_from_db()
    assert rejected.state == State.WAITING, "a reader is told why"
    ada.post(url, {"action": "reject", "reason": "Not ours.", "_selected_action": [rejected.pk]})
    for taken, state in ((accepted, State.ACCEPTED), (rejected, State.REJECTED)):
        taken.refresh_from_db()
        assert taken.state == state
    assert Listing.objects.get().paper == accepted.paper


def test_a_queue_is_said_before(browser: Client, settings: Any) -> None:
    assert "listed today" in text_of(browser.get("/submit"))
    settings.SUBMISSIONS = "queue"
    assert "A curator reviews it" in text_of(browser.get("/submit"))
    assert "listed today" in text_of(client_of(curator()).get("/submit"))
    factories.paper(public_id="2603.50001")
    browser.post("/submit", {"given": "2603.50001"})
    assert Submission.objects.get().state == State.WAITING
    assert Paper.objects.get().listings.count() == 0


def test_the_bookmarklet_is_words_until_a_script_makes_it_a_link(browser: Client) -> None:
    page = parse_html(browser.get("/submit").content.decode())
    code = page.xpath("string(//*[@id='code'])").strip()
    assert code.startswith("javascript:void(open('http://")
    assert "/submit?url='+encodeURIComponent(location.href)" in code
    assert not page.xpath("//a[starts-with(@href, 'javascript:')]")
