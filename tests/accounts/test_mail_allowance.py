"""Nobody fills a stranger's mailbox: three mails a day to one address, from all forms that ask nobody to sign in."""

from __future__ import annotations

import statistics
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from digests.models import SignUp
from digests.services.double_opt_in import send_due_confirmations
from papers.models import MailAllowance
from papers.services.accounts.mail_allowance import MailKind, give_back_allowance, take_allowance
from papers.services.operations.cleanup import delete_expired_rows
from tests.support.factories import NOW
from tests.support.mail import set_up_mail
from tests.support.people import PASSWORD, anonymous_client, client_of, curator, reader

pytestmark = pytest.mark.django_db
RITA = "rita@example.org"


@pytest.fixture(autouse=True)
def _with_mail(settings: Any) -> None:
    set_up_mail(settings)
    settings.SIGNUP = "open"


def from_anywhere(number: int) -> Client:
    """A browser of a network of its own, which no limit by network holds."""
    return Client(REMOTE_ADDR=f"2001:db8:{number:x}::1")


def sign_up(browser: Client, email: str, name: str = "nora") -> Any:
    return browser.post("/sign-up", {"email": email, "username": name, "password1": PASSWORD})


def send_subscriptions() -> None:
    """As the worker does, again and again, without the pause between two letters."""
    for hour in range(1, 20):
        SignUp.objects.exclude(not_before=None).update(not_before=NOW)
        SignUp.objects.exclude(sent_at=None).update(sent_at=NOW - timedelta(hours=hour))
        send_due_confirmations(now=timezone.now())


@pytest.mark.parametrize("is_known", [True, False])
def test_fourteen_requests_of_all_forms_bring_three_mails(is_known: bool) -> None:
    if is_known:
        reader()
    for number in range(5):
        from_anywhere(number).post("/subscribe", {"email": RITA})
        send_subscriptions()
        assert sign_up(from_anywhere(number), RITA, f"nora{number}")["Location"] == "/account/address/sent"
        from_anywhere(number).post("/sign-in", {"username": RITA, "password": PASSWORD})  # asks for a confirmation, too
        assert from_anywhere(number).post("/forgotten", {"email": RITA})["Location"] == "/forgotten/sent"
    assert len(mail.outbox) == 3
    assert "new password" in mail.outbox[-1].subject or not is_known


def test_other_forms_leave_one_for_a_new_password() -> None:
    reader()
    for number in range(4):
        sign_up(from_anywhere(number), RITA, f"nora{number}")
    assert len(mail.outbox) == 2
    anonymous_client().post("/forgotten", {"email": RITA})
    assert mail.outbox[-1].subject.startswith("Set a new password")


@pytest.mark.parametrize(
    "spelling",
    ["RITA@Example.org", "rita+1@example.org", "rita+%s@example.org", "rita@EXAMPLE.ORG."],
)
def test_one_mailbox_is_counted_once_however_it_is_written(spelling: str) -> None:
    for _ in range(2):
        assert take_allowance(address=RITA, now=NOW)
    assert not take_allowance(address=spelling, now=NOW)
    assert take_allowance(address="carla@example.org", now=NOW)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a@bücher.example", "A@xn--bcher-kva.example"),
        ("r.i.ta@gmail.com", "rita+news@googlemail.com"),
    ],
)
def test_two_names_of_one_mailbox(one: str, other: str) -> None:
    for _ in range(2):
        take_allowance(address=one, now=NOW)
    assert not take_allowance(address=other, now=NOW)


def test_a_day_later_there_is_more_and_not_before() -> None:
    times = (0, 12, 23.9, 24.1, 30, 36.1)
    assert [take_allowance(address=RITA, now=NOW + timedelta(hours=hours)) for hours in times] == [
        *(True, True, False, True, False, True),
    ]


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_three_get_through() -> None:
    got, all_there = [], threading.Barrier(12)

    def take() -> None:
        all_there.wait(timeout=20)
        got.append(take_allowance(address=RITA, now=timezone.now(), kind=MailKind.RESET))
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(got) == 3


def test_it_holds_when_the_cache_is_lost() -> None:
    for number in range(5):
        cache.clear()
        from_anywhere(number).post("/forgotten", {"email": RITA})
    assert len(mail.outbox) == 3


def test_a_mail_that_did_not_leave_is_not_counted(settings: Any) -> None:
    reader()
    backend, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 1
    for number in range(4):
        from_anywhere(number).post("/forgotten", {"email": RITA})
    settings.EMAIL_BACKEND = backend
    anonymous_client().post("/forgotten", {"email": RITA})
    assert len(mail.outbox) == 1
    give_back_allowance(address="nobody@example.org", taken_at=NOW)


def test_a_page_says_the_same_when_a_mail_is_held_back() -> None:
    pages = [
        [
            from_anywhere(number).post("/forgotten", {"email": RITA}, follow=True).content,
            from_anywhere(number).post("/subscribe", {"email": RITA}).content,
        ]
        for number in range(4)
    ]
    assert all(page == pages[0] for page in pages)
    assert b"at most three e-mails a day" in pages[0][0]
    assert b"at most three e-mails a day" in pages[0][1]


def test_an_invitation_is_not_held_up_by_strangers_and_has_a_limit_of_its_own() -> None:
    for number in range(4):
        from_anywhere(number).post("/forgotten", {"email": RITA})
    mail.outbox.clear()
    browser = client_of(curator())
    for _ in range(5):
        assert "/sign-up/invited/" in browser.post("/invitations", {"email": RITA}).content.decode()
    assert len(mail.outbox) == 3


def test_what_is_told_to_an_account_is_never_held_back() -> None:
    rita = reader()
    for _ in range(3):
        take_allowance(address=RITA, now=timezone.now(), kind=MailKind.RESET)
    browser = client_of(rita)
    new = "another-horse-battery"
    browser.post("/account/password", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})
    assert [sent.to for sent in mail.outbox] == [[RITA]]


def test_nobody_s_address_is_kept() -> None:
    take_allowance(address=RITA, now=NOW)
    assert "rita" not in str(MailAllowance.objects.values())
    delete_expired_rows(now=NOW + timedelta(hours=25))
    assert not MailAllowance.objects.exists()


def test_signing_up_takes_as_long_for_an_address_that_has_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Medians, with a hash that takes a while as in earnest."""
    for number in range(5):
        reader(f"r{number}")
    hash_quickly = MD5PasswordHasher.encode

    def hash_slowly(*args: Any) -> str:
        time.sleep(0.3)
        return str(hash_quickly(*args))

    monkeypatch.setattr(MD5PasswordHasher, "encode", hash_slowly)
    took: dict[str, list[float]] = {"r": [], "new": []}
    for number in range(5):
        for name, times in took.items():
            began = time.perf_counter()
            sign_up(from_anywhere(number), f"{name}{number}@example.org", f"n{number}")
            times.append(time.perf_counter() - began)
    known, unknown = (statistics.median(times) for times in took.values())
    assert known > 0.3
    assert abs(known - unknown) < 0.15
