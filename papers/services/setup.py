"""The first-run page's one write: the group's choices, its sources, and their first visit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from papers.categories import expand
from papers.models import Source
from papers.services.installation import current_group, save_group
from papers.services.sources import configure_sources


@dataclass(frozen=True, slots=True)
class Answers:
    """What the first-run page asks."""

    group_name: str
    time_zone: str
    access: str
    """public or members."""
    categories: tuple[str, ...]
    huggingface: bool


def current_answers() -> Answers:
    """What holds now; before the first answer, the defaults."""
    group = current_group()
    arxiv = Source.objects.filter(kind=Source.Kind.ARXIV_RSS, is_enabled=True).order_by("pk").first()
    return Answers(
        group_name=group.name,
        time_zone=group.time_zone,
        access="members" if group.members_only else "public",
        categories=tuple(arxiv.categories) if arxiv else known_categories(settings.ARXIV_CATEGORIES),
        huggingface=Source.objects.filter(kind=Source.Kind.HUGGINGFACE, is_enabled=True).exists(),
    )


def known_categories(patterns: Iterable[str]) -> tuple[str, ...]:
    """The categories that `patterns` such as `cs.CL` or `cs.*` stand for, each once; what nobody knows is left out."""
    return tuple(dict.fromkeys(code for pattern in patterns for code in expand(pattern)))


def save_answers(answers: Answers, *, now: datetime) -> None:
    """Store the group's choices, bring its sources in line and have them visited now. Idempotent."""
    with transaction.atomic():
        save_group(name=answers.group_name, time_zone=answers.time_zone, access=answers.access, now=now)
        configure_sources(categories=answers.categories, huggingface=answers.huggingface, now=now)
