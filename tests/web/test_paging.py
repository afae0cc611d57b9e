"""Cursors: what is written is read back, and nothing else is read at all."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.models.change import ChangePosition
from papers.models.comment import CommentPosition
from papers.models.listing import DayCursor, SpanCursor
from papers.models.paper import CategoryPosition, NewestPosition, TrendingPosition
from papers.web.paging import decode_cursor, encode_cursor

numbers = st.integers(0, 2**63 - 1)
moments = st.datetimes(timezones=st.just(UTC))


@given(st.builds(DayCursor, st.booleans(), numbers, numbers, numbers, numbers, numbers))
def test_a_day_s_position_is_read_back(position: DayCursor) -> None:
    assert decode_cursor(encode_cursor(position), DayCursor) == position


@given(st.builds(NewestPosition, moments, numbers), st.builds(TrendingPosition, st.floats(-1e6, 1e6), numbers))
def test_moments_and_figures_are_read_back_exactly(new: NewestPosition, hot: TrendingPosition) -> None:
    assert decode_cursor(encode_cursor(new), NewestPosition) == new
    assert decode_cursor(encode_cursor(hot), TrendingPosition) == hot


@given(st.text(max_size=300))
def test_any_text_is_a_position_or_none(text: str) -> None:
    for kind in (DayCursor, SpanCursor, NewestPosition, TrendingPosition):
        found = decode_cursor(text, kind)
        assert found is None or isinstance(found, kind)


def written(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "value",
    [
        [1, 2], [1, 2, 3, 4], [1, 2, "3"], [1, 2, None], [1, 2, True], [1, 2, 3.5], [1, 2, 2**63], [1, 2, [3]],
        {"a": 1}, 7, None, [1, 2, float("nan")], [1, 2, float("inf")], [1, 2, -(2**64)],
    ],
)  # fmt: skip
def test_another_shape_is_none(value: object) -> None:
    assert decode_cursor(written(value), SpanCursor) is None


def test_a_figure_that_is_no_number_is_none() -> None:
    for text in ("NaN", "Infinity", "1e400"):
        assert decode_cursor(base64.urlsafe_b64encode(f"[{text}, 1]".encode()).decode(), TrendingPosition) is None


def test_a_moment_out_of_reach_is_none() -> None:
    assert decode_cursor(written([2**62, 1]), NewestPosition) is None


@pytest.mark.parametrize("changed", [" {}", "{}\x00", "{}\n", "{}====", "!{}", '"{}"', "{}."])
def test_signs_around_a_cursor_are_none(changed: str) -> None:
    cursor = encode_cursor(SpanCursor(*range(len(SpanCursor._fields))))
    assert decode_cursor(cursor, SpanCursor) is not None
    assert decode_cursor(changed.format(cursor), SpanCursor) is None


def test_it_is_short_and_needs_no_escaping() -> None:
    word = encode_cursor(DayCursor(False, 0, 12, 345, 678, 123_456_789))
    assert word.replace("-", "").replace("_", "").isalnum()
    assert len(word) < 60


def test_a_list_takes_no_cursor_of_another_whose_positions_look_the_same() -> None:
    moment = datetime(2026, 3, 4, tzinfo=UTC)
    assert decode_cursor(encode_cursor(NewestPosition(moment, 1)), CategoryPosition) is None
    assert decode_cursor(encode_cursor(CommentPosition(1)), ChangePosition) is None


def test_a_plain_position_is_named_by_its_kind() -> None:
    assert decode_cursor(encode_cursor((1, 2, 3), SpanCursor), SpanCursor) == SpanCursor(1, 2, 3)


def test_a_cursor_of_earlier_versions_without_a_name_is_read_by_its_shape() -> None:
    """Mirrors have them stored beside what they took, and would begin anew."""
    assert decode_cursor(written([7]), ChangePosition) == ChangePosition(7)


@pytest.mark.parametrize("name", [None, 7, True, "", "SpanCursor ", ["SpanCursor"], "tuple"])
def test_a_name_that_is_none_of_this_list_is_none(name: object) -> None:
    assert decode_cursor(written(["SpanCursor", 1, 2, 3]), SpanCursor) == SpanCursor(1, 2, 3)
    assert decode_cursor(written([name, 1, 2, 3]), SpanCursor) is None


def test_a_deep_nest_is_none() -> None:
    class Short(NamedTuple):
        pk: int

    assert decode_cursor(base64.urlsafe_b64encode(b"[" * 140).decode(), Short) is None
    assert decode_cursor(encode_cursor(Short(5)), Short) == Short(5)


def test_microseconds_are_kept() -> None:
    moment = datetime(2026, 3, 4, 12, 0, 0, 123_457, tzinfo=UTC) + timedelta(days=1)
    found = decode_cursor(encode_cursor(NewestPosition(moment, 1)), NewestPosition)
    assert found is not None
    assert found.listed_at == moment
