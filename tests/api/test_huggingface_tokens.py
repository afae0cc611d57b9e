"""The papers contract on a members-only site: by personal tokens of this site."""

from __future__ import annotations

import pytest
from django.utils import timezone
from pytest_django import Settings

from papers.services.accounts.api_tokens import create_token
from tests.api.test_huggingface import DAY, get, rich_paper
from tests.support.people import reader

pytestmark = pytest.mark.django_db


def test_a_token_of_ours_says_who_asks_and_another_says_nothing(settings: Settings) -> None:
    paper, rita = rich_paper(), reader("otto")
    _, key = create_token(user=rita, name="hf", scopes=["read"], now=timezone.now())
    ours, theirs = f"Bearer {key}", "Bearer hf_" + "a" * 34
    for path in (DAY, f"/api/papers/{paper.public_id}", f"/papers/{paper.public_id}.md"):
        assert get(path, authorization=theirs).status_code == 200
        settings.ACCESS = "members"
        assert get(path, authorization=ours).status_code == 200
        assert get(path).status_code == 401
        assert get(path, authorization=theirs).status_code == 401
        assert get(path, authorization="Bearer bsh_" + "a" * 43).status_code == 401
        settings.ACCESS = "public"
