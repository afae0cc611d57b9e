"""A paper as a row of a file or an answer: the fields that `import_papers` reads (papers/sources/json_rows.py)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from papers.models import Paper

COLUMNS = (
    *("public_id", "title", "abstract", "authors", "organization", "categories", "published_at", "announced_on"),
    *("updated_at", "version", "doi", "journal_ref", "comment", "license", "withdrawn_at", "links"),
)
"""Of a paper, what a row is made of."""


def paper_row(paper: Paper, identifiers: Mapping[str, str]) -> dict[str, Any]:
    """The row of a paper with its `identifiers`, scheme → value. What is empty is left out; times in UTC."""
    links: dict[str, dict[str, Any]] = paper.links
    found = {
        "arxiv_id": identifiers.get("arxiv"),
        "doi": paper.doi or identifiers.get("doi"),
        "url": identifiers.get("url"),
        "title": paper.title,
        "abstract": paper.abstract,
        "authors": [_author(author) for author in paper.authors],
        "categories": list(paper.categories),
        "published": _moment(paper.published_at),
        "updated": _moment(paper.updated_at),
        "announced_on": paper.announced_on.isoformat() if paper.announced_on else None,
        "version": paper.version,
        "comment": paper.comment,
        "journal_ref": paper.journal_ref,
        "license": paper.license,
        "withdrawn": True if paper.withdrawn_at else None,
        "organization": paper.organization,
        "github": links.get("code", {}).get("url"),
        "project_page": links.get("project", {}).get("url"),
    }
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def _author(author: Mapping[str, Any]) -> dict[str, str]:
    return {name: author[name] for name in ("name", "affiliation", "orcid") if author.get(name)}


def _moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None
