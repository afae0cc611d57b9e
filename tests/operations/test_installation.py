"""The group's choices: the environment wins, a cache never decides alone, a typing error breaks no page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from papers.models import Installation
from papers.services.operations.installation import (
    fixed_by_environment,
    group_settings,
    save_group_settings,
    skip_setup,
)

NOW = datetime(2025, 11, 24, 8, 0, tzinfo=UTC)


@pytest.mark.django_db
class TestCurrentGroup:
    def test_before_anything_was_chosen(self) -> None:
        group = group_settings()
        assert (group.name, group.time_zone, group.members_only, group.is_set_up) == ("", "UTC", False, False)

    def test_what_was_saved_holds_at_once(self, django_capture_on_commit_callbacks: Any) -> None:
        group_settings()  # fills the cache
        with django_capture_on_commit_callbacks(execute=True):
            save_group_settings(name="Language Lab", time_zone="Europe/Berlin", access="members", now=NOW)
        group = group_settings()
        assert (group.name, group.time_zone, group.members_only) == ("Language Lab", "Europe/Berlin", True)
        assert group.is_set_up

    def test_the_environment_wins(self, settings: Any) -> None:
        save_group_settings(name="Language Lab", time_zone="Europe/Berlin", access="public", now=NOW)
        settings.GROUP_NAME, settings.GROUP_TIME_ZONE, settings.ACCESS = "Vision Lab", "Asia/Tokyo", "members"
        group = group_settings()
        assert (group.name, group.time_zone, group.members_only) == ("Vision Lab", "Asia/Tokyo", True)
        assert fixed_by_environment() == {
            "group_name": "BROADSHEET_GROUP_NAME",
            "time_zone": "BROADSHEET_TIME_ZONE",
            "access": "BROADSHEET_ACCESS",
        }

    def test_a_process_that_knows_no_environment_does_not_open_the_site_for_one_that_does(self, settings: Any) -> None:
        group_settings()  # a worker fills the cache they share
        settings.ACCESS = "members"  # a web process, started with BROADSHEET_ACCESS=members
        assert group_settings().members_only

    def test_a_zone_that_is_none_counts_as_utc(self) -> None:
        Installation.objects.create(pk=1, time_zone="Mars/Olympus")
        assert group_settings().zone.key == "UTC"


@pytest.mark.django_db
class TestSkipping:
    def test_it_is_remembered_and_nothing_else_changes(self, django_capture_on_commit_callbacks: Any) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            skip_setup(now=NOW)
        assert group_settings().is_set_up
        assert Installation.objects.get().group_name == ""

    def test_it_does_not_move_an_earlier_answer(self) -> None:
        save_group_settings(name="Language Lab", time_zone="UTC", access="members", now=NOW)
        skip_setup(now=datetime(2025, 12, 1, tzinfo=UTC))
        row = Installation.objects.get()
        assert (row.set_up_at, row.group_name, row.access) == (NOW, "Language Lab", "members")
