"""Domains beyond ASCII: the one that was meant, in every mail and request, and one account for all its spellings."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.mail import send_mail
from django.core.management import CommandError, call_command

from config.env import Env
from config.mail import MailServer, mail_domains
from config.site_url import Site
from digests.content.transactional import MailNotSentError, send_transactional_mail
from digests.models import Channel, SignUp, Subscriber, Suppression
from digests.services import double_opt_in, outbox
from papers.models import Invitation, MailAllowance, User
from papers.services.accounts.email_addresses import ensure_confirmed_address, has_confirmed_address
from papers.services.accounts.invitations import create_invitation, use_invitation
from papers.services.accounts.login_links import create_login_link
from papers.services.accounts.signup_policy import is_domain_allowed
from papers.text.hostnames import ascii_address, ascii_host, readable_host
from papers.text.mailboxes import readable
from tests.support import factories
from tests.support.mail import first_link_path, set_up_mail
from tests.support.mail_sink import MailSink, ReceivedMail, mail_sink
from tests.support.people import PASSWORD, anonymous_client, client_of, reader, staff

NOW = factories.NOW
# In Unicode, as it is stored and sent; Python's own codec has strasse.example.
UNICODE, ASCII = "rita@Straße.example", "rita@xn--strae-oqa.example"
SPELLINGS = [UNICODE, ASCII, "RITA@XN--STRAE-OQA.example", "rita@ＳＴＲＡße.example"]
NO_DOMAIN = ["rita@xn--a.example", "rita@☃.example", "rita@a\u200db.example", "rita@" + "ü" * 70 + ".example"]


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("straße.example", "xn--strae-oqa.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.Example.", "xn--bcher-kva.example"),
        ("bücher。example", "xn--bcher-kva.example"),
        ("βόλος.example", "xn--nxasmm1c.example"),
        ("xn--BCHER-kva.example", "xn--bcher-kva.example"),
        ("my_host.Lab", "my_host.lab"),
        ("192.0.2.1", "192.0.2.1"),
    ],
)
def test_a_name_has_one_form(host: str, name: str) -> None:
    assert ascii_host(host) == ascii_host(name) == name


@pytest.mark.parametrize(
    "host",
    ["", ".", "a..b", "-a.example", "xn--a.example", "xn--.example", "☃.example", "a b", "ü" * 70, "ä" * 9999, "a/b"],
)
def test_a_name_without_a_form_is_an_error(host: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ascii_host(host)


def test_an_address_keeps_all_but_its_host() -> None:
    assert ascii_address("https://ü:ß@straße.example:8080/ß?ß#ß") == "https://ü:ß@xn--strae-oqa.example:8080/ß?ß#ß"
    assert ascii_address("/ß") == "/ß"


def test_pages_show_what_can_be_read_and_does_not_mislead() -> None:
    assert readable("rita@xn--strae-oqa.example") == "rita@straße.example"
    assert readable_host("xn--80ak6aa92e.com") == "xn--80ak6aa92e.com", "Cyrillic letters that look like apple"
    assert readable_host("xn--a.example") == "xn--a.example"
    assert readable("whoever") == "whoever"


# --- what leaves ---------------------------------------------------------------------------------------------------


@pytest.fixture
def sink(settings: Any) -> Iterator[MailSink]:
    with mail_sink() as running:
        set_up_mail(settings)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        yield running


def addresses(taken: ReceivedMail) -> set[str]:
    """Of the envelope and the header: there is no other domain in them."""
    read = email.message_from_bytes(taken.message, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    assert b"strasse" not in taken.message
    return {taken.recipient, *(one.addr_spec for one in read["To"].addresses)}


@pytest.mark.parametrize("address", SPELLINGS)
@pytest.mark.django_db
def test_a_letter_goes_to_the_domain_that_was_meant(sink: MailSink, address: str) -> None:
    send_transactional_mail("moved", to=address, context={"address": "new@example.org"})
    (taken,) = sink.taken
    assert {one.lower() for one in addresses(taken)} == {ASCII}


@pytest.mark.django_db
def test_so_does_whatever_django_sends(sink: MailSink, settings: Any) -> None:
    settings.ADMINS, settings.SERVER_EMAIL = [("Ruth", UNICODE)], "Bücher <server@faß.example>"
    mail.mail_admins("Subject", "Text")
    send_mail("Subject", "Text", "Papers <papers@faß.example>", [f"Rita <{UNICODE}>"])
    both = mail.EmailMessage("Subject", "Text", "papers@faß.example", [UNICODE], cc=["olga@faß.example"])
    both.extra_headers["Reply-To"] = "Papers <answers@faß.example>"
    both.send()
    assert [addresses(taken) for taken in sink.taken] == [{ASCII}, {ASCII}, {"olga@xn--fa-hia.example", ASCII}]
    for taken in sink.taken:
        assert b"@xn--fa-hia.example" in taken.message
        assert b"fass" not in taken.message


@pytest.mark.parametrize("address", NO_DOMAIN)
@pytest.mark.django_db
def test_what_has_no_domain_is_told_and_goes_nowhere(sink: MailSink, address: str) -> None:
    with pytest.raises(MailNotSentError):
        send_transactional_mail("moved", to=address, context={"address": "new@example.org"})
    assert sink.taken == []


@pytest.mark.django_db
def test_a_link_for_a_password_goes_to_the_account_alone(sink: MailSink, settings: Any) -> None:
    settings.MAIL_IS_SENT = True
    User.objects.create_user("rita@strasse.example", "other", PASSWORD)
    User.objects.create_user(UNICODE, "rita", PASSWORD)
    for spelling in SPELLINGS:
        assert anonymous_client().post("/forgotten", {"email": spelling})["Location"] == "/forgotten/sent"
        MailAllowance.objects.all().delete()  # as on another day
    assert [addresses(taken) for taken in sink.taken] == [{ASCII}] * 4
    assert all(b"/forgotten/" in taken.message for taken in sink.taken)


@pytest.mark.django_db
def test_so_does_the_mail_that_confirms_an_account(sink: MailSink, settings: Any) -> None:
    settings.MAIL_IS_SENT, settings.SIGNUP = True, "open"
    form = {"email": UNICODE, "username": "rita", "password1": PASSWORD}
    assert anonymous_client().post("/sign-up", form)["Location"] == "/account/address/sent"
    assert User.objects.get().email == EmailAddress.objects.get().email == ASCII
    assert [addresses(taken) for taken in sink.taken] == [{ASCII}]


# --- what is stored ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
class TestOneOfAll:
    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_an_account(self, spelling: str) -> None:
        rita = User.objects.create_user(UNICODE, "rita", PASSWORD)
        assert rita.email == ASCII
        assert User.objects.get(email__iexact=spelling) == rita
        assert User.objects.get_by_natural_key(spelling) == rita
        with pytest.raises(ValidationError, match=r"There is an account|already exists"):
            User(email=spelling, username="other", password="x").full_clean()
        assert User.people.named(spelling).get() == rita
        create_login_link(spelling)
        assert User.objects.count() == 1
        assert anonymous_client().post("/sign-in", {"username": spelling, "password": PASSWORD})["Location"] == "/"

    def test_a_link_by_the_command(self, settings: Any) -> None:
        settings.ADMIN_EMAIL = ASCII
        call_command("login_link", UNICODE)
        call_command("login_link", ASCII)
        assert User.objects.get().is_staff
        with pytest.raises(CommandError, match="domain"):
            call_command("login_link", "rita@xn--a.example")

    def test_signing_up_again_makes_no_second_account(self, settings: Any) -> None:
        settings.MAIL_IS_SENT, settings.SIGNUP = True, "open"
        for number, spelling in enumerate(SPELLINGS):
            anonymous_client().post("/sign-up", {"email": spelling, "username": f"rita{number}", "password1": PASSWORD})
        assert User.objects.get().email == ASCII

    def test_a_subscriber(self, settings: Any) -> None:
        set_up_mail(settings)
        for spelling in SPELLINGS:
            assert anonymous_client().post("/subscribe", {"email": spelling}).status_code == 200
            mail.outbox.clear()
            double_opt_in.send_due_confirmations(now=SignUp.objects.latest("asked_at").asked_at)
            for letter in mail.outbox:
                if "/subscribe/" in letter.body:
                    anonymous_client().post(first_link_path(str(letter.body)))
        assert Subscriber.objects.get().email == ASCII
        assert {one.email.lower() for one in SignUp.objects.all()} == {ASCII}
        assert SignUp.objects.of_address(UNICODE).count() == len(SPELLINGS)
        assert Subscriber.objects.with_address(UNICODE).exists()

    def test_of_an_account_and_its_subscription(self) -> None:
        rita = User.objects.create_user(ASCII, "rita", PASSWORD)
        ensure_confirmed_address(rita)
        assert has_confirmed_address(User.objects.get())
        known = Subscriber.objects.create(email=UNICODE)
        client_of(rita).get("/subscriptions")
        assert Subscriber.objects.get() == known

    def test_who_gets_no_mail(self) -> None:
        outbox.suppress_address(UNICODE, reason="bounced", detail="")
        outbox.suppress_address(ASCII, reason="bounced", detail="")
        assert Suppression.objects.get().address == ASCII
        assert Suppression.objects.of(UNICODE).exists()

    def test_an_invitation_and_whom_it_was_for(self, settings: Any) -> None:
        settings.MAIL_IS_SENT, settings.SIGNUP = True, "invite"
        link = create_invitation(by=staff(), email=UNICODE, now=NOW)
        assert Invitation.objects.get().email == ASCII
        browser = anonymous_client()
        browser.post(urlsplit(link).path)
        Invitation.objects.update(expires_at=NOW + timedelta(days=9_999))
        browser.get(urlsplit(link).path)
        use_invitation(link.rsplit("/", 1)[1], user=User.objects.create_user(ASCII, "rita"), now=NOW)
        assert Invitation.objects.get().used_by is not None

    def test_an_address_that_is_changed(self, settings: Any) -> None:
        settings.MAIL_IS_SENT = True
        browser = client_of(reader())
        there = browser.post("/account/address", {"email": UNICODE, "action_add": "1"})["Location"]
        browser.post(there, {"password": PASSWORD})
        assert mail.outbox[-1].to == [ASCII]
        assert "rita@straße.example" in browser.get("/account/address").content.decode()

    def test_domains_of_the_group(self, settings: Any) -> None:
        settings.SIGNUP_DOMAINS = mail_domains("X", ["@Straße.example", "lab.example"])
        assert all(is_domain_allowed(spelling) for spelling in SPELLINGS)
        assert is_domain_allowed("rita@cs.straße.example")
        assert not is_domain_allowed("rita@strasse.example")


# --- what is typed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", NO_DOMAIN)
@pytest.mark.django_db
def test_forms_say_that_a_domain_is_none(settings: Any, address: str) -> None:
    set_up_mail(settings)
    settings.SIGNUP = "open"
    pages = [
        anonymous_client().post("/subscribe", {"email": address}),
        anonymous_client().post("/sign-up", {"email": address, "username": "rita", "password1": PASSWORD}),
        anonymous_client().post("/forgotten", {"email": address}),
        client_of(staff()).post("/invitations", {"email": address, "role": "reader"}),
    ]
    for page in pages:
        assert page.status_code in (200, 422)
        assert list(page.context["form"].errors) == ["email"]
    assert "after the @ is not a valid domain name" in pages[0].content.decode()
    assert anonymous_client().post("/sign-in", {"username": address, "password": PASSWORD}).status_code == 200
    assert not SignUp.objects.exists()
    assert not Invitation.objects.exists()
    assert mail.outbox == []


@pytest.mark.django_db
def test_channels_too(settings: Any) -> None:
    ada = client_of(staff())
    form = {"name": "Lab", "kind": "mail", "edition_size": "5", "edition_at": "09:00", "where": NO_DOMAIN[0]}
    assert ada.post("/curate/channels/new", form).status_code == 422
    ada.post("/curate/channels/new", {**form, "where": UNICODE})
    assert Channel.objects.get().address == ASCII


# --- what is set ---------------------------------------------------------------------------------------------------


def test_settings_are_in_ascii() -> None:
    assert Env({"X": "Lab <papers@Straße.example>"}).mailbox("X", "") == "Lab <papers@xn--strae-oqa.example>"
    assert Env({"X": "https://straße.example/ß"}).url("X", "") == "https://xn--strae-oqa.example/ß"
    assert Site.from_url("https://straße.example/papers").url == "https://xn--strae-oqa.example/papers"
    assert MailServer.from_url("smtp://a:ß@straße.example").host == "xn--strae-oqa.example"


def test_settings_that_name_no_host_are_refused() -> None:
    for read in (
        lambda: Env({"X": "rita@☃.example"}).mailbox("X", ""),
        lambda: mail_domains("X", ["☃.example"]),
        lambda: Env({"X": "https://☃.example"}).url("X", ""),
        lambda: Site.from_url("https://☃.example"),
        lambda: MailServer.from_url("smtp://☃.example"),
    ):
        with pytest.raises(ImproperlyConfigured):
            read()
