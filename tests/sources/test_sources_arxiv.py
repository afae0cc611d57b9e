"""arXiv's names for sets of papers, and dates as it writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from papers.sources.arxiv import (
    categories_by_archive,
    oai_sets,
    parse_date,
    parse_datetime,
)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def test_categories_by_archive() -> None:
    assert categories_by_archive(["cs.CL", "hep-th", "cs.LG", "cs.CL"]) == {
        "cs": ("cs.CL", "cs.LG"),
        "hep-th": ("hep-th",),
    }


def test_old_names_mean_what_they_became_and_inactive_ones_are_not_asked() -> None:
    assert categories_by_archive(["cmp-lg", "astro-ph", "nothing.XX"]) == {
        "cs": ("cs.CL",),
        "astro-ph": tuple(f"astro-ph.{name}" for name in ("CO", "EP", "GA", "HE", "IM", "SR")),
    }


def test_sets_of_oai() -> None:
    assert oai_sets(["cs.CL", "stat.ML", "hep-th", "cond-mat.mes-hall", "physics.optics"]) == (
        "cs:cs:CL",
        "stat:stat:ML",
        "physics:hep-th",
        "physics:cond-mat:mes-hall",
        "physics:physics:optics",
    )


def test_a_whole_archive_is_one_set() -> None:
    assert oai_sets(["econ.*"]) == ("econ:econ",)
    assert oai_sets(["cs.*"])[0] == "cs:cs"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mon, 2 Apr 2007 19:18:42 GMT", utc(2007, 4, 2, 19, 18, 42)),
        ("2025-08-20T00:00:00-04:00", utc(2025, 8, 20, 4)),
        ("2026-04-12T22:10:26Z", utc(2026, 4, 12, 22, 10, 26)),
        ("2026-04-12", utc(2026, 4, 12)),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_moments(text: str | None, expected: datetime | None) -> None:
    assert parse_datetime(text) == expected


def test_days() -> None:
    assert parse_date("2026-11-24T10:00:00Z") == date(2026, 11, 24)
    assert parse_date("24 November") is None
    assert parse_date(None) is None
