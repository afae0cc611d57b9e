"""Two connections in turns, and marks on their way: nothing is sent twice or lost by what goes on at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from digests.content import messages
from digests.models import Delivery, Fragment
from digests.models.delivery import DeliveryState
from digests.services import outbox
from digests.services.delivery_marks import DeliveryMarks, SendingMark
from digests.wire.smtp import SmtpConnection
from tests.digests.test_digest_sending import DUE, parsed, planned, send, state_of, use
from tests.support.mail import message_id_of
from tests.support.mail_sink import MailSink, mail_sink

pytestmark = pytest.mark.django_db


@pytest.fixture
def sink(settings: Any) -> Iterator[MailSink]:
    with mail_sink() as running:
        use(settings, running)
        yield running


def test_without_pipelining_and_after_a_refusal_the_connection_goes_on(settings: Any) -> None:
    with mail_sink(pipelining=False) as sink:
        use(settings, sink)
        deliveries = planned(5)
        bad = {deliveries[1].subscriber.email, deliveries[3].subscriber.email}
        sink.script = lambda step, to: "550 5.1.1 no" if step == "RCPT" and to in bad else None
        send()
        assert len(sink.taken) == 3
        assert sink.connections == 2, "those that were opened first"


def test_one_connection_is_used_for_many_and_not_for_too_many(sink: MailSink) -> None:
    planned(120)
    assert send().counts["sent"] == 120
    assert sink.connections == 2


def test_a_server_that_takes_one_connection_gets_all_over_that(sink: MailSink) -> None:
    sink.script = lambda step, to: "421 4.7.0 too many" if step == "connect" and sink.connections > 1 else None
    planned(5)
    assert send().counts == {"sent": 5}
    assert sink.connections == 2, "the second was tried once"


def test_never_are_two_mails_between_their_dots_and_their_answers(sink: MailSink, monkeypatch: Any) -> None:
    heard: list[object] = []
    end_data, read_reply = SmtpConnection.end_data, SmtpConnection.read_reply

    def dotted(line: SmtpConnection) -> None:
        heard.append(("dot", Delivery.objects.filter(state=DeliveryState.SENDING).count()))
        end_data(line)

    def answered(line: SmtpConnection) -> None:
        read_reply(line)
        heard.append("answer")

    monkeypatch.setattr(SmtpConnection, "end_data", dotted)
    monkeypatch.setattr(SmtpConnection, "read_reply", answered)
    planned(6)
    assert send().counts == {"sent": 6}
    assert heard == [("dot", 1), "answer"] * 6


def test_what_fails_while_a_mark_is_on_its_way_loses_no_mail(sink: MailSink, monkeypatch: Any) -> None:
    first, second = planned(2)
    made = messages.build_message

    def broken(one: Any, *rest: Any, **more: Any) -> Any:
        if one.id == second.id:
            raise RuntimeError("a fault of ours")
        return made(one, *rest, **more)

    monkeypatch.setattr("digests.services.sending.build_message", broken)
    with pytest.raises(RuntimeError, match="a fault of ours"):
        send()
    assert (state_of(first), state_of(second)) == (DeliveryState.RETRY, DeliveryState.PLANNED)
    assert not sink.taken, "it had no dot"
    monkeypatch.undo()
    send()
    assert len(sink.taken) == 2


def test_what_is_sent_again_after_its_parts_were_forgotten_is_made_anew_and_stops_nobody(sink: MailSink) -> None:
    first, second = planned(2)
    late = first.subscriber.email
    sink.script = lambda step, to: "450 4.2.0 later" if step == "dot" and to == late else None
    send()
    assert (state_of(first), state_of(second)) == (DeliveryState.RETRY, DeliveryState.SENT)
    assert first.content_spec
    Fragment.objects.all().delete()
    sink.script = lambda step, to: None
    assert send(DUE + timedelta(hours=1)).counts == {"sent": 1}
    assert parsed(sink.taken[1])["Message-ID"].startswith(f"<d.{first.pk}.{message_id_of(first)}@")


def test_what_an_older_version_began_is_made_anew(sink: MailSink) -> None:
    (delivery,) = planned()
    Delivery.objects.update(
        state=DeliveryState.RETRY, attempts=1, content_spec='{"frame":1,"papers":[[2,0]],"versions":[]}'
    )
    assert send().counts == {"sent": 1}
    assert parsed(sink.taken[0])["Message-ID"].startswith(f"<d.{delivery.pk}.{message_id_of(delivery)}@")


def test_a_worker_that_was_thought_dead_sends_nothing(sink: MailSink, monkeypatch: Any) -> None:
    (delivery,) = planned()
    begin = DeliveryMarks.sending

    def late(marks: DeliveryMarks, pk: int, **spec: Any) -> SendingMark:
        monkeypatch.undo()
        outbox.reclaim_expired_leases(now=DUE + timedelta(hours=1), mark_unknown=False)
        return begin(marks, pk, **spec)

    monkeypatch.setattr(DeliveryMarks, "sending", late)
    assert send().counts == {"taken over": 1, "sent": 1}
    assert state_of(delivery) == DeliveryState.SENT
    assert len(sink.taken) == 1, "what it had offered was forgotten with the connection"
    assert sink.connections == 2
