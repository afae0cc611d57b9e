"""What programs ask for at the front door."""

from __future__ import annotations

from typing import Any
from urllib.robotparser import RobotFileParser

import pytest

from papers.services.operations.installation import save_group_settings
from tests.support import factories
from tests.support.people import anonymous_client

pytestmark = pytest.mark.django_db


def robot() -> RobotFileParser:
    answer = anonymous_client().get("/robots.txt")
    assert answer["Content-Type"].startswith("text/plain")
    found = RobotFileParser()
    found.parse(answer.content.decode().splitlines())
    return found


@pytest.mark.parametrize("path", ["/", "/papers/2603.00001", "/papers/date/2026-03-05", "/topics/rag", "/papers.atom"])
def test_papers_may_be_found(path: str) -> None:
    assert robot().can_fetch("*", path)


@pytest.mark.parametrize("path", ["/papers?q=rag", "/curate", "/admin/", "/u/key", "/s/key/1", "/papers/since"])
def test_pages_without_end_and_pages_of_one_reader_may_not(path: str) -> None:
    assert not robot().can_fetch("*", path)


def test_of_a_members_only_site_nothing_may_be_found() -> None:
    save_group_settings(name="Language Lab", time_zone="UTC", access="members", now=factories.NOW)
    assert not robot().can_fetch("*", "/papers/2603.00001")


def test_a_sub_path_is_named(settings: Any) -> None:
    from config.site_url import Site

    settings.SITE = Site.from_url("https://example.org/papers-of-our-lab")
    assert "Disallow: /papers-of-our-lab/curate" in anonymous_client().get("/robots.txt").content.decode()


def test_there_is_a_picture() -> None:
    assert anonymous_client().get("/favicon.ico")["Location"].endswith(".png")
