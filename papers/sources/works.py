"""A registry's list of works in JSON, page by page, as Crossref and OpenAlex give it: what both readers share."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from papers.outbound.errors import SourceError
from papers.sources.arxiv import parse_date
from papers.sources.base import FetchContext, RawPaper, UnreadableRecord
from papers.sources.xml import MAX_PAYLOAD_CHARACTERS


@dataclass(frozen=True, slots=True)
class WorksPage:
    """One page of a list. `names` are the ids of all items, `size` counts them; no `next_cursor` on the last page."""

    papers: tuple[RawPaper, ...]
    rejected: tuple[UnreadableRecord, ...]
    names: tuple[str, ...]
    size: int
    next_cursor: str = ""
    total: int | None = None


def read_json(data: bytes, registry: str) -> dict[str, Any]:
    """The JSON object in an answer; empty where the JSON is something else.

    Raises:
        SourceError: it is not JSON; the message names `registry`.
    """
    try:
        answer = json.loads(data, strict=False)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{registry}'s answer is not JSON. It is asked for again.") from error
    return answer if isinstance(answer, dict) else {}


def works_page(
    items: Any,
    registry: str,
    *,
    read: Callable[[Any], RawPaper],
    name_of: Callable[[Any], str],
    is_paper: Callable[[dict[str, Any]], bool],
    next_cursor: Any,
    total: Any,
) -> WorksPage:
    """The page of these items: what is no paper is left out, what `read` refuses by SourceError is kept as rejected.

    Raises:
        SourceError: `items` is no list.
    """
    if not isinstance(items, list):
        raise SourceError(f"{registry}'s answer has no list of works in it. Look at the source's address.")
    papers: list[RawPaper] = []
    rejected: list[UnreadableRecord] = []
    for item in items:
        if isinstance(item, dict) and not is_paper(item):
            continue
        try:
            papers.append(read(item))
        except SourceError as error:
            payload = json.dumps(item, ensure_ascii=False)[:MAX_PAYLOAD_CHARACTERS]
            rejected.append(UnreadableRecord(name_of(item), payload, str(error)))
    return WorksPage(
        tuple(papers),
        tuple(rejected),
        tuple(map(name_of, items)),
        len(items),
        next_cursor if isinstance(next_cursor, str) else "",
        total if type(total) is int else None,
    )


def first_day_to_ask(context: FetchContext, today: date, *, first_days: int, again_days: int) -> date:
    """The day (UTC) from which on works are asked for: `since`, some days before the last fetch, or the first ones."""
    if context.since:
        return context.since
    last = parse_date(context.cursor.get("through"))
    return min(last, today) - timedelta(days=again_days) if last else today - timedelta(days=first_days)


def brings_nothing_new(names: Sequence[str], seen: set[str]) -> bool:
    """Whether a page has only works that came before, as where a cursor leads in a circle. Adds its names to `seen`."""
    is_old = bool(names) and seen.issuperset(names)
    seen.update(names)
    return is_old
