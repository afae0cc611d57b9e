"""What several forms share: the field of tags, the names of time zones."""

from __future__ import annotations

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError

from papers.services.reading.tags import TagError, parse_tag_names


@cache
def time_zones() -> tuple[str, ...]:
    """Names to choose from: UTC first, then the cities of each region. Old aliases such as `GB` are left out."""
    regions = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
    return ("UTC", *sorted(name for name in available_timezones() if name.startswith(tuple(f"{r}/" for r in regions))))


def find_time_zone(typed: str) -> str:
    """The name as `zoneinfo` writes it. Spaces and case don't matter, and a city will do.

    Raises:
        ValidationError: there is none, or more than one.
    """
    wanted = typed.strip().replace(" ", "_").lower()
    found = [name for name in available_timezones() if name.lower() == wanted]
    found = found or [name for name in time_zones() if name.lower().endswith(f"/{wanted}")]
    if len(found) != 1:
        raise ValidationError("There is no such time zone. Names look like Europe/Berlin, America/New_York or UTC.")
    return found[0]


class TagsField(forms.CharField):
    """Tags in one line, separated by commas; cleaned, a list of names."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "max_length": 1_000, "label": "Tags", **options})
        self.widget.attrs |= {"autocomplete": "off", "list": "own-tags", "placeholder": "separated by commas"}

    def clean(self, value: Any) -> list[str]:
        try:
            return parse_tag_names(super().clean(value))
        except TagError as error:
            raise ValidationError(str(error)) from error
