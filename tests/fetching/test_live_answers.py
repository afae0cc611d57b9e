"""`manage.py doctor --live`: what a service answers today, compared with what its reader was made for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from papers.outbound.errors import NetworkError
from papers.outbound.request import FetchRequest, FetchResponse
from papers.services.fetching.live_answers import LiveAnswer, ask_services
from papers.services.fetching.rate_limiter import build_outbound_client
from papers.sources.answer_shape import AnswerShape, paths_of
from papers.sources.base import SourceError
from tests.support.fake_upstream import FakeUpstream, fake_upstream
from tests.support.fetch_runs import ask_upstream, disable_rate_limits
from tests.support.source_context import FRIDAY_MORNING

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def upstream(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeUpstream]:
    disable_rate_limits(monkeypatch)
    with fake_upstream() as running:
        ask_upstream(settings, running)
        known = next(iter(running.catalogue.papers.values()))
        monkeypatch.setattr("papers.services.fetching.live_answers.KNOWN_PAPER", known.arxiv_id)
        monkeypatch.setattr("papers.services.fetching.live_answers.KNOWN_DOI", "10.1000/ice")
        monkeypatch.setattr("config.management.commands.doctor.timezone.now", lambda: FRIDAY_MORNING)
        yield running


class Changed:
    """The client of this installation, whose answers are changed on their way."""

    def __init__(self, old: bytes, new: bytes) -> None:
        self.change = (old, new)
        self.client = build_outbound_client()
        self.asked = 0

    def fetch(self, request: FetchRequest) -> FetchResponse:
        self.asked += 1
        response = self.client.fetch(request)
        return replace(response, body=response.body.replace(*self.change))


def answers(make_client: Any = build_outbound_client) -> dict[str, LiveAnswer]:
    return {answer.service: answer for answer in ask_services(now=FRIDAY_MORNING, make_client=make_client)}


def test_services_that_answer_as_they_did_are_well(upstream: FakeUpstream) -> None:
    found = answers()
    assert len(found) == 5
    for answer in found.values():
        assert (answer.error, list(answer.missing)) == ("", []), answer


def test_each_service_is_asked_once(upstream: FakeUpstream) -> None:
    client = Changed(b"", b"")
    answers(lambda: client)
    assert client.asked == 5


def test_what_a_reader_needs_and_is_gone_is_named(upstream: FakeUpstream) -> None:
    found = answers(lambda: Changed(b"summary", b"resume"))
    assert found["arXiv announcements"].missing == ["feed/entry/summary"]
    assert found["arXiv search"].missing == ["feed/entry/summary"]
    assert found["Hugging Face daily papers"].missing == ["[]/paper/summary"]


def test_what_is_new_is_named_and_no_harm(upstream: FakeUpstream) -> None:
    found = answers(lambda: Changed(b"<summary", b"<claims>3</claims><summary"))
    assert "feed/entry/claims" in found["arXiv announcements"].new
    assert found["arXiv announcements"].missing == []


def test_an_answer_that_is_none_and_one_without_papers(upstream: FakeUpstream) -> None:
    class Away:
        def fetch(self, request: FetchRequest) -> FetchResponse:
            raise NetworkError("no way there")

    assert all("no way there" in answer.error for answer in answers(Away).values())
    assert answers(lambda: Changed(b"entry", b"nothing"))["arXiv announcements"].is_empty


def test_the_command_says_a_line_each(upstream: FakeUpstream) -> None:
    said = StringIO()
    with suppress(SystemExit):  # other checks may find a problem in the tests' own installation
        call_command("doctor", "--live", stdout=said)
    assert said.getvalue().count("answers as expected") == 5, said.getvalue()


def test_the_command_asks_nobody_by_itself(upstream: FakeUpstream) -> None:
    with suppress(SystemExit):
        call_command("doctor", stdout=StringIO())
    assert upstream.log() == []


def test_paths() -> None:
    assert paths_of(b'{"a": [{"b": 1}, {"c": [[2]]}]}') == {"a", "a[]/b", "a[]/c"}
    assert paths_of(b"<a xmlns='urn:x' b='1'><c/><c><d/></c></a>") == {"a", "a@b", "a/c", "a/c/d"}
    for neither in (b"", b"{", b"<a>", b"<p>"):
        with pytest.raises(SourceError):
            paths_of(neither)
    shape = AnswerShape(needed=frozenset({"a/b"}), known=frozenset({"a"}))
    assert (shape.missing(frozenset({"a", "a/c"})), shape.new(frozenset({"a", "a/c"}))) == (["a/b"], ["a/c"])
