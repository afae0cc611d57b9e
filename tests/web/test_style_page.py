"""The page of components: for administrators, with every colour there is, and no rows read for it."""

from __future__ import annotations

import re

import pytest

from papers.views.style import COLOURS
from tests.meta.source_files import ROOT
from tests.support.pages import parse_html
from tests.support.people import client_of, staff

pytestmark = pytest.mark.django_db


def test_it_shows_each_component_and_what_is_wrong_with_a_field() -> None:
    page = parse_html(client_of(staff()).get("/style").content.decode())
    for name in ("button", "vote", "banner", "chip", "tag", "list-head", "field", "day-table", "empty", "visit"):
        assert page.xpath(f"//main//*[contains(concat(' ', @class, ' '), ' {name} ')]"), name
    assert len(page.xpath("//main//*[contains(@class, 'wrong')]")) == 2


def test_the_colours_are_those_of_the_tokens() -> None:
    tokens = (ROOT / "static" / "css" / "tokens.css").read_text(encoding="utf-8")
    named = set(re.findall(r"--([\w-]+): var\(--if-light", tokens))
    assert set(COLOURS) == named - {"accent-ink", "accent-soft", "warn-soft"}
