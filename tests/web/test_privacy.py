"""/privacy says what holds: it reflects the current settings and from what the clean-up deletes by."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives

from config.site_url import Site
from digests.content.transactional import send_transactional_mail
from digests.models import Channel
from papers.models import Invitation, Source
from papers.services.operations import cleanup
from tests.support import factories
from tests.support.people import anonymous_client, client_of, reader, staff

pytestmark = pytest.mark.django_db


def words() -> str:
    """The page's own words, as a stranger reads them."""
    answer = anonymous_client().get("/privacy")
    assert answer.status_code == 200
    page = answer.content.decode()
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page[page.index("<h1") : page.index("<footer")])).split())


HOSTS = ("huggingface.co", "feeds.example.org", "vectors.example.org", "id.example.org", "hooks.example.org")


class TestWhatItSays:
    def test_of_a_site_for_members(self, settings: Any) -> None:
        assert "Visible to everybody, with your name" in words()
        settings.ACCESS = "members"
        assert "Visible to members, with your name" in words()
        assert "everybody" not in words()

    def test_of_mail(self, settings: Any) -> None:
        settings.MAIL_IS_SENT = False
        assert "This site does not send e-mail." in words()
        settings.MAIL_IS_SENT, settings.EMAIL_HOST = True, "smtp.example.org"
        assert "sent through smtp.example.org" in words()
        assert "No mail leaves" not in words()

    def test_of_other_services(self, settings: Any) -> None:
        settings.EMBEDDINGS_URL = settings.OIDC_URL = ""
        Source.objects.all().delete()
        before = words()
        for name in HOSTS:
            assert name not in before
        Source.objects.create(kind="huggingface", name="HF", base_url="https://huggingface.co")
        Source.objects.create(kind="feed", name="A feed", base_url="https://feeds.example.org/atom")
        Source.objects.create(kind="feed", name="Off", base_url="https://off.example.org/atom", is_enabled=False)
        Channel.objects.create(name="Desk", kind="slack", address="https://hooks.example.org/services/a-secret")
        settings.EMBEDDINGS, settings.EMBEDDINGS_URL = True, "https://vectors.example.org/v1"
        settings.OIDC_URL = "https://id.example.org"
        after = words()
        for name in HOSTS:
            assert name in after
        assert "off.example.org" not in after
        assert "a-secret" not in after
        settings.EMBEDDINGS = False
        assert "vectors.example.org" not in words()

    def test_how_long_by_what_the_clean_up_deletes_by(self, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
        assert "Recommendations you were shown 60 days" in words()
        monkeypatch.setattr("papers.web.privacy.SHOWN_KEPT", timedelta(days=61))
        settings.SESSION_COOKIE_AGE = 5 * 24 * 60 * 60
        found = words()
        assert "Recommendations you were shown 61 days" in found
        assert "network address and browser 5 days" in found
        assert f"{settings.SESSION_COOKIE_NAME} keeps you signed in; 5 days at most" in found

    def test_the_cookies_that_pages_set_and_no_others(self, settings: Any) -> None:
        browser = client_of(reader())
        browser.post("/theme", {"theme": "dark", "next": "/"})
        browser.get("/account")
        named = set(re.findall(r"broadsheet_\w+", words()))
        assert set(browser.cookies) <= named
        assert {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME} <= named


class TestTheGroupsOwnWords:
    def test_are_typed_in_the_settings_and_stand_above(self, django_capture_on_commit_callbacks: Any) -> None:
        browser = client_of(staff())
        answers = {"group_name": "Lab", "time_zone": "UTC", "access": "members", "categories": ["cs.CL"]}
        said = "Ask **Ada**. <script>alert(1)</script> [us](javascript:alert(1))"
        with django_capture_on_commit_callbacks(execute=True):
            assert browser.post("/setup", {**answers, "privacy_text": said}).status_code == 302
        page = anonymous_client().get("/privacy").content.decode()
        assert "<p>Ask <strong>Ada</strong>." in page
        assert "<script>alert" not in page
        assert 'href="javascript' not in page
        assert page.index("<strong>Ada") < page.index("reflects the current settings")
        assert "Ask **Ada**" in browser.get("/setup").content.decode()

    def test_are_not_asked_for_on_the_first_run(self) -> None:
        assert "privacy_text" not in client_of(staff()).get("/setup").content.decode()


def test_each_page_and_each_mail_leads_there(settings: Any) -> None:
    assert 'href="/privacy"' in anonymous_client().get("/sign-in").content.decode()
    settings.MAIL_IS_SENT, settings.SITE = True, Site.from_url("https://papers.example.org/lab")
    settings.SITE_URL = settings.SITE.url
    send_transactional_mail("test", to="rita@example.org", context={})
    sent = mail.outbox[0]
    assert "https://papers.example.org/lab/privacy" in str(sent.body)
    assert isinstance(sent, EmailMultiAlternatives)
    assert "https://papers.example.org/lab/privacy" in str(sent.alternatives[0][0])


def test_invitations_are_forgotten_after_a_year() -> None:
    now, ada = factories.NOW, staff()
    for days, address in ((366, "old@example.org"), (364, "new@example.org")):
        Invitation.objects.create(
            email=address,
            role="reader",
            made_by=ada,
            token_digest=address,
            created_at=now - timedelta(days=380),
            expires_at=now - timedelta(days=days),
        )
    cleanup.delete_expired_rows(now=now)
    assert list(Invitation.objects.values_list("email", flat=True)) == ["new@example.org"]
