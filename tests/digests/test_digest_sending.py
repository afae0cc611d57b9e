"""Handing mails over: what the server says, what is kept, and that a second attempt has the same bytes."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.site_url import Site
from digests.models import Delivery, Fragment, Schedule, SendingPause, Subscriber, Suppression
from digests.models.delivery import DeliveryState
from digests.services import outbox
from digests.services.planning import plan_due
from digests.services.schedules import end_schedule
from digests.services.sending import send_waiting
from papers.models import Paper, Topic, TopicMatch
from tests.support import factories
from tests.support.mail import mail_key, message_id_of
from tests.support.mail_sink import HANG_UP, MailSink, ReceivedMail, mail_sink

pytestmark = pytest.mark.django_db

NOW = factories.NOW
DUE = factories.at_hour(date(2026, 3, 5), 7) + timedelta(minutes=30)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def sink(settings: Any) -> Iterator[MailSink]:
    with mail_sink() as running:
        use(settings, running)
        yield running


def use(settings: Any, sink: MailSink) -> None:
    settings.SITE = Site.from_url("https://papers.example.org")
    settings.SITE_URL = settings.SITE.url
    settings.MAIL_IS_SENT = True
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.DEFAULT_FROM_EMAIL = "Language Lab <papers@example.org>"


def planned(count: int = 1, *, papers: int = 2, **fields: Any) -> list[Delivery]:
    """Mails that are due, to as many readers."""
    topic = factories.topic("LLM agents")
    for number in range(papers):
        paper = factories.paper(**{"title": f"Paper {number}", **fields})
        Paper.objects.filter(pk=paper.pk).update(created_at=NOW)
        made = factories.topic_match(paper, topic)
        TopicMatch.objects.filter(pk=made.pk).update(matched_at=NOW)
    for _ in range(count):
        factories.schedule(None, topic)
    plan_due(now=DUE)
    return list(Delivery.objects.order_by("pk"))


def send(now: datetime = DUE) -> Any:
    return send_waiting(clock=lambda: now)


def state_of(delivery: Delivery) -> str:
    delivery.refresh_from_db()
    return delivery.state


def parsed(one: ReceivedMail) -> EmailMessage:
    found = email.message_from_bytes(one.message, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def bodies(one: ReceivedMail) -> tuple[str, str]:
    text, html = parsed(one).iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return tuple(part.get_content().replace("\r\n", "\n") for part in (text, html))


# --- the mail ------------------------------------------------------------------------------------------------------


def test_a_mail_is_handed_over_and_marked(sink: MailSink) -> None:
    (delivery,) = planned()
    assert send().counts == {"sent": 1}
    assert state_of(delivery) == DeliveryState.SENT
    assert (delivery.sent_at, delivery.content_spec, delivery.owner, delivery.leased_until) == (DUE, "", "", None)
    (taken,) = sink.taken
    assert taken.recipient == delivery.subscriber.email


def test_both_parts_have_the_same_papers_in_the_same_order(sink: MailSink) -> None:
    planned(papers=5)
    send()
    text, html = bodies(sink.taken[0])
    in_text = re.findall(r"^\* (.*)$", text, re.M)
    in_html = re.findall(r"<h2[^>]*><a[^>]*>(.*?)</a></h2>", html)
    assert in_text == in_html == [f"Paper {number}" for number in (4, 3, 2, 1, 0)]
    assert text.count("For: LLM agents") == 5
    assert max(len(line) for line in text.splitlines() if "://" not in line) <= 78


def test_every_header_is_there_once(sink: MailSink) -> None:
    (delivery,) = planned()
    send()
    mail = parsed(sink.taken[0])
    wanted = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "List-Id", "List-Unsubscribe",
              "List-Unsubscribe-Post", "List-Archive", "List-Help", "Auto-Submitted", "Precedence",
              "X-Auto-Response-Suppress", "Feedback-ID", "Reply-To"]  # fmt: skip
    assert {name: len(mail.get_all(name) or []) for name in wanted} == dict.fromkeys(wanted, 1)
    schedule = delivery.schedule
    assert mail["List-Unsubscribe"] == f"<https://papers.example.org/u/{mail_key(schedule)}>"
    assert mail["Message-ID"] == f"<d.{delivery.pk}.{message_id_of(delivery)}@example.org>"
    assert mail["Subject"] == "Paper 1 and 1 more"
    assert "daily.papers.papers.example.org" in mail["List-Id"]
    head = sink.taken[0].message.partition(b"\r\n\r\n")[0]
    assert b"List-Unsubscribe: <https" in head, "not folded"
    assert max(len(line) for line in sink.taken[0].message.split(b"\r\n")) <= 998
    assert b"\n" not in sink.taken[0].message.replace(b"\r\n", b"")


def test_without_https_there_is_no_one_click_header(sink: MailSink, settings: Any) -> None:
    settings.SITE = Site.from_url("http://papers.example.org")
    planned()
    send()
    assert parsed(sink.taken[0])["List-Unsubscribe-Post"] is None


NASTY = [
    "A < B & \"C\" 'D'",
    "Learning $\\alpha_1$ at $10$ dollars",
    "\u202eright to left\u202c and 🦜",
    ".a dot that leads",
    "x" * 900,
    "Bcc: all@example.org\r\nX: y",
    "From here =3D to there",
    "{{ braces }} \x01why\x01 \x02why\x03",
]


@pytest.mark.parametrize("title", NASTY)
def test_any_title_arrives_as_text(sink: MailSink, title: str) -> None:
    planned(papers=1, title=title.replace("\x01", "").replace("\x02", "").replace("\x03", ""), abstract=title * 3)
    assert send().counts == {"sent": 1}
    text, html = bodies(sink.taken[0])
    assert "<h2" in html
    assert "$" not in text or "dollars" in text
    assert not re.search(r"(?i)src=|url\(|@import|<link|<script", html)
    assert parsed(sink.taken[0])["Bcc"] is None


@pytest.mark.parametrize(
    "word", ["Überlange ", "深层神经网络的", "𝔏𝔢𝔯𝔫𝔢𝔫 "], ids=["two bytes", "three bytes", "four bytes"]
)
def test_forty_long_papers_stay_below_what_gmail_cuts(sink: MailSink, word: str) -> None:
    topic = factories.topic("Éverything about it " * 4)
    for number in range(40):
        paper = factories.paper(
            title=f"{number} " + word * 60,
            abstract=word * 400,
            authors=[f"Ünal Ö. Nachname{n}" for n in range(300)],
            links={kind: {"url": "https://arxiv.org/abs/2603.00001", "found": "arxiv"} for kind in ("abs", "pdf")},
        )
        Paper.objects.filter(pk=paper.pk).update(created_at=NOW)
        TopicMatch.objects.filter(pk=factories.topic_match(paper, topic).pk).update(matched_at=NOW)
    factories.schedule(None, topic, max_papers=40)
    plan_due(now=DUE)
    send()
    assert len(bodies(sink.taken[0])[1].encode()) <= 90_000
    assert len(sink.taken[0].message) < 100_000, "text and HTML together, as encoded"
    assert "more:" in bodies(sink.taken[0])[0]


def test_a_reader_whose_name_is_not_ascii_gets_the_domain_in_punycode(sink: MailSink) -> None:
    (delivery,) = planned()
    Subscriber.objects.update(email="ada@bücher.example")
    send()
    assert state_of(delivery) == DeliveryState.SENT
    assert parsed(sink.taken[0])["To"] == "ada@xn--bcher-kva.example"


def test_an_address_that_cannot_be_written_fails_alone(sink: MailSink) -> None:
    bad, good = planned(2)
    Subscriber.objects.filter(pk=bad.subscriber_id).update(email="ädä@example.org")
    send()
    assert (state_of(bad), state_of(good)) == (DeliveryState.FAILED, DeliveryState.SENT)


# --- the same bytes ------------------------------------------------------------------------------------------------


def test_a_mail_whose_answer_was_lost_is_sent_again_byte_for_byte(sink: MailSink) -> None:
    """Whatever changed meanwhile: votes, titles, a hidden paper, a topic's name, the templates, the settings."""
    (delivery,) = planned()
    sink.lose_answer = lambda recipient: len(sink.taken) == 1
    send()
    assert state_of(delivery) == DeliveryState.RETRY
    Paper.objects.update(title="Another title", vote_count=99, hidden_at=NOW)
    Topic.objects.all().delete()
    send(DUE + 2 * MINUTE)
    assert state_of(delivery) == DeliveryState.SENT
    first, second = sink.taken
    assert first == second
    assert first.message_id


def test_a_worker_that_died_at_the_dot_leaves_a_mail_that_is_sent_the_same(sink: MailSink) -> None:
    (delivery,) = planned()
    with pytest.raises(SystemExit):
        send_waiting(clock=lambda: DUE, transport=_Dying(sink))
    assert state_of(delivery) == DeliveryState.SENDING
    assert outbox.reclaim_expired_leases(now=DUE + MINUTE, mark_unknown=False) == 0
    assert outbox.reclaim_expired_leases(now=DUE + 12 * MINUTE, mark_unknown=False) == 1
    send(DUE + 12 * MINUTE)
    assert state_of(delivery) == DeliveryState.SENT
    assert len(sink.taken) == 2
    assert sink.taken[0] == sink.taken[1]


class _Dying:
    """Ends the process between the final dot and the answer, as far as a test can."""

    def __init__(self, sink: MailSink) -> None:
        from digests.wire.transports import open_transport

        self._inner = open_transport()

    def send_body(self, **mail: Any) -> None:
        self._inner.send_body(**mail)

    def end_data(self) -> None:
        self._inner.end_data()

    def read_reply(self) -> None:
        self._inner.read_reply()
        raise SystemExit

    def abandon(self) -> None:
        self._inner.abandon()

    def quit(self) -> None:
        self._inner.quit()


def test_with_skip_a_mail_in_doubt_is_listed_and_not_repeated(sink: MailSink, settings: Any) -> None:
    settings.MAIL_IN_DOUBT = "skip"
    (delivery,) = planned()
    sink.lose_answer = lambda recipient: True
    send()
    assert state_of(delivery) == DeliveryState.UNKNOWN
    send(DUE + timedelta(hours=1))
    assert len(sink.taken) == 1
    sink.lose_answer = lambda recipient: False
    assert outbox.resend_delivery(delivery.pk, now=DUE + timedelta(hours=2))
    send(DUE + timedelta(hours=2))
    assert state_of(delivery) == DeliveryState.SENT
    assert sink.taken[0] == sink.taken[1]


# --- what the server says ------------------------------------------------------------------------------------------


def test_a_mail_put_off_is_tried_later_each_time_after_longer(sink: MailSink) -> None:
    (delivery,) = planned()
    sink.script = lambda step, recipient: "451 4.3.0 busy" if step == "RCPT" else None
    waits = []
    now = DUE
    for _ in range(4):
        send(now)
        assert state_of(delivery) == DeliveryState.RETRY
        waits.append(delivery.not_before - now)
        now = delivery.not_before
    assert waits == sorted(waits)
    assert waits[0] < 2 * MINUTE
    assert waits[-1] > 45 * MINUTE
    assert "451 4.3.0 busy" in delivery.reason
    sink.script = lambda step, recipient: None
    send(now)
    assert state_of(delivery) == DeliveryState.SENT


def test_what_no_server_takes_within_a_day_fails_and_its_papers_come_with_the_next(sink: MailSink) -> None:
    (delivery,) = planned()
    sink.script = lambda step, recipient: "451 4.3.0 busy" if step == "RCPT" else None
    send(DUE + timedelta(hours=25))
    assert state_of(delivery) == DeliveryState.FAILED
    assert Schedule.objects.get().last_release == delivery.from_release


@pytest.mark.parametrize(
    ("step", "answer", "state", "suppressed", "stops"),
    [
        ("RCPT", "550 5.1.1 no such user", DeliveryState.FAILED, True, False),
        ("RCPT", "550 no such user", DeliveryState.FAILED, True, False),
        ("RCPT", "552 5.2.2 mailbox full", DeliveryState.RETRY, False, False),
        ("RCPT", "550 5.7.26 unauthenticated mail from example.org", DeliveryState.RETRY, False, True),
        ("RCPT", "554 relay access denied", DeliveryState.RETRY, False, True),
        ("MAIL", "550 5.1.8 bad sender", DeliveryState.RETRY, False, True),
        ("MAIL", "530 5.7.0 authentication required", DeliveryState.RETRY, False, True),
        ("dot", "550 5.7.1 message blocked", DeliveryState.RETRY, False, True),
        ("dot", "554 5.6.0 content", DeliveryState.FAILED, False, False),
        ("dot", "450 4.2.0 later", DeliveryState.RETRY, False, False),
        ("RCPT", HANG_UP, DeliveryState.RETRY, False, False),
        ("dot", HANG_UP, DeliveryState.RETRY, False, False),
    ],
)
def test_refusals(sink: MailSink, step: str, answer: str, state: str, suppressed: bool, stops: bool) -> None:
    first, second = planned(2)
    bad = first.subscriber.email
    sink.script = lambda at, to: answer if at == step and (to == bad or at == "MAIL") else None
    result = send()
    assert state_of(first) == state
    assert Suppression.objects.filter(address=bad).exists() is suppressed
    assert bool(result.stopped) is stops
    assert SendingPause.objects.filter(name="").exists() is stops
    if not stops:
        assert state_of(second) == DeliveryState.SENT, "the others go on"
        return
    sink.script = lambda at, to: None
    assert send(DUE + 10 * MINUTE).counts == {}, "nothing is tried while it is stopped"
    assert Suppression.objects.count() == 0
    send(DUE + timedelta(hours=2))
    assert (state_of(first), state_of(second)) == (DeliveryState.SENT, DeliveryState.SENT)


def test_a_domain_that_wants_a_pause_gets_it_and_others_go_on(sink: MailSink) -> None:
    slow, also_slow, quick = planned(3)
    Subscriber.objects.filter(pk__in=[slow.subscriber_id, also_slow.subscriber_id]).update(
        email=models_email("@slow.example")
    )
    Delivery.objects.filter(pk=also_slow.pk).update(not_before=DUE + MINUTE)
    sink.script = lambda step, to: "450 4.7.28 too many" if step == "RCPT" and to.endswith("slow.example") else None
    send()
    assert (state_of(slow), state_of(quick)) == (DeliveryState.RETRY, DeliveryState.SENT)
    sink.script = lambda step, to: None
    send(DUE + 2 * MINUTE)
    assert state_of(also_slow) == DeliveryState.PLANNED, "it is not even asked"
    send(DUE + timedelta(hours=1))
    assert (state_of(slow), state_of(also_slow)) == (DeliveryState.SENT, DeliveryState.SENT)


def models_email(domain: str) -> Any:
    from django.db.models import CharField, F, Value
    from django.db.models.functions import Cast, Concat

    return Concat(Value("r"), Cast(F("pk"), CharField()), Value(domain), output_field=CharField())


def test_many_refusals_in_a_row_stop_the_line(sink: MailSink) -> None:
    planned(8)
    sink.script = lambda step, to: "554 5.6.0 we do not like it" if step == "dot" else None
    assert send().stopped
    assert Delivery.objects.filter(state=DeliveryState.FAILED).count() == 4
    assert Delivery.objects.filter(state__in=[DeliveryState.RETRY, DeliveryState.PLANNED]).count() == 4


def test_a_server_that_is_away_loses_nothing(settings: Any) -> None:
    with mail_sink() as gone:
        use(settings, gone)
    deliveries = planned(7)
    assert "reached" in send().stopped
    assert {state_of(one) for one in deliveries} <= {DeliveryState.RETRY, DeliveryState.PLANNED}
    with mail_sink(port=gone.port) as back:
        send(DUE + timedelta(hours=1))
        assert len(back.taken) == 7


def test_a_server_without_starttls_gets_nothing_where_tls_is_asked_for(sink: MailSink, settings: Any) -> None:
    settings.EMAIL_USE_TLS = True
    (delivery,) = planned()
    assert send().stopped
    assert state_of(delivery) == DeliveryState.RETRY
    assert sink.taken == []


# --- who may not be sent to ----------------------------------------------------------------------------------------


def test_who_left_after_the_plan_gets_nothing(sink: MailSink) -> None:
    left, bounced, stays = planned(3)
    end_schedule(schedule=left.schedule, now=DUE)
    Suppression.objects.create(address=bounced.subscriber.email.upper(), reason="complained")
    send()
    assert [one.recipient for one in sink.taken] == [stays.subscriber.email]
    assert (state_of(left), state_of(bounced)) == (DeliveryState.CANCELLED, DeliveryState.CANCELLED)


def test_papers_hidden_after_the_plan_are_left_out_and_a_mail_of_none_is_not_sent(sink: MailSink) -> None:
    (delivery,) = planned()
    Paper.objects.filter(pk=delivery.paper_ids[0]).update(hidden_at=NOW)
    send()
    assert parsed(sink.taken[0])["Subject"] == "Paper 0"
    Delivery.objects.update(state=DeliveryState.PLANNED)
    Paper.objects.update(hidden_at=NOW)
    send()
    assert (state_of(delivery), delivery.reason) == (DeliveryState.SKIPPED, "the papers chosen are gone")


# --- where mail goes without a server, and how much of it ----------------------------------------------------------


def test_without_a_server_mails_are_files(settings: Any, tmp_path: Path) -> None:
    settings.MAIL_IS_SENT = False
    settings.OUTBOX_DIR = tmp_path / "outbox"
    (delivery,) = planned()
    send()
    (file,) = settings.OUTBOX_DIR.iterdir()
    assert file.name == f"{message_id_of(delivery)}.eml"
    assert email.message_from_bytes(file.read_bytes())["Subject"]
    assert state_of(delivery) == DeliveryState.SENT


def test_with_a_loopback_address_nothing_leaves_and_the_fix_is_named(sink: MailSink, settings: Any) -> None:
    settings.SITE = Site.from_url("http://127.0.0.1:8000")
    planned()
    assert "BROADSHEET_SITE_URL" in send().stopped
    assert sink.taken == []


def test_a_backend_of_djangos_gets_the_mail_with_its_headers(settings: Any, sink: MailSink, mailoutbox: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    (delivery,) = planned()
    send()
    (mail,) = mailoutbox
    assert state_of(delivery) == DeliveryState.SENT
    assert mail.to == [delivery.subscriber.email]
    assert mail.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "* Paper 1" in mail.body


def test_a_providers_limit_is_kept_over_all_runs(sink: MailSink, settings: Any) -> None:
    settings.MAIL_RATE = "10/h"
    planned(25)
    assert send().counts["sent"] == 10
    assert send(DUE + MINUTE).counts == {}
    assert send(DUE + 30 * MINUTE).counts["sent"] == 5
    assert send(DUE + timedelta(hours=9)).counts["sent"] == 10


def test_the_number_of_statements_grows_by_two_a_mail(sink: MailSink) -> None:
    planned(10)
    with CaptureQueriesContext(connection) as few:
        send()
    Delivery.objects.all().delete()
    topic = Topic.objects.get()
    for _ in range(10):
        factories.schedule(None, topic)
    Schedule.objects.update(next_on=date(2026, 3, 5), next_due_at=DUE, last_release=0)
    plan_due(now=DUE)
    with CaptureQueriesContext(connection) as more:
        send()
    assert len(sink.taken) == 30
    assert len(more) <= len(few), "marks go past Django, and all else is read once for all"
    assert Fragment.objects.count() == 2 + 13, "two papers, and what stands around the papers of all mails"


def test_it_is_utc_that_dates_are_in(sink: MailSink) -> None:
    planned()
    send()
    assert parsed(sink.taken[0])["Date"].datetime == DUE.astimezone(UTC)
