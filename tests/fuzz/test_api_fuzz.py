"""Every operation of the API against requests made from its schema, right and wrong ones: answers are as described.

No answer is a 500, has a status or a body that the schema doesn't know, takes what is wrong, or lets somebody in
without a token. `make fuzz` asks for more of it, with new chances.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode

from config.api_urls import api as site_api
from config.wsgi import application
from papers.models import CurationEvent, Follow, LibraryItem, MutedQuery, SeenPaper, Submission, Tag, Vote
from papers.web import ratelimit
from papers.web.ratelimit import RateLimit
from tests.support import factories
from tests.support.api import ApiClient
from tests.support.people import curator

EXAMPLES = int(os.environ.get("API_EXAMPLES", "0"))
"""Requests of each kind, by `make fuzz`; 0: the few of the suite, always the same."""

pytestmark = pytest.mark.django_db

load_all_checks()
# Whether there is such a thing, the schema can't say; and some texts are none that a search or a tag can be.
LEFT_OUT = ("positive_data_acceptance", "ensure_resource_availability", "use_after_free", "max_response_time")
CHECKED = [check for check in CHECKS.get_all() if check.__name__ not in LEFT_OUT]
SCHEMA = json.loads(json.dumps(site_api.get_openapi_schema()))
# What does not fit is sent with a token, or nothing would be looked at but that.
OPEN_SCHEMA = json.loads(json.dumps(SCHEMA))
for _address in OPEN_SCHEMA["paths"].values():
    for _operation in _address.values():
        del _operation["security"]
OPERATIONS = [(method.upper(), path) for path, address in SCHEMA["paths"].items() for method in address]


@pytest.fixture(autouse=True)
def _no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {name: RateLimit(10**9, limit.seconds) for name, limit in ratelimit.RATE_LIMITS.items()}
    monkeypatch.setattr(ratelimit, "RATE_LIMITS", limits)


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """As Django's own test client does it: no request ends the connection that the test's transaction is on."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def key() -> str:
    """A token that may do everything, on a site with a few things."""
    carl = curator()
    paper = factories.paper(public_id="2603.01234", organization="CERN")
    factories.listing(paper)
    factories.topic("language-models")
    factories.comment(paper, carl)
    factories.candidate()
    Tag.objects.create(user=carl, name="tides")
    return ApiClient(carl, scopes=("read", "write", "curate")).key


def takes_anything(method: str, path: str) -> bool:
    operation = SCHEMA["paths"][path][method.lower()]
    return bool(operation["parameters"] or operation.get("requestBody"))


def fuzz(method: str, path: str, key: str, mode: GenerationMode, *, most: int) -> None:
    is_wrong = mode is GenerationMode.NEGATIVE
    schema = schemathesis.openapi.from_dict(OPEN_SCHEMA if is_wrong else SCHEMA)
    schema.app = application
    operation = schema[path][method]

    @settings(
        max_examples=EXAMPLES or most,
        deadline=None,
        derandomize=not EXAMPLES,
        database=None,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        headers = {"Accept-Encoding": "identity", **({"Authorization": f"Bearer {key}"} if key else {})}
        case.call_and_validate(headers=headers, checks=CHECKED)

    ask()


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_what_fits(method: str, path: str, key: str) -> None:
    fuzz(method, path, key, GenerationMode.POSITIVE, most=5)


@pytest.mark.parametrize(("method", "path"), [one for one in OPERATIONS if takes_anything(*one)])
def test_what_does_not_fit(method: str, path: str, key: str) -> None:
    fuzz(method, path, key, GenerationMode.NEGATIVE, most=5)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_without_a_token(method: str, path: str, key: str) -> None:
    fuzz(method, path, "", GenerationMode.POSITIVE, most=2)
    for model in (Vote, LibraryItem, SeenPaper, Follow, MutedQuery, Submission, CurationEvent):
        assert not model.objects.exists()
