"""Senders killed at random: real processes, a server that remembers every byte. bench/storm.py at a small size."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as django_settings

from bench.mail_catalogue import use_server
from bench.storm import StormResult, plan_deliveries, storm
from digests.services import outbox, sending
from tests.support.mail_sink import mail_sink, random_faults

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

READERS = 400
KILLS = 10


@pytest.fixture(autouse=True)
def _as_it_was(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The storm changes settings and the lengths of leases, before it forks."""
    for name in ("SITE", "SITE_URL", "MAIL_IS_SENT", "MAIL_IN_DOUBT", "EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT",
                 "EMAIL_USE_TLS", "EMAIL_USE_SSL", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD",
                 "DEFAULT_FROM_EMAIL"):  # fmt: skip
        setattr(settings, name, getattr(django_settings, name, ""))
    monkeypatch.setattr(outbox, "LEASE", outbox.LEASE)
    monkeypatch.setattr(outbox, "SENDING_LEASE", outbox.SENDING_LEASE)
    for name in ("RETRIES", "STOPPED_FOR", "DOMAIN_PAUSED_FOR", "IN_DOUBT_PAUSE"):
        monkeypatch.setattr(sending, name, getattr(sending, name))


def weathered(*, policy: str, trouble: float = 0.0) -> StormResult:
    told = {"script": random_faults(3, rate=trouble, refuses_us=True)} if trouble else {}
    plan_deliveries(READERS)
    with mail_sink(**told) as sink:
        use_server(sink.port, in_doubt=policy)
        return storm(sink=sink, kills=KILLS, faults=trouble)


def test_with_resend_no_mail_is_lost_and_a_second_copy_is_the_same() -> None:
    found = weathered(policy="resend")
    assert (found.planned, found.kills, found.lost, found.unknown) == (READERS, KILLS, 0, 0)
    assert found.duplicates <= found.kills
    assert found.different == 0


def test_with_skip_no_mail_comes_twice_and_what_is_lost_is_listed() -> None:
    found = weathered(policy="skip")
    assert (found.duplicates, found.lost_and_not_unknown) == (0, 0)
    assert found.unknown <= found.kills


def test_a_server_in_trouble_loses_none_either() -> None:
    found = weathered(policy="resend", trouble=0.02)
    assert (found.lost, found.different) == (0, 0)
    # Who is not there is sent nothing more; that it refuses us now and then strikes off nobody.
    assert found.refused > 0
    assert found.struck_off_wrongly == 0
