"""The security log: what is noted and of whom, who reads it, what its owner is told by mail, and what is forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail, signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.site_url import Site
from digests.models import Suppression
from digests.services.security_mail import send_due_security_mails
from papers.models import Role, SecurityEvent, User
from papers.services.accounts.email_addresses import reset_to_account_address
from papers.services.accounts.invitations import create_invitation, use_invitation
from papers.services.accounts.people import restore_account, set_role, suspend_account
from papers.services.accounts.security_log import SECURITY_EVENTS_KEPT, network_prefix, record_event
from papers.services.operations.cleanup import delete_expired_rows
from tests.support import factories
from tests.support.people import PASSWORD, client_of, reader, staff
from tests.support.second_factor import turn_on

pytestmark = pytest.mark.django_db
Kind = SecurityEvent.Kind
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"


@pytest.fixture
def rita() -> User:
    user = reader()
    reset_to_account_address(user)
    return user


def sign_in(agent: str = FIREFOX, address: str = "192.0.2.7", browser: Client | None = None) -> Client:
    browser = browser or Client()
    browser.defaults |= {"HTTP_USER_AGENT": agent, "REMOTE_ADDR": address}
    browser.post("/sign-in", {"username": "rita@example.org", "password": PASSWORD})
    return browser


def noted(user: User | None = None) -> list[str]:
    found = SecurityEvent.objects.order_by("pk")
    return list((found.of(user) if user else found).values_list("kind", flat=True))


class TestWhatIsNoted:
    def test_a_sign_in_with_no_more_than_the_network(self, rita: User) -> None:
        sign_in()
        event = SecurityEvent.objects.get()
        assert (event.user, event.kind, event.by) == (rita, Kind.SIGN_IN, None)
        assert (event.network, event.device) == ("192.0.2.0/24", "Firefox on Linux")

    @pytest.mark.parametrize(
        ("address", "prefix"),
        [
            ("192.0.2.77", "192.0.2.0/24"),
            ("::ffff:192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
            ("0.0.0.0", ""),  # noqa: S104
            ("::", ""),
            ("unknown", ""),
        ],
    )
    def test_of_an_address_its_first_part(self, address: str, prefix: str) -> None:
        assert network_prefix(address) == prefix

    def test_a_device_that_was_not_seen_before(self, rita: User) -> None:
        known = sign_in()
        sign_in(browser=known, address="198.51.100.9")  # the same browser, on the way
        sign_in(address="192.0.2.99")  # its cookies were deleted: the same kind, at the same place
        sign_in(PHONE)
        assert noted() == [Kind.SIGN_IN, Kind.SIGN_IN, Kind.SIGN_IN, Kind.NEW_DEVICE]

    def test_nobody_makes_a_device_known_by_a_cookie_of_their_own(self, rita: User) -> None:
        sign_in()
        for made_up in (
            "x",
            signing.dumps([rita.pk]),
            f"[{rita.pk}]",
            signing.dumps({"a": 1}, salt="papers.known-device"),
        ):
            browser = Client()
            browser.cookies["broadsheet_device"] = made_up
            sign_in(PHONE, browser=browser)
            assert SecurityEvent.objects.latest("pk").kind == Kind.NEW_DEVICE
            SecurityEvent.objects.filter(kind=Kind.NEW_DEVICE).delete()

    def test_a_device_of_one_account_is_new_to_another(self, rita: User) -> None:
        reader("otto")
        browser = sign_in()
        sign_in(PHONE)  # rita has a log, and otto has one, too
        Client().post("/sign-in", {"username": "otto@example.org", "password": PASSWORD})
        browser.post("/sign-out")
        browser.post("/sign-in", {"username": "otto@example.org", "password": PASSWORD})
        assert SecurityEvent.objects.latest("pk").kind == Kind.NEW_DEVICE

    @pytest.mark.django_db(transaction=True)  # some of it is noted after the commit
    def test_wrong_codes_and_changes_of_the_second_factor(self, rita: User) -> None:
        browser = client_of(rita)
        turn_on(browser)
        half = sign_in()
        half.post("/sign-in/code", {"code": "000000"})
        browser.post("/account/two-factor/codes/new")
        browser.post("/account/two-factor/off")
        assert noted() == [Kind.FACTOR_ADDED, Kind.WRONG_CODE, Kind.CODES, Kind.FACTOR_REMOVED]

    def test_a_password_by_its_owner_and_by_an_administrator(self, rita: User) -> None:
        browser = client_of(rita)
        fresh = {"old_password": PASSWORD, "new_password1": "another-horse-2", "new_password2": "another-horse-2"}
        browser.post("/account/password", fresh)
        ada = staff()
        client_of(ada).post(
            f"/admin/papers/user/{rita.pk}/password/",
            {"usable_password": "true", "password1": "third-horse-33", "password2": "third-horse-33"},
        )
        events = SecurityEvent.objects.order_by("pk")
        assert [(event.kind, event.by) for event in events] == [(Kind.PASSWORD, None), (Kind.PASSWORD, ada)]
        assert [sent.to for sent in mail.outbox] == [["rita@example.org"], ["rita@example.org"]]

    def test_an_address_by_an_administrator_tells_the_old_one(self, rita: User) -> None:
        fields = {"email": "new@example.org", "username": "rita", "time_zone": ""}
        client_of(staff()).post(f"/admin/papers/user/{rita.pk}/change/", fields)
        rita.refresh_from_db()
        assert rita.email == "new@example.org"
        assert noted(rita) == [Kind.ADDRESS]
        assert [sent.to for sent in mail.outbox] == [["rita@example.org"]]

    def test_roles_suspending_and_a_factor_that_is_turned_off(self, rita: User) -> None:
        ada, now = staff(), timezone.now()
        set_role(person=rita, role=Role.CURATOR, by=ada)
        set_role(person=rita, role=Role.CURATOR, by=ada)  # it is one already
        suspend_account(person=rita, by=ada, reason="", now=now)
        restore_account(person=rita, by=ada)
        turn_on(client_of(rita))
        client_of(ada).post(f"/curate/people/{rita.pk}/second-factor")
        assert noted(rita) == [Kind.ROLE, Kind.SUSPENDED, Kind.RESTORED, Kind.FACTOR_RESET]
        assert set(SecurityEvent.objects.values_list("by", flat=True)) == {ada.pk}
        assert SecurityEvent.objects.get(kind=Kind.ROLE).detail == "a curator"

    def test_a_role_that_comes_with_an_invitation(self) -> None:
        ada, now = staff(), timezone.now()
        link = create_invitation(by=ada, email="", now=now, role=Role.ADMINISTRATOR)
        use_invitation(link.rsplit("/", 1)[1], user=reader(), now=now)
        event = SecurityEvent.objects.get()
        assert (event.kind, event.by, event.detail) == (Kind.ROLE, ada, "an administrator")


class TestWhoReads:
    def test_its_owner_reads_their_own(self, rita: User) -> None:
        sign_in()
        record_event(user=reader("otto"), kind=Kind.ROLE, now=timezone.now(), detail="a curator")
        page = client_of(rita).get("/account/security").content.decode()
        assert "Signed in" in page
        assert "192.0.2.0/24" in page
        assert "a curator" not in page

    def test_administrators_read_all_of_it_or_of_one_or_one_kind(self, rita: User) -> None:
        sign_in()
        record_event(user=reader("otto"), kind=Kind.ROLE, now=timezone.now(), detail="a curator")
        browser = client_of(staff())
        asked = {"": 2, "?who=RITA": 1, "?what=role": 1, "?who=nobody": 0, "?who=rita&what=role": 0}
        for query, shown in asked.items():
            assert len(browser.get(f"/curate/security{query}").context["rows"]) == shown, query

    def test_a_page_at_a_time_without_counting(self, rita: User) -> None:
        for _ in range(120):
            record_event(user=rita, kind=Kind.SIGN_IN, now=timezone.now())
        browser, query, seen = client_of(staff()), "who=rita", []
        while query:
            with CaptureQueriesContext(connection) as queries:
                page = browser.get(f"/curate/security?{query}")
            assert not any("COUNT(" in one["sql"].upper() for one in queries)
            seen += [event.pk for event in page.context["rows"]]
            query = page.context["more_query"]
        assert seen == sorted(seen, reverse=True)
        assert len(seen) == 120


class TestMail:
    @pytest.fixture(autouse=True)
    def _mail_leaves(self, settings: Any) -> None:
        settings.MAIL_IS_SENT = True
        settings.SITE = Site.from_url("https://papers.example.org")
        settings.SITE_URL = settings.SITE.url

    def send(self, after: timedelta = timedelta()) -> int:
        return send_due_security_mails(now=timezone.now() + after)

    def test_a_new_device_is_told_of_once(self, rita: User) -> None:
        sign_in()
        sign_in(PHONE)
        assert self.send() == 1
        assert self.send(timedelta(days=2)) == 0
        (letter,) = mail.outbox
        assert letter.to == ["rita@example.org"]
        assert "New sign-in" in letter.subject
        assert "Safari on iPhone, from the network 192.0.2.0/24" in str(letter.body)
        assert "https://papers.example.org/account/security" in str(letter.body)

    def test_of_many_new_devices_three_a_day_are_told_of_and_all_are_in_the_log(self, rita: User) -> None:
        for number in range(7):
            record_event(user=rita, kind=Kind.NEW_DEVICE, now=timezone.now(), network=f"192.0.{number}.0/24")
        record_event(user=rita, kind=Kind.ROLE, now=timezone.now(), detail="curator")
        assert self.send() == 4
        assert [letter.subject for letter in mail.outbox if "A new device" not in letter.subject] != []
        assert SecurityEvent.objects.filter(kind=Kind.NEW_DEVICE).count() == 7
        assert self.send(timedelta(days=2)) == 0, "what was held back is not told of late"
        record_event(user=rita, kind=Kind.NEW_DEVICE, now=timezone.now(), network="192.0.9.0/24")
        assert self.send(timedelta(days=2)) == 1

    def test_a_new_role_and_who_gave_it(self, rita: User) -> None:
        set_role(person=rita, role=Role.CURATOR, by=staff())
        assert self.send() == 1
        assert "You are now a curator on this site. ada made this change." in str(mail.outbox[0].body)

    def test_who_wants_no_papers_is_told_but_no_mailbox_that_refuses(self, rita: User) -> None:
        set_role(person=rita, role=Role.CURATOR, by=staff())
        wanted = Suppression.objects.create(address=rita.email, reason=Suppression.Reason.BOUNCED)
        assert self.send() == 0
        set_role(person=rita, role=Role.READER, by=User.objects.get(username="ada"))
        wanted.reason = Suppression.Reason.UNSUBSCRIBED
        wanted.save()
        assert self.send() == 1

    def test_a_server_that_is_away_is_tried_again(self, rita: User, monkeypatch: pytest.MonkeyPatch) -> None:
        set_role(person=rita, role=Role.CURATOR, by=staff())

        def away(*_args: Any, **_options: Any) -> int:
            raise OSError("away")

        with monkeypatch.context() as broken:
            broken.setattr("django.core.mail.EmailMultiAlternatives.send", away)
            assert self.send() == 0
        assert self.send() == 0, "there is a pause first"
        assert self.send(timedelta(minutes=6)) == 1

    def test_an_ordinary_sign_in_is_not_told_of(self, rita: User) -> None:
        sign_in()
        assert self.send() == 0


def test_a_year_later_it_is_gone_and_with_the_account_at_once(rita: User) -> None:
    now = factories.NOW
    record_event(user=rita, kind=Kind.SIGN_IN, now=now - SECURITY_EVENTS_KEPT - timedelta(days=1))
    kept = record_event(user=rita, kind=Kind.SIGN_IN, now=now - SECURITY_EVENTS_KEPT + timedelta(days=1))
    delete_expired_rows(now=now)
    assert list(SecurityEvent.objects.all()) == [kept]
    rita.delete()
    assert not SecurityEvent.objects.exists()
