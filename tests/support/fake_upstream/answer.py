"""What every answer of the fake upstream is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar
from xml.sax.saxutils import escape, quoteattr

from tests.support.fake_upstream.behaviour import Behaviour
from tests.support.fake_upstream.catalogue import Catalogue, FakePaper, FakeVersion

__all__ = ["Answer", "Known", "UpstreamState", "apply_faults", "bad_request", "escape", "quoteattr"]

Known = tuple[FakePaper, FakeVersion]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; `body` is sent as UTF-8 where it is text."""

    body: str | bytes
    content_type: str = "text/xml; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class UpstreamState:
    """What the fake upstream knows, and the day that it takes for today."""

    catalogue: Catalogue
    today: date
    page_size: int = 50
    """Records in one OAI answer."""
    feed_cap: int = 2000
    """The most items that one feed has."""
    built: int = 0
    """How many feeds were built: no two have the same build time."""

    @property
    def last_day(self) -> date:
        """The newest day before today that announced something, today itself where there is none."""
        return max((day for day in self.catalogue.days if day < self.today), default=self.today)


def apply_faults(records: Sequence[tuple[str, T]], behaviour: Behaviour) -> list[T]:
    """The records (id, record) of an answer, with those missing or doubled that the behaviour says."""
    kept = [record for arxiv_id, record in records if arxiv_id not in behaviour.drop_ids]
    if behaviour.is_empty:
        return []
    if behaviour.drop:
        kept = kept[: -behaviour.drop]
    return kept + kept[: behaviour.repeat]


def bad_request(text: str) -> Answer:
    return Answer(text, "text/plain; charset=utf-8", status=400)
