"""Who may do what with a shared list: the one place that says so.

| who | reads | changes what is on it | its name, people, owner; deletes it |
|---|---|---|---|
| the owner | always | yes | yes |
| an editor | always | yes | only while the owner's account is suspended: who is editor longest |
| a reader who is named | always | no | no |
| a member | unless it is for those named | no | no |
| a visitor | if it is for everybody | no | no |
| a curator | as a member; what nobody owns | as the last column | of lists that members see, and that nobody owns |
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser

from papers.models import ListRole, ListVisibility, SharedList, SharedListMember, User
from papers.models.user import can_curate


@dataclass(frozen=True, slots=True)
class ListRights:
    """What somebody may do with one list."""

    reads: bool = False
    edits: bool = False
    """What is on it."""
    manages: bool = False
    """Its name, people and owner; and deletes it."""
    is_owner: bool = False
    is_named: bool = False
    """As an editor or a reader, so that one can leave."""


def rights_on(shared_list: SharedList, user: User | AnonymousUser) -> ListRights:
    """What `user` may do with a list. No query for its owner and for visitors; two at most for others."""
    everybody = shared_list.visibility == ListVisibility.EVERYBODY
    if not user.is_authenticated:
        return ListRights(reads=everybody)
    if shared_list.owner_id == user.pk:
        return ListRights(reads=True, edits=True, manages=True, is_owner=True)
    role = SharedListMember.objects.filter(shared_list=shared_list, user=user).values_list("role", flat=True).first()
    edits = role == ListRole.EDITOR
    is_seen = everybody or shared_list.visibility == ListVisibility.MEMBERS
    curates = can_curate(user) and (is_seen or shared_list.owner_id is None)
    manages = curates or (edits and _stands_in(shared_list, user))
    return ListRights(
        reads=is_seen or role is not None or curates,
        edits=edits or manages,
        manages=manages,
        is_named=role is not None,
    )


def _stands_in(shared_list: SharedList, user: User) -> bool:
    """Whether an editor acts for an owner who can't: whose account is suspended."""
    owner = shared_list.owner
    return (owner is None or not owner.is_active) and longest_editor(shared_list) == user


def longest_editor(shared_list: SharedList) -> User | None:
    """The editor with an open account who is one for the longest time. One query."""
    found = SharedListMember.objects.filter(shared_list=shared_list, role=ListRole.EDITOR, user__is_active=True)
    member = found.select_related("user").order_by("since", "pk").first()
    return member.user if member else None
