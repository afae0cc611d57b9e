"""The admin: every list is bounded and costs the same however long it is; its door asks for the second factor."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from digests.models import SendingPause, Suppression
from papers.admin.base import BoundedPaginator
from papers.models import (
    Comment,
    CommentReport,
    CurationEvent,
    Edition,
    Invitation,
    Listing,
    Paper,
    RejectedRecord,
    Role,
    User,
)
from papers.services.accounts.invitations import create_invitation
from papers.services.accounts.people import set_role
from papers.services.curation.undo import undo_event
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.people import PASSWORD, client_of, staff
from tests.support.second_factor import code_of, turn_on

pytestmark = pytest.mark.django_db

LISTS = [model._meta for model in admin.site._registry]
IDS = [meta.label_lower for meta in LISTS]


def address(meta: Any, name: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{name}", args=args)


def fill() -> None:
    """A few more rows of all that the admin lists, each with rows of its own behind it."""
    ada = User.objects.filter(is_superuser=True).first() or staff()
    for number in range(4):
        topic, source, person = factories.topic(), factories.source(), factories.user()
        paper = factories.paper()
        factories.listing(paper, source=source, user=person)
        factories.fetch_run(source)
        factories.submission(paper=paper, by=person)
        factories.edition(TODAY.replace(day=1 + number))
        factories.list_rule(topic, made_by=person)
        factories.delivery(factories.schedule(factories.subscriber(user=person), topic))
        comment = factories.comment(paper, factories.user())
        CommentReport.objects.create(comment=comment, user=person)
        seen = {"first_seen_at": NOW, "last_seen_at": NOW}
        RejectedRecord.objects.create(source=source, digest=str(paper.pk), payload="x", error="odd", **seen)
        create_invitation(by=ada, email="", now=NOW)
        Invitation.objects.update(used_by=person)
        set_role(person=person, role=Role.CURATOR, by=ada)
        Suppression.objects.create(address=f"{person.username}@example.net", reason="bounced")
        SendingPause.objects.create(name=person.username, reason="full", since=NOW)


def costs(browser: Client) -> dict[str, int]:
    """Queries of each list. None of them counts without an end."""
    found = {}
    for meta in LISTS:
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address(meta)).status_code == 200
        found[meta.label] = len(captured)
        assert [sql for sql in (query["sql"] for query in captured) if "COUNT(" in sql and "LIMIT" not in sql] == []
    return found


def test_a_list_costs_the_same_for_few_and_for_many() -> None:
    fill()
    browser = client_of(User.objects.get(is_superuser=True))
    costs(browser)  # content types are read once
    few = costs(browser)
    fill()
    assert costs(browser) == few


def test_every_row_can_be_looked_at_and_every_list_searched() -> None:
    fill()
    browser = client_of(User.objects.get(is_superuser=True))
    for meta in LISTS:
        row = meta.model._default_manager.first()
        assert row is not None
        assert browser.get(address(meta, "change", row.pk)).status_code == 200, meta
        for words in (str(TODAY), "Ada@example.org", "%00", "9" * 40):
            assert browser.get(address(meta) + "?q=" + words).status_code == 200, (meta, words)


@pytest.mark.parametrize("meta", LISTS, ids=IDS)
def test_every_list_pages_without_counting_to_the_end(meta: Any) -> None:
    own = admin.site._registry[meta.model]
    assert own.paginator is BoundedPaginator
    assert own.show_full_result_count is False
    assert own.date_hierarchy is None


def test_a_paper_is_found_by_words_of_its_title() -> None:
    browser = client_of(staff())
    paper = factories.paper(title="The thickness of sea ice", abstract="Of snow.")
    factories.paper(title="Snow", abstract="The thickness of sea ice.")

    def found(words: str) -> list[Paper]:
        return list(browser.get(address(Paper._meta), {"q": words}).context["cl"].result_list)

    assert found("ice thickness") == found("Thickness") == [paper]
    assert found("ice snow") == found("—") == []


def test_a_paper_is_found_by_any_of_its_names_and_a_listing_by_its_day() -> None:
    browser, paper = client_of(staff()), factories.paper(title="Wanted")
    factories.listing(factories.paper(title="Other"), TODAY.replace(day=2))
    factories.listing(paper)
    names = (paper.public_id, str(TODAY))
    for meta, words in ((Paper._meta, names[0]), (Listing._meta, names[0]), (Listing._meta, names[1])):
        found = browser.get(address(meta) + "?q=" + words).context["cl"].result_list
        assert [getattr(row, "paper", row) for row in found] == [paper]


def test_roles_are_not_changed_by_hand() -> None:
    ada, rita = staff(), factories.user("rita")
    browser = client_of(ada)
    asked = {"email": rita.email, "username": "rita", "is_superuser": "on", "is_staff": "on", "is_active": ""}
    browser.post(address(User._meta, "change", rita.pk), asked)
    rita.refresh_from_db()
    assert (rita.is_superuser, rita.is_staff, rita.is_active) == (False, False, True)
    assert browser.post(address(User._meta, "delete", rita.pk), {"post": "yes"}).status_code == 403
    chosen = {"action": "suspend", "_selected_action": [rita.pk, ada.pk]}
    browser.post(address(User._meta), chosen)
    assert set(User.objects.filter(is_active=False)) == {rita}
    browser.post(address(User._meta), {**chosen, "action": "restore"})
    assert not User.objects.filter(is_active=False).exists()
    said = LogEntry.objects.filter(object_id=str(rita.pk)).values_list("change_message", flat=True)
    assert {"Suspended.", "Restored."} <= set(said)


def test_what_is_decided_on_reports_stands_in_the_log_and_can_be_undone() -> None:
    ada, stands, goes = (
        staff(),
        factories.comment(factories.paper(), body="Fine"),
        factories.comment(factories.paper(), body="Rude"),
    )
    reports = [factories.comment_report(comment) for comment in (stands, goes, goes)]
    browser = client_of(ada)
    for action, chosen in (("keep", reports[:1]), ("remove", reports[1:])):
        asked = {"action": action, "_selected_action": [report.pk for report in chosen]}
        answer = browser.post(address(CommentReport._meta), asked, follow=True)
        assert "Decided on 1 of 1" in answer.content.decode()
    assert not CommentReport.objects.filter(resolved_at=None).exists()
    kept, removed = CurationEvent.objects.order_by("pk")
    assert [(event.action, event.actor) for event in (kept, removed)] == [
        ("comment-kept", ada), ("comment-removed", ada),
    ]  # fmt: skip
    goes.refresh_from_db()
    assert goes.deleted_at is not None
    undo_event(event_id=removed.pk, curator=ada, now=NOW)
    assert Comment.objects.get(pk=goes.pk, deleted_at=None).body == "Rude"
    assert CommentReport.objects.filter(resolved_at=None).count() == 2


def test_an_edition_is_changed_at_its_desk_alone() -> None:
    browser, edition = client_of(staff()), factories.edition(TODAY, note="Today")
    page = address(Edition._meta, "change", edition.pk)
    assert f"/curate/days/{TODAY}" in browser.get(page).content.decode()
    assert browser.post(page, {"note": "By hand"}).status_code == 403
    edition.refresh_from_db()
    assert edition.note == "Today"


def test_what_could_not_be_read_is_not_deleted_by_hand() -> None:
    record = factories.rejected_record()
    assert (
        client_of(staff()).post(address(RejectedRecord._meta, "delete", record.pk), {"post": "yes"}).status_code == 403
    )


# --- Its door -------------------------------------------------------------------------------------------------------


def lead_to(browser: Client, path: str) -> str:
    """Where whoever asks for a page ends up."""
    answer = browser.get(path, follow=True)
    return str(answer.redirect_chain[-1][0] if answer.redirect_chain else path)


def test_an_administrator_without_a_second_factor_enters_unless_one_is_wanted(settings: Any) -> None:
    browser = client_of(staff())
    assert lead_to(browser, "/admin/papers/source/") == "/admin/papers/source/"
    settings.ADMIN_SECOND_FACTOR = True
    for path in ("/admin/papers/source/", "/curate/people"):
        assert lead_to(browser, path).startswith("/sign-in/again")  # the password, before it is set up
    page = browser.get("/curate/people", follow=True)
    assert "Administrators need two-factor authentication" in page.content.decode()
    assert lead_to(browser, "/curate/figures").startswith("/sign-in/again")
    assert lead_to(browser, "/library") == "/library"  # what readers may do needs none


def test_whoever_has_a_second_factor_shows_its_code_before_the_admin(settings: Any) -> None:
    settings.ADMIN_SECOND_FACTOR = True
    ada = staff()
    secret = turn_on(client_of(ada))
    browser = stranger_signed_in(ada)  # as by a session that was stolen
    for path in ("/admin/", "/curate/people"):
        assert lead_to(browser, path).startswith("/sign-in/code/again")
    answer = browser.post("/sign-in/code/again?next=/admin/papers/source/", {"code": code_of(secret)})
    assert answer["Location"] == "/admin/papers/source/"
    assert lead_to(browser, "/admin/papers/source/") == "/admin/papers/source/"
    session = browser.session
    for record in session["account_authentication_methods"]:
        record["at"] = time.time() - 13 * 60 * 60
    session.save()
    assert lead_to(browser, "/admin/").startswith("/sign-in/code/again")
    assert browser.post(address(User._meta), {"action": "sign_out"}).status_code == 302


def stranger_signed_in(user: User) -> Client:
    return client_of(user)


def test_signing_in_with_a_code_opens_the_admin() -> None:
    ada = staff()
    secret = turn_on(client_of(ada))
    browser = Client()
    browser.post("/sign-in", {"username": ada.email, "password": PASSWORD})
    assert lead_to(browser, "/admin/").startswith("/sign-in")
    browser.post("/sign-in/code", {"code": code_of(secret)})
    assert lead_to(browser, "/admin/") == "/admin/"
