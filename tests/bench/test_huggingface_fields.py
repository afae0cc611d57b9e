"""The comparison of recorded answers with ours: what is called equal, absent and different; on a day made up here."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bench.huggingface_fields import ABSENT, DIFFERENT, EQUAL, EQUAL_BUT_SPACES, ONLY_HERE, answer_for, compare, main

DAY = date(2026, 3, 4)


def recorded(paper_id: str, *, votes: int, **more: Any) -> dict[str, Any]:
    """An entry in the shape of 2026."""
    account = {"_id": "6" * 24, "fullname": "A Reader", "user": "areader", "name": "areader", "type": "user"}
    paper = {
        "id": paper_id,
        "authors": [{"_id": "1" * 24, "name": "Ada Holm", "hidden": False}],
        "publishedAt": "2026-03-02T00:00:00.000Z",
        "submittedOnDailyAt": "2026-03-04T00:00:00.000Z",
        "title": "Tides\n  and Robots",
        "submittedOnDailyBy": account,
        "summary": "Words.",
        "upvotes": votes,
        "discussionId": "5" * 24,
        "githubRepo": "https://github.com/example/tides",
    }
    return {
        "paper": paper,
        "publishedAt": "2026-03-01T20:00:00.000Z",
        "title": "Tides and Robots",
        "summary": "Words.",
        "thumbnail": "https://example.org/x.png",
        "numComments": 2,
        "submittedBy": account,
        "isAuthorParticipating": False,
        **more,
    }


def test_verdicts() -> None:
    there = [{"paper": {"id": "1", "title": "A  B", "upvotes": 3, "gone": 1}}, {"paper": {"id": "2"}}]
    here = [{"paper": {"id": "1", "title": "A B", "upvotes": 0, "new": 1}}]
    assert {field: dict(counts) for field, counts in compare(there, here).items()} == {
        "(entry)": {EQUAL: 1, ABSENT: 1},
        "paper/id": {EQUAL: 1},
        "paper/title": {EQUAL_BUT_SPACES: 1},
        "paper/upvotes": {DIFFERENT: 1},
        "paper/gone": {ABSENT: 1},
        "paper/new": {ONLY_HERE: 1},
    }


@pytest.mark.django_db
def test_a_day_that_was_read_is_answered_as_it_was_recorded_but_for_what_is_said_to_differ() -> None:
    items = [recorded("2603.01001", votes=2), recorded("2603.01002", votes=57)]
    ours = answer_for(DAY, json.dumps(items).encode())
    assert [item["paper"]["id"] for item in ours] == ["2603.01002", "2603.01001"], "by the votes at the source"
    found = compare(items, ours)
    assert {field for field, counts in found.items() if set(counts) <= {EQUAL, EQUAL_BUT_SPACES}} >= {
        *("(entry)", "title", "summary", "isAuthorParticipating"),
        *(f"paper/{name}" for name in ("id", "authors[]/name", "authors[]/hidden", "publishedAt", "title", "summary")),
        *(f"paper/{name}" for name in ("submittedOnDailyAt", "submittedOnDailyBy/fullname", "githubRepo")),
    }
    assert {field for field, counts in found.items() if DIFFERENT in counts} == {
        *("publishedAt", "numComments", "paper/upvotes", "paper/authors[]/_id"),
        *(f"{who}/{name}" for who in ("submittedBy", "paper/submittedOnDailyBy") for name in ("_id", "user", "name")),
    }


def test_without_recorded_days_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "nothing was compared" in capsys.readouterr().out
