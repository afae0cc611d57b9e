"""The site as an app: what the manifest says, whom the worker serves, and what is gone when somebody signs out."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.test import Client
from django.urls import set_script_prefix

from config.site_url import Site
from papers.models import Installation, User
from papers.views import installable
from tests.config.test_sub_path import call, environ_of
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.pages import parse_html, text_of
from tests.support.people import PASSWORD, anonymous_client, client_of, reader

pytestmark = pytest.mark.django_db


@pytest.fixture
def _sub_path(settings: Any) -> Any:
    settings.SITE = Site.from_url("http://127.0.0.1/of-our-lab")
    settings.FORCE_SCRIPT_NAME = settings.SITE.path
    yield
    set_script_prefix("/")


def ask(path: str) -> tuple[dict[str, str], str]:
    """Headers and body of the answer as the web server hands it on; the test client knows of no sub-path."""
    request = f"GET /of-our-lab{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    status, headers, body = call(environ_of(request))
    assert status.startswith("200")
    return headers, body


def manifest() -> dict[str, Any]:
    response = anonymous_client().get("/manifest.webmanifest")
    assert response["Content-Type"] == "application/manifest+json"
    found: dict[str, Any] = json.loads(response.content)
    return found


class TestTheManifest:
    def test_it_has_the_group_s_name_and_stands_alone(self, settings: Any) -> None:
        settings.GROUP_NAME = "Glaciology Group"
        found = manifest()
        assert (found["name"], found["short_name"]) == ("Glaciology Group", "Papers")
        assert found["display"] == "standalone"
        assert found["start_url"] == found["scope"] == found["id"] == "/"

    def test_a_short_name_is_kept(self, settings: Any) -> None:
        settings.GROUP_NAME = "Ice Lab"
        assert manifest()["short_name"] == "Ice Lab"

    def test_addresses_are_shared_to_the_form(self) -> None:
        target = manifest()["share_target"]
        assert (target["action"], target["method"]) == ("/submit", "GET")
        assert target["params"] == {"title": "title", "text": "text", "url": "url"}

    @pytest.mark.parametrize("purpose", ["any", "maskable"])
    def test_each_icon_has_the_size_that_it_says(self, purpose: str) -> None:
        icons = [icon for icon in manifest()["icons"] if icon["purpose"] == purpose]
        assert [icon["sizes"] for icon in icons] == ["192x192", "512x512"]
        for icon in icons:
            path = finders.find(icon["src"].removeprefix("/static/"))
            assert isinstance(path, str)
            head = Path(path).read_bytes()[:24]
            assert head.startswith(b"\x89PNG")
            assert "x".join(map(str, struct.unpack(">II", head[16:]))) == icon["sizes"]

    def test_it_is_kept_for_a_while(self) -> None:
        assert anonymous_client().get("/manifest.webmanifest")["Cache-Control"] == "max-age=3600"

    @pytest.mark.usefixtures("_sub_path")
    def test_below_a_sub_path(self) -> None:
        found = json.loads(ask("/manifest.webmanifest")[1])
        assert found["start_url"] == found["scope"] == "/of-our-lab/"
        assert found["share_target"]["action"] == "/of-our-lab/submit"

    def test_every_page_names_it(self) -> None:
        page = parse_html(anonymous_client().get("/").content.decode())
        assert page.xpath("//link[@rel='manifest']/@href") == ["/manifest.webmanifest"]


class TestTheWorker:
    def test_it_is_a_script_at_the_root_that_is_asked_for_each_time(self) -> None:
        response = anonymous_client().get("/sw.js")
        assert response["Content-Type"].startswith("text/javascript")
        assert response["Service-Worker-Allowed"] == "/"
        assert response["Cache-Control"] == "no-cache"

    def test_another_release_has_another_script(self, settings: Any) -> None:
        before = anonymous_client().get("/sw.js").content
        settings.VERSION = "9.9.9"
        cache.clear()  # its values are sealed by the release
        assert anonymous_client().get("/sw.js").content != before

    @pytest.mark.usefixtures("_sub_path")
    def test_below_a_sub_path_it_keeps_to_it(self) -> None:
        headers, script = ask("/sw.js")
        assert headers["Service-Worker-Allowed"] == "/of-our-lab/"
        assert '"root": "/of-our-lab/"' in script
        assert '"offline": "/of-our-lab/offline"' in script

    def test_pages_register_it_and_may(self) -> None:
        response = anonymous_client().get("/")
        (script,) = parse_html(response.content.decode()).xpath("//script[@data-worker]")
        assert (script.get("data-worker"), script.get("data-scope")) == ("/sw.js", "/")
        policy = response["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "worker-src 'self'" in policy
        assert "manifest-src 'self'" in policy

    def test_where_it_is_off_it_removes_itself_and_no_page_registers_it(self, settings: Any) -> None:
        settings.OFFLINE_READING = False
        script = anonymous_client().get("/sw.js").content
        assert b"unregister()" in script
        assert b"fetch" not in script
        assert b"data-worker" not in anonymous_client().get("/").content


class TestTheKeptEdition:
    def page(self, client: Client | None = None) -> Any:
        response = (client or anonymous_client()).get("/offline")
        assert response.status_code == 200
        return parse_html(response.content.decode())

    def test_it_says_that_one_is_offline_and_from_when_the_edition_is(self) -> None:
        factories.listing(factories.paper(title="Ice"))
        word = text_of(self.page().find_class("offline-word")[0])
        assert "You are offline" in word
        assert f"{TODAY:%A}, {TODAY.day} {TODAY:%B %Y}" in word
        assert "as it was on" in word

    def test_it_has_the_papers_with_their_votes_and_nothing_to_press(self) -> None:
        for title in ("Ice", "Snow"):
            factories.listing(factories.paper(title=title))
        page = self.page()
        assert {text_of(title) for title in page.find_class("card-title")} == {"Ice", "Snow"}
        assert [text_of(vote) for vote in page.find_class("vote")] == ["0 votes", "0 votes"]
        assert not page.xpath("//button | //form | //script")

    def test_a_reader_gets_what_everybody_gets(self) -> None:
        paper = factories.paper(title="Ice")
        factories.listing(paper)
        rita = reader("rita_reads")
        browser = client_of(rita)
        browser.post(f"/papers/{paper.public_id}/vote", {"on": "1"})
        browser.post(f"/papers/{paper.public_id}/mine", {"state": "read", "tags": "cold", "note": "A secret."})
        shown = browser.get("/offline").content.decode()
        assert "Ice" in shown
        for own in ("rita", "cold", "secret", "csrf"):
            assert own not in shown

    def test_what_it_needs_to_look_right_is_kept_with_it(self) -> None:
        page = self.page()
        sheets = page.xpath("//link[@rel='stylesheet']/@href")
        assert sheets
        assert all(sheet.endswith("?kept") for sheet in sheets)
        assert not page.xpath("//*[@src]")

    def test_a_long_edition_is_cut_and_says_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(installable, "MOST_KEPT", 1)
        for title in ("Ice", "Snow"):
            factories.listing(factories.paper(title=title))
        factories.edition(listed_count=2)
        page = self.page()
        assert len(page.find_class("card")) == 1
        assert "the first 1 of its 2 papers" in text_of(page.find_class("offline-word")[0])

    def test_who_goes_there_is_led_to_today(self) -> None:
        response = anonymous_client().get("/offline", headers={"Sec-Fetch-Mode": "navigate"})
        assert (response.status_code, response["Location"]) == (302, "/")

    def test_on_a_members_site_it_is_for_members(self) -> None:
        Installation.objects.create(pk=1, access="members", set_up_at=NOW)
        assert anonymous_client().get("/offline").status_code == 302
        assert client_of(reader()).get("/offline").status_code == 200


class TestTheEndOfASession:
    def cleared(self, response: Any) -> str:
        return str(response.headers.get("Clear-Site-Data", ""))

    def test_signing_out_empties_the_browser(self) -> None:
        assert self.cleared(client_of(reader()).post("/sign-out")) == '"cache", "storage"'

    def test_below_a_sub_path_other_programs_keep_their_storage(self, settings: Any) -> None:
        settings.SITE = Site.from_url("http://127.0.0.1/of-our-lab")
        assert self.cleared(client_of(reader()).post("/sign-out")) == '"cache"'

    def test_so_does_a_session_that_was_ended_elsewhere(self) -> None:
        rita = reader()
        here, elsewhere = Client(), client_of(rita)
        here.post("/sign-in", {"username": rita.email, "password": PASSWORD})
        elsewhere.post("/account/sessions", {"which": "all"})
        assert self.cleared(here.get("/"))

    def test_so_does_deleting_the_account(self) -> None:
        rita = reader()
        browser = client_of(rita)
        browser.post("/sign-in/again", {"password": PASSWORD})
        answer = browser.post("/account/delete", {"username": rita.username})
        assert not User.objects.filter(pk=rita.pk).exists()
        assert self.cleared(answer)

    def test_nothing_else_does(self) -> None:
        browser = client_of(reader())
        assert not self.cleared(browser.get("/"))
        assert not self.cleared(anonymous_client().get("/"))
        assert not self.cleared(anonymous_client().post("/sign-out"))
        signed_in = Client().post("/sign-in", {"username": "rita@example.org", "password": PASSWORD})
        assert signed_in.status_code == 302
        assert not self.cleared(signed_in)


class TestSharing:
    @pytest.mark.parametrize(
        "shared",
        [
            {"url": "https://arxiv.org/abs/2603.50001"},
            {"title": "Ice", "text": "Read this: https://arxiv.org/abs/2603.50001!", "url": ""},
            {"title": "[2603.50001] Ice", "text": ""},
            {"text": "Ice\nhttps://arxiv.org/pdf/2603.50001v2"},
        ],
    )
    def test_a_page_is_shared_as_phones_do_it(self, shared: dict[str, str]) -> None:
        factories.paper(public_id="2603.50001", title="Ice")
        page = client_of(reader()).get("/submit", shared)
        assert "already here" in page.content.decode()

    def test_what_names_no_paper_is_shown_as_it_came(self) -> None:
        page = parse_html(client_of(reader()).get("/submit", {"text": "Look at this"}).content.decode())
        assert page.xpath("//*[@name='given']/@value") == ["Look at this"]

    def test_a_stranger_comes_back_to_it_after_signing_in(self) -> None:
        answer = anonymous_client().get("/submit", {"text": "https://arxiv.org/abs/2603.50001"})
        assert answer.status_code == 302
        assert "text%3Dhttps" in answer["Location"]
