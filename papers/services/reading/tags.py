"""Tags: a reader's own words for papers; put on many at once, renamed, merged, shared with the group."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from django.db import transaction
from django.utils import timezone

from papers.models import Paper, Tag, TaggedPaper, User
from papers.models.library import MAX_TAG_LENGTH
from papers.services.recommend.staleness import mark_recommendations_stale
from papers.text.cleaning import typed_line

MAX_TAGS_AT_ONCE = 20
_SEPARATORS = re.compile(r"[,;\n]")


class TagError(Exception):
    """It is no tag, or they are too many; the message says what to do, for the reader."""


def parse_tag_names(text: str) -> list[str]:
    """The names in a text that separates them by commas, semicolons or lines; each once.

    Raises:
        TagError: one is too long, has a slash in it, or they are too many.
    """
    names = {name.casefold(): name for name in map(parse_tag_name, _SEPARATORS.split(text)) if name}
    if len(names) > MAX_TAGS_AT_ONCE:
        raise TagError(f"Enter at most {MAX_TAGS_AT_ONCE} tags.")
    return list(names.values())


def parse_tag_name(text: str) -> str:
    """A tag's name as it is stored, without surrounding space and `#`; empty where nothing is left.

    Raises:
        TagError: it is too long, or could not stand in an address.
    """
    name = typed_line(text).removeprefix("#").strip()
    if len(name) > MAX_TAG_LENGTH:
        raise TagError(f"A tag can have at most {MAX_TAG_LENGTH} characters.")
    if "/" in name or "\\" in name:
        raise TagError("A tag can’t contain slashes.")
    if name in (".", ".."):
        raise TagError("Dots alone are not a tag.")
    return name


def tag_names_of_paper(*, user: User, paper_id: int) -> list[str]:
    """The names of a reader's tags on a paper. One query."""
    return list(Tag.objects.of(user).filter(tagged__paper=paper_id).values_list("name", flat=True))


def add_tags(*, user: User, paper_ids: Collection[int], names: Iterable[str]) -> int:
    """Put tags on papers, making new tags where needed; returns how many were put. Idempotent.

    Hidden papers get none.
    """
    with transaction.atomic():
        mark_recommendations_stale(user)
        tags = [_tag(user, name) for name in names]
        papers = Paper.objects.visible().filter(pk__in=paper_ids).order_by("pk").values_list("pk", flat=True)
        rows = [TaggedPaper(tag=tag, paper_id=paper) for tag in tags for paper in papers]
        before = TaggedPaper.objects.filter(tag__in=tags, paper__in=papers).count()
        TaggedPaper.objects.bulk_create(rows, ignore_conflicts=True)
        return len(rows) - before


def remove_tags(*, user: User, paper_ids: Collection[int], names: Iterable[str]) -> int:
    """Take tags off papers; returns how many were taken. A tag without papers stays. Idempotent."""
    tags = Tag.objects.of(user).named(*names)
    with transaction.atomic():
        mark_recommendations_stale(user)
        return TaggedPaper.objects.filter(tag__in=tags, paper__in=paper_ids).delete()[0]


def set_tags(*, user: User, paper_id: int, names: Collection[str]) -> None:
    """Leave exactly these tags on a paper. Idempotent."""
    with transaction.atomic():
        mark_recommendations_stale(user)
        kept = Tag.objects.of(user).named(*names).values("pk")
        TaggedPaper.objects.filter(tag__user=user, paper=paper_id).exclude(tag__in=kept).delete()
        add_tags(user=user, paper_ids=[paper_id], names=names)


def ensure_tag(*, user: User, name: str) -> Tag:
    """The reader's tag of this name, made if it isn't there. Idempotent."""
    with transaction.atomic():
        return _tag(user, name)


def rename_tag(*, tag: Tag, name: str) -> Tag:
    """Give a tag another name. Where its owner has one of that name the two become one, which is returned.

    Raises:
        TagError: the name is empty or not one.
    """
    name = parse_tag_name(name)
    if not name:
        raise TagError("Enter a name for the tag.")
    with transaction.atomic():
        mark_recommendations_stale(tag.user)
        other = Tag.objects.of(tag.user).named(name).exclude(pk=tag.pk).select_for_update().first()
        if other is None:
            tag.name = name
            tag.save(update_fields=["name"])
            return tag
        there = TaggedPaper.objects.filter(tag=other).values("paper")
        TaggedPaper.objects.filter(tag=tag).exclude(paper__in=there).update(tag=other)
        tag.delete()
        return other


def share_tag(*, tag: Tag, on: bool) -> None:
    """Show a tag and its papers to everybody who may read the site, or only to its owner. Idempotent."""
    if on != (tag.shared_at is not None):
        tag.shared_at = timezone.now() if on else None
        tag.save(update_fields=["shared_at"])


def delete_tag(*, tag: Tag) -> None:
    """Delete a tag, and take it off all papers."""
    with transaction.atomic():
        mark_recommendations_stale(tag.user)
        tag.delete()


def _tag(user: User, name: str) -> Tag:
    """The reader's tag of that name, made if it isn't there. Two windows may ask at once: the constraint decides."""
    found = Tag.objects.of(user).named(name).first()
    if found is None:
        Tag.objects.bulk_create([Tag(user=user, name=name)], ignore_conflicts=True)
        found = Tag.objects.of(user).named(name).get()
    return found
