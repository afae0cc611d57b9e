"""Notices to curators: what is told, once each, how it is signed, what a refusal does, and what is never shown."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import smtplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from digests.models import Channel, Notice
from digests.services import notices
from digests.services.channel_client import (
    ChannelPostError,
    NoticeContent,
    markdown_text,
    post,
    signing_key,
    slack_text,
)
from digests.services.notices import (
    RETRIES,
    plan_notices,
    post_due_notices,
    post_notice,
    post_test_notice,
    retry_notice,
)
from papers.outbound.client import Client as ClientOfSources
from tests.support import factories
from tests.support.factories import NOW, TODAY
from tests.support.pages import parse_html
from tests.support.people import client_of, staff

pytestmark = pytest.mark.django_db

ASKED = {"name": "Lab", "kind": "slack", "where": "https://example.org/x", "edition_size": "5", "edition_at": "08:30"}
SECRET_PATH = "/services/T0/B0/very-secret"


class Receiver:
    """A chat server of our own: keeps what it gets, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, dict[str, str], bytes]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.append((self.command, self.path, headers, body))
                if receiver.status == 0:  # the connection goes before an answer
                    return
                self.send_response(receiver.status)
                self.send_header("Content-Length", "2" if receiver.status != 204 else "0")
                self.end_headers()
                if receiver.status != 204:
                    self.wfile.write(b"ok")

            do_POST = do_PUT = _answer

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.host = f"127.0.0.1:{self.server.server_port}"

    def bodies(self) -> list[Any]:
        return [json.loads(body) for *_, body in self.got]


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    made = Receiver()
    settings.FETCH_ALLOW = (made.host,)
    yield made
    made.server.shutdown()
    made.server.server_close()


class FreeClock:
    """Turns for everybody at once. The real clock, which wants no transaction around it, has tests of its own."""

    @contextmanager
    def acquire(self, group: str, *, wait_seconds: float) -> Iterator[FreeTurn]:
        assert group.startswith("page:")
        yield FreeTurn()


class FreeTurn:
    def renew(self) -> None:
        pass

    def record_response(self, status: int, retry_after_seconds: float | None) -> float | None:
        return None


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, settings: Any, request: pytest.FixtureRequest) -> None:
    """Nothing waits and nothing is wrong unless a test says so; and no test waits for politeness."""
    if "transactional_db" not in request.fixturenames:

        def client() -> ClientOfSources:
            return ClientOfSources(user_agent="Broadsheet tests", rate_limiter=FreeClock(), allow=settings.FETCH_ALLOW)

        monkeypatch.setattr("digests.services.channel_client.build_outbound_client", client)
    monkeypatch.setattr(notices, "is_queue_empty", lambda: True)
    monkeypatch.setattr(notices, "mail_problems", lambda now: [])


def channel(kind: str = "webhook", at: str = "", **fields: Any) -> Channel:
    fields.setdefault("address", at and f"http://{at}{SECRET_PATH}")
    fields.setdefault("secret", "whsec_" + base64.b64encode(b"k" * 24).decode())
    made = Channel.objects.create(name=kind, kind=kind, **fields)
    Channel.objects.filter(pk=made.pk).update(created_at=NOW)
    made.refresh_from_db()
    return made


def edition(number: int = 3) -> None:
    from django.db import transaction

    with transaction.atomic():
        for place in range(number):
            title = f"Paper <{place}> & [more]"
            paper = factories.paper(public_id=f"2603.8000{place}", title=title, vote_count=number - place)
            factories.listing(paper, position=place)


# --- What is told ---------------------------------------------------------------------------------------------------


def test_the_day_s_best_papers_are_told_once(receiver: Receiver) -> None:
    edition()
    channel(at=receiver.host, edition_size=2)
    assert post_due_notices(now=NOW) == 1
    assert post_due_notices(now=NOW + timedelta(minutes=1)) == 0
    (body,) = receiver.bodies()
    assert body["type"] == "edition"
    assert body["data"]["title"] == "Daily Papers, Wednesday 4 March: 3 papers"
    assert [text for text, _ in body["data"]["lines"]] == ["Paper <0> & [more]", "Paper <1> & [more]"]
    assert body["data"]["lines"][0][1].endswith("/papers/2603.80000")


def test_not_before_its_hour_and_not_of_days_before_the_channel(receiver: Receiver) -> None:
    edition()
    one = channel(at=receiver.host)
    assert plan_notices(now=NOW.replace(hour=8, minute=59)) == 0
    assert plan_notices(now=NOW.replace(hour=9)) == 1
    Notice.objects.all().delete()
    Channel.objects.filter(pk=one.pk).update(created_at=NOW + timedelta(days=1))
    assert plan_notices(now=NOW + timedelta(days=1)) == 0


def test_each_trouble_is_told_once_a_day_and_only_to_whom_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "is_queue_empty", lambda: False)
    monkeypatch.setattr(notices, "mail_problems", lambda now: ["Some mail is late."])
    source = factories.source(error_count=2, next_fetch_at=NOW + timedelta(hours=1), is_enabled=True)
    channel("mail", address="desk@example.org")
    channel("mail", address="quiet@example.org", notify_queue=False, notify_stale=False, notify_late=False)
    assert plan_notices(now=NOW) == 3
    assert plan_notices(now=NOW + timedelta(hours=1)) == 0
    assert set(Notice.objects.values_list("key", flat=True)) == {
        f"queue:{TODAY}",
        f"source:{source.pk}:{TODAY}",
        f"late:{TODAY}",
    }
    assert plan_notices(now=NOW + timedelta(days=1)) == 3


def test_a_channel_that_is_off_is_told_nothing(receiver: Receiver) -> None:
    edition()
    channel(at=receiver.host, is_enabled=False)
    assert post_due_notices(now=NOW) == 0
    assert receiver.got == []


# --- How ------------------------------------------------------------------------------------------------------------


def test_a_webhook_is_signed(receiver: Receiver) -> None:
    edition()
    one = channel(at=receiver.host)
    post_due_notices(now=NOW)
    method, path, headers, body = receiver.got[0]
    assert (method, path) == ("POST", SECRET_PATH)
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    made = base64.b64encode(hmac.new(b"k" * 24, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{made}"
    assert signing_key(one.secret) == b"k" * 24
    assert signing_key("no base 64!") == b"no base 64!"


def test_each_kind_gets_its_own_form(receiver: Receiver) -> None:
    content = NoticeContent("edition", "Papers", [("A title", "https://example.org/1")], "https://example.org")
    for kind in ("slack", "mattermost", "matrix"):
        post(channel(kind, receiver.host, room="!abc:example.org"), content, uid="u1", happened_at=NOW, now=NOW)
    slack, mattermost, matrix = receiver.bodies()
    assert "• <https://example.org/1|A title>" in slack["text"]
    assert "- [A title](https://example.org/1)" in mattermost["text"]
    assert "A title https://example.org/1" in matrix["body"]
    method, path, headers, _ = receiver.got[2]
    assert method == "PUT"
    assert path.endswith("/_matrix/client/v3/rooms/%21abc%3Aexample.org/send/m.room.message/u1")
    assert headers["authorization"].startswith("Bearer whsec_")


def test_a_title_makes_no_mention_and_no_link() -> None:
    content = NoticeContent(
        "edition", "Day", [("<!channel> @all [x](https://evil.example) *b* | &", "https://example.org/1")]
    )
    assert "<!channel>" not in slack_text(content)
    assert slack_text(content).count("<") == 1
    said = markdown_text(content)
    assert "@all" not in said
    assert "](https://evil" not in said


def test_mail_is_a_channel_too(settings: Any, tmp_path: Path) -> None:
    settings.OUTBOX_DIR = tmp_path  # no mail leaves a site on a loopback address
    edition(1)
    channel("mail", address="desk@example.org")
    assert post_due_notices(now=NOW) == 1
    (kept,) = tmp_path.iterdir()
    assert "To: desk@example.org" in kept.read_text()
    assert "/papers/2603.80000" in kept.read_text()


@pytest.mark.parametrize(("in_doubt", "state", "mails"), [("resend", "sent", 2), ("skip", "unknown", 1)])
def test_a_mail_that_perhaps_left_is_the_same_mail_again(
    settings: Any, tmp_path: Path, in_doubt: str, state: str, mails: int
) -> None:
    settings.OUTBOX_DIR, settings.MAIL_IN_DOUBT = tmp_path, in_doubt
    edition(1)
    channel("mail", address="desk@example.org")
    plan_notices(now=NOW)
    notice = Notice.objects.get()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notices, "_settle", lambda *_, **__: None)  # killed before it is written down
        post_notice(notice.pk, now=NOW)
    post_due_notices(now=NOW + timedelta(minutes=6))
    notice.refresh_from_db()
    assert notice.state == state
    texts = [path.read_text() for path in tmp_path.iterdir()]
    assert len(texts) == mails
    names = {tuple(re.findall("^(?:Message-ID|Date): .*$", text, re.MULTILINE)) for text in texts}
    assert len(names) == 1
    assert f"n.{notice.uid}@" in str(names)


@pytest.mark.parametrize("error", [smtplib.SMTPServerDisconnected("gone"), TimeoutError("timed out")])
@pytest.mark.parametrize(("in_doubt", "state"), [("resend", "waiting"), ("skip", "unknown")])
def test_a_mail_server_that_goes_away_leaves_it_in_doubt(
    settings: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, in_doubt: str, state: str
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise error

    settings.MAIL_IN_DOUBT = in_doubt
    monkeypatch.setattr("digests.content.transactional.EmailMultiAlternatives.send", gone)
    edition(1)
    channel("mail", address="desk@example.org")
    assert post_due_notices(now=NOW) == 0
    assert Notice.objects.get().state == state


# --- Refused, cut off, killed ---------------------------------------------------------------------------------------


def test_what_is_refused_for_now_is_tried_again_later_and_given_up_in_the_end(receiver: Receiver) -> None:
    edition()
    channel(at=receiver.host)
    receiver.status, now = 500, NOW
    plan_notices(now=now)
    for wait in RETRIES.pauses:
        notice = Notice.objects.get()
        assert not post_notice(notice.pk, now=now)
        notice.refresh_from_db()
        assert (notice.state, notice.not_before) == ("waiting", now + wait)
        assert not post_notice(notice.pk, now=now)  # it is not due
        now += wait
    post_notice(notice.pk, now=now)
    notice.refresh_from_db()
    assert (notice.state, notice.attempts) == ("failed", RETRIES.max_attempts)
    assert "500" in notice.result
    retry_notice(notice, now=now)
    receiver.status = 204
    assert post_notice(notice.pk, now=now)
    assert len({headers["webhook-id"] for _, _, headers, _ in receiver.got}) == 1


def test_what_is_refused_for_good_is_not_tried_again(receiver: Receiver) -> None:
    edition()
    channel("slack", receiver.host)
    receiver.status = 404
    post_due_notices(now=NOW)
    notice = Notice.objects.get()
    assert notice.state == "failed"
    assert "very-secret" not in notice.result
    assert post_due_notices(now=NOW + timedelta(days=1)) == 0
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("kind", "state", "posts"), [("slack", "unknown", 1), ("webhook", "sent", 2), ("matrix", "sent", 2)]
)
def test_a_worker_that_is_killed_tells_nothing_twice(receiver: Receiver, kind: str, state: str, posts: int) -> None:
    edition()
    channel(kind, receiver.host, room="!abc:example.org")
    plan_notices(now=NOW)
    notice = Notice.objects.get()

    class KilledError(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notices, "_settle", killed)
        with pytest.raises(KilledError):  # it was posted, and nothing was written of it
            post_notice(notice.pk, now=NOW)
    assert not post_notice(notice.pk, now=NOW + timedelta(minutes=1))  # perhaps it still runs
    post_due_notices(now=NOW + timedelta(minutes=6))
    notice.refresh_from_db()
    assert notice.state == state
    assert len(receiver.got) == posts
    assert len({body for *_, body in receiver.got}) == 1


@pytest.mark.parametrize(("kind", "state"), [("slack", "unknown"), ("webhook", "waiting")])
def test_an_answer_that_never_came(receiver: Receiver, kind: str, state: str) -> None:
    edition()
    channel(kind, receiver.host)
    receiver.status = 0
    post_due_notices(now=NOW)
    assert Notice.objects.get().state == state


def test_a_host_that_hangs_does_not_keep_the_worker(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "BUDGET_SECONDS", -1.0)
    edition()
    channel(at=receiver.host)
    assert post_due_notices(now=NOW) == 0
    assert receiver.got == []
    monkeypatch.setattr(notices, "BUDGET_SECONDS", 45.0)
    assert post_due_notices(now=NOW) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_post_once(receiver: Receiver, transactional_db: None) -> None:
    from django.db import connection

    edition()
    channel(at=receiver.host)
    plan_notices(now=NOW)
    pk, gate = Notice.objects.get().pk, threading.Barrier(3)

    def work() -> None:
        gate.wait()
        post_notice(pk, now=NOW)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(receiver.got) == 1


def test_nothing_is_posted_into_our_own_network(receiver: Receiver, settings: Any) -> None:
    settings.FETCH_ALLOW = ()
    with pytest.raises(ChannelPostError) as caught:
        post(channel(at=receiver.host), NoticeContent("test", "x"), uid="u", happened_at=NOW, now=NOW)
    assert caught.value.is_final
    assert receiver.got == []


# --- Pages ----------------------------------------------------------------------------------------------------------


def test_a_channel_is_made_tried_changed_and_its_secrets_are_not_shown_again(receiver: Receiver) -> None:
    browser, where = client_of(staff()), f"http://{receiver.host}{SECRET_PATH}"
    asked = {**ASKED, "kind": "webhook", "where": where, "is_enabled": "on"}
    shown = browser.post("/curate/channels/new", asked).content.decode()
    one = Channel.objects.get()
    assert one.secret in shown
    answer = browser.post(f"/curate/channels/{one.pk}/test", follow=True).content.decode()
    assert "Lab: sent. It answered 200." in answer
    for path in ("/curate/channels", f"/curate/channels/{one.pk}"):
        page = browser.get(path).content.decode()
        assert one.secret not in page
        assert "very-secret" not in page
    browser.post(f"/curate/channels/{one.pk}", {**asked, "where": "", "name": "Group"})
    one.refresh_from_db()
    assert (one.name, one.address) == ("Group", where)
    browser.post(f"/curate/channels/{one.pk}/remove")
    assert not Channel.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"where": ""},
        {"where": "file:///etc/passwd"},
        {"where": "http://user:pass@example.org/"},
        {"kind": "mail", "where": "nobody"},
        {"kind": "matrix", "where": "https://example.org"},
        {"kind": "pigeon"},
        {"edition_size": "99"},
        {"edition_at": "25:00"},
    ],
)
def test_a_wrong_channel_is_told_so(wrong: dict[str, str]) -> None:
    assert client_of(staff()).post("/curate/channels/new", {**ASKED, **wrong}).status_code == 422
    assert not Channel.objects.exists()


def test_what_is_perhaps_sent_stands_on_top_and_is_sent_again_by_one_press(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = NOW + timedelta(minutes=1)
    edition()
    channel("slack", receiver.host)
    receiver.status = 0
    post_due_notices(now=NOW)
    ada = client_of(staff())
    page = parse_html(ada.get("/curate/channels").content.decode())
    (action,) = page.xpath("//section[@aria-labelledby='perhaps']//form/@action")
    receiver.status = 200
    monkeypatch.setattr("digests.views.channels.timezone.now", lambda: later)
    for _ in range(2):
        ada.post(action)
    for _ in range(2):
        post_due_notices(now=later)
    assert Notice.objects.get().state == "sent"
    assert len(receiver.got) == 2
    assert "Possibly sent" not in ada.get("/curate/channels").content.decode()


def test_a_test_that_fails_says_why_and_is_not_repeated(receiver: Receiver) -> None:
    receiver.status = 503
    notice = post_test_notice(channel("slack", receiver.host), now=NOW)
    assert notice.state == "failed"
    assert "503" in notice.result
    assert post_due_notices(now=NOW + timedelta(hours=1)) == 0
