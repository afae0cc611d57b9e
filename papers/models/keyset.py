"""Comparing whole rows, as one step in an index: the "behind the last one" of lists that are read a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, F, Func, Value
from django.db.models.lookups import GreaterThan, LessThan


class _Row(Func):
    function = "ROW"
    # A row has no type of its own in Django; nothing reads this one.
    output_field = BooleanField()


def row_less_than(columns: Sequence[str], values: Sequence[bool | int | float | datetime]) -> LessThan[Any]:
    """A filter: the row of `columns` is smaller than that of `values`, the first column deciding before the second.

    An index on the columns in this order, all ascending or all descending, is entered at the right place.
    """
    return LessThan(_Row(*(F(column) for column in columns)), _Row(*(Value(value) for value in values)))


def row_greater_than(columns: Sequence[str], values: Sequence[bool | int | float | datetime]) -> GreaterThan[Any]:
    """The same of lists that are read upwards."""
    return GreaterThan(_Row(*(F(column) for column in columns)), _Row(*(Value(value) for value in values)))
