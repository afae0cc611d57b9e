"""What a key in an address opens: nothing for those who are suspended or gone, but the way out of mail."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from digests.models import SignUp, Subscriber
from digests.services.double_opt_in import confirm_link, request_address_change, send_due_confirmations
from papers.models import Invitation, LoginLink
from papers.services.accounts.deletion import delete_account
from papers.services.accounts.feed_keys import feed_key_of
from papers.services.accounts.invitations import create_invitation
from papers.services.accounts.login_links import create_login_link
from papers.services.accounts.people import restore_account, suspend_account
from papers.services.authors.lookup import find_author
from papers.services.reading.follows import follow
from tests.support import factories
from tests.support.factories import NOW
from tests.support.mail import first_link_path, mail_key, set_up_mail
from tests.support.people import PASSWORD, anonymous_client, client_of, curator, reader, staff

pytestmark = pytest.mark.django_db
NEW = "another-horse-battery"


@pytest.fixture
def rita() -> Any:
    return reader()


@pytest.fixture
def addresses(rita: Any) -> dict[str, str]:
    """What lies in her mails and her feed reader, by what it is."""
    subscriber = factories.subscriber(email=rita.email, user=rita)
    schedule = factories.schedule(subscriber, kinds=["trending"])
    paper = factories.paper()
    sent = factories.delivery(schedule, state="sent", sent_at=NOW, paper_ids=[paper.pk])
    key = feed_key_of(rita)
    return {
        "preferences": f"/subscriptions/{mail_key(subscriber)}",
        "sent mails": f"/subscriptions/{mail_key(subscriber)}/sent",
        "a mail": f"/mail/{mail_key(sent)}",
        "more of it": f"/mail/{mail_key(sent)}/more",
        "saving": f"/s/{mail_key(subscriber)}/{paper.pk}",
        "what she follows": f"/following/{key}.atom",
        "what is suggested": f"/papers/for-you/{key}.json",
    }


def codes(addresses: dict[str, str]) -> dict[str, int]:
    return {name: anonymous_client().get(address).status_code for name, address in addresses.items()}


def test_keys_of_a_suspended_reader_open_nothing_until_she_is_back(rita: Any, addresses: dict[str, str]) -> None:
    assert set(codes(addresses).values()) == {200}
    ada = staff()
    suspend_account(person=rita, by=ada, reason="", now=NOW)
    assert set(codes(addresses).values()) == {404}
    changed = anonymous_client().post(addresses["preferences"], {"daily": "on"})
    followed = anonymous_client().post(f"{addresses['preferences']}/unfollow", {"kind": "author", "key": "x"})
    assert (changed.status_code, followed.status_code) == (404, 404)
    restore_account(person=rita, by=ada)
    assert set(codes(addresses).values()) == {200}


def test_keys_of_somebody_who_is_gone_open_nothing(rita: Any, addresses: dict[str, str]) -> None:
    staff()
    delete_account(rita)
    assert set(codes(addresses).values()) == {404}


def test_a_copy_of_the_table_opens_no_feed(rita: Any, addresses: dict[str, str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT key, key_digest FROM papers_feedkey")
        (stored, digest) = cursor.fetchone()
    assert feed_key_of(rita) not in (stored, digest)
    for guess in (stored, digest):
        assert anonymous_client().get(f"/following/{guess}.atom").status_code == 404


def test_a_feed_goes_on_when_the_site_s_key_is_lost(rita: Any, addresses: dict[str, str], settings: Any) -> None:
    """Its address is found by a digest; it only can't be shown again."""
    follow(user=rita, contributor=find_author("ada-lovelace"), name="Ada Lovelace", now=NOW)
    settings.SECRET_KEY = "another-key-of-another-time-0123456789-abcdef"
    assert anonymous_client().get(addresses["what she follows"]).status_code == 200
    browser = client_of(rita)
    assert feed_key_of(rita) == ""
    for page in ("/following", "/papers/for-you"):
        assert browser.get(page).status_code == 200
        assert "The address is hidden" in browser.get("/following").content.decode()
    browser.post("/following/address")
    assert anonymous_client().get(f"/following/{feed_key_of(rita)}.atom").status_code == 200
    assert anonymous_client().get(addresses["what she follows"]).status_code == 404


def test_a_key_stays_what_it_was_when_the_table_changes() -> None:
    state = MigrationExecutor(connection).loader.project_state(("papers", "0006_feed_key_digests")).apps
    ada = staff()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO papers_feedkey (user_id, key, key_digest) VALUES (%s, 'old-key', 'x')", [ada.pk])
    import_module("papers.migrations.0006_feed_key_digests").digest_keys(state, None)
    assert feed_key_of(ada) == "old-key"
    assert anonymous_client().get("/following/old-key.atom").status_code == 200


def test_the_suspended_can_still_leave(rita: Any, addresses: dict[str, str]) -> None:
    schedule = Subscriber.objects.get().schedules.get()
    suspend_account(person=rita, by=staff(), reason="", now=NOW)
    for key in (mail_key(schedule), mail_key(schedule.subscriptions.get()), mail_key(schedule.subscriber)):
        assert anonymous_client().get(f"/u/{key}").status_code == 200
    anonymous_client().post(f"/u/{mail_key(schedule)}")
    schedule.refresh_from_db()
    assert schedule.ended_at is not None


def test_the_suspended_move_no_mail_to_another_address(rita: Any, addresses: dict[str, str], settings: Any) -> None:
    set_up_mail(settings)
    request_address_change(subscriber=Subscriber.objects.get(), email="other@example.org", now=NOW)
    send_due_confirmations(now=NOW)
    suspend_account(person=rita, by=staff(), reason="", now=NOW)
    confirm_link(first_link_path(str(mail.outbox[0].body)).rsplit("/", 1)[1], now=NOW)
    assert Subscriber.objects.get().email == "rita@example.org"
    assert SignUp.objects.get().used_at is None


def test_nobody_comes_by_the_invitation_of_somebody_who_was_suspended_or_is_gone() -> None:
    carl, cleo, ada = curator("carl"), curator("cleo"), staff()
    of_carl, of_cleo = (
        create_invitation(by=maker, email="", now=timezone.now()).partition(":8000")[2] for maker in (carl, cleo)
    )
    assert anonymous_client().get(of_carl).status_code == 302
    suspend_account(person=carl, by=ada, reason="", now=NOW)
    delete_account(cleo)
    assert [anonymous_client().get(link).status_code for link in (of_carl, of_cleo)] == [410, 410]
    restore_account(person=carl, by=ada)
    assert anonymous_client().get(of_carl).status_code == 302
    assert Invitation.objects.exclude(revoked_at=None).count() == 1


class TestOldLinks:
    """One-time sign-in links end with the password that was there when they were made."""

    def test_end_when_the_password_is_changed(self, rita: Any) -> None:
        link = create_login_link(rita.email).partition(":8000")[2]
        fields = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
        assert client_of(rita).post("/account/password", fields).status_code == 302
        assert anonymous_client().get(link).status_code == 410
        assert anonymous_client().post(link).status_code == 410

    def test_end_when_it_is_set_by_another_link(self, rita: Any) -> None:
        used, left = (create_login_link(rita.email).partition(":8000")[2] for _ in range(2))
        browser = anonymous_client()
        browser.post(used)
        assert browser.post("/account/password", {"new_password1": NEW, "new_password2": NEW}).status_code == 302
        assert anonymous_client().post(left).status_code == 410

    def test_end_when_it_is_set_by_mail_or_by_an_administrator(self, rita: Any, settings: Any) -> None:
        set_up_mail(settings)
        settings.SITE_URL = "http://127.0.0.1:8000"
        create_login_link(rita.email)
        browser = anonymous_client()
        browser.post("/forgotten", {"email": rita.email})
        (link,) = [word for word in mail.outbox[-1].body.split() if "/forgotten/" in word]
        form = browser.get("/forgotten/" + link.partition("/forgotten/")[2], follow=True).redirect_chain[-1][0]
        assert browser.post(form, {"password1": NEW, "password2": NEW}).status_code == 302
        assert not LoginLink.objects.exists()
        create_login_link(rita.email)
        rita.refresh_from_db()
        rita.set_password("yet-another-battery")
        rita.save()
        assert not LoginLink.objects.exists()

    def test_stay_when_only_the_hash_is_renewed_or_something_else_is_saved(self, rita: Any, settings: Any) -> None:
        create_login_link(rita.email)
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", *settings.PASSWORD_HASHERS]
        assert rita.check_password(PASSWORD)
        rita.refresh_from_db()
        assert rita.password.startswith("pbkdf2")
        rita.time_zone = "Europe/Berlin"
        rita.save()
        assert LoginLink.objects.count() == 1

    def test_the_command_that_makes_one_makes_one_that_works(self, rita: Any, capsys: Any) -> None:
        call_command("login_link", rita.email)
        link = capsys.readouterr().out.strip().splitlines()[-1].partition(":8000")[2]
        assert anonymous_client().post(link).status_code == 302
