"""Letting programs in: a token is made, used against the API and revoked; a webhook is made and tried."""

from __future__ import annotations

import base64
import hashlib
import hmac
import queue
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.running_site import Site, running_site

Open = Callable[..., BrowserContext]
PASSWORD = "correct-horse-battery"
WIDTHS = (320, 1280)


@pytest.fixture(scope="module")
def site(new_data_folder: Callable[[], Path]) -> Iterator[Site]:
    """One that may post to this machine."""
    settings = {"BROADSHEET_FETCH_ALLOW": "127.0.0.1"}
    with running_site(new_data_folder(), settings=settings) as running:
        yield running


@pytest.fixture(scope="module")
def cookies(chromium: Browser, site: Site) -> object:
    """Of a reader who has a password."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(site.link_for("pia@example.org"))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(site.url + "/")
    page.goto(f"{site.url}/account/password")
    for field in page.get_by_label("assword").all():
        field.fill(PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(f"{site.url}/account")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def pia(open_context: Open, cookies: object) -> Page:
    page = open_context(storage_state=cookies).new_page()
    page.set_default_timeout(60_000)  # a password is asked for, and checking one takes a processor's time
    return page


class Received(queue.Queue[tuple[dict[str, str], bytes]]):
    """What was posted: headers and body."""

    url: str


@pytest.fixture
def receiver() -> Iterator[Received]:
    """A program that takes webhooks."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.put(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    received.url = f"http://127.0.0.1:{server.server_port}/hook?key=one"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield received
    server.shutdown()
    server.server_close()


def fits(page: Page) -> None:
    """At the narrowest and a wide window, nothing stands out of it."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_token_from_its_making_to_its_end(site: Site, pia: Page) -> None:
    pia.goto(f"{site.url}/account")
    pia.get_by_role("link", name="API tokens").click()
    pia.get_by_role("link", name="Create a token").click()
    if pia.get_by_label("Your password").count():
        pia.get_by_label("Your password").fill(PASSWORD)
        pia.get_by_role("button", name="Continue").click()
    pia.get_by_label("Name").fill("laptop")
    pia.get_by_label("vote, save").check()
    fits(pia)
    pia.get_by_role("button", name="Create token").click()
    key = pia.locator(".banner pre").inner_text().strip()
    assert key.startswith("bsh_")
    fits(pia)

    program = httpx.Client(base_url=f"{site.url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60)
    assert program.get("/me").json()["username"] == "pia"
    paper = program.get("/papers", params={"limit": 1}).json()["items"][0]["id"]
    assert program.put(f"/papers/{paper}/vote").status_code == 200
    assert program.get(f"/papers/{paper}").json()["mine"]["voted"] is True
    assert program.put(f"/papers/{paper}/hidden").status_code == 403

    pia.get_by_role("link", name="All tokens").click()
    assert key not in pia.content()
    expect(pia.locator("main")).to_contain_text("last used")
    fits(pia)
    pia.get_by_role("button", name="Revoke laptop").click()
    expect(pia.locator("main")).to_contain_text("revoked")
    answer = program.get("/me")
    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_a_webhook_from_its_making_to_its_end(site: Site, pia: Page, receiver: Received) -> None:
    pia.goto(f"{site.url}/account")
    pia.get_by_role("link", name="Webhooks").click()
    pia.get_by_role("link", name="Create a webhook").click()
    pia.get_by_label("Name").fill("Lab")
    pia.get_by_label("Address").fill(receiver.url)
    pia.get_by_label("New papers of lists").fill(f"{site.url}/papers/new?category=cs.CL\n{site.url}/following")
    fits(pia)
    pia.get_by_role("button", name="Save").click()
    secret = pia.locator(".banner pre").inner_text().strip()
    fits(pia)

    pia.get_by_role("link", name="Continue").click()
    pia.get_by_role("button", name="Send a test to Lab").click()
    headers, body = receiver.get(timeout=60)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    made = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(made).decode()}"
    expect(pia.locator("main")).to_contain_text("It answered 204.")
    assert "key=one" not in pia.content()
    fits(pia)

    pia.get_by_role("link", name="Edit Lab").click()
    expect(pia.get_by_label("New papers of lists")).to_have_value(
        f"{site.url}/papers/new?category=cs.CL\n{site.url}/following"
    )
    fits(pia)
    pia.get_by_role("button", name="Delete webhook").click()
    expect(pia.locator("main")).to_contain_text("The webhook was deleted.")
