"""Papers as rows of a file: one JSON object a paper, the form in which people publish catalogues of papers. Pure.

Fields: arxiv_id, doi, url, title, abstract, authors (names, or objects with name, affiliation and orcid), categories,
listed_in (one category, where no others are known), published, updated, announced_on, version, comment, journal_ref,
license, withdrawn, organization, github, project_page; and as Hugging Face's own: submitted_on (its list day), upvotes,
num_comments. All but a title and something to know the paper by may be missing or null; others are left alone.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, NoReturn

from papers.catalogue.identifiers import arxiv_month, parse_arxiv_id, parse_orcid
from papers.sources.arxiv import parse_date, parse_datetime
from papers.sources.base import ExternalCounts, RawAuthor, RawListing, RawPaper

HUGGINGFACE = "huggingface"
ARXIV = "arxiv"
LISTS = (ARXIV, HUGGINGFACE)
"""Whose daily lists a row can name: arXiv's announcements and Hugging Face's days."""

_LARGEST = 2**31 - 1
_MAX_AUTHORS = 20_000
_REPR_CHARACTERS = 2_000


class InvalidRowError(Exception):
    """A row that is no paper; the message says why."""


def parse_line(line: bytes) -> dict[str, Any]:
    """The JSON object in a line.

    Raises:
        InvalidRowError: there is none.
    """
    try:
        row = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise InvalidRowError(f"The row is not UTF-8 (byte {error.start + 1}).") from None
    except RecursionError:
        raise InvalidRowError("The row is nested too deeply.") from None
    except ValueError as error:
        raise InvalidRowError(_why_no_json(line, error)) from None
    if not isinstance(row, dict):
        raise InvalidRowError(f"The row is {_kind_of(row)}, not an object with the fields of a paper.")
    return row


def parse_row(row: Mapping[str, Any], *, position: int = 0, site: str = "") -> tuple[RawPaper, ...]:
    """The record of a row; a second one, which only lists, where the row names a day of two lists.

    `position` orders the row within its days; `site` is Hugging Face's address.

    Raises:
        InvalidRowError: a field has a wrong type.
    """
    title = _title(row)
    arxiv_id, doi, url = _identifier(row, "arxiv_id"), _text(row, "doi"), _text(row, "url")
    announced_on, submitted_on = _day(row, "announced_on"), _day(row, "submitted_on")
    days = ((announced_on, "new"), (submitted_on, "daily"))
    lists = [RawListing(day, kind, position) for day, kind in days if day]
    paper = RawPaper(
        source="import",
        title=title,
        arxiv_id=arxiv_id,
        version=_version(row),
        doi=doi,
        url=url,
        abstract=_text(row, "abstract"),
        authors=_authors(row.get("authors")),
        categories=_categories(row),
        published_at=_moment(row, "published"),
        updated_at=_moment(row, "updated"),
        announced_on=announced_on,
        comment=_text(row, "comment"),
        journal_ref=_text(row, "journal_ref"),
        license=_text(row, "license"),
        is_withdrawn=_flag(row, "withdrawn"),
        organization=_text(row, "organization"),
        code_url=_text(row, "github"),
        project_url=_text(row, "project_page"),
        external_counts=_external_counts(row, arxiv_id, submitted_on or announced_on, site),
        listed_on=lists[0] if lists else None,
    )
    others = (RawPaper(source="import", title=title, arxiv_id=arxiv_id, doi=doi, url=url, listed_on=on)
              for on in lists[1:])  # fmt: skip
    return (paper, *others)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _why_no_json(line: bytes, error: ValueError) -> str:
    if _is_python(line[:_REPR_CHARACTERS].decode("utf-8", "replace")):
        return "The row is written as Python writes it, not as JSON."
    return f"The row is not JSON ({error})."


def _is_python(text: str) -> bool:
    """Whether a row looks like the repr of a dict. Literals only: nothing is evaluated, and nothing long is tried."""
    if not text.startswith("{'"):
        return False
    try:
        ast.literal_eval(text.partition(",")[0] + "}")
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return "': " in text
    return True


def _kind_of(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    if value is None or isinstance(value, str):
        return value
    raise InvalidRowError(f"{name} is {_kind_of(value) if not isinstance(value, dict) else 'an object'}, not a text.")


def _title(row: Mapping[str, Any]) -> str:
    title = _text(row, "title")
    if title is None or not title.strip():
        raise InvalidRowError("The row has no title.")
    return title


def _identifier(row: Mapping[str, Any], name: str) -> str | None:
    """An arXiv id. Readers of tables make numbers of them, and cut what they take for needless zeros."""
    value = row.get(name)
    if isinstance(value, float):
        raise InvalidRowError(f"{name} is the number {value}: its zeros may be lost. Write it as a text.")
    return _text(row, name)


def _day(row: Mapping[str, Any], name: str) -> date | None:
    text = _text(row, name)
    if not text:
        return None
    day = parse_date(text)
    if day is None or day.year < 1990:
        raise InvalidRowError(f"{name} is {text[:40]!r}, not a day such as 2026-11-24.")
    return day


def _moment(row: Mapping[str, Any], name: str) -> datetime | None:
    text = _text(row, name)
    if not text:
        return None
    moment = parse_datetime(text)
    if moment is None:
        raise InvalidRowError(f"{name} is {text[:40]!r}, not a moment such as 2026-11-24T10:00:00Z.")
    return moment


def _version(row: Mapping[str, Any]) -> int | None:
    value = row.get("version")
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**15):
        return value
    raise InvalidRowError("version is not a number from 1.")


def _flag(row: Mapping[str, Any], name: str) -> bool | None:
    value = row.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise InvalidRowError(f"{name} is neither true nor false.")


def _authors(value: Any) -> tuple[RawAuthor, ...] | None:
    """None where there are none: that a file does not name them says nothing."""
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > _MAX_AUTHORS:
        raise InvalidRowError("authors is not a list of names.")
    found = []
    for item in value:
        if isinstance(item, str):
            found.append(RawAuthor(item))
        elif isinstance(item, dict) and isinstance(item.get("name"), str):
            found.append(RawAuthor(item["name"], _text(item, "affiliation") or "", _orcid(item)))
        else:
            raise InvalidRowError("One of the authors is not a name.")
    return tuple(found) or None


def _orcid(item: Mapping[str, Any]) -> str:
    """As it is kept; empty where there is none, or one whose last digit is wrong."""
    return parse_orcid(_text(item, "orcid") or "") or ""


def _categories(row: Mapping[str, Any]) -> tuple[str, ...] | None:
    value = row.get("categories")
    if isinstance(value, str):
        value = value.split()
    if not (value is None or (isinstance(value, list) and all(isinstance(code, str) for code in value))):
        raise InvalidRowError("categories is not a list of texts.")
    if not value and (seen_in := _text(row, "listed_in")):
        value = [seen_in]
    return tuple(value) if value else None


def _external_counts(
    row: Mapping[str, Any], arxiv_id: str | None, counted_on: date | None, site: str
) -> ExternalCounts | None:
    votes, comments = _count(row, "upvotes"), _count(row, "num_comments")
    if votes is None and comments is None:
        return None
    arxiv = parse_arxiv_id(arxiv_id or "")
    if counted_on is None and arxiv:  # not today: it would make the papers of years ago trend
        counted_on = (arxiv_month(arxiv.value) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return ExternalCounts(
        votes=votes or 0,
        comments=comments or 0,
        url=f"{site.rstrip('/')}/papers/{arxiv.value}" if arxiv and site else "",
        source=HUGGINGFACE,
        counted_on=counted_on,
    )


def _count(row: Mapping[str, Any], name: str) -> int | None:
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidRowError(f"{name} is not a whole number.")
    return min(max(value, 0), _LARGEST)
