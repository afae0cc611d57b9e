"""What holds for every address of the API: problems, limits, other sites' scripts, hostile requests, lazy imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.test import Client

from config.local.programs import PARTS, WEB, program_of
from config.log_redaction import redact
from papers.api.v1 import statistics
from papers.models import Paper
from papers.web import ratelimit
from papers.web.api_gate import MAX_BODY_BYTES
from papers.web.ratelimit import RateLimit
from tests.meta.source_files import ROOT
from tests.support import factories
from tests.support.api import ApiClient
from tests.support.people import client_of, reader

pytestmark = pytest.mark.django_db

HERE = "/papers/2603.99001"


@pytest.fixture
def paper() -> Paper:
    return factories.paper(public_id="2603.99001")


@pytest.fixture
def api(paper: Paper) -> ApiClient:
    return ApiClient(reader())


def problem(answer: Any, status: int) -> dict[str, Any]:
    """What is wrong, as RFC 9457 has it."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert "no-store" in answer["Cache-Control"]
    found: dict[str, Any] = answer.json()
    assert (found["type"], found["status"]) == ("about:blank", status)
    assert found["title"]
    return found


def test_each_error_is_a_problem(api: ApiClient) -> None:
    problem(api.get("/nothing"), 404)
    problem(api.get("/papers/none"), 404)
    assert api.put("/papers")["Allow"] == "GET, HEAD"
    assert api.get(f"{HERE}/vote")["Allow"] == "DELETE, PUT"
    problem(api.put("/papers"), 405)
    problem(api.call("PATCH", "/me"), 405)
    assert problem(api.get("/papers?limit=0"), 422)["errors"][0] == {
        "detail": "Input should be greater than or equal to 1",
        "in": "query",
        "parameter": "limit",
    }
    assert problem(api.put(f"{HERE}/library", {"state": 7}), 422)["errors"][0]["pointer"] == "#/state"
    assert problem(api.put(f"{HERE}/library", {"stat": "read"}), 422)["errors"][0]["pointer"] == "#/stat"
    assert problem(api.get("/library?stat=read"), 422)["errors"][0]["parameter"] == "stat"
    assert problem(api.get("/papers?cursor=x"), 400)["detail"] == "This is not a cursor of this list."
    problem(ApiClient().get("/me"), 401)


def test_a_fault_of_ours_is_a_problem_and_says_nothing_of_it(
    api: ApiClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_about: object) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(statistics, "site_status", broken)
    api.client.raise_request_exception = False
    found = problem(api.get("/statistics"), 500)
    assert "secret" not in json.dumps(found)
    assert "Request failed" in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"[" * 100_000, b"\xff\xfe", b'{"state": "\\ud800"}', b'{"state": NaN}', b"null", b"[]", b'"x"',
        b"1e999999",
        b'{"state": "re\\u0000ad"}', b'{"state": ["read"]}', b'{"state": {"a": 1}}',
        b"9" * 5_000, b'{"' + b"x" * 5_000 + b'": 1}',
    ],
)  # fmt: skip
def test_bodies_that_are_none(api: ApiClient, body: bytes) -> None:
    answer = api.client.generic(
        "PUT",
        f"/api/v1{HERE}/library",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {api.key}"},
    )
    assert answer.status_code in (400, 422)
    assert answer["Content-Type"] == "application/problem+json"


def test_bodies_that_are_too_large_or_no_json(api: ApiClient) -> None:
    send = {"Authorization": f"Bearer {api.key}"}
    put = f"/api/v1{HERE}/note"
    large = json.dumps({"note": "x" * 1_000_000})
    answer = api.client.generic("PUT", put, large, content_type="application/json", headers=send)
    assert problem(answer, 413)["detail"] == f"A body has at most {MAX_BODY_BYTES} bytes."
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/xml"):
        problem(api.client.generic("PUT", put, '{"note": "x"}', content_type=kind, headers=send), 415)
    thrown = api.client.generic(
        "PUT", put, "", content_type="application/json", headers={**send, "X-Broadsheet-Body-Thrown-Away": "1"}
    )
    problem(thrown, 413)
    # The longest note there may be goes in, however it is escaped.
    longest = json.dumps({"note": "\U0001f30a" * 20_000})
    assert api.client.generic("PUT", put, longest, content_type="application/json", headers=send).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/papers/%00",
        "/papers?category=%00",
        "/search?q=%00",
        "/search?q=" + "x" * 5_000,
        "/topics/%00/papers",
        "/comments/" + "9" * 400,
        "/comments/-1",
        "/comments/0",
        "/editions/%00",
        "/editions/2026-03-04%0A",
        "/tags/%00/%00/papers",
        "/papers?limit=" + "9" * 400,
        "/papers?cursor=%00",
        "/papers?cursor=" + "W" * 200,
        "/papers/" + "x" * 3_000,
        "/authors/%ff%fe",
        "/organizations/" + "%F0%9F%8C%8A" * 50,
        "/search?q=%ED%A0%80",
        "/papers?limit=1e3",
        "/papers?limit=%C2%B2",
        "/library?q=%00",
        "/library?tag=%00",
        "/votes?cursor=W251bGxd",
        "/search?q=(((((((((((",
        "/papers/doi/../../me",
        "/papers//",
        "/%2e%2e/%2e%2e/admin",
        "/curation/queue?kind=%00",
    ],
)  # fmt: skip
def test_hostile_addresses_are_no_fault(api: ApiClient, path: str) -> None:
    for client in (api, ApiClient()):
        answer = client.get(path)
        assert answer.status_code < 500, answer.content
        if answer.status_code >= 400:
            assert answer["Content-Type"] == "application/problem+json"


def test_limits_are_told_and_held(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {**ratelimit.RATE_LIMITS, "api": RateLimit(2, 3600), "api-visitor": RateLimit(1, 3600)}
    monkeypatch.setattr(ratelimit, "RATE_LIMITS", limits)
    first = api.get("/me")
    assert first["RateLimit-Policy"] == '"api";q=2;w=3600'
    assert first["RateLimit"].startswith('"api";r=1;t=')
    assert api.get("/me")["RateLimit"].startswith('"api";r=0;t=')
    late = api.get("/me")
    problem(late, 429)
    assert 1 <= int(late["Retry-After"]) <= 3600
    assert ApiClient(reader("otto")).get("/me").status_code == 200  # each token has its own
    assert ApiClient().get("/papers").status_code == 200
    problem(ApiClient().get("/papers"), 429)


def test_a_members_only_site_is_closed_to_visitors(api: ApiClient, settings: Any) -> None:
    settings.ACCESS = "members"
    closed = ApiClient().get("/papers")
    problem(closed, 401)
    assert closed["WWW-Authenticate"] == "Bearer"
    open_to_members = api.get("/papers")
    assert (open_to_members.status_code, open_to_members["Cache-Control"]) == (200, "private, no-cache")
    problem(ApiClient().get("/openapi.json"), 401)
    assert Client().get("/api/docs").status_code == 302


def test_other_sites_scripts_are_kept_out_unless_they_are_named(api: ApiClient, settings: Any) -> None:
    origin = "https://tools.example.org"
    ask = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    assert "Access-Control-Allow-Origin" not in api.get("/papers", Origin=origin)
    assert api.call("OPTIONS", "/papers", **ask).status_code == 405
    settings.API_ORIGINS = [origin]
    found = api.get("/papers", Origin=origin)
    assert found["Access-Control-Allow-Origin"] == origin
    assert "ETag" in found["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in found
    assert "Origin" in found["Vary"]
    before = ApiClient().call("OPTIONS", f"{HERE}/vote", **ask)
    assert before.status_code == 204
    assert "Authorization" in before["Access-Control-Allow-Headers"]
    assert "PUT" in before["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Origin" not in api.get("/papers", Origin="https://other.example.org")
    assert "Access-Control-Allow-Origin" not in client_of(reader("otto")).get("/", headers={"Origin": origin})
    settings.API_ORIGINS = ["*"]
    assert api.get("/papers", Origin="https://other.example.org")["Access-Control-Allow-Origin"] == "*"


def test_a_cookie_has_nothing_done_and_needs_no_form_token(paper: Paper) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(reader())
    problem(browser.put(f"/api/v1{HERE}/vote"), 401)


def test_a_key_stands_in_no_log() -> None:
    key = ApiClient(reader()).key
    assert redact(f"GET /api/v1/me?token={key}") == "GET /api/v1/me?token=bsh_…"
    assert key not in redact(f"{{'Authorization': 'Bearer {key}'}}")


def test_only_who_answers_requests_imports_what_that_needs() -> None:
    program = (
        "import sys, django; django.setup()\n"
        "from django.urls import reverse; import config.celery\n"
        "config.celery.app.loader.import_default_modules()\n"
        "assert reverse('papers:today') == '/'\n"
        "print([name for name in ('ninja', 'pydantic') if name in sys.modules])\n"
        "assert reverse('api-v1:get_paper', args=['doi/10.1/x']) == '/api/v1/papers/doi/10.1/x'\n"
    )
    surroundings = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "CELERY_SKIP_CHECKS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", program]
    ended = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.returncode) == ("[]\n", 0), ended.stderr
    for part in PARTS.values():
        arguments = program_of(part).arguments if part is not WEB else ()
        assert {"--skip-checks", "config.beat"} & set(arguments) or "celery" not in arguments, part.name
