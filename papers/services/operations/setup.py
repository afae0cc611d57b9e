"""The first-run page's one write: the group's choices, its sources, and their first fetch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from papers.catalogue.categories import expand_pattern
from papers.models import Source
from papers.services.fetching.source_config import configure_sources, ensure_default_sources, request_fetches
from papers.services.operations.installation import group_settings, privacy_text, save_group_settings, skip_setup
from papers.sources import huggingface

FIRST_FETCH_GRACE = timedelta(minutes=5)
"""How long the first fetch waits for an answer on the first-run page: a group that reads mathematics wants no first
edition of computer science. Nobody has to answer."""


@dataclass(frozen=True, slots=True)
class SetupAnswers:
    """What the first-run page asks."""

    group_name: str
    time_zone: str
    access: str
    """public or members."""
    categories: tuple[str, ...]
    huggingface: bool
    privacy_text: str = ""
    """What the group says on /privacy, in Markdown."""
    shows_thumbnails: bool = False
    """Cards have a picture of the paper's first page."""


def current_answers() -> SetupAnswers:
    """What holds now; before the first answer, the defaults."""
    group = group_settings()
    arxiv = Source.objects.announcing().order_by("pk").first()
    return SetupAnswers(
        group_name=group.name,
        time_zone=group.time_zone,
        access="members" if group.members_only else "public",
        categories=tuple(arxiv.categories) if arxiv else expand_categories(settings.ARXIV_CATEGORIES),
        huggingface=Source.objects.filter(kind=huggingface.adapter.kind, is_enabled=True).exists(),
        privacy_text=privacy_text(),
        shows_thumbnails=group.shows_thumbnails,
    )


def expand_categories(patterns: Iterable[str]) -> tuple[str, ...]:
    """The categories that `patterns` such as `cs.CL` or `cs.*` stand for, each once; what nobody knows is left out."""
    return tuple(dict.fromkeys(code for pattern in patterns for code in expand_pattern(pattern)))


def save_answers(answers: SetupAnswers, *, now: datetime) -> None:
    """Store the group's choices, bring its sources in line and have them fetched now. Idempotent."""
    with transaction.atomic():
        save_group_settings(
            name=answers.group_name,
            time_zone=answers.time_zone,
            access=answers.access,
            privacy_text=answers.privacy_text,
            shows_thumbnails=answers.shows_thumbnails,
            now=now,
        )
        configure_sources(categories=answers.categories, with_huggingface=answers.huggingface, now=now)


def skip_first_run(*, now: datetime) -> None:
    """Leave everything at its default, and have the default sources fetched now. Idempotent."""
    with transaction.atomic():
        skip_setup(now=now)
        if not ensure_default_sources(now=now):
            never_visited = Source.objects.filter(is_enabled=True, runs=None)
            request_fetches(never_visited.values_list("pk", flat=True), now=now)


def prepare_sources(*, now: datetime) -> None:
    """Make the default sources at the first start; they are fetched after `GRACE`, or once the page is answered.

    Idempotent. Who has answered, and then deleted every source, does not get them back.
    """
    if not group_settings().is_set_up:
        ensure_default_sources(now=now + FIRST_FETCH_GRACE)
