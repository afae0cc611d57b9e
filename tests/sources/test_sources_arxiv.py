"""arXiv's clock and its names for sets of papers."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from papers.sources.arxiv import (
    categories_by_archive,
    eastern_day,
    has_feed,
    last_announcement,
    next_feed,
    next_oai_records,
    oai_sets,
    parse_date,
    parse_datetime,
)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def test_the_day_is_that_of_new_york() -> None:
    assert eastern_day(utc(2026, 11, 24, 4, 59)) == date(2026, 11, 23)
    assert eastern_day(utc(2026, 7, 24, 4, 0)) == date(2026, 7, 24)


def test_feeds_carry_announcements_from_monday_to_friday() -> None:
    assert [has_feed(date(2026, 11, day)) for day in range(16, 23)] == [True] * 5 + [False] * 2


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (utc(2026, 11, 24, 12), utc(2026, 11, 24, 1)),  # Tuesday morning: Monday evening
        (utc(2026, 11, 24, 0, 59), utc(2026, 11, 23, 1)),  # Monday before eight: Sunday evening
        (utc(2026, 11, 21, 12), utc(2026, 11, 20, 1)),  # Saturday: Thursday evening
        (utc(2026, 11, 23, 1), utc(2026, 11, 23, 1)),  # Sunday, on the stroke of eight
    ],
)
def test_the_last_announcement(moment: datetime, expected: datetime) -> None:
    assert last_announcement(moment) == expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (utc(2026, 11, 24, 12), utc(2026, 11, 25, 5)),
        (utc(2026, 11, 21, 3), utc(2026, 11, 23, 5)),  # Friday evening: Monday
        (utc(2026, 3, 8, 12), utc(2026, 3, 9, 4)),  # the clocks went forward this Sunday
    ],
)
def test_the_next_feed_starts_at_midnight(moment: datetime, expected: datetime) -> None:
    assert next_feed(moment) == expected


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (utc(2026, 11, 24, 3, 59), utc(2026, 11, 24, 4)),
        (utc(2026, 11, 24, 4), utc(2026, 11, 25, 4)),
        (utc(2026, 11, 20, 12), utc(2026, 11, 23, 4)),  # Friday: Sunday evening
    ],
)
def test_records_are_there_at_eleven_in_the_evening(moment: datetime, expected: datetime) -> None:
    assert next_oai_records(moment) == expected


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
