"""Who gets what: each address, each kind of person, on a public and on a members-only site, from one table.

A new address without a row fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from digests.models import Channel
from papers.citations.registry import CITATION_FORMATS
from papers.models import (
    Follow,
    Followed,
    LibraryImport,
    LibraryItem,
    MutedQuery,
    Paper,
    Recommendation,
    Tag,
    User,
)
from papers.services.accounts.login_links import create_login_link
from papers.services.reading.tags import add_tags
from tests.support import factories
from tests.support.api_rights import session_rows
from tests.support.people import anonymous_client, client_of, curator, reader, staff
from tests.support.rights import ASKED_FOR_CODE, WAY_IN, Row, curators, everybody, members, office, staff_alone
from tests.support.rights_of_clubs import CLUBS
from tests.support.rights_of_doors import DOORS
from tests.support.rights_of_lists import LISTS
from tests.support.rights_of_things import make_things

pytestmark = pytest.mark.django_db

# Where a stranger is sent on, though not because the site is closed.
SENT_ON = frozenset(
    {
        "/.well-known/change-password",
        "/sign-out",
        "/theme",
        "/admin/",
        "/admin/login/",
        "/sign-in/code",
        "/sign-in/with/sign-up",
    }
)

ROWS: dict[str, list[Row]] = {
    **DOORS,
    **LISTS,
    **CLUBS,
    "papers:today": [everybody("/")],
    "papers:papers": [everybody("/papers"), everybody("/papers?q=ice")],
    "papers:suggestions": [everybody("/papers/suggestions?q=ice"), everybody("/papers/suggestions")],
    "papers:search-export": [everybody("/papers/search.bib?q=ice"), everybody("/papers/search.bib", 302)],
    "papers:go-to-day": [everybody("/papers/date?day=2026-03-04", 302)],
    "papers:day": [everybody("/papers/date/2026-03-04"), everybody("/papers/date/2026-13-04", 404)],
    "papers:day-export": [everybody("/papers/date/2026-03-04.bib"), everybody("/papers/date/2026-13-04.bib", 404)],
    "papers:week-export": [everybody("/papers/week/2026-W10.csv")],
    "papers:month-export": [everybody("/papers/month/2026-03.json")],
    "papers:newest-week": [everybody("/papers/week")],
    "papers:week": [everybody("/papers/week/2026-W10")],
    "papers:newest-month": [everybody("/papers/month")],
    "papers:month": [everybody("/papers/month/2026-03")],
    "papers:trending": [everybody("/papers/trending")],
    "papers:new": [everybody("/papers/new"), everybody("/papers/new?category=cs.CL")],
    "papers:paper": [
        everybody("/papers/2603.99001"),
        everybody("/papers/2603.00000", 404),
        everybody("/papers/2603.99003", 404),  # with a button that fetches it, for members
        Row("/papers/2603.99002", 404, 404, 404, 200, 200),  # hidden by a curator
    ],
    "papers:paper-export": [
        *(everybody(f"/papers/2603.99001.{form}") for form in CITATION_FORMATS if form != "md"),
        everybody("/papers/2603.99001.md", on_members_site=401),  # to a program; a browser gets the way in
        everybody("/papers/2603.00000.bib", 404),
        Row("/papers/2603.99002.bib", 404, 404, 404, 200, 200),  # hidden by a curator
    ],
    "papers:first-page": [everybody("/papers/2603.99001/first-page", 404)],
    "papers:vote": [
        members("/papers/2603.99001/vote", 302, method="POST"),
        Row("/papers/2603.99002/vote", WAY_IN, 404, 404, 404, 404, method="POST"),
    ],
    "papers:save-to-library": [
        members("/papers/2603.99001/shelf", 302),
        members("/papers/2603.99001/shelf", 400, method="POST"),
        Row("/papers/2603.99002/shelf", WAY_IN, 404, 404, 400, 400, method="POST"),
    ],
    "papers:annotations": [members("/papers/2603.99001/mine"), members("/papers/2603.99001/mine", 302, method="POST")],
    "papers:comments": [members("/papers/2603.99001/comments"), members("/papers/2603.99001/comments", method="POST")],
    "papers:edit-comment": [Row("/comments/9001/edit", WAY_IN, 200, 404, 404, 404)],
    "papers:delete-comment": [
        Row("/comments/9001/delete", WAY_IN, 200, 404, 200, 200),
        Row("/comments/9002/delete", WAY_IN, 404, 404, 200, 200),
    ],
    "papers:report-comment": [members("/comments/9001/report"), members("/comments/9003/report", 404)],
    "papers:mentions": [members("/mentions"), members("/mentions", 302, method="POST")],
    "papers:library": [members("/library")],
    "papers:library-export": [members("/library.bib?state=read"), members("/library.json")],
    "papers:library-imports": [members("/library/import"), members("/library/import", 422, method="POST")],
    "papers:library-import": [
        Row("/library/import/990001", WAY_IN, 200, 404, 404, 404),
        members("/library/import/990099", 404),
    ],
    "papers:library-import-apply": [Row("/library/import/990001/take", WAY_IN, 302, 404, 404, 404, method="POST")],
    "papers:library-import-retry": [Row("/library/import/990001/retry", WAY_IN, 302, 404, 404, 404, method="POST")],
    "papers:library-import-discard": [Row("/library/import/990001/drop", WAY_IN, 302, 404, 404, 404, method="POST")],
    "papers:mark-list-done": [members("/done", 404, method="POST")],
    "papers:bulk": [members("/library/bulk", 302, method="POST")],
    "papers:tags": [everybody("/tags")],
    "papers:tag": [
        Row("/tags/rita/own", 404, 200, 404, 404, 404),
        everybody("/tags/rita/shared"),
        everybody("/tags/rita/none", 404),
    ],
    "papers:tag-feed": [
        Row("/tags/rita/own/feed.atom", 404, 200, 404, 404, 404),
        everybody("/tags/rita/shared/feed.json"),
        everybody("/tags/rita/none/feed.atom", 404),
    ],
    "papers:tag-export": [
        Row("/tags/rita/own.bib", 404, 200, 404, 404, 404),
        everybody("/tags/rita/shared.bib"),
        everybody("/tags/rita/none.bib", 404),
    ],
    "papers:change-tag": [
        Row("/tags/rita/own/change", WAY_IN, 302, 404, 404, 404, method="POST"),
        Row("/tags/rita/shared/change", WAY_IN, 302, 404, 404, 404, method="POST"),
    ],
    "papers:delete-tag": [Row("/tags/rita/shared/delete", WAY_IN, 302, 404, 404, 404, method="POST")],
    "papers:mark-day-done": [members("/papers/date/2026-03-04/done", 302, method="POST")],
    "papers:mark-week-done": [members("/papers/week/2026-W10/done", 302, method="POST")],
    "papers:mark-as-seen": [
        members("/papers/2603.99001/seen", 302, method="POST"),
        Row("/papers/2603.99002/seen", WAY_IN, 404, 404, 302, 302, method="POST"),
    ],
    "papers:act-after-sign-in": [everybody("/papers/2603.99001/after-sign-in", 403, method="POST")],  # no page of ours
    "papers:undo": [members("/undo", 302, method="POST")],
    "papers:missed": [members("/papers/since")],
    "papers:hide-seen": [members("/hide-seen", 302, method="POST")],
    "papers:muted": [members("/account/muted"), members("/account/muted", 302, method="POST")],
    "papers:unmute": [members("/account/muted/1/remove", 302, method="POST")],
    "papers:reading-preferences": [members("/account/reading")],
    "papers:abs": [everybody("/abs/2603.99001v2", 302)],
    "papers:pdf": [everybody("/pdf/2603.99001", 302)],
    "papers:submit": [
        members("/submit"),
        members("/submit?url=https://arxiv.org/abs/2603.99003"),
        members("/submit", 200, method="POST"),
    ],
    "papers:submission": [
        Row("/submit/990001", WAY_IN, 404, 404, 200, 200),  # another reader's: a curator sees it
        Row("/submit/990002", WAY_IN, 200, 404, 200, 200),
        members("/submit/990099", 404),
    ],
    "papers:submission-retry": [
        Row("/submit/990001/retry", WAY_IN, 404, 404, 302, 302, method="POST"),
        Row("/submit/990002/retry", WAY_IN, 302, 404, 302, 302, method="POST"),
    ],
    "papers:feed": [everybody("/papers.atom"), everybody("/papers.json?q=graph")],
    "papers:trending-feed": [everybody("/papers/trending.atom"), everybody("/papers/trending.json")],
    "papers:manifest": [everybody("/manifest.webmanifest", on_members_site=200)],
    "papers:service-worker": [everybody("/sw.js", on_members_site=200)],
    "papers:offline": [everybody("/offline")],
    "papers:topics": [everybody("/topics")],
    "papers:topic": [
        everybody("/topics/curated"),
        everybody("/topics/none", 404),
        everybody("/topics/own", 404),  # somebody else's saved search
        Row("/topics/rita-s", 404, 200, 404, 404, 404),
    ],
    "papers:topic-feed": [
        everybody("/topics/curated.atom"),
        everybody("/topics/own.json", 404),
        Row("/topics/rita-s.atom", 404, 200, 404, 404, 404),
    ],
    "papers:topic-new": [members("/topics/new"), members("/topics/new", 422, method="POST")],
    "papers:topic-try": [members("/topics/try", method="POST")],
    "papers:topic-edit": [
        Row("/topics/curated/edit", WAY_IN, 404, 404, 200, 200),
        members("/topics/own/edit", 404),
        Row("/topics/rita-s/edit", WAY_IN, 200, 404, 404, 404),
        members("/topics/own/edit", 404, method="POST"),
    ],
    "papers:topic-delete": [
        Row("/topics/curated/delete", WAY_IN, 404, 404, 302, 302, method="POST"),
        members("/topics/own/delete", 404, method="POST"),
        Row("/topics/rita-s/delete", WAY_IN, 302, 404, 404, 404, method="POST"),
    ],
    "papers:author": [everybody("/authors/ada-lovelace"), everybody("/authors/nobody", 404)],
    "papers:author-feed": [everybody("/authors/ada-lovelace.atom"), everybody("/authors/nobody.json", 404)],
    "papers:author-follow": [
        members("/authors/ada-lovelace/follow", 302, method="POST"),
        members("/authors/nobody/follow", 404, method="POST"),
    ],
    "papers:author-merge": [curators("/authors/ada-lovelace/merge", 302, method="POST")],
    "papers:author-split": [curators("/authors/ada-lovelace/split", 302, method="POST")],
    "papers:author-orcid": [curators("/authors/ada-lovelace/orcid", 302, method="POST")],
    "papers:author-undo": [curators("/authors/acts/990001/undo", 404, method="POST")],
    "papers:organization": [everybody("/organizations/cern"), everybody("/organizations/nowhere", 404)],
    "papers:organization-feed": [everybody("/organizations/cern.atom")],
    "papers:organization-follow": [members("/organizations/cern/follow", 302, method="POST")],
    "papers:for-you": [members("/papers/for-you")],
    "papers:for-you-feed": [
        everybody("/papers/for-you/key-of-a-feed.atom", on_members_site=200),
        everybody("/papers/for-you/key-of-none.json", 404, on_members_site=404),
    ],
    "papers:tag-for-you": [
        Row("/tags/rita/own/for-you", WAY_IN, 200, 404, 404, 404),
        Row("/tags/rita/shared/for-you", WAY_IN, 200, 404, 404, 404),
    ],
    "papers:following": [members("/following")],
    "papers:renew-feed-addresses": [members("/following/address", 302, method="POST")],
    "papers:unfollow": [members("/following/stop", 302, method="POST")],
    "papers:following-feed": [
        everybody("/following/key-of-a-feed.atom", on_members_site=200),
        everybody("/following/key-of-none.json", 404, on_members_site=404),
    ],
    "papers:statistics": [office("/curate/figures")],
    "papers:style": [staff_alone("/style")],
    "papers:people": [staff_alone("/curate/people"), staff_alone("/curate/people?who=r&role=reader&before=7")],
    "papers:person": [staff_alone("/curate/people/99099"), staff_alone("/curate/people/99098", 404)],
    "papers:person-act": [
        *(staff_alone(f"/curate/people/99099/{act}", 302, method="POST") for act in ("role", "suspend", "close")),
        staff_alone("/curate/people/99099/sign-out", 302, method="POST"),
        staff_alone("/curate/people/99099/none", 404, method="POST"),
        staff_alone("/curate/people/99098/suspend", 404, method="POST"),
    ],
    "papers:source-new": [office("/curate/sources/new"), office("/curate/sources/new", 422, method="POST")],
    "papers:rules": [office("/curate/rules")],
    "papers:rule-new": [office("/curate/rules/new"), office("/curate/rules/new", 422, method="POST")],
    "papers:rule-edit": [office("/curate/rules/990001"), office("/curate/rules/990002", 404)],
    "papers:rule-delete": [office("/curate/rules/990001/delete", 302, method="POST")],
    "papers:curate": [curators("/curate"), curators("/curate?kind=candidate&after=x")],
    "papers:curate-decide": [
        curators("/curate/decide/submission/990003", 404, method="POST")
    ],  # says not what was seen
    "papers:curate-record": [curators("/curate/records/990001"), curators("/curate/records/990002", 404)],
    "papers:curate-undo": [curators("/curate/undo/1", 404, method="POST")],
    "papers:curate-paper": [curators("/curate/papers/99001"), curators("/curate/papers/1", 404)],
    "papers:curate-place": [curators("/curate/papers/99001/place", 302, method="POST")],
    "papers:curate-edit": [curators("/curate/papers/99001/edit", 422, method="POST")],
    "papers:curate-note": [curators("/curate/days/2026-03-04/note", 404, method="POST")],
    "papers:curate-bulk": [curators("/curate/bulk", 302, method="POST")],
    "papers:curate-topic": [curators("/curate/papers/99001/topic", 404, method="POST")],
    "papers:curate-schedule": [curators("/curate/days/2026-03-04/schedule", 404, method="POST")],
    "papers:topic-offer": [
        Row("/topics/rita-s/offer", WAY_IN, 302, 404, 404, 404, method="POST"),
        Row("/topics/curated/offer", WAY_IN, 404, 404, 302, 302, method="POST"),
    ],
    "papers:curate-days": [curators("/curate/days", 302)],
    "papers:curate-day": [curators("/curate/days/2026-03-04"), curators("/curate/days/x", 404)],
    "papers:curate-order": [curators("/curate/days/2026-03-04/order", 404, method="POST")],
    "papers:curation-log": [everybody("/curate/log"), everybody("/curate/log?who=x&what=y&day=z&after=w")],
    "papers:curation-log-feed": [everybody("/curate/log.atom"), everybody("/curate/log.json?who=x")],
    "papers:theme": [everybody("/theme", 302, method="POST")],
    "papers:robots": [everybody("/robots.txt", on_members_site=200)],
    "papers:icon": [everybody("/favicon.ico", 301, on_members_site=301)],
    "papers:privacy": [everybody("/privacy", on_members_site=200)],
    "papers:status": [everybody("/status")],
    "papers:setup": [staff_alone("/setup"), staff_alone("/setup", method="POST")],
    "papers:setup-skip": [staff_alone("/setup/skip", 302, method="POST")],
    "papers:setup-progress": [staff_alone("/setup/progress")],
    "papers:sample-remove": [staff_alone("/setup/remove-sample", 302, method="POST")],
    "papers:sign-in": [everybody("/sign-in", on_members_site=200)],
    "papers:login-link": [
        everybody("{link}", on_members_site=200),
        Row("/sign-in/link/x", 410, 302, 302, 302, 302, 410),
    ],
    "papers:sign-out": [everybody("/sign-out", 302, method="POST")],
    "papers:password": [members("/account/password")],
    "papers:account": [members("/account"), members("/account", method="POST")],
    "papers:security": [members("/account/security")],
    "papers:security-log": [staff_alone("/curate/security"), staff_alone("/curate/security?who=rita&what=role")],
    "papers:sessions": [members("/account/sessions"), members("/account/sessions", 302, method="POST")],
    "papers:account-export": [
        members("/account/export", method="POST"),
        Row("/account/export", 405, 405, 405, 405, 405),
    ],
    "papers:account-delete": [members("/account/delete", 302), members("/account/delete", 302, method="POST")],
    "papers:invited": [Row("/sign-up/invited/x", 410, 302, 302, 302, 302, on_members_site=410)],
    "papers:invitations": [office("/invitations"), office("/invitations", method="POST")],
    "papers:invitation-revoke": [office("/invitations/1/revoke", 302, method="POST")],
    "account_login": [everybody("/sign-in", on_members_site=200)],
    "account_logout": [everybody("/sign-out", 302, method="POST")],
    "account_change_password": [members("/account/password")],
    "account_set_password": [members("/account/password")],
    "account_email": [members("/account/address")],
    "account_signup": [Row("/sign-up", 200, 302, 302, 302, 302, on_members_site=200)],
    "account_inactive": [everybody("/sign-in/closed", on_members_site=200)],
    "account_reauthenticate": [members("/sign-in/again")],
    "mfa_authenticate": [everybody("/sign-in/code", 302)],
    "mfa_reauthenticate": [members("/sign-in/code/again", 302)],
    "account_email_verification_sent": [everybody("/account/address/sent", on_members_site=200)],
    "account_confirm_email": [everybody("/account/address/confirm/x", on_members_site=200)],
    "account_reset_password": [everybody("/forgotten", on_members_site=200)],
    "account_reset_password_done": [everybody("/forgotten/sent", on_members_site=200)],
    "account_reset_password_from_key_done": [everybody("/forgotten/done", on_members_site=200)],
    "account_reset_password_from_key": [everybody("/forgotten/1/x", on_members_site=200)],
    "mfa_index": [members("/account/two-factor")],
    "mfa_activate_totp": [members("/account/two-factor/on", 302)],
    "mfa_deactivate_totp": [members("/account/two-factor/off", 404, no_code=ASKED_FOR_CODE)],
    "mfa_add_webauthn": [members("/account/two-factor/keys/new", 302)],
    "mfa_remove_webauthn": [members("/account/two-factor/keys/990001/remove", 302, no_code=ASKED_FOR_CODE)],
    "mfa_reauthenticate_webauthn": [members("/sign-in/key/again", 302)],
    "mfa_view_recovery_codes": [members("/account/two-factor/codes", 404, no_code=ASKED_FOR_CODE)],
    "mfa_generate_recovery_codes": [members("/account/two-factor/codes/new", 302, no_code=ASKED_FOR_CODE)],
    "mfa_download_recovery_codes": [members("/account/two-factor/codes/file", 404, no_code=ASKED_FOR_CODE)],
    "socialaccount_connections": [members("/account/connections")],
    "socialaccount_signup": [everybody("/sign-in/with/sign-up", 302)],
    "socialaccount_login_cancelled": [everybody("/sign-in/with/cancelled", on_members_site=200)],
    "socialaccount_login_error": [everybody("/sign-in/with/error", 401, on_members_site=401)],
    "openid_connect_login": [everybody("/sign-in/with/oidc", 404, on_members_site=404)],
    "openid_connect_callback": [everybody("/sign-in/with/oidc/back", 404, on_members_site=404)],
    "digests:subscribe": [everybody("/subscribe"), Row("/subscribe", 409, 409, 409, 409, 200, method="POST")],
    "digests:confirm": [everybody("/subscribe/confirm/x", 410, on_members_site=410)],
    "digests:subscriptions": [members("/subscriptions"), members("/subscriptions", method="POST")],
    "digests:move": [members("/subscriptions/move", 302, method="POST")],
    "digests:my-sent": [members("/subscriptions/sent")],
    "digests:preferences": [
        everybody("/subscriptions/key-of-preferences", on_members_site=200),
        everybody("/subscriptions/x", 404, on_members_site=404),
    ],
    "digests:sent": [everybody("/subscriptions/key-of-preferences/sent", on_members_site=200)],
    "digests:forget": [everybody("/subscriptions/key-of-preferences/forget", on_members_site=200)],
    "digests:save": [everybody("/s/key-of-preferences/0", 404, on_members_site=404)],
    "digests:vote": [everybody("/s/key-of-preferences/0/vote", 404, on_members_site=404)],
    "digests:seen": [everybody("/s/key-of-preferences/0/seen", 404, on_members_site=404)],
    "digests:unfollow": [  # the address of a visitor, who follows nobody
        everybody("/subscriptions/key-of-preferences/unfollow", 404, method="POST", on_members_site=404)
    ],
    "digests:unsubscribe": [
        everybody("/u/key-of-one-click", on_members_site=200),
        everybody("/u/key-of-one-click", on_members_site=200, method="POST"),
    ],
    "digests:mail": [
        everybody("/mail/key-of-mail", on_members_site=200),
        everybody("/mail/x", 404, on_members_site=404),
    ],
    "digests:mail-more": [everybody("/mail/key-of-mail/more", on_members_site=200)],
    "digests:mail-setup": [staff_alone("/setup/mail")],
    "digests:mail-test": [staff_alone("/setup/mail/test", 302, method="POST")],
    "digests:mail-resume": [staff_alone("/setup/mail/resume", 302, method="POST")],
    "digests:outbox": [staff_alone("/outbox")],
    "digests:outbox-mail": [staff_alone("/outbox/none.eml", 404)],
    "digests:outbox-mail-source": [staff_alone("/outbox/none.eml/source", 404)],
    "digests:outbox-mail-html": [staff_alone("/outbox/none.eml/html", 404)],
    "admin-sign-in": [Row("/admin/login/", 302, 404, 404, 404, 302, no_code=ASKED_FOR_CODE)],
    "admin": [Row("/admin/", 302, 302, 302, 302, 200)],
    **session_rows(),
}
BROWSERS: dict[str, Callable[[], Client]] = {
    "stranger": anonymous_client,
    "reader": lambda: client_of(User.objects.get(username="rita")),
    "another": lambda: client_of(reader("otto")),
    "curator": lambda: client_of(curator()),
    "staff": lambda: client_of(staff()),
}


def addresses(patterns: list[URLPattern | URLResolver], namespace: str = "") -> Iterator[str]:
    """The name of every address; Django's admin counts as one."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = pattern.namespace or namespace
            yield from ["admin"] if inner == "admin" else addresses(pattern.url_patterns, inner)
        else:
            assert pattern.name, f"An address has no name: {pattern.pattern}"
            yield f"{namespace}:{pattern.name}" if namespace else pattern.name


def test_every_address_has_a_row() -> None:
    assert set(addresses(get_resolver().url_patterns)) == set(ROWS)


def ask(client: Client, row: Row) -> Any:
    path = row.path
    if path == "{link}":
        path = "/sign-in/link/" + create_login_link("guest@example.org").rsplit("/", 1)[1]
    return client.generic(row.method, path)


CASES = [pytest.param(row, id=f"{name} {row.method} {row.path}") for name, rows in ROWS.items() for row in rows]


@pytest.fixture(scope="module", autouse=True)
def _things(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """What all tests of this file find. What each of them does to it is taken back after it, as always."""
    with django_db_blocker.unblock(), transaction.atomic():
        make_things()
        yield
        transaction.set_rollback(True)


def ask_and_undo(person: str, row: Row) -> Any:
    """The answer to one of them, as if nobody had asked before: what it did to the tables is taken back."""
    cache.clear()
    with transaction.atomic():
        answer = ask(BROWSERS[person](), row)
        transaction.set_rollback(True)
    return answer


@pytest.mark.parametrize("row", CASES)
def test_on_a_public_site(row: Row) -> None:
    answers = {person: ask_and_undo(person, row).status_code for person in BROWSERS}
    assert answers == {person: getattr(row, person) for person in BROWSERS}


@pytest.mark.parametrize("row", CASES)
def test_on_a_members_only_site(row: Row, settings: Any) -> None:
    settings.ACCESS = "members"
    answers = {person: ask_and_undo(person, row) for person in BROWSERS}
    assert {person: answer.status_code for person, answer in answers.items()} == {
        **{person: getattr(row, person) for person in BROWSERS},
        "stranger": row.on_members_site,
    }
    if row.on_members_site == WAY_IN and row.path not in SENT_ON:
        assert answers["stranger"]["Location"].startswith("/sign-in?next=")


@pytest.mark.parametrize("row", CASES)
def test_an_administrator_without_the_code(row: Row, settings: Any) -> None:
    settings.ADMIN_SECOND_FACTOR = True
    for settings.ACCESS in ("public", "members"):
        answer = ask_and_undo("staff", row)
        assert answer.status_code == (row.no_code or row.another)
        if row.no_code:
            assert answer["Location"].startswith("/account/two-factor/on?next=")


@pytest.mark.parametrize("person", ["another", "curator", "staff"])
@pytest.mark.parametrize("access", ["public", "members"])
def test_what_is_one_s_own_is_on_nobody_else_s_pages(person: str, access: str, settings: Any) -> None:
    settings.ACCESS = access
    rita, paper = User.objects.get(username="rita"), Paper.objects.get(public_id="2603.99001")
    LibraryItem.objects.create(user=rita, paper=paper, note="Rita’s-secret")
    MutedQuery.objects.create(user=rita, query="Rita’s-secret")
    Tag.objects.filter(name="own").update(name="Rita’s-secret")
    add_tags(user=rita, paper_ids=[paper.pk], names=["Rita’s-secret"])
    Follow.objects.create(
        user=rita, followed=Followed.objects.create(kind="author", key="ada lovelace", name="Rita’s-secret")
    )
    LibraryImport.objects.create(user=rita, name="Rita’s-secret", format="list", created_at=factories.NOW)
    Channel.objects.filter(owner=rita).update(name="Rita’s-secret")
    suggested = factories.paper(title="Suggested to one reader")
    Recommendation.objects.create(
        user=rita, paper=suggested, because_of=paper, rank=0, score=1, shared=["Rita’s-secret"]
    )
    mine, other = BROWSERS["reader"](), BROWSERS[person]()
    shown = set()
    for path in (
        "/",
        "/papers/2603.99001",
        "/papers/2603.99001/mine",
        "/library",
        "/tags",
        "/account/muted",
        "/following",
        "/library/import",
        "/papers/for-you",
        "/account/webhooks",
    ):
        shown |= {path} if "Rita’s-secret" in mine.get(path).content.decode() else set()
        assert "Rita’s-secret" not in other.get(path).content.decode(), path
    assert {"/library", "/tags", "/account/muted", "/following", "/library/import", "/papers/for-you"} <= shown
    assert {"/papers/2603.99001/mine", "/account/webhooks"} <= shown
    for path in ("/library.json", "/papers/search.json?q=tag:Rita’s-secret"):
        assert [b"2603.99001" in b"".join(who.get(path)) for who in (mine, other)] == [True, False], path
