"""Days, weeks and months in addresses."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from papers.dates import (
    format_month,
    format_week,
    next_month,
    parse_day,
    parse_month,
    parse_week,
    week_start,
    weekly_counts,
)

MONDAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("text", "day"),
    [("2025-11-24", date(2025, 11, 24)), ("2024-02-29", date(2024, 2, 29)), ("1900-01-01", date(1900, 1, 1))],
)
def test_a_day_is_read(text: str, day: date) -> None:
    assert parse_day(text) == day


@pytest.mark.parametrize(
    "text",
    ["", "2025-02-29", "2025-13-01", "2025-11-31", "20251124", "2025-11-24 ", "2025-1-4", "0001-01-01", "9999-12-31",
     "2025-W48-1", "２０２５-11-24", "today", "2025-11-24\n"],
)  # fmt: skip
def test_what_is_no_day_is_none(text: str) -> None:
    assert parse_day(text) is None


def test_weeks_without_papers_are_there_too() -> None:
    found = weekly_counts(date(2026, 3, 4), [(date(2026, 2, 23), 4), (date(2020, 1, 6), 9)], weeks=3)
    assert found == [(date(2026, 2, 16), 0), (date(2026, 2, 23), 4), (date(2026, 3, 2), 0)]


def test_a_week_is_read_by_its_monday() -> None:
    assert parse_week("2025-W48") == date(2025, 11, 24)
    assert parse_week("2026-W53") == date(2026, 12, 28)


@pytest.mark.parametrize("text", ["", "2025-W53", "2025-W00", "2025-48", "2025-W4", "0000-W01", "9999-W01", "2200-W10"])
def test_what_is_no_week_is_none(text: str) -> None:
    assert parse_week(text) is None


def test_a_month_is_read_by_its_first_day() -> None:
    assert parse_month("2025-11") == date(2025, 11, 1)


@pytest.mark.parametrize("text", ["", "2025-13", "2025-00", "2025-1", "2025", "2025-11-01"])
def test_what_is_no_month_is_none(text: str) -> None:
    assert parse_month(text) is None


def test_names_lead_back() -> None:
    for days in range(0, 2000, 7):
        day = MONDAY + timedelta(days=days)
        assert parse_week(format_week(day)) == day == week_start(day + timedelta(days=6))
    assert format_week(date(2027, 1, 1)) == "2026-W53"
    assert format_month(MONDAY) == "2026-03"


def test_months_follow_each_other() -> None:
    assert next_month(date(2026, 1, 31).replace(day=1)) == date(2026, 2, 1)
    assert next_month(date(2026, 12, 1)) == date(2027, 1, 1)
