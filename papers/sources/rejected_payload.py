"""Reads records again that could not be read when they came, and were kept. Pure.

The payload is a piece of the source's answer; or, where the answer was read but the paper could not be stored, the
`RawPaper` itself as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from papers.outbound.errors import SourceError
from papers.sources.base import ExternalCounts, RawAuthor, RawListing, RawPaper, RawVersion, RejectedPayload
from papers.sources.registry import ADAPTERS
from papers.sources.xml import MAX_PAYLOAD_CHARACTERS
from papers.text.xml import indented_xml


def parse_rejected_payload(rejected: RejectedPayload) -> RawPaper:
    """The paper in a record.

    Raises:
        SourceError: it still can't be read; says why.
    """
    if (own := _as_object(rejected)).keys() == _NAMES:
        return _raw_paper(own)
    if len(rejected.payload) >= MAX_PAYLOAD_CHARACTERS:
        raise SourceError("Only the beginning of it was kept.")
    adapter = ADAPTERS.get(rejected.kind)
    if adapter is None:
        raise SourceError("Nothing reads records of this kind any more.")
    return adapter.parse_rejected(rejected)


def pretty_payload(payload: str) -> str:
    """A record as text for people: JSON and XML with their lines indented, all else as it is."""
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return indented_xml(payload) or payload


def _as_object(rejected: RejectedPayload) -> dict[str, Any]:
    """The JSON object in the payload; an empty one where it holds none."""
    try:
        found = rejected.as_json()
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


def _external_counts(said: Mapping[str, Any]) -> ExternalCounts:
    on = said.get("counted_on")
    return ExternalCounts(**{**said, "counted_on": date.fromisoformat(on) if on else None})


_MAKERS: Mapping[str, Callable[[Any], Any]] = {
    "authors": lambda rows: tuple(RawAuthor(**row) for row in rows),
    "versions": lambda rows: tuple(map(_version, rows)),
    "identifiers": lambda rows: tuple((scheme, value) for scheme, value in rows),
    "published_at": _moment,
    "updated_at": _moment,
    "announced_on": date.fromisoformat,
    "external_counts": _external_counts,
    "listed_on": lambda said: RawListing(**{**said, "day": date.fromisoformat(said["day"])}),
}
_NAMES = {field.name for field in fields(RawPaper)}
