"""Shared lists: all that a reader may see, one with its papers, its settings, its people and its history."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from papers.forms.shared_lists import ListForm, ListMemberForm
from papers.models import ListVisibility, SharedList, SharedListChange, SharedListPaper, User
from papers.models.shared_list import HandPosition, ListAddedPosition, ListDatePosition, ListOrder, ListsPosition
from papers.services.accounts.feed_keys import feed_key_of
from papers.services.lists.rows import CardNote, ListRow
from papers.services.shared_lists.history import CHANGES_SHOWN, recent_changes, undo_changes
from papers.services.shared_lists.overview import PER_PAGE, edited_lists, other_lists, paper_counts, places_of
from papers.services.shared_lists.rights import ListRights
from papers.services.shared_lists.settings import (
    ListError,
    change_list,
    create_list,
    delete_list,
    hand_over,
    name_member,
    unname_member,
)
from papers.text.html import markdown
from papers.views.paper_lists import card_page, paper_ids_of, show_list
from papers.web.http import Request, UserRequest, parse_key
from papers.web.paging import decode_cursor, encode_cursor
from papers.web.permissions import list_for_edit, list_for_read, managed_list, sign_in_required
from papers.web.ratelimit import rate_limited

ORDERS: dict[str, tuple[str, type[ListOrder]]] = {
    "": ("By hand", HandPosition),
    "added": ("Last added", ListAddedPosition),
    "date": ("Newest papers", ListDatePosition),
}


@require_safe
@never_cache
def shared_lists(request: Request) -> HttpResponse:
    """The lists that a reader edits, and those that others share, last changed first."""
    user = request.user
    after = decode_cursor(request.GET.get("after", ""), ListsPosition)
    own = edited_lists(user) if user.is_authenticated and after is None else []
    rows = other_lists(user, after=after)
    others = rows[:PER_PAGE]
    last = others[-1] if len(rows) > PER_PAGE else None
    counts = paper_counts([*own, *others])
    context = {
        "own": [(one, counts.get(one.pk, 0)) for one in own],
        "others": [(one, counts.get(one.pk, 0)) for one in others],
        "is_first": after is None,
        "more": encode_cursor(ListsPosition(last.changed_at, last.pk)) if last else "",
    }
    return render(request, "papers/lists.html", context)


@require_safe
@never_cache
def shared_list(request: Request, slug: str) -> HttpResponse:
    """The papers of a list, in the order of its editors, or last added or newest first."""
    found, rights = list_for_read(request.user, slug)
    sort = request.GET.get("sort", "") if request.GET.get("sort") in ORDERS else ""
    kind = ORDERS[sort][1]
    rows = SharedListPaper.objects.visible_of(found)
    page = card_page(
        request,
        kind,
        lambda after: rows.sorted_by(kind, after=after),
        is_own=True,
        notes=lambda shown: _notes(request, found, rights, shown, is_by_hand=not sort),
    )
    context = {
        "list": found,
        "rights": rights,
        "description": markdown(found.description),
        "count": rows.count() if page.is_first else 0,  # of 2,000 at most
        "orders": [(name, label) for name, (label, _) in ORDERS.items()],
        "sort": sort,
        "is_open": is_open(request, found),
        **feed_addresses(request, found),
    }
    return show_list(request, "papers/list.html", page, context)


def is_open(request: Request, found: SharedList) -> bool:
    """Whether visitors see a list, too."""
    return found.visibility == ListVisibility.EVERYBODY and not request.group.members_only


def feed_addresses(request: Request, found: SharedList) -> dict[str, str]:
    """Where a list is as a feed: with the reader's key where not everybody may read it; nothing where none can."""
    if is_open(request, found):
        addresses = [reverse("papers:list-feed", args=[found.slug, form]) for form in ("atom", "json")]
    elif request.user.is_authenticated and (key := feed_key_of(request.user)):
        addresses = [reverse("papers:own-list-feed", args=[key, found.slug, form]) for form in ("atom", "json")]
    else:
        return {}
    return dict(zip(("atom_url", "json_url"), addresses, strict=True))


def _notes(
    request: Request, found: SharedList, rights: ListRights, rows: list[ListRow], *, is_by_hand: bool
) -> dict[int, CardNote]:
    is_member = request.user.is_authenticated
    places = places_of(
        found, paper_ids=paper_ids_of(rows), may_edit=rights.edits, is_by_hand=is_by_hand, names_all=is_member
    )
    return {pk: CardNote(place=place) for pk, place in places.items() if place.note or is_member}


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("library", methods=frozenset({"POST"}))
def new_list(request: UserRequest) -> HttpResponse:
    """Make a list."""
    given = request.POST if request.method == "POST" else None
    form = ListForm(given, members_only=request.group.members_only, initial={"visibility": ListVisibility.MEMBERS})
    if form.is_valid():
        try:
            return redirect(create_list(form.draft(), owner=request.user, now=timezone.now()))
        except ListError as error:
            form.add_error(None, str(error))
    return render(request, "papers/list_form.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("library", methods=frozenset({"POST"}))
def edit_list(request: UserRequest, slug: str) -> HttpResponse:
    """Name, describe and show a list anew."""
    found, members_only = managed_list(request.user, slug), request.group.members_only
    given = request.POST if request.method == "POST" else None
    initial = ListForm.initial_of(found, members_only=members_only)
    form = ListForm(given, members_only=members_only, initial=initial)
    if form.is_valid():
        try:
            change_list(found, form.draft(), now=timezone.now())
        except ListError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Saved.")
            return redirect(found)
    context = {"form": form, "list": found}
    return render(request, "papers/list_form.html", context, status=422 if form.errors else 200)


@require_POST
@sign_in_required
@rate_limited("library")
def remove_list(request: UserRequest, slug: str) -> HttpResponse:
    """Delete a list. The papers stay."""
    found = managed_list(request.user, slug)
    delete_list(found)
    messages.success(request, f"The list “{found.name}” was deleted.")
    return redirect("papers:lists")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("library", methods=frozenset({"POST"}))
def people(request: UserRequest, slug: str) -> HttpResponse:
    """Who is named on a list, for whoever may read it; who manages it names others, and hands it over."""
    found, rights = list_for_read(request.user, slug)
    form = ListMemberForm(request.POST if request.POST.get("act") == "name" else None)
    if request.method == "POST":
        answer = _act_on_people(request, found, rights, form)
        if answer is not None:
            return answer
    members = found.members.select_related("user").order_by("role", "since", "pk")
    context = {"list": found, "rights": rights, "members": list(members), "form": form}
    return render(request, "papers/list_people.html", context, status=422 if form.errors else 200)


def _act_on_people(
    request: UserRequest, found: SharedList, rights: ListRights, form: ListMemberForm
) -> HttpResponse | None:
    """Do what was pressed; None where the form was not right."""
    act, here = request.POST.get("act", ""), redirect("papers:list-people", found.slug)
    if act == "leave" and rights.is_named:
        unname_member(found, person=request.user)
        messages.success(request, f"You left “{found.name}”.")
        return redirect("papers:lists")
    if not rights.manages:
        raise Http404("There is no such list of yours.")
    try:
        if act == "name":
            if not form.is_valid():
                return None
            name_member(found, person=form.cleaned_data["username"], role=form.cleaned_data["role"], now=timezone.now())
        elif act == "unname":
            unname_member(found, person=_member(request, found))
        elif act == "owner":
            hand_over(found, to=_member(request, found), now=timezone.now())
    except ListError as error:
        messages.error(request, str(error))
        return here
    messages.success(request, "Saved.")
    return here


def _member(request: UserRequest, found: SharedList) -> User:
    member = found.members.select_related("user").filter(user=parse_key(request.POST.get("person", "")) or 0).first()
    if member is None:
        raise ListError("This person is not named on the list.")
    return member.user


@require_safe
@never_cache
@sign_in_required
def history(request: UserRequest, slug: str) -> HttpResponse:
    """Who added and removed which paper, the newest first."""
    found, rights = list_for_read(request.user, slug)
    rows = recent_changes(found, before=parse_key(request.GET.get("before", "")))
    shown = rows[:CHANGES_SHOWN]
    there = set(found.entries.filter(paper__in=[row.paper_id for row in shown]).values_list("paper_id", flat=True))
    context = {
        "list": found,
        "rights": rights,
        "changes": [(row, row.kind == SharedListChange.Kind.REMOVED and row.paper_id not in there) for row in shown],
        "more": shown[-1].pk if len(rows) > CHANGES_SHOWN else None,
    }
    return render(request, "papers/list_history.html", context)


@require_POST
@sign_in_required
@rate_limited("library")
def restore(request: UserRequest, slug: str, change_id: int) -> HttpResponse:
    """Put a paper back that somebody removed."""
    found, _ = list_for_edit(request.user, slug)
    if not found.changes.filter(pk=change_id, kind=SharedListChange.Kind.REMOVED).exists():
        raise Http404("There is no such change.")
    try:
        undo_changes([change_id], by=request.user, now=timezone.now())
        messages.success(request, "Put back.")
    except ListError as error:
        messages.error(request, str(error))
    return redirect("papers:list-history", found.slug)
