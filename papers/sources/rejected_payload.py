"""Records that could not be read and were kept: read again by today's code. Pure.

What was kept is a piece of the source's answer; or, where the answer was read but the paper could not be stored, the
`RawPaper` itself as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from papers.sources import arxiv_api, arxiv_oai, arxiv_rss, feed, huggingface
from papers.sources.base import ExternalCounts, RawAuthor, RawListing, RawPaper, RawVersion, SourceError
from papers.sources.xml import MAX_PAYLOAD_CHARACTERS
from papers.text.xml import indented_xml


@dataclass(frozen=True, slots=True)
class RejectedPayload:
    """A record as it was kept."""

    kind: str
    """Of its source: a key of `registry.ADAPTERS`, or another word for where it came from."""
    payload: str
    received_on: date
    """When it came, in UTC: its day, where the record names none."""
    site: str = ""
    """The address of its source."""


def parse_rejected_payload(kept: RejectedPayload) -> RawPaper:
    """The paper in a record.

    Raises:
        SourceError: it still can't be read; says why.
    """
    if (own := _as_object(kept.payload)).keys() == _NAMES:
        return _raw_paper(own)
    if len(kept.payload) >= MAX_PAYLOAD_CHARACTERS:
        raise SourceError("Only the beginning of it was kept.")
    reader = _READERS.get(kept.kind)
    if reader is None:
        raise SourceError("Nothing reads records of this kind any more.")
    return reader(kept)


def pretty_payload(payload: str) -> str:
    """A record as text for people: JSON and XML with their lines indented, all else as it is."""
    try:
        return json.dumps(_from_json(payload), indent=2, ensure_ascii=False)
    except SourceError:
        return indented_xml(payload) or payload


def _from_json(payload: str) -> Any:
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise SourceError("It is not JSON.") from error


def _as_object(payload: str) -> dict[str, Any]:
    """An empty one where it is none."""
    try:
        found = _from_json(payload)
    except SourceError:
        return {}
    return found if isinstance(found, dict) else {}


def _raw_paper(said: Mapping[str, Any]) -> RawPaper:
    try:
        return RawPaper(**{name: _MAKERS.get(name, _same)(value) for name, value in said.items() if value is not None})
    except (TypeError, ValueError, KeyError) as error:
        raise SourceError(f"It was kept by another version, and does not fit any more: {error}") from error


def _same(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value)


def _version(said: Mapping[str, Any]) -> RawVersion:
    at = said["released_at"]
    return RawVersion(said["number"], _moment(at) if at else None)


def _figures(said: Mapping[str, Any]) -> ExternalCounts:
    on = said.get("counted_on")
    return ExternalCounts(**{**said, "counted_on": date.fromisoformat(on) if on else None})


_MAKERS: Mapping[str, Callable[[Any], Any]] = {
    "authors": lambda rows: tuple(RawAuthor(**row) for row in rows),
    "versions": lambda rows: tuple(map(_version, rows)),
    "identifiers": lambda rows: tuple((scheme, value) for scheme, value in rows),
    "published_at": _moment,
    "updated_at": _moment,
    "announced_on": date.fromisoformat,
    "external_counts": _figures,
    "listed_on": lambda said: RawListing(**{**said, "day": date.fromisoformat(said["day"])}),
}
_NAMES = {field.name for field in fields(RawPaper)}
_READERS: Mapping[str, Callable[[RejectedPayload], RawPaper]] = {
    "arxiv_api": lambda kept: arxiv_api.parse_rejected(kept.payload),
    "arxiv_oai": lambda kept: arxiv_oai.parse_rejected(kept.payload),
    "arxiv_rss": lambda kept: arxiv_rss.parse_rejected(kept.payload, day=kept.received_on),
    "feed": lambda kept: feed.parse_rejected(_from_json(kept.payload), url=kept.site),
    "huggingface": lambda kept: huggingface.parse_rejected(
        _from_json(kept.payload), asked=kept.received_on, site=kept.site
    ),
}
