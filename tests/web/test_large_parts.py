"""Large parts of pages, which are joined with them at the end."""

from __future__ import annotations

import pytest
from django.template import engines
from django.utils.safestring import mark_safe

from papers.web.large_parts import LargeParts


def test_parts_stand_where_the_page_shows_them() -> None:
    parts = LargeParts()
    first, second = parts.add(mark_safe("<b>é</b>")), parts.add(mark_safe("<i>2</i>"))
    template = engines["django"].from_string("<p>{{ first }}ü{% if second %}{{ second }}{% endif %}</p>")
    assert parts.joined(template.render({"first": first, "second": second})).decode() == "<p><b>é</b>ü<i>2</i></p>"


def test_nothing_is_nothing_in_the_template_too() -> None:
    parts = LargeParts()
    template = engines["django"].from_string("{% if part %}some{% else %}none{% endif %}")
    assert parts.joined(template.render({"part": parts.add(mark_safe(""))})) == b"none"


def test_what_a_page_does_not_show_is_left_out() -> None:
    parts = LargeParts()
    parts.add(mark_safe("cards"))
    assert parts.joined("<p>Nothing here.</p>") == b"<p>Nothing here.</p>"


def test_a_page_that_shows_some_of_its_parts_is_a_fault() -> None:
    parts = LargeParts()
    first, _ = parts.add(mark_safe("one")), parts.add(mark_safe("two"))
    with pytest.raises(ValueError, match="1 of 2"):
        parts.joined(f"<p>{first}</p>")


def test_a_mark_is_in_no_part_of_its_own_page() -> None:
    """What a part has in it is not looked through, so nothing in it can ask for another part."""
    parts = LargeParts()
    mark = parts.add(mark_safe("one"))
    again = parts.add(mark_safe("two ") + mark)
    assert parts.joined(f"{mark} {again}") == f"one two {mark}".encode()
