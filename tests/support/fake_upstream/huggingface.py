"""The shape of huggingface.co/api/daily_papers: a day's list with the site's own figures, and one paper."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from tests.support.fake_upstream.answer import Answer, Known, UpstreamState, apply_faults
from tests.support.fake_upstream.behaviour import Behaviour

_JSON = "application/json; charset=utf-8"


def answer_list(state: UpstreamState, params: Mapping[str, str], behaviour: Behaviour) -> Answer:
    """Answer `/api/daily_papers`; a day that has not come is status 400."""
    try:
        days = _asked_days(state, params)
    except ValueError as error:
        return Answer(json.dumps({"error": f"Invalid date: {error}"}), _JSON, status=400)
    if min(days) > state.today:
        return Answer(json.dumps({"error": "The date is in the future"}), _JSON, status=400)
    day = state.last_day if behaviour.is_stale else None
    found = [
        (paper.arxiv_id, _item((paper, version), behaviour))
        for paper, version in state.catalogue.known(state.today)
        if paper.is_featured and (paper.announced_on == day if day else paper.announced_on in days)
    ]
    size = min(int(params.get("limit", "50")), 100)
    start = int(params.get("p", "0")) * size
    return Answer(json.dumps(apply_faults(found[start : start + size], behaviour)), _JSON)


def answer_paper(state: UpstreamState, arxiv_id: str, behaviour: Behaviour) -> Answer:
    """Answer `/api/papers/<id>`."""
    for paper, version in state.catalogue.known(state.today):
        if paper.arxiv_id == arxiv_id and paper.is_featured:
            return Answer(json.dumps(_item((paper, version), behaviour)["paper"]), _JSON)
    return Answer(json.dumps({"error": "Paper not found"}), _JSON, status=404)


def _asked_days(state: UpstreamState, params: Mapping[str, str]) -> list[date]:
    """The days of `date`, `week` (2026-W48) or `month` (2026-11), else the newest list's."""
    if "date" in params:
        return [date.fromisoformat(params["date"])]
    days = state.catalogue.days
    if "week" in params:
        year, _, week = params["week"].partition("-W")
        first = date.fromisocalendar(int(year), int(week), 1)
        return [day for day in days if 0 <= (day - first).days < 7] or [first]
    if "month" in params:
        first = date.fromisoformat(f"{params['month']}-01")
        return [day for day in days if (day.year, day.month) == (first.year, first.month)] or [first]
    return [max((day for day in days if day <= state.today), default=state.today)]


def _item(known: Known, behaviour: Behaviour) -> dict[str, Any]:
    paper, version = known
    day = f"{paper.announced_on}T00:00:00.000Z"
    submitter = {"_id": _id("reader", paper.arxiv_id), "fullname": "A Reader", "name": "areader", "type": "user"}
    inner: dict[str, Any] = {
        "id": paper.arxiv_id,
        "authors": [{"_id": _id(name, paper.arxiv_id), "name": name, "hidden": False} for name in paper.authors],
        "publishedAt": f"{paper.versions[0].released_at:%Y-%m-%dT00:00:00.000Z}",
        "submittedOnDailyAt": day,
        "title": version.title.replace(" for ", "\n  for "),
        "submittedOnDailyBy": submitter,
        "summary": paper.abstract,
        "upvotes": paper.upvotes,
        "discussionId": _id("discussion", paper.arxiv_id),
    }
    if paper.upvotes % 2:
        inner |= {"githubRepo": f"https://github.com/example/{paper.arxiv_id}", "githubStars": paper.upvotes * 3}
    if paper.upvotes % 3 == 0:
        inner |= {"projectPage": f"https://example.org/{paper.arxiv_id}"}
    item: dict[str, Any] = {
        "paper": inner,
        "publishedAt": inner["publishedAt"],
        "title": version.title,
        "summary": paper.abstract,
        "thumbnail": f"https://example.org/thumbnails/{paper.arxiv_id}.png",
        "numComments": paper.upvotes // 10,
        "submittedBy": submitter,
        "isAuthorParticipating": False,
    }
    if paper.upvotes % 5 == 0:
        item["organization"] = {"_id": _id("organization", paper.arxiv_id), "name": "tidal", "fullname": "Tidal Lab"}
    # Some days were once served with every item as a string of another language's notation.
    return {"paper": str(inner)} if paper.arxiv_id in behaviour.spoil_ids else item


def _id(*words: str) -> str:
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:24]
