"""The slots of a card: what is the viewer's or the list's, and goes into a card that is cached for everybody."""

from __future__ import annotations

from django.utils.safestring import SafeString, mark_safe

SLOTS = frozenset(
    (
        "seen", "position", "place", "select", "vote", "save", "annotations", "update", "voters", "listing", "topics",
        "tags", "note", "thumbnail",
    )
)  # fmt: skip
"""The names of the slots of `_card.html`: each stands in it once."""
SLOT = "\x00"
"""Stands around the name of a slot. A control character, which no text of a paper has."""


class SlotError(Exception):
    """`_card.html` lacks a slot, has one twice or one that nothing fills. A fault of the template."""


def slot_mark(name: str) -> SafeString:
    """What stands for a slot in a cached card.

    Raises:
        SlotError: nothing fills a slot of this name.
    """
    if name not in SLOTS:
        raise SlotError(f"Nothing fills the slot {name!r}.")
    return mark_safe(f"{SLOT}{name}{SLOT}")  # noqa: S308  a name of ours
