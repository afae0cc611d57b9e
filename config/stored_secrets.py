"""All secrets that are stored encrypted: written again where the key has changed, counted where no key opens them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from allauth.mfa.models import Authenticator
from django.db import connection, transaction

from papers.models.encrypted import UnreadableSecretError, keys_in_force, renewed

# Table, primary key and column of each EncryptedTextField; a test compares.
ENCRYPTED_COLUMNS = (
    ("digests_channel", "id", "address"),
    ("digests_channel", "id", "secret"),
    ("papers_feedkey", "user_id", "key"),
    ("papers_source", "id", "api_key"),
)
_OF_FACTORS = ("secret", "seed")


@dataclass(slots=True)
class SecretsState:
    """What was found."""

    renewed: int = 0
    unreadable: set[tuple[str, int]] = field(default_factory=set)
    """Rows of tables, by primary key, with a secret that no key opens."""
    unreadable_factors: int = 0

    def sentence(self) -> str:
        """What has to be entered again, in a sentence; empty where all can be read."""
        parts = []
        tables = Counter(table for table, _ in self.unreadable)
        if count := tables["digests_channel"]:
            parts.append(f"the addresses and tokens of {count} channels (/curate/channels)")
        if count := tables["papers_feedkey"]:
            parts.append(f"the addresses of {count} readers’ feeds, which go on (New address beside the feed)")
        if count := tables["papers_source"]:
            parts.append(f"the keys of {count} sources (in the admin, under Sources)")
        if self.unreadable_factors:
            parts.append(
                f"{self.unreadable_factors} second factors (manage.py login_link ADDRESS --forget-second-factor)"
            )
        if not parts:
            return ""
        return (
            f"This SECRET_KEY does not open what is stored of {' and '.join(parts)}: enter them again, or name the key "
            "of then in SECRET_KEY_FALLBACKS."
        )


def renew_stored_secrets(keys: Sequence[str] | None = None) -> SecretsState:
    """Encrypt with the first of the keys what another encrypted, or nothing has yet. Idempotent.

    By default the first is SECRET_KEY, and the others its fallbacks.
    """
    state, keys = SecretsState(), keys or keys_in_force()
    with transaction.atomic():
        for place in ENCRYPTED_COLUMNS:
            _renew_column(*place, keys, state)
        for factor in Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN).select_for_update().iterator():
            _renew_factor(factor, keys, state)
    return state


def read_stored_secrets() -> SecretsState:
    """What `renew_stored_secrets` would find, with nothing changed."""
    with transaction.atomic():
        state = renew_stored_secrets()
        transaction.set_rollback(True)
    return state


def _renew_column(table: str, primary_key: str, column: str, keys: Sequence[str], state: SecretsState) -> None:
    # In SQL: the field would decrypt what it reads. The names are from the table above.
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {primary_key}, {column} FROM {table} ORDER BY 1 FOR UPDATE")  # noqa: S608
        for pk, stored in cursor.fetchall():
            try:
                text = renewed(stored, keys)
            except UnreadableSecretError:
                state.unreadable.add((table, pk))
                continue
            if text is not None:
                cursor.execute(f"UPDATE {table} SET {column} = %s WHERE {primary_key} = %s", [text, pk])  # noqa: S608
                state.renewed += 1


def _renew_factor(factor: Authenticator, keys: Sequence[str], state: SecretsState) -> None:
    try:
        changed = dict(_renewed_parts(factor.data, keys))
    except UnreadableSecretError:
        state.unreadable_factors += 1
        return
    if changed:
        factor.data = {**factor.data, **changed}
        factor.save(update_fields=["data"])
        state.renewed += 1


def _renewed_parts(data: dict[str, object], keys: Sequence[str]) -> Iterator[tuple[str, object]]:
    for name in _OF_FACTORS:
        stored = data.get(name)
        if isinstance(stored, str) and (text := renewed(stored, keys)) is not None:
            yield name, text
    codes = data.get("migrated_codes")
    if isinstance(codes, list):
        found = [renewed(str(code), keys) for code in codes]
        if any(found):
            yield "migrated_codes", [new or old for new, old in zip(found, codes, strict=True)]
