"""The group's OpenID Connect provider: asked through the guarded client, and believed no further than its words go."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DataError

from papers.outbound.client import Client, user_agent
from papers.outbound.errors import FetchError, HttpStatusError
from papers.outbound.host_rate_limit import host_group_of
from papers.outbound.request import FetchRequest
from papers.text.mailboxes import AddressError, canonical

MAX_BYTES = 1_000_000
DEADLINE_SECONDS = 8.0
"""For each of the up to three answers that a sign-in waits for."""
_MAX_UID = SocialAccount._meta.get_field("uid").max_length
_MAX_TEXT = 500
_TEXTS = ("preferred_username", "name", "given_name", "family_name")

PROVIDER_ERRORS = (
    *(FetchError, OAuth2Error),
    # What allauth raises on malformed answers: JSON of another shape, a token that is not text, numbers out of range.
    *(OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError),
    *(ValidationError, DataError),
)
"""How signing in at a provider fails, whatever it answers: it is said in a sentence, on a page."""


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """An answer of the provider, as allauth reads it from `requests`."""

    status_code: int
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", errors="replace")

    def json(self) -> dict[str, Any]:
        """The object that it holds.

        Raises:
            ValueError: it holds none.
        """
        found = json.loads(self.content)
        if not isinstance(found, dict):
            raise ValueError("The provider answered with JSON that is not an object.")
        return found

    def raise_for_status(self) -> None:
        if self.status_code >= HTTPStatus.BAD_REQUEST:
            raise OAuth2Error(f"The provider answered {self.status_code}.")


class ProviderSession:
    """What allauth asks the provider through, in place of a session of `requests`.

    Within a deadline and a size, at public addresses, at the provider's own as the operator named it, and at those of
    BROADSHEET_FETCH_ALLOW. All errors are in `PROVIDER_ERRORS`.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held."""

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> ProviderAnswer:
        return _ask(FetchRequest(url=_text(url), group=host_group_of(_text(url)), headers=headers or {}, **_BOUNDS))

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: Any = None,
    ) -> ProviderAnswer:
        if method == "GET":
            return self.get(f"{url}?{urlencode(params)}" if params else url, headers)
        own = dict(headers or {})
        if auth is not None:
            own["Authorization"] = _basic(auth.username, auth.password)
        request = FetchRequest(
            url=_text(url),
            group=host_group_of(_text(url)),
            headers=own,
            body=urlencode(data or {}).encode(),
            content_type="application/x-www-form-urlencoded",
            **_BOUNDS,
        )
        return _ask(request)


_BOUNDS: dict[str, Any] = {
    "accept": "application/json",
    "is_private": True,
    "max_bytes": MAX_BYTES,
    "deadline_seconds": DEADLINE_SECONDS,
    "idle_seconds": DEADLINE_SECONDS,
}


def _text(url: Any) -> str:
    if not isinstance(url, str):
        raise TypeError("The provider named an address that is not text.")
    return url


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _ask(request: FetchRequest) -> ProviderAnswer:
    try:
        answer = _client(settings.OIDC_URL, tuple(settings.FETCH_ALLOW)).fetch(request)
    except HttpStatusError as error:
        return ProviderAnswer(error.status, error.body, {"content-type": ""})
    return ProviderAnswer(answer.status, answer.body, {"content-type": "", **answer.headers})


@lru_cache(maxsize=4)
def _client(provider_url: str, allow: tuple[str, ...]) -> Client:
    parts = urlsplit(provider_url)
    own = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}" if parts.hostname else ""
    if parts.hostname and ":" in parts.hostname:
        own = own.replace(parts.hostname, f"[{parts.hostname}]", 1)
    return Client(
        user_agent=user_agent(version=settings.VERSION, site_url=settings.SITE_URL, admin=settings.ADMIN_EMAIL),
        rate_limiter=_NoLimit(),
        allow=(*allow, own) if own else allow,
        proxy=settings.FETCH_PROXY,
    )


class _NoLimit:
    """People wait for these answers, and the provider expects them: no pause that others have earned holds them up."""

    @contextmanager
    def acquire(self, group: str, *, wait_seconds: float) -> Iterator[_NoLimit]:
        yield self

    def renew(self) -> None:
        """There is no lease."""

    def record_response(self, status: int, retry_after_seconds: float | None) -> None:
        """Nothing is counted."""


class CheckedAdapter(OpenIDConnectOAuth2Adapter):
    """allauth's, which takes from the provider's answers only what is used here, and each as what it has to be."""

    def _fetch_user_info(self, access_token: str) -> dict[str, Any]:
        return checked_claims(super()._fetch_user_info(access_token))

    def _decode_id_token(self, app: Any, id_token: str) -> dict[str, Any]:
        return checked_claims(super()._decode_id_token(app, id_token))

    def complete_login(self, request: Any, app: Any, token: Any, **options: Any) -> Any:
        login = super().complete_login(request, app, token, **options)
        said = login.account.extra_data
        subjects = {said[name]["sub"] for name in ("userinfo", "id_token") if name in said}
        if len(subjects) > 1:  # OpenID Connect Core 1.0, 5.3.2
            raise OAuth2Error("The provider named two people.")
        return login


def checked_claims(claims: Any) -> dict[str, Any]:
    """What the provider says of a person: who it is (`sub`), and what there is of address and names.

    What is no text, too long or not printable is left out; so is an address that none can be written to.

    Raises:
        ValueError: it does not say who it is.
    """
    if not isinstance(claims, dict):
        raise ValueError("The provider's words about the person are not an object.")
    subject = claims.get("sub")
    if isinstance(subject, int) and not isinstance(subject, bool) and abs(subject) < 10**30:  # some count their people
        subject = str(subject)
    if not isinstance(subject, str) or not 0 < len(subject) <= _MAX_UID or not subject.isprintable():
        raise ValueError("The provider did not say who it is: sub is missing, too long or no text.")
    found: dict[str, Any] = {"sub": subject}
    for name in _TEXTS:
        value = claims.get(name)
        if isinstance(value, str) and len(value) <= _MAX_TEXT and value.isprintable():
            found[name] = value
    try:
        found["email"] = canonical(claims.get("email") or "")
        # Some providers write "false", which is as true as any other text; 1 is equal to True.
        found["email_verified"] = claims.get("email_verified") is True or claims.get("email_verified") == "true"
    except (AddressError, AttributeError, TypeError):
        found.pop("email", None)
    return found
