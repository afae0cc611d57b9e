"""Who may see and do what. What somebody may not see isn't there: 404, not 403."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Concatenate, ParamSpec, TypeAlias

from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpResponse

from papers.accounts.second_factor import ask_for_code
from papers.models import (
    AgendaItem,
    Club,
    ClubMeeting,
    Comment,
    LibraryImport,
    Paper,
    SharedList,
    Submission,
    Tag,
    Topic,
    User,
)
from papers.models.club import ClubRights, rights_in_club
from papers.models.user import can_curate
from papers.services.shared_lists.rights import ListRights, rights_on
from papers.web.ask_sign_in import ask_to_sign_in
from papers.web.http import Request, UserRequest

P = ParamSpec("P")
_View: TypeAlias = Callable[Concatenate[Request, P], HttpResponse]
_UserView: TypeAlias = Callable[Concatenate[UserRequest, P], HttpResponse]


def _accounts_only(view: _UserView[P], may_see: Callable[[User], bool]) -> _View[P]:
    """A view for some accounts: strangers are asked to sign in, for other accounts there is no such page.

    The one gate of all that readers may not do: an administrator passes it with a code, where one is wanted.
    """

    @wraps(view)
    def guarded(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return ask_to_sign_in(request)
        if not may_see(request.user):
            raise Http404
        if request.user.lacks_code:
            return ask_for_code(request)
        return view(request, *args, **kwargs)  # type: ignore[arg-type]  # signed in, as was just seen

    return guarded


def staff_only(view: _UserView[P]) -> _View[P]:
    """A view for administrators: strangers are asked to sign in, for other accounts there is no such page."""
    return _accounts_only(view, lambda user: user.is_staff)


def curators_or_staff_only(view: _UserView[P]) -> _View[P]:
    """A view for those who look after members: curators and administrators. For others there is no such page."""
    return _accounts_only(view, lambda user: user.is_staff or user.is_curator)


def curators_only(view: _UserView[P]) -> _View[P]:
    """A view for curators: strangers are asked to sign in, for other accounts there is no such page."""
    return _accounts_only(view, lambda user: user.is_curator)


def sign_in_required(
    view: _UserView[P],
) -> Callable[Concatenate[Request, P], HttpResponse]:
    """A view for those who are signed in; strangers are asked to."""

    @wraps(view)
    def signed_in_view(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return ask_to_sign_in(request)
        return view(request, *args, **kwargs)  # type: ignore[arg-type]  # signed in, as was just seen

    return signed_in_view


def paper_for_read(user: User | AnonymousUser, public_id: str) -> Paper:
    """The paper at an address, if `user` may see it. One query.

    Raises:
        Http404: there is none, or a curator has hidden it and `user` isn't one.
    """
    paper = Paper.objects.for_cards().filter(public_id=public_id).first()
    if paper is None or (paper.hidden_at is not None and not can_curate(user)):
        raise Http404("There is no such paper here.")
    return paper


def tag_for_read(user: User | AnonymousUser, owner: str, name: str) -> Tag:
    """A tag of `owner`, if `user` may see it: it is shared, or the reader's own. One query.

    Raises:
        Http404: there is none, or it is not shared.
    """
    named = Tag.objects.readable_by(user).named(name).select_related("user")
    found = named.filter(user__username__iexact=owner).first()
    if found is None:
        raise Http404("There is no such tag.")
    return found


def own_tag(user: User, owner: str, name: str) -> Tag:
    """A tag that `user` may change. One query.

    Raises:
        Http404: it is somebody else's, or there is none.
    """
    found = tag_for_read(user, owner, name)
    if found.user_id != user.pk:
        raise Http404("There is no such tag of yours.")
    return found


def list_for_read(user: User | AnonymousUser, slug: str) -> tuple[SharedList, ListRights]:
    """A shared list, if `user` may see it, and what `user` may do with it. Three queries at most.

    Raises:
        Http404: there is none, or it is not for this reader.
    """
    found = SharedList.objects.select_related("owner").filter(slug=slug).first()
    rights = rights_on(found, user) if found is not None else ListRights()
    if found is None or not rights.reads:
        raise Http404("There is no such list.")
    return found, rights


def list_for_edit(user: User, slug: str) -> tuple[SharedList, ListRights]:
    """A shared list whose papers `user` may change. Three queries at most.

    Raises:
        Http404: it is not for this reader to change, or there is none.
    """
    found, rights = list_for_read(user, slug)
    if not rights.edits:
        raise Http404("There is no such list of yours.")
    return found, rights


def managed_list(user: User, slug: str) -> SharedList:
    """A shared list whose name, people and owner `user` may change. Three queries at most.

    Raises:
        Http404: it is not for this reader to change, or there is none.
    """
    found, rights = list_for_read(user, slug)
    if not rights.manages:
        raise Http404("There is no such list of yours.")
    return found


def comment_for_read(user: User, comment_id: int) -> Comment:
    """A comment on a paper that `user` may see, with the paper and who wrote it. One query.

    Raises:
        Http404: there is none, it was deleted, or its paper is hidden.
    """
    found = Comment.objects.visible().select_related("paper", "user").filter(pk=comment_id).first()
    if found is None or (found.paper.hidden_at is not None and not can_curate(user)):
        raise Http404("There is no such comment.")
    return found


def own_comment(user: User, comment_id: int) -> Comment:
    """A comment that `user` wrote. One query.

    Raises:
        Http404: somebody else wrote it, or there is none.
    """
    found = comment_for_read(user, comment_id)
    if found.user_id != user.pk:
        raise Http404("There is no such comment of yours.")
    return found


def deletable_comment(user: User, comment_id: int) -> Comment:
    """A comment that `user` may delete: one's own, and for a curator any. One query.

    Raises:
        Http404: it is not for this reader to delete, or there is none.
    """
    found = comment_for_read(user, comment_id)
    if not can_delete_comment(user, found):
        raise Http404("There is no such comment of yours.")
    return found


def submission_for_read(user: User, submission_id: int) -> Submission:
    """What `user` submitted; a curator sees everybody's. One query.

    Raises:
        Http404: it is somebody else's, or there is none.
    """
    found = Submission.objects.select_related("paper", "user").filter(pk=submission_id).first()
    if found is None or (found.user_id != user.pk and not can_curate(user)):
        raise Http404("There is no such submission of yours.")
    return found


def topic_for_read(user: User | AnonymousUser, slug: str) -> Topic:
    """A topic, if `user` may see it: it is for all, or the reader's own. One query.

    Raises:
        Http404: there is none, or it is somebody else's.
    """
    found = Topic.objects.readable_by(user).filter(slug=slug).first()
    if found is None:
        raise Http404("There is no such topic.")
    return found


def own_topic(user: User, slug: str) -> Topic:
    """A topic that `user` may change: one's own, and for a curator those for all. One query.

    Raises:
        Http404: it is not for this reader to change, or there is none.
    """
    found = topic_for_read(user, slug)
    if not can_edit_topic(user, found):
        raise Http404("There is no such topic of yours.")
    return found


def own_import(user: User, pk: int) -> LibraryImport:
    """A library import of `user`. One query.

    Raises:
        Http404: it is somebody else's, or there is none.
    """
    found = LibraryImport.objects.of(user).filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such import of yours.")
    return found


def club_for_read(user: User | AnonymousUser, slug: str) -> Club:
    """A club, if `user` may see it: private ones are for their members, curators and administrators. One query.

    Raises:
        Http404: there is none, or it is private.
    """
    found = Club.objects.readable_by(user).filter(slug=slug).first()
    if found is None:
        raise Http404("There is no such club.")
    return found


def club_of_member(user: User, slug: str) -> tuple[Club, ClubRights]:
    """A club in which `user` may nominate papers. Two queries.

    Raises:
        Http404: there is none, or `user` is no member.
    """
    club = club_for_read(user, slug)
    rights = rights_in_club(user, club)
    if not rights.may_nominate:
        raise Http404("You are not in this club.")
    return club, rights


def club_of_organizer(user: User, slug: str) -> Club:
    """A club that `user` organizes; curators and administrators organize all. Two queries.

    Raises:
        Http404: there is none, or it is not for this reader to organize.
    """
    club = club_for_read(user, slug)
    if not rights_in_club(user, club).may_organize:
        raise Http404("You don’t organize this club.")
    return club


def meeting_for_read(club: Club, day: date) -> ClubMeeting:
    """A meeting of a club that the reader may see. One query.

    Raises:
        Http404: there is none of that date.
    """
    found = ClubMeeting.objects.filter(club=club, slot_on=day).first()
    if found is None:
        raise Http404("There is no such meeting.")
    found.club = club
    return found


def agenda_item_for_act(user: User, pk: int) -> tuple[AgendaItem, ClubRights]:
    """A paper on an agenda of a club in which `user` may do something, and what. Three queries.

    Raises:
        Http404: there is none, or `user` is neither a member nor an organizer.
    """
    found = AgendaItem.objects.select_related("meeting__club", "paper", "presenter").filter(pk=pk).first()
    if found is None or not Club.objects.readable_by(user).filter(pk=found.meeting.club_id).exists():
        raise Http404("There is no such paper on an agenda.")
    rights = rights_in_club(user, found.meeting.club)
    if not (rights.may_nominate or rights.may_organize):
        raise Http404("You are not in this club.")
    return found, rights


def can_edit_topic(user: User | AnonymousUser, topic: Topic) -> bool:
    """Whether `user` may change a topic: one's own, and for a curator those for all."""
    return topic.owner_id == user.pk if topic.owner_id is not None else can_curate(user)


def can_delete_comment(user: User | AnonymousUser, comment: Comment) -> bool:
    """Whether `user` may delete a comment: one's own, and a curator any."""
    return user.is_authenticated and (comment.user_id == user.pk or can_curate(user))


def may_administer(user: User | AnonymousUser) -> bool:
    """Whether the one who asks may do here and now what administrators do."""
    return user.is_authenticated and user.may_administer
