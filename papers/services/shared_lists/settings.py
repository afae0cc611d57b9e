"""Making, naming, describing and deleting a shared list; who is named on it, and whose it is.

The caller has checked that the reader may (`rights.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from papers.models import ListRole, ListVisibility, SharedList, SharedListMember, User
from papers.models.shared_list import MAX_LIST_NAME
from papers.services.shared_lists.rights import longest_editor
from papers.text.cleaning import safe_text, typed_line

MAX_LISTS = 200
"""Of one owner."""
MAX_PEOPLE = 100
"""Named on one list, beside its owner."""
MAX_DESCRIPTION = 5_000
"""In characters."""
_SLUG_ATTEMPTS = 3


class ListError(Exception):
    """It can't be done; the message says what to do, for the reader."""


@dataclass(frozen=True, slots=True)
class ListDraft:
    """What a list is called, what stands on top of it, and who reads it."""

    name: str
    description: str = ""
    visibility: str = ListVisibility.MEMBERS

    def cleaned(self) -> ListDraft:
        """As it is stored.

        Raises:
            ListError: it has no name, a text is too long, or the visibility is unknown.
        """
        name = typed_line(self.name)
        description = safe_text(self.description).strip()
        if not name:
            raise ListError("Enter a name for the list.")
        if len(name) > MAX_LIST_NAME:
            raise ListError(f"A name can have at most {MAX_LIST_NAME} characters.")
        if len(description) > MAX_DESCRIPTION:
            raise ListError(f"A description can have at most {MAX_DESCRIPTION:,} characters.")
        if self.visibility not in ListVisibility.values:
            raise ListError("Choose who can see the list.")
        return ListDraft(name, description, self.visibility)


def create_list(draft: ListDraft, *, owner: User, now: datetime) -> SharedList:
    """A new list of `owner`, without papers.

    Raises:
        ListError: the draft is not valid, or the owner has too many lists.
    """
    draft = draft.cleaned()
    with transaction.atomic():
        _lock_within_limit(owner)
        for attempt in range(_SLUG_ATTEMPTS):
            try:
                with transaction.atomic():
                    return SharedList.objects.create(
                        slug=_free_slug(draft, is_random=attempt > 0),
                        name=draft.name,
                        description=draft.description,
                        visibility=draft.visibility,
                        owner=owner,
                        created_at=now,
                        changed_at=now,
                    )
            except IntegrityError:  # somebody took the address a moment ago
                continue
    raise ListError("Choose another name for the list.")


def change_list(shared_list: SharedList, draft: ListDraft, *, now: datetime) -> None:
    """Name, describe and show a list anew; its address stays. Idempotent.

    Raises:
        ListError: the draft is not valid.
    """
    draft = draft.cleaned()
    with transaction.atomic():
        found = lock_list(shared_list)
        if (found.name, found.description, found.visibility) != (draft.name, draft.description, draft.visibility):
            found.name, found.description, found.visibility = draft.name, draft.description, draft.visibility
            found.changed_at = now
            found.save(update_fields=["name", "description", "visibility", "changed_at"])
    shared_list.name, shared_list.description, shared_list.visibility = draft.name, draft.description, draft.visibility


def delete_list(shared_list: SharedList) -> None:
    """Delete a list with its notes and its history. The papers stay. Idempotent."""
    with transaction.atomic():
        SharedList.objects.select_for_update().filter(pk=shared_list.pk).delete()


def name_member(shared_list: SharedList, *, person: User, role: str, now: datetime) -> None:
    """Name somebody as an editor or a reader of a list. Idempotent.

    Raises:
        ListError: it is the owner, or there are too many.
    """
    with transaction.atomic():
        User.objects.lock_against_deletion(person)
        found = lock_list(shared_list)
        if found.owner_id == person.pk:
            raise ListError(f"{person.username} owns this list.")
        member = found.members.filter(user=person).first()
        if member is None:
            if found.members.count() >= MAX_PEOPLE:
                raise ListError(f"At most {MAX_PEOPLE} people can be named on a list. Remove someone first.")
            SharedListMember.objects.create(shared_list=found, user=person, role=ListRole(role), since=now)
        elif member.role != role:
            member.role, member.since = ListRole(role), now
            member.save(update_fields=["role", "since"])


def unname_member(shared_list: SharedList, *, person: User) -> None:
    """Name somebody no longer. What they added and wrote stays. Idempotent."""
    with transaction.atomic():
        lock_list(shared_list).members.filter(user=person).delete()


def hand_over(shared_list: SharedList, *, to: User, now: datetime) -> None:
    """Make somebody who is named on a list its owner; who was it stays on as an editor. Idempotent.

    Raises:
        ListError: they are not named, can't sign in, or have too many lists.
    """
    with transaction.atomic():
        _hold_accounts([to.pk, shared_list.owner_id])
        found = lock_list(shared_list)
        if found.owner_id == to.pk:
            return
        _check_limit(to, name=to.username)
        if not to.is_active or not found.members.filter(user=to).exists():
            raise ListError(f"Name {to.username} as an editor first.")
        before = found.owner_id
        if before != shared_list.owner_id:
            raise ListError("Somebody else has just handed this list over.")
        found.members.filter(user=to).delete()
        found.owner = to
        found.save(update_fields=["owner"])
        if before is not None:
            SharedListMember.objects.create(shared_list=found, user_id=before, role=ListRole.EDITOR, since=now)


def release_lists_of(leaving: User) -> None:
    """Give the lists of an account that is being deleted to those who stay. In the caller's transaction.

    To the longest editor; without one they belong to nobody, and curators look after them. A list that only its owner
    could see goes with the account.
    """
    for found in SharedList.objects.filter(owner=leaving).order_by("pk").select_for_update():
        found.members.filter(user=leaving).delete()
        found.owner = longest_editor(found)
        if found.owner is not None:
            found.members.filter(user=found.owner).delete()
        elif found.visibility == ListVisibility.NAMED and not found.members.exists():
            found.delete()
            continue
        found.save(update_fields=["owner"])


def lock_list(shared_list: SharedList) -> SharedList:
    """The row as it is now, ours until the caller's transaction ends. One query.

    Raises:
        ListError: it was deleted meanwhile.
    """
    found = SharedList.objects.select_for_update().filter(pk=shared_list.pk).first()
    if found is None:
        raise ListError("This list was deleted.")
    return found


def _lock_within_limit(owner: User) -> None:
    """Hold an account, so that two at once may not pass the limit together.

    Raises:
        ListError: it has `MAX_LISTS`.
    """
    _hold_accounts([owner.pk])
    _check_limit(owner)


def _hold_accounts(keys: Iterable[int | None]) -> None:
    """In the order of keys, and before a list's row: an account that is being deleted holds itself first, too."""
    accounts = User.objects.filter(pk__in=[key for key in keys if key is not None])
    list(accounts.order_by("pk").select_for_update(no_key=True).values_list("pk"))


def _check_limit(owner: User, *, name: str = "") -> None:
    if SharedList.objects.filter(owner=owner).count() >= MAX_LISTS:
        said = f"{name} has" if name else "You have"
        raise ListError(f"{said} {MAX_LISTS} lists, which is the limit. Delete one first.")


def _free_slug(draft: ListDraft, *, is_random: bool) -> str:
    """Words of the name. Where a taken address could tell of a list that few see, random letters end it."""
    base = slugify(draft.name)[:60].strip("-") or "list"
    is_private = draft.visibility == ListVisibility.NAMED
    is_free = base not in ("new",) and not SharedList.objects.filter(slug=base).exists()
    return base if is_free and not is_random and not is_private else f"{base}-{secrets.token_hex(4)}"
