"""What somebody typed survives the end of a session, and a token from before another sign-in."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from papers.models import Club, Comment
from tests.support import factories
from tests.support.pages import parse_html
from tests.support.people import client_of, reader

pytestmark = pytest.mark.django_db

TYPED = "Ten minutes of “typing”,\n<b>in</b> two lines."
HERE: dict[str, Any] = {"HTTP_SEC_FETCH_SITE": "same-origin"}


def comment(client: Client, path: str, body: str = TYPED, **headers: Any) -> Any:
    return client.post(f"{path}/comments", {"body": body, "next": path}, **headers)


def values_of(answer: Any) -> dict[str, str]:
    """The fields of the form that sends it again."""
    (form,) = (one for one in parse_html(answer.content.decode()).forms if one.xpath(".//*[@name='body']"))
    assert form.method == "POST"
    return {name: value.removeprefix("\n") for name, value in form.form_values()}  # as browsers read it


class TestSignedOut:
    def test_what_was_typed_is_shown_and_can_be_sent_again(self) -> None:
        path = factories.paper().get_absolute_url()
        answer = comment(Client(), path, **HERE)
        assert answer.status_code == 403
        assert "no-store" in answer["Cache-Control"]
        assert "You are signed out" in answer.content.decode()
        fields = values_of(answer)
        assert fields["body"].replace("\r\n", "\n") == TYPED
        client_of(reader()).post(f"{path}/comments", fields)
        assert Comment.objects.get().body.replace("\r\n", "\n") == TYPED

    def test_on_a_site_for_members_too(self, settings: Any) -> None:
        settings.ACCESS = "members"
        answer = Client().post("/clubs/new", {"name": "Vision lunch", "description": "On Tuesdays."}, **HERE)
        assert (answer.status_code, "On Tuesdays." in answer.content.decode()) == (403, True)
        assert not Club.objects.exists()

    @pytest.mark.parametrize(
        "headers", [{}, {"HTTP_SEC_FETCH_SITE": "cross-site"}, {"HTTP_ORIGIN": "https://evil.example"}]
    )
    def test_nobody_else_s_page_puts_words_there(self, headers: dict[str, Any]) -> None:
        answer = comment(Client(), factories.paper().get_absolute_url(), **headers)
        assert answer.status_code == 302

    def test_buttons_and_secrets_are_not_shown_again(self) -> None:
        path = factories.paper().get_absolute_url()
        assert Client().post(f"{path}/mine", {"act": "save"}, **HERE).status_code == 302
        answer = Client().post(f"{path}/comments", {"body": TYPED, "new_password": "a b c"}, **HERE)
        assert answer.status_code == 302

    def test_htmx_puts_it_in_the_place_of_the_page(self) -> None:
        answer = comment(Client(), factories.paper().get_absolute_url(), **HERE, HTTP_HX_REQUEST="true")
        assert (answer.status_code, answer["HX-Retarget"], answer["HX-Reswap"]) == (200, "body", "innerHTML")
        assert values_of(answer)["body"]

    def test_one_comes_back_to_the_page_that_the_form_was_on(self) -> None:
        path = factories.paper().get_absolute_url()
        answer = comment(Client(), path, body="Word", **HERE, HTTP_REFERER=f"http://testserver{path}?a=1")
        assert answer["Location"] == f"/sign-in?next={path}%3Fa%3D1"


class TestAnOldToken:
    def client(self) -> Client:
        client = Client(enforce_csrf_checks=True)
        client.force_login(reader())
        return client

    def test_it_is_sent_again_with_a_new_one(self) -> None:
        client, path = self.client(), factories.paper().get_absolute_url()
        answer = comment(client, path, **HERE)
        assert answer.status_code == 403
        assert "You signed in again" in answer.content.decode()
        fields = values_of(answer)
        client.post(f"{path}/comments", fields, **HERE)
        assert Comment.objects.get().body.replace("\r\n", "\n") == TYPED

    def test_without_words_the_form_has_expired(self) -> None:
        client, path = self.client(), factories.paper().get_absolute_url()
        answer = client.post(f"{path}/comments", {"body": "Word"}, **HERE)
        assert answer.status_code == 403
        assert "The form has expired" in answer.content.decode()
        assert "The form has expired" in comment(client, path, HTTP_SEC_FETCH_SITE="cross-site").content.decode()
