"""Roles, and what administrators do with people: suspend, restore, close; and invitations that carry a role."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from digests.models import Delivery
from digests.services import outbox
from digests.services.planning import plan_due
from papers.models import Comment, Invitation, LoginLink, Role, User, Vote
from papers.services.accounts.invitations import create_invitation, find_invitation, use_invitation
from papers.services.accounts.login_links import create_login_link
from papers.services.accounts.people import (
    AccountActionError,
    account_history,
    close_account,
    restore_account,
    set_role,
    suspend_account,
)
from tests.support import factories
from tests.support.factories import NOW
from tests.support.people import PASSWORD, anonymous_client, client_of, curator, reader, staff

pytestmark = pytest.mark.django_db


def act(client: Client, person: User, name: str, **fields: str) -> str:
    answer = client.post(f"/curate/people/{person.pk}/{name}", fields, follow=True)
    return answer.content.decode()


# --- Roles ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_a_role_is_what_its_columns_say(role: Role) -> None:
    rita, ada = reader(), staff()
    set_role(person=rita, role=role, by=ada)
    rita.refresh_from_db()
    assert rita.role is role
    assert (rita.is_curator, rita.is_staff, rita.is_superuser) == (role != "reader", *[role == "administrator"] * 2)
    set_role(person=rita, role=role, by=ada)
    assert len(account_history(rita)) == (role is not Role.READER)


def test_somebody_must_be_left_who_looks_after_the_site() -> None:
    ada, carl = staff(), curator()
    for role in (Role.CURATOR, Role.READER):
        with pytest.raises(AccountActionError, match="only administrator"):
            set_role(person=ada, role=role, by=ada)
    set_role(person=carl, role=Role.ADMINISTRATOR, by=ada)
    set_role(person=ada, role=Role.READER, by=ada)
    with pytest.raises(AccountActionError, match="only administrator"):
        suspend_account(person=carl, by=ada, reason="", now=NOW)
    with pytest.raises(AccountActionError, match="only administrator"):
        close_account(person=carl, by=ada)
    assert User.objects.get(pk=carl.pk).is_active


# --- Suspending -----------------------------------------------------------------------------------------------------


def test_whoever_is_suspended_is_out_at_once_and_everywhere() -> None:
    rita, ada = reader(), staff()
    browser = Client()
    assert browser.post("/sign-in", {"username": rita.email, "password": PASSWORD}).status_code == 302
    assert browser.get("/account").status_code == 200
    link = create_login_link(rita.email)
    suspend_account(person=rita, by=ada, reason="Spam", now=NOW)
    assert browser.get("/account").status_code == 302
    again = anonymous_client()
    again.post("/sign-in", {"username": rita.email, "password": PASSWORD})
    assert again.get("/account").status_code == 302
    assert anonymous_client().post("/sign-in/link/" + link.rsplit("/", 1)[1]).status_code == 410
    restore_account(person=rita, by=ada)
    assert browser.get("/account").status_code == 302  # the old session has ended
    assert not LoginLink.objects.filter(user=rita).exists()
    assert anonymous_client().post("/sign-in", {"username": rita.email, "password": PASSWORD}).status_code == 302


def test_votes_and_comments_of_the_suspended_stay() -> None:
    rita, paper = reader(), factories.paper(vote_count=1)
    factories.vote(paper, rita)
    factories.comment(paper, rita)
    suspend_account(person=rita, by=staff(), reason="", now=NOW)
    assert Vote.objects.filter(user=rita).exists()
    assert Comment.objects.visible().filter(user=rita).exists()


@pytest.mark.parametrize("is_linked", [True, False])
def test_no_mail_leaves_to_the_suspended(is_linked: bool) -> None:
    rita, ada = reader(), staff()
    reader_of_mail = factories.subscriber(email=rita.email.upper(), user=rita if is_linked else None)
    schedule = factories.schedule(reader_of_mail, kinds=["daily"])
    planned = factories.delivery(schedule, paper_ids=[1])
    other = factories.delivery(factories.schedule(kinds=["daily"]), paper_ids=[1])
    suspend_account(person=rita, by=ada, reason="", now=NOW)
    assert [one.id for one in outbox.lease(owner="me", count=9, now=NOW)] == [other.pk]
    planned.refresh_from_db()
    assert (planned.state, planned.reason) == ("cancelled", "the account is suspended")
    restore_account(person=rita, by=ada)
    later = factories.delivery(schedule, paper_ids=[1], period_on=NOW.date() + timedelta(days=1))
    assert [one.id for one in outbox.lease(owner="me", count=9, now=NOW)] == [later.pk]


def test_mail_to_the_suspended_is_planned_as_skipped() -> None:
    rita = reader()
    subscriber = factories.subscriber(email=rita.email, user=rita)
    schedule = factories.schedule(subscriber, kinds=["daily"], next_due_at=NOW, next_on=NOW.date())
    factories.listing()
    suspend_account(person=rita, by=staff(), reason="", now=NOW)
    plan_due(now=NOW + timedelta(minutes=1))
    assert [(one.state, one.schedule_id) for one in Delivery.objects.all()] == [("skipped", schedule.pk)]


def test_suspending_twice_keeps_the_first_reason() -> None:
    rita, ada = reader(), staff()
    suspend_account(person=rita, by=ada, reason="First", now=NOW)
    suspend_account(person=rita, by=ada, reason="Second", now=NOW)
    rita.refresh_from_db()
    assert (rita.suspension_reason, rita.suspended_by, rita.suspended_at) == ("First", ada, NOW)
    assert [entry.change_message for entry in account_history(rita)] == ["Suspended: First"]


def test_nobody_suspends_or_closes_themselves() -> None:
    ada = staff()
    staff("eve")
    with pytest.raises(AccountActionError, match="yourself"):
        suspend_account(person=ada, by=ada, reason="", now=NOW)
    with pytest.raises(AccountActionError, match="own account"):
        close_account(person=ada, by=ada)


# --- Pages ----------------------------------------------------------------------------------------------------------


def test_an_administrator_suspends_and_restores_on_a_page() -> None:
    rita, admin = reader(), client_of(staff())
    assert "Restore" in act(admin, rita, "suspend", reason="<b>Spam</b>")
    assert "&lt;b&gt;Spam&lt;/b&gt;" in admin.get(f"/curate/people/{rita.pk}").content.decode()
    assert "rita" in admin.get("/curate/people?role=suspended").content.decode()
    assert "can sign in again" in act(admin, rita, "restore")
    assert "Choose a role" in act(admin, rita, "role", role="king")
    assert "is now a curator" in act(admin, rita, "role", role="curator")


def test_an_account_is_closed_when_its_name_was_typed() -> None:
    rita, admin, paper = reader(), client_of(staff()), factories.paper()
    factories.comment(paper, rita, "Words of hers")
    assert "Type rita" in act(admin, rita, "close", username="otto")
    assert User.objects.filter(pk=rita.pk).exists()
    assert "has been closed" in act(admin, rita, "close", username="Rita")
    assert not User.objects.filter(username="rita").exists()
    assert not Comment.objects.filter(body__contains="hers").exists()


def test_people_are_found_by_name_address_and_role_a_page_at_a_time() -> None:
    admin = client_of(staff())
    for number in range(60):
        factories.user(f"person{number:02}", is_curator=number == 7)
    first = admin.get("/curate/people").content.decode()
    assert "person59" in first
    assert "person09" not in first
    assert "person09" in admin.get(f"/curate/people?before={User.objects.get(username='person10').pk}").content.decode()
    found = admin.get("/curate/people?who=SON07@example&role=curator").content.decode()
    assert "person07" in found
    assert "person08" not in found
    for odd in ("before=x", "before=99999999999999999999", "who=%00", "role=%00"):
        assert admin.get(f"/curate/people?{odd}").status_code == 200


def test_the_list_costs_the_same_for_few_and_many() -> None:
    admin, costs = client_of(staff()), []
    admin.get("/curate/people")
    for _ in range(2):
        for _ in range(10):
            factories.user()
        with CaptureQueriesContext(connection) as captured:
            admin.get("/curate/people")
        costs.append(len(captured))
    assert costs[0] == costs[1]


# --- Invitations ----------------------------------------------------------------------------------------------------


def come_by(by: User, role: Role, *, email: str = "", as_address: str = "new@example.org") -> Role:
    token = create_invitation(by=by, email=email, role=role, now=NOW).rsplit("/", 1)[1]
    person = User.objects.create_user(as_address, "newcomer")
    use_invitation(token, user=person, now=NOW)
    assert find_invitation(token, now=NOW) is None
    person.refresh_from_db()
    return person.role


@pytest.mark.parametrize("role", list(Role))
def test_an_invitation_carries_a_role(role: Role) -> None:
    assert come_by(staff(), role) is role


def test_a_curator_invites_readers_only() -> None:
    assert come_by(curator(), Role.READER) is Role.READER
    for role in (Role.CURATOR, Role.ADMINISTRATOR):
        with pytest.raises(PermissionDenied):
            create_invitation(by=curator("cleo" + role[:2]), email="", role=role, now=NOW)
    page = client_of(User.objects.get(username="carl"))
    page.post("/invitations", {"email": "", "role": "administrator"})
    assert set(Invitation.objects.values_list("role", flat=True)) == {"reader"}


def test_whoever_comes_by_another_s_invitation_is_a_reader() -> None:
    assert come_by(staff(), Role.CURATOR, email="boss@example.org") is Role.READER


def test_the_invited_address_gets_the_role() -> None:
    assert come_by(staff(), Role.CURATOR, email="New@Example.org") is Role.CURATOR


def test_who_is_no_administrator_any_more_has_nothing_to_give() -> None:
    ada = staff()
    token = create_invitation(by=ada, email="", role=Role.CURATOR, now=NOW).rsplit("/", 1)[1]
    set_role(person=ada, role=Role.CURATOR, by=staff("eve"))
    person = factories.user("newcomer")
    use_invitation(token, user=person, now=NOW)
    assert User.objects.get(pk=person.pk).role is Role.READER


def test_an_administrator_chooses_the_role_on_the_page() -> None:
    client_of(staff()).post("/invitations", {"email": "", "role": "curator"})
    assert Invitation.objects.get().role == "curator"
