"""How a paper looks in the contract: the entry of a list, and the flat object of one paper. Pure: no queries.

What is not known is absent, never null. Votes and comments are this site's own: what other sites count stays theirs, so
sites that follow each other count nothing twice.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from papers.api.huggingface.reading import ListedPaper
from papers.dates import start_of_day
from papers.models import Paper
from papers.text.names import organization_key


def entry(listed: ListedPaper) -> dict[str, Any]:
    """The paper as an item of a list: the inner paper, and beside it what the client reads only there."""
    inner = _inner(listed)
    repeated = ("organization", "ai_keywords", "projectPage", "githubRepo")
    submitter = inner.get("submittedOnDailyBy")
    return {
        "paper": inner,
        "publishedAt": inner["publishedAt"],
        "title": inner["title"],
        "summary": inner["summary"],
        "numComments": listed.paper.comment_count,
        **({"submittedBy": submitter} if submitter else {}),
        **{name: inner[name] for name in repeated if name in inner},
        "isAuthorParticipating": False,
        **_sample(listed.paper),
    }


def flat_paper(listed: ListedPaper) -> dict[str, Any]:
    """The paper as an object of its own."""
    return {**_inner(listed), "numComments": listed.paper.comment_count, **_sample(listed.paper)}


def time_text(at: datetime) -> str:
    """UTC with milliseconds and a Z, the year with four digits."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _inner(listed: ListedPaper) -> dict[str, Any]:
    paper = listed.paper
    known = {
        "submittedOnDailyAt": time_text(start_of_day(listed.day)) if listed.day else None,
        "submittedOnDailyBy": _account(listed.submitter) if listed.submitter else None,
        "projectPage": _link(paper, "project"),
        "githubRepo": _github(_link(paper, "code")),
        "organization": _organization(paper.organization) if paper.organization else None,
        "ai_keywords": list(listed.keywords) or None,
    }
    return {
        "id": paper.public_id,
        "authors": _authors(paper),
        "publishedAt": time_text(_published(paper)),
        "title": paper.title,
        "summary": paper.abstract,
        "upvotes": paper.vote_count,
        **{name: value for name, value in known.items() if value is not None},
    }


def _sample(paper: Paper) -> dict[str, str]:
    """The field in which the client says where a paper is from: of one of the sample, whose words are not its own."""
    return {"source": "sample"} if paper.is_sample else {}


def _published(paper: Paper) -> datetime:
    """When version 1 appeared; where no source has said, the announcement, else when the paper came here."""
    if paper.published_at is not None:
        return paper.published_at
    announced: date | None = paper.announced_on
    return start_of_day(announced) if announced else paper.listed_at


def _authors(paper: Paper) -> list[dict[str, Any]]:
    names = [str(author["name"]) for author in paper.authors if author.get("name")]
    return [
        {"_id": _id("author", paper.public_id, str(place)), "name": name, "hidden": False}
        for place, name in enumerate(names)
    ]


def _account(name: str) -> dict[str, Any]:
    """Somebody who submits papers, here or at a source; nothing but the name is known of either."""
    return {
        "_id": _id("account", name),
        "fullname": name,
        "user": name,
        "name": name,
        "type": "user",
        "isPro": False,
        "isHf": False,
        "isHfAdmin": False,
        "isMod": False,
    }


def _organization(name: str) -> dict[str, Any]:
    key = organization_key(name)
    return {"_id": _id("organization", key), "name": key.replace(" ", "-"), "fullname": name}


def _link(paper: Paper, kind: str) -> str | None:
    return (paper.links.get(kind) or {}).get("url") or None


def _github(url: str | None) -> str | None:
    return url if url and urlsplit(url).hostname in ("github.com", "www.github.com") else None


def _id(*parts: str) -> str:
    """24 hexadecimal digits, as the contract's ids have; the same for the same name for ever."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
