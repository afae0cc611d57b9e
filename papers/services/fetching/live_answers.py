"""One polite request to each service that papers come from, and whether it still answers as its reader expects.

Everything in the tests stands in for these services. Only this speaks to them, when an operator asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings

from papers.outbound.client import Client
from papers.outbound.errors import SourceError
from papers.outbound.request import FetchRequest, FetchResponse
from papers.services.fetching.rate_limiter import build_outbound_client
from papers.services.fetching.source_config import preferred_base_url
from papers.sources import arxiv_api, arxiv_oai, arxiv_rss, doi, huggingface
from papers.sources.answer_shape import AnswerShape, paths_of
from papers.sources.arxiv_api import Send
from papers.sources.base import FetchContext
from papers.sources.isolated import read_isolated

KNOWN_PAPER = "1706.03762"
KNOWN_DOI = "10.1038/nature14539"
FRIDAY = 4


@dataclass(frozen=True, slots=True)
class LiveAnswer:
    """What one service answered."""

    service: str
    missing: Sequence[str] = ()
    """Paths that the reader needs and that are not there."""
    new: Sequence[str] = ()
    """Paths that were not there when the reader was made."""
    is_empty: bool = False
    """The answer is well and holds no paper, as arXiv's announcements on a weekend."""
    error: str = ""
    """Why there is no answer that can be looked at; empty where there is one."""


@dataclass(frozen=True, slots=True)
class _Service:
    name: str
    item: str
    """The path of a paper in an answer."""
    shape: AnswerShape
    ask: Callable[[Send, datetime], object]


class _AnsweredError(Exception):
    """The first answer is all that is wanted."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.body = body


def ask_services(*, now: datetime, make_client: Callable[[], Client] = build_outbound_client) -> Iterator[LiveAnswer]:
    """Ask each service once, one after the other, within the rate limits that all workers keep to."""
    client = make_client()
    for service in _SERVICES:
        yield _ask(service, client, now)


def _ask(service: _Service, client: Client, now: datetime) -> LiveAnswer:
    def send(request: FetchRequest) -> FetchResponse:
        raise _AnsweredError(client.fetch(request).body)

    try:
        service.ask(send, now)
    except _AnsweredError as answered:
        body = answered.body
    except SourceError as error:
        return LiveAnswer(service.name, error=str(error))
    else:
        return LiveAnswer(service.name, error="Not tested.")
    try:
        found = read_isolated(paths_of, body)
    except SourceError as error:
        return LiveAnswer(service.name, error=str(error))
    if service.item not in found:
        return LiveAnswer(service.name, is_empty=True)
    return LiveAnswer(service.name, service.shape.missing(found), service.shape.new(found))


def _context(send: Send, kind: str, now: datetime, *, categories: tuple[str, ...] = ()) -> FetchContext:
    """For a first fetch, from the last weekday before today on: on weekends there is little to see."""
    day = now.astimezone(UTC).date() - timedelta(days=1)
    day -= timedelta(days=max(day.weekday() - FRIDAY, 0))
    return FetchContext(send=send, base_url=preferred_base_url(kind), now=now, categories=categories, since=day)


_SERVICES = (
    _Service(
        "arXiv announcements", "feed/entry", arxiv_rss.ANSWER,
        lambda send, now: list(arxiv_rss.adapter.fetch(_context(send, "arxiv_rss", now, categories=("cs.CL",)))),
    ),
    _Service(
        "arXiv records", "OAI-PMH/GetRecord/record/metadata", arxiv_oai.ANSWER,
        lambda send, now: arxiv_oai.get_record(send, preferred_base_url("arxiv_oai"), KNOWN_PAPER),
    ),
    _Service(
        "arXiv search", "feed/entry", arxiv_api.ANSWER,
        lambda send, now: list(arxiv_api.look_up_ids(send, preferred_base_url("arxiv_api"), [KNOWN_PAPER])),
    ),
    _Service(
        "Hugging Face daily papers", "[]/paper", huggingface.ANSWER,
        lambda send, now: list(huggingface.adapter.fetch(_context(send, "huggingface", now))),
    ),
    _Service(
        "doi.org", "title", doi.ANSWER,
        lambda send, now: doi.look_up_doi(send, settings.DOI_URL, KNOWN_DOI),
    ),
)  # fmt: skip
