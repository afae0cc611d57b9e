"""From the strip to a first mail: what is sent, what is told, and what a link does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from digests.content.transactional import MailServerUnreachableError
from digests.models import SignUp, Subscriber, Suppression
from digests.models.send_limits import ALL_MAIL
from digests.services import double_opt_in
from digests.services.mail_setup import MailSetupState, current_mail_setup, send_test_mail
from digests.services.sending_pauses import pause_sending, paused_domains, sending_blocked_reason
from tests.support import factories
from tests.support.mail import first_link_path, mail_key, set_up_mail
from tests.support.pages import parse_html
from tests.support.people import anonymous_client, client_of, reader, staff

pytestmark = pytest.mark.django_db

NOW = factories.NOW


@pytest.fixture
def _mail(settings: Any) -> None:
    set_up_mail(settings)


def ask(email: str = "rita@example.org", **fields: str) -> Any:
    return anonymous_client().post("/subscribe", {"email": email, **fields})


def answer(now: Any = None) -> list[Any]:
    """What the worker sends for all that was asked."""
    mail.outbox.clear()
    latest = SignUp.objects.latest("asked_at").asked_at
    double_opt_in.send_due_confirmations(now=now or latest)
    return list(mail.outbox)


@pytest.mark.usefixtures("_mail")
def test_an_address_is_subscribed_by_a_button_and_not_by_opening_the_link() -> None:
    assert ask().status_code == 200
    assert not Subscriber.objects.exists()
    (letter,) = answer()
    assert letter.to == ["rita@example.org"]
    link = first_link_path(letter.body)
    assert all(len(line) <= 78 for line in letter.body.splitlines() if "://" not in line)
    (html, kind) = letter.alternatives[0]
    assert kind == "text/html"
    page = parse_html(html)
    assert page.xpath("//a[contains(@class, 'button')]/@href") == [f"https://papers.example.org{link}"]
    assert not page.xpath("//img | //link | //script")
    for method in ("get", "head", "options"):
        getattr(anonymous_client(), method)(link)
    assert not Subscriber.objects.exists()
    page = anonymous_client().post(link)
    assert page.status_code == 200
    subscriber = Subscriber.objects.get()
    (schedule,) = subscriber.schedules.all()
    assert schedule.next_due_at is not None
    assert [one.kind for one in schedule.subscriptions.all()] == ["trending"]
    assert subscriber.consent["how"] == "form, confirmed by mail"
    assert f"/subscriptions/{mail_key(subscriber)}" in page.content.decode()
    again = anonymous_client().post(link)
    assert again.status_code == 200
    assert "Already confirmed" in again.content.decode()
    assert Subscriber.objects.count() == 1


@pytest.mark.usefixtures("_mail")
def test_the_token_is_stored_nowhere() -> None:
    ask()
    (letter,) = answer()
    token = first_link_path(letter.body).rsplit("/", 1)[1]
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(row)::text FROM digests_signup row")
        (stored,) = cursor.fetchone()
    assert token not in stored


@pytest.mark.usefixtures("_mail")
def test_an_old_link_offers_another() -> None:
    ask()
    (letter,) = answer()
    link = first_link_path(letter.body)
    SignUp.objects.update(sent_at=F("sent_at") - timedelta(hours=49))
    page = anonymous_client().post(link)
    assert page.status_code == 410
    assert "Send a new link" in page.content.decode()
    assert not Subscriber.objects.exists()
    SignUp.objects.update(asked_at=NOW)
    anonymous_client().post(link, {"again": "1"})
    (second,) = answer()
    assert first_link_path(second.body) != link
    assert anonymous_client().post(first_link_path(second.body)).status_code == 200
    assert Subscriber.objects.get().confirmed_at is not None


@pytest.mark.usefixtures("_mail")
@pytest.mark.parametrize("known", ["stranger", "subscriber", "account", "suppressed"])
def test_nothing_tells_whether_an_address_is_known(known: str) -> None:
    """The same page, by the same statements."""
    ask("warm@example.org")  # the group's choices are read once
    address = {"stranger": "new@example.org"}.get(known, "rita@example.org")
    if known == "subscriber":
        factories.schedule(factories.subscriber(email=address), kinds=["trending"])
    if known == "account":
        reader("rita")
    if known == "suppressed":
        Suppression.objects.create(address=address, reason="bounced")
    with CaptureQueriesContext(connection) as captured:
        page = ask(address)
    with CaptureQueriesContext(connection) as of_stranger:
        other = ask("nobody@example.org")
    assert page.content.decode().replace(address, "X") == other.content.decode().replace("nobody@example.org", "X")
    statements, of_strangers = (
        [query["sql"].split('"')[:2] for query in one if "SAVEPOINT" not in query["sql"]]
        for one in (captured, of_stranger)
    )
    assert statements == of_strangers != []


@pytest.mark.usefixtures("_mail")
def test_who_has_mail_already_is_led_to_the_preferences() -> None:
    subscriber = factories.subscriber(email="rita@example.org")
    factories.schedule(subscriber, kinds=["trending"])
    ask("Rita@Example.org")
    (letter,) = answer()
    assert first_link_path(letter.body) == f"/subscriptions/{mail_key(subscriber)}"


@pytest.mark.usefixtures("_mail")
@pytest.mark.parametrize(("reason", "letters"), [("bounced", 0), ("complained", 0), ("unsubscribed", 1)])
def test_who_complained_is_left_in_peace(reason: str, letters: int) -> None:
    Suppression.objects.create(address="Rita@example.org", reason=reason)
    ask()
    sent = answer()
    assert len(sent) == letters
    if sent:
        anonymous_client().post(first_link_path(sent[0].body))
        assert not Suppression.objects.exists()


@pytest.mark.usefixtures("_mail")
def test_an_address_gets_one_letter_in_ten_minutes_and_two_a_day() -> None:
    """A third is kept for a link to a new password: see papers/services/accounts/mail_allowance.py."""
    letters = []
    for minutes in (0, 5, 11, 22, 33):
        ask("RITA@example.org" if minutes % 2 else "rita@example.org")
        now = SignUp.objects.earliest("asked_at").asked_at + timedelta(minutes=minutes)
        SignUp.objects.filter(sent_at=None).exclude(not_before=None).update(not_before=now)
        letters.append(len(answer(now)))
    assert letters == [1, 0, 1, 0, 0]
    ask()
    tomorrow = SignUp.objects.earliest("asked_at").asked_at + timedelta(hours=25)
    SignUp.objects.filter(sent_at=None).exclude(not_before=None).update(not_before=tomorrow)
    assert len(answer(tomorrow)) == 1


@pytest.mark.usefixtures("_mail")
def test_one_network_is_limited() -> None:
    codes = [ask(f"a{number}@example.org").status_code for number in range(21)]
    assert codes == [200] * 20 + [429]


@pytest.mark.usefixtures("_mail")
def test_a_program_that_fills_in_everything_gets_the_same_answer_and_no_letter() -> None:
    assert ask(website="https://spam.example/").status_code == 200
    assert not SignUp.objects.exists()


@pytest.mark.usefixtures("_mail")
@pytest.mark.parametrize("email", ["", "rita", "a@b\r\nBcc: c@d.org", "x" * 300 + "@example.org", "\x00@example.org"])
def test_what_is_no_address_is_said_to_be_none(email: str) -> None:
    page = ask(email)
    assert page.status_code == 200
    assert parse_html(page.content.decode()).xpath("//*[@class='errorlist']")
    assert not SignUp.objects.exists()


@pytest.mark.usefixtures("_mail")
def test_a_topic_s_strip_subscribes_to_the_topic() -> None:
    topic = factories.topic("LLM agents")
    ask(topic=topic.slug)
    (letter,) = answer()
    assert "LLM agents" in letter.subject
    anonymous_client().post(first_link_path(letter.body))
    (schedule,) = Subscriber.objects.get().schedules.all()
    assert schedule.frequency == "daily"
    assert [one.topic for one in schedule.subscriptions.all()] == [topic]


@pytest.mark.usefixtures("_mail")
def test_a_topic_of_somebody_s_own_is_not_given_away() -> None:
    secret = factories.topic("Secret", owner=factories.user())
    ask(topic=secret.slug)
    (letter,) = answer()
    assert "Secret" not in letter.subject


@pytest.mark.usefixtures("_mail")
def test_a_server_that_is_away_is_asked_again_with_another_link(settings: Any) -> None:
    ask()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 1
    asked_at = SignUp.objects.get().asked_at
    assert double_opt_in.send_due_confirmations(now=asked_at) == 0
    assert SignUp.objects.get().sent_at is None
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert answer(asked_at + timedelta(seconds=30)) == []
    assert len(answer(asked_at + timedelta(minutes=2))) == 1


@pytest.mark.usefixtures("_mail")
def test_a_server_that_does_not_answer_is_waited_for_once_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two", "three"):
        ask(email=f"{name}@example.org")
    tried: list[str] = []

    def away(_name: str, *, to: str, context: Any) -> None:
        tried.append(to)
        raise MailServerUnreachableError("timed out")

    monkeypatch.setattr(double_opt_in, "send_transactional_mail", away)
    asked_at = SignUp.objects.latest("asked_at").asked_at
    for turn in range(3):
        assert double_opt_in.send_due_confirmations(now=asked_at + timedelta(seconds=turn)) == 0
        assert len(tried) == turn + 1
    assert len(set(tried)) == 3, "each has its turn"


def test_what_was_never_confirmed_is_forgotten() -> None:
    old, young = factories.subscriber(confirmed_at=None), factories.subscriber(confirmed_at=None)
    kept = factories.subscriber()
    Subscriber.objects.filter(pk__in=[old.pk, kept.pk]).update(created_at=NOW - timedelta(days=8))
    Subscriber.objects.filter(pk=young.pk).update(created_at=NOW)
    SignUp.objects.create(email="a@example.org", asked_at=NOW - timedelta(days=8))
    SignUp.objects.create(email="b@example.org", asked_at=NOW)
    assert double_opt_in.delete_expired_sign_ups(now=NOW) == 2
    assert set(Subscriber.objects.values_list("pk", flat=True)) == {young.pk, kept.pk}


def test_until_mail_works_no_visitor_s_address_is_taken(settings: Any, tmp_path: Any) -> None:
    factories.listing()
    settings.OUTBOX_DIR = tmp_path
    strip = parse_html(anonymous_client().get("/").content.decode()).xpath("//aside[@class='strip']")[0]
    assert [link.text_content() for link in strip.iter("a")] == ["Feed", "Sign in to follow"]
    assert strip.xpath(".//a/@href") == ["/papers.atom", "/sign-in?next=%2F"]
    assert not strip.xpath(".//input")
    assert ask().status_code == 409
    assert not SignUp.objects.exists()
    admin = client_of(staff())
    page = admin.post("/subscribe", {"email": "rita@example.org"})
    assert "/outbox" in page.content.decode()
    assert SignUp.objects.count() == 1
    assert answer() == []
    (link,) = parse_html(admin.get("/outbox").content.decode()).xpath("//ul[@class='sent']//a/@href")
    shown = parse_html(admin.get(link).content.decode())
    letter = shown.xpath("//div[@class='kept-text']")[0].text_content()
    assert "rita@example.org" in shown.xpath("//dl[@class='pairs']")[0].text_content()
    assert anonymous_client().post(first_link_path(letter)).status_code == 200
    download = admin.get(f"{link}/source")
    assert download["Content-Type"] == "message/rfc822"
    assert b"To: rita@example.org" in download.content


def test_an_administrator_sees_what_is_missing_and_what_readers_would_see() -> None:
    factories.listing()
    strip = parse_html(client_of(staff()).get("/").content.decode()).xpath("//aside[@class='strip']")[0]
    assert "no mail server is set" in " ".join(strip.text_content().split())
    assert strip.xpath(".//a[text()='Set up e-mail']/@href") == ["/setup/mail"]
    assert "Get trending papers in your email inbox" in strip.text_content()
    assert strip.xpath(".//button/text()") == ["Subscribe"]
    (settings_page,) = parse_html(client_of(staff("bo")).get("/setup/mail").content.decode()).xpath("//main")
    assert "BROADSHEET_SMTP_URL" in settings_page.text_content()


def test_a_reader_sees_no_strip_at_all() -> None:
    factories.listing()
    assert not parse_html(client_of(reader()).get("/").content.decode()).xpath("//aside[@class='strip']")


def test_a_topic_s_page_offers_the_topic_s_feed_while_there_is_no_mail() -> None:
    topic = factories.topic("Ice")
    strip = parse_html(anonymous_client().get(f"/topics/{topic.slug}").content.decode()).xpath(
        "//aside[@class='strip']"
    )[0]
    assert f"/topics/{topic.slug}.atom" in strip.xpath(".//a/@href")
    assert "Get Ice in your feed reader" in strip.text_content()


def test_the_page_of_the_address_says_what_else_there_is_while_there_is_no_mail() -> None:
    page = parse_html(anonymous_client().get("/subscribe").content.decode()).xpath("//main")[0]
    assert page.xpath(".//a/@href") == ["/papers.atom", "/sign-in"]
    assert not page.xpath(".//input")


def test_a_test_message_that_leaves_opens_the_strip(settings: Any) -> None:
    set_up_mail(settings)
    factories.listing()
    assert parse_html(anonymous_client().get("/").content.decode()).xpath(
        "//aside[@class='strip']//input[@type='email']"
    )
    settings.DEFAULT_FROM_EMAIL = "other@example.org"  # another sender must be tried anew
    assert current_mail_setup().state is MailSetupState.UNTRIED


def test_with_a_loopback_address_nothing_leaves(settings: Any, tmp_path: Any) -> None:
    settings.MAIL_IS_SENT, settings.OUTBOX_DIR = True, tmp_path
    assert send_test_mail(to="ada@example.org", now=NOW).state is MailSetupState.LOOPBACK
    assert mail.outbox == []
    assert "BROADSHEET_SITE_URL" in client_of(staff()).get("/setup/mail").content.decode()


def test_a_refusal_is_said_in_the_server_s_words(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import smtplib

    set_up_mail(settings)

    def refuse(*_: object) -> None:
        raise smtplib.SMTPAuthenticationError(535, b"5.7.8 Wrong password")

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", refuse)
    page = client_of(staff()).post("/setup/mail/test", {"email": "ada@example.org"}, follow=True)
    assert "535 5.7.8 Wrong password" in page.content.decode()
    assert current_mail_setup().state is MailSetupState.FAILED


def test_an_administrator_ends_a_pause_of_all_mail(settings: Any) -> None:
    set_up_mail(settings)
    now = timezone.now()
    pause_sending(ALL_MAIL, reason="550 5.7.26 not signed", now=now, duration=timedelta(hours=1))
    pause_sending("slow.example", reason="450 4.7.28 too many", now=now, duration=timedelta(minutes=15))
    administrator = client_of(staff())
    page = administrator.get("/setup/mail").content.decode()
    assert "550 5.7.26 not signed" in page
    assert "slow.example" in page
    page = administrator.post("/setup/mail/resume", {"name": ""}, follow=True).content.decode()
    assert "550 5.7.26" not in page
    assert sending_blocked_reason(now=now) == ""
    assert paused_domains(now=now) == ["slow.example"], "only what was asked for"


@pytest.mark.parametrize("name", ["../secrets.env", "..", "a/b.eml", "none.eml", ".key.eml", "x.log:99"])
def test_nothing_outside_the_outbox_is_shown(name: str, settings: Any, tmp_path: Any) -> None:
    (tmp_path / "secrets.env").write_text("KEY=1")
    settings.OUTBOX_DIR = tmp_path / "outbox"
    settings.OUTBOX_DIR.mkdir()
    (settings.OUTBOX_DIR / "x.log").write_text("Subject: x\n\ny\n")
    assert client_of(staff()).get(f"/outbox/{name}").status_code == 404
