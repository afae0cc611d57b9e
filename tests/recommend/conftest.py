"""A reader, and papers to suggest, at noon. Read before Django is set up, so what needs it is imported late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from papers.models import Paper, User


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.core.cache import cache

    from tests.support.factories import NOW

    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    cache.clear()


@pytest.fixture
def rita() -> User:
    from tests.support.people import reader

    return reader()


@pytest.fixture
def stream() -> list[Paper]:
    from tests.support.recommendation_data import make_recent_papers

    return make_recent_papers()
