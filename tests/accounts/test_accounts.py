"""Accounts: who may make one, how an address is confirmed and changed, and what is not told to strangers."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone

from papers.models import Invitation, User
from papers.services.accounts.invitations import create_invitation, use_invitation
from papers.web import ratelimit
from papers.web.ratelimit import RateLimit
from tests.support.people import PASSWORD, anonymous_client, client_of, curator, reader, staff

pytestmark = pytest.mark.django_db

NEW = {"email": "nora@example.org", "username": "nora", "password1": PASSWORD}


@pytest.fixture(autouse=True)
def _with_mail(settings: Any) -> None:
    settings.MAIL_IS_SENT = True
    settings.SIGNUP = "open"


def link_in(number: int = -1) -> str:
    """The path of the one link of ours in a mail that was sent."""
    (found,) = set(
        re.findall(r"http://127\.0\.0\.1:8000(/(?:account|forgotten|sign-up)/\S+)", str(mail.outbox[number].body))
    )
    return str(found)


def is_signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def sign_in(browser: Client, email: str = "nora@example.org", password: str = PASSWORD) -> Any:
    return browser.post("/sign-in", {"username": email, "password": password})


class TestSigningUp:
    def test_an_address_is_confirmed_before_anybody_is_let_in(self) -> None:
        browser = anonymous_client()
        assert browser.post("/sign-up", NEW)["Location"] == "/account/address/sent"
        assert not is_signed_in(browser)
        assert sign_in(browser)["Location"] == "/account/address/sent"
        assert not is_signed_in(browser)
        link = link_in(0)
        assert "Confirm address" in browser.get(link).content.decode()
        assert not EmailAddress.objects.get().verified, "opening a link changes nothing: mail scanners do"
        browser.post(link)
        assert sign_in(browser)["Location"] == "/"
        assert is_signed_in(browser)

    def test_the_mail_names_the_group_and_the_sites_own_address(self, settings: Any) -> None:
        settings.GROUP_NAME = "Language & Lab"
        anonymous_client().post("/sign-up", NEW, headers={"host": "localhost"})
        (sent,) = mail.outbox
        assert sent.to == ["nora@example.org"]
        assert sent.subject == "Confirm your address · Language & Lab"
        assert "http://127.0.0.1:8000/account/address/confirm/" in sent.body
        assert "localhost" not in sent.body

    @pytest.mark.parametrize("email", ["rita@example.org", "RITA@Example.ORG"])
    def test_whether_an_address_has_an_account_is_told_to_its_owner_alone(self, email: str) -> None:
        reader()
        known, unknown = (
            anonymous_client().post("/sign-up", {**NEW, "email": email}),
            anonymous_client().post("/sign-up", NEW),
        )
        assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
        assert mail.outbox[0].subject.startswith("You already have an account")
        assert User.objects.filter(email__iexact=email).count() == 1

    @pytest.mark.parametrize("name", ["Rita", "x", "-rita", "a b", "ü", "x" * 31])
    def test_a_name_that_is_taken_or_none_is_refused(self, name: str) -> None:
        reader()
        answer = anonymous_client().post("/sign-up", {**NEW, "username": name})
        assert answer.status_code == 200
        assert answer.context["form"].errors.keys() == {"username"}

    @pytest.mark.parametrize("password", ["short", "password123", "nora@example.org"])
    def test_a_weak_password_is_refused(self, password: str) -> None:
        answer = anonymous_client().post("/sign-up", {**NEW, "password1": password})
        assert answer.context["form"].errors.keys() == {"password1"}

    @pytest.mark.parametrize(
        ("email", "is_welcome"),
        [
            ("a@lab.example.org", True),
            ("a@x.LAB.example.org", True),
            ("a@evil-lab.example.org", False),
            ("a@b.c", False),
        ],
    )
    def test_only_addresses_of_the_groups_domains(self, settings: Any, email: str, is_welcome: bool) -> None:
        settings.SIGNUP_DOMAINS = ("lab.example.org",)
        anonymous_client().post("/sign-up", {**NEW, "email": email})
        assert User.objects.filter(email__iexact=email).exists() is is_welcome

    def test_not_many_from_one_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ratelimit, "RATE_LIMITS", {**ratelimit.RATE_LIMITS, "sign-up": RateLimit(2, 3600)})
        answers = [
            anonymous_client().post("/sign-up", {**NEW, "email": f"a{n}@b.org", "username": f"a{n}"}) for n in range(3)
        ]
        assert [answer.status_code for answer in answers] == [302, 302, 429]
        assert anonymous_client().get("/sign-up").status_code == 200

    @pytest.mark.parametrize(("mode", "is_sent"), [("invitation", True), ("closed", True), ("open", False)])
    def test_not_where_it_is_closed_or_no_mail_could_confirm_it(self, settings: Any, mode: str, is_sent: bool) -> None:
        settings.SIGNUP, settings.MAIL_IS_SENT = mode, is_sent
        for answer in (anonymous_client().get("/sign-up"), anonymous_client().post("/sign-up", NEW)):
            assert "by invitation" in answer.content.decode()
        assert not User.objects.exists()
        assert "Sign up" not in anonymous_client().get("/sign-in").content.decode()


class TestInvitations:
    @pytest.fixture(autouse=True)
    def _by_invitation(self, settings: Any) -> None:
        settings.SIGNUP = "invitation"
        settings.SIGNUP_DOMAINS = ("lab.example.org",)

    def invite(self, email: str = "") -> str:
        answer = client_of(curator()).post("/invitations", {"email": email})
        return str(re.findall(r"http://127\.0\.0\.1:8000(/sign-up/invited/[\w-]+)", answer.content.decode())[0])

    def test_whoever_was_invited_by_mail_has_confirmed_the_address_and_passes_the_domains(self) -> None:
        link = self.invite("nora@example.org")
        assert link_in() == link
        browser = anonymous_client()
        assert browser.get(link)["Location"] == "/sign-up"
        assert "nora@example.org" in browser.get("/sign-up").content.decode()
        assert browser.post("/sign-up", NEW)["Location"] == "/"
        assert is_signed_in(browser)
        invitation = Invitation.objects.get()
        assert invitation.used_by == User.objects.get(username="nora")

    def test_another_address_than_the_invited_one_is_still_confirmed(self) -> None:
        browser = anonymous_client()
        browser.get(self.invite("norman@example.org"))
        assert browser.post("/sign-up", NEW)["Location"] == "/account/address/sent"
        assert not is_signed_in(browser)

    def test_without_mail_an_invitation_is_enough(self, settings: Any) -> None:
        settings.MAIL_IS_SENT = False
        browser = anonymous_client()
        browser.get(self.invite())
        assert browser.post("/sign-up", NEW)["Location"] == "/"
        assert is_signed_in(browser)
        assert mail.outbox == []

    def test_it_works_once(self) -> None:
        link = self.invite()
        first, second = anonymous_client(), anonymous_client()
        first.get(link)
        second.get(link)
        first.post("/sign-up", NEW)
        late = second.post("/sign-up", {**NEW, "email": "late@example.org", "username": "late"})
        assert not User.objects.filter(username="late").exists()
        assert "invitation" in late.content.decode().lower()
        assert anonymous_client().get(link).status_code == 410

    def test_two_at_the_same_moment(self) -> None:
        token, now = self.invite().rsplit("/", 1)[1], timezone.now()
        use_invitation(token, user=reader("a1"), now=now)
        with pytest.raises(Exception, match="used"):
            use_invitation(token, user=reader("a2"), now=now)

    def test_an_old_one_or_one_taken_back_opens_nothing(self) -> None:
        link = self.invite()
        Invitation.objects.update(expires_at=timezone.now())
        assert anonymous_client().get(link).status_code == 410
        Invitation.objects.update(expires_at=timezone.now() + timedelta(days=1))
        client_of(staff()).post(f"/invitations/{Invitation.objects.get().pk}/revoke")
        assert anonymous_client().get(link).status_code == 410

    def test_none_opens_a_closed_site(self, settings: Any) -> None:
        link = self.invite()
        settings.SIGNUP = "closed"
        assert anonymous_client().get(link).status_code == 410

    def test_the_table_does_not_hold_what_opens(self) -> None:
        token = create_invitation(by=curator(), email="", now=timezone.now()).rsplit("/", 1)[1]
        assert token not in str(Invitation.objects.values())


class TestForgotten:
    def test_a_new_password_by_mail(self) -> None:
        rita = reader()
        elsewhere, browser = client_of(rita), anonymous_client()
        assert browser.post("/forgotten", {"email": "RITA@example.org"})["Location"] == "/forgotten/sent"
        form = browser.get(link_in(), follow=True)
        assert form.redirect_chain[-1][0].endswith("/set-password"), "the key is not in the address of the form"
        new = {"password1": "another-horse-battery", "password2": "another-horse-battery"}
        assert browser.post(form.redirect_chain[-1][0], new)["Location"] == "/forgotten/done"
        assert sign_in(anonymous_client(), rita.email, "another-horse-battery")["Location"] == "/"
        assert elsewhere.get("/account").status_code == 302, "other sessions have ended"
        assert "is no longer valid" in anonymous_client().get(link_in(0), follow=True).content.decode()

    def test_the_answer_does_not_tell_who_has_an_account(self) -> None:
        reader()
        answers = [
            anonymous_client().post("/forgotten", {"email": f"{name}@example.org"}) for name in ("rita", "nobody")
        ]
        assert len({(answer.status_code, answer["Location"]) for answer in answers}) == 1
        assert [sent.subject.split(" · ")[0] for sent in mail.outbox] == [
            "Set a new password",
            "No account with this address",
        ]

    def test_an_account_gets_few_mails(self) -> None:
        reader()
        for number in range(7):
            Client(REMOTE_ADDR=f"192.0.2.{number}").post("/forgotten", {"email": "rita@example.org"})
        assert len(mail.outbox) == 3

    def test_without_mail_it_says_so(self, settings: Any) -> None:
        settings.MAIL_IS_SENT = False
        for answer in (
            anonymous_client().get("/forgotten"),
            anonymous_client().post("/forgotten", {"email": "rita@example.org"}),
        ):
            assert "does not send e-mail yet" in answer.content.decode()
        assert mail.outbox == []


class TestAnotherAddress:
    def change(self, browser: Client, email: str = "rita@new.example.org") -> Any:
        answer = browser.post("/account/address", {"email": email, "action_add": "1"})
        assert answer["Location"].startswith("/sign-in/again"), "it asks for the password first"
        return browser.post(answer["Location"], {"password": PASSWORD})

    def test_it_replaces_the_old_one_when_it_is_confirmed_and_the_old_one_is_told(self) -> None:
        rita = reader()
        browser = client_of(rita)
        self.change(browser)
        rita.refresh_from_db()
        assert rita.email == "rita@example.org"
        assert mail.outbox[-1].to == ["rita@new.example.org"]
        browser.post(link_in())
        rita.refresh_from_db()
        assert rita.email == "rita@new.example.org"
        assert mail.outbox[-1].to == ["rita@example.org"]
        assert "rita@new.example.org" in mail.outbox[-1].body
        assert sign_in(anonymous_client(), "rita@new.example.org")["Location"] == "/"
        assert sign_in(anonymous_client(), "rita@example.org").status_code == 200

    def test_one_that_somebody_else_has_is_not_told(self) -> None:
        reader("carla")
        browser = client_of(reader())
        self.change(browser, "carla@example.org")
        assert User.objects.get(username="rita").email == "rita@example.org"
        assert "This is" not in browser.get("/account/address").content.decode()

    def test_a_wrong_password_changes_nothing(self) -> None:
        browser = client_of(reader())
        answer = browser.post("/account/address", {"email": "rita@new.example.org", "action_add": "1"})
        assert browser.post(answer["Location"], {"password": "wrong"}).status_code == 200
        assert mail.outbox == []

    def test_without_mail_it_says_so(self, settings: Any) -> None:
        settings.MAIL_IS_SENT = False
        assert "does not send e-mail yet" in client_of(reader()).get("/account/address").content.decode()


class TestProfile:
    def test_name_and_time_zone(self) -> None:
        browser = client_of(reader())
        assert browser.post("/account", {"username": "Rita.B", "time_zone": "berlin"}).status_code == 302
        rita = User.objects.get()
        assert (rita.username, rita.time_zone) == ("Rita.B", "Europe/Berlin")

    @pytest.mark.parametrize("fields", [{"username": "CARLA"}, {"username": "a b"}, {"time_zone": "Nowhere"}])
    def test_what_can_not_be(self, fields: dict[str, str]) -> None:
        reader("carla")
        answer = client_of(reader()).post("/account", {"username": "rita", "time_zone": "", **fields})
        assert answer.status_code == 200
        assert answer.context["form"].errors.keys() == fields.keys()
        assert answer.context["user"].username == "rita"

    def test_an_administrator_may_give_another_address(self) -> None:
        rita = reader()
        sign_in(anonymous_client(), rita.email)
        form = {"email": "r@other.org", "username": "rita", "time_zone": "", "is_active": "on"}
        assert client_of(staff()).post(f"/admin/papers/user/{rita.pk}/change/", form).status_code == 302
        assert list(EmailAddress.objects.filter(user=rita).values_list("email", "verified")) == [("r@other.org", True)]
