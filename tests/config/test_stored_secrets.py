"""What is secret in the database is encrypted, follows SECRET_KEY, and is named where no key opens it."""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from django.apps import apps
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from config import startup
from config.local.paths import DataDir
from config.stored_secrets import ENCRYPTED_COLUMNS, renew_stored_secrets
from digests.models import Channel, Notice
from digests.services.notices import post_test_notice
from papers.models.encrypted import PREFIX, EncryptedTextField, UnreadableSecretError, decrypt_text, encrypt_text
from tests.support.people import PASSWORD, anonymous_client, client_of, reader, staff
from tests.support.second_factor import code_of, turn_on

pytestmark = pytest.mark.django_db
ADDRESS, TOKEN = "https://hooks.example.org/T0/B0/aaaabbbbcccc", "whsec_c2VjcmV0c2VjcmV0c2VjcmV0"
OTHER_KEY = "another-key-of-another-time-0123456789-abcdef"


@pytest.fixture
def channel() -> Channel:
    return Channel.objects.create(name="Desk", kind="webhook", address=ADDRESS, secret=TOKEN)


def dump() -> str:
    """Every row that holds a secret, as a leaked copy has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM digests_channel t")
        channels = cursor.fetchall()
        cursor.execute("SELECT row_to_json(t)::text FROM mfa_authenticator t")
        return str([*channels, *cursor.fetchall()])


def test_a_copy_of_the_tables_opens_nothing(channel: Channel) -> None:
    rita = reader()
    secret = turn_on(client_of(rita))
    codes = RecoveryCodes.activate(rita).get_unused_codes()
    leaked = dump()
    for word in (ADDRESS, "aaaabbbbcccc", TOKEN, secret, *codes):
        assert word not in leaked
    channel.refresh_from_db()
    assert (channel.address, channel.secret) == (ADDRESS, TOKEN)
    channel.name = "Other"
    channel.save()
    assert Channel.objects.get().secret == TOKEN


def test_a_second_factor_and_its_recovery_codes_still_work() -> None:
    rita = reader()
    secret = turn_on(client_of(rita))
    for code in (code_of(secret), RecoveryCodes.activate(rita).get_unused_codes()[0]):
        browser = anonymous_client()
        browser.post("/sign-in", {"username": rita.email, "password": PASSWORD})
        assert browser.post("/sign-in/code", {"code": code}).status_code == 302
        assert "_auth_user_id" in browser.session


def test_the_same_text_is_never_stored_alike() -> None:
    assert encrypt_text("x") != encrypt_text("x")
    assert decrypt_text(encrypt_text("Ünï")) == "Ünï"


def test_nobody_looks_for_what_can_not_be_found(channel: Channel) -> None:
    with pytest.raises(FieldError):
        Channel.objects.filter(address=ADDRESS)


def test_the_table_of_columns_has_all_of_them() -> None:
    found = {
        (model._meta.db_table, model._meta.pk.column, field.column)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedTextField)
    }
    assert found == set(ENCRYPTED_COLUMNS)


def test_the_migrations_encrypt_what_is_there() -> None:
    rita = reader()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO digests_channel (name, kind, address, secret, room, notify_queue, notify_edition,"
            " notify_stale, notify_late, edition_size, edition_at, is_enabled, created_at, failed_count)"
            " VALUES ('Old', 'webhook', %s, '', '', true, true, true, true, 10, '09:00', true, now(), 0)",
            [ADDRESS],
        )
    Authenticator.objects.create(user=rita, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    Authenticator.objects.create(user=rita, type="recovery_codes", data={"migrated_codes": ["abc"], "used_mask": 0})
    of_digests, of_papers = (
        import_module(f"{name[0]}.migrations.{name[1]}")
        for name in (("digests", "0002_encrypt_channels"), ("papers", "0005_encrypt_second_factors"))
    )
    then = MigrationExecutor(connection).loader.project_state().apps
    for _ in range(2):
        of_digests.encrypt_channels(then, None)
        of_papers.encrypt_factors(then, None)
    leaked = dump()
    assert leaked.count(PREFIX) == 3
    assert ADDRESS not in leaked
    assert "JBSWY3DPEHPK3PXP" not in leaked
    assert (Channel.objects.get().address, Channel.objects.get().secret) == (ADDRESS, "")
    assert decrypt_text(Authenticator.objects.get(type="totp").data["secret"]) == "JBSWY3DPEHPK3PXP"
    assert RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes() == ["abc"]


class TestAnotherKey:
    def test_a_fallback_opens_and_the_next_start_encrypts_anew(self, channel: Channel, settings: Any) -> None:
        secret = turn_on(client_of(reader()))
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OTHER_KEY, [settings.SECRET_KEY]
        assert Channel.objects.get().address == ADDRESS
        said: list[str] = []
        startup.renew_secrets(said.append)
        assert said == ["Encrypted 4 stored secrets with SECRET_KEY."]
        settings.SECRET_KEY_FALLBACKS = []
        assert Channel.objects.get().secret == TOKEN
        browser = anonymous_client()
        browser.post("/sign-in", {"username": "rita@example.org", "password": PASSWORD})
        assert browser.post("/sign-in/code", {"code": code_of(secret)}).status_code == 302
        said.clear()
        startup.renew_secrets(said.append)
        assert said == []

    def test_without_any_the_site_runs_and_says_what_to_enter_again(self, channel: Channel, settings: Any) -> None:
        secret = turn_on(client_of(reader()))
        before = dump()
        settings.SECRET_KEY = OTHER_KEY
        said: list[str] = []
        startup.renew_secrets(said.append)
        (sentence,) = said
        for words in ("1 channels", "2 second factors", "SECRET_KEY_FALLBACKS"):
            assert words in sentence
        administrator = client_of(staff())
        assert "enter the address again" in administrator.get("/curate/channels").content.decode()
        assert administrator.get(f"/curate/channels/{channel.pk}").status_code == 200
        notice = post_test_notice(Channel.objects.get(), now=timezone.now())
        assert notice.state == Notice.State.FAILED
        assert "SECRET_KEY has changed" in notice.result
        browser = anonymous_client()
        browser.post("/sign-in", {"username": "rita@example.org", "password": PASSWORD})
        for code in (code_of(secret), code_of("A" * 32), code_of("")):
            assert browser.post("/sign-in/code", {"code": code}).status_code == 200
        assert dump() == before, "should the key come back"

    def test_a_channel_is_entered_again(self, channel: Channel, settings: Any) -> None:
        settings.SECRET_KEY = OTHER_KEY
        form = {"name": "Desk", "kind": "webhook", "edition_size": "5", "edition_at": "09:00", "is_enabled": "on"}
        administrator = client_of(staff())
        assert administrator.post(f"/curate/channels/{channel.pk}", form).status_code == 422
        shown = administrator.post(f"/curate/channels/{channel.pk}", {**form, "where": ADDRESS})
        fresh = Channel.objects.get()
        assert not fresh.is_unreadable
        assert fresh.secret in shown.content.decode(), "a new signing key is shown, once"

    def test_another_key_does_not_open_it(self, settings: Any) -> None:
        stored = encrypt_text("x")
        settings.SECRET_KEY = OTHER_KEY
        with pytest.raises(UnreadableSecretError):
            decrypt_text(stored)
        with pytest.raises(UnreadableSecretError):
            decrypt_text(PREFIX + "nonsense")


@pytest.mark.django_db(transaction=True)
class TestBackups:
    @pytest.fixture(autouse=True)
    def _external(self, settings: Any, tmp_path: Path) -> None:
        settings.DATABASE_IS_EMBEDDED = False
        settings.DATA_DIR = DataDir(tmp_path / "data")
        settings.DATA_DIR.make()

    def run(self, *words: str) -> str:
        out = io.StringIO()
        call_command(*words, stdout=out)
        return out.getvalue()

    @pytest.mark.parametrize("is_set", [True, False])
    def test_one_with_the_key_is_opened_under_another(
        self, channel: Channel, settings: Any, tmp_path: Path, is_set: bool
    ) -> None:
        assert "holds the site's key" in self.run("backup", str(tmp_path / "b.zip"))
        old, settings.SECRET_KEY, settings.SECRET_KEY_IS_SET = settings.SECRET_KEY, OTHER_KEY, is_set
        assert "enter them again" not in self.run("restore", str(tmp_path / "b.zip"), "--yes")
        settings.SECRET_KEY = OTHER_KEY if is_set else old
        assert Channel.objects.get().address == ADDRESS

    def test_one_without_it_says_what_to_enter_again(self, channel: Channel, settings: Any, tmp_path: Path) -> None:
        said = self.run("backup", str(tmp_path / "b.zip"), "--without-key")
        assert "does not hold the site's key" in said
        key = settings.SECRET_KEY
        assert key.encode() not in (tmp_path / "b.zip").read_bytes()
        assert "enter them again" not in self.run("restore", str(tmp_path / "b.zip"), "--yes")
        settings.SECRET_KEY = OTHER_KEY
        assert "1 channels (/curate/channels): enter them again" in self.run(
            "restore", str(tmp_path / "b.zip"), "--yes"
        )
        assert client_of(staff()).get("/curate/channels").status_code == 200
        assert renew_stored_secrets((OTHER_KEY, key)).sentence() == ""
