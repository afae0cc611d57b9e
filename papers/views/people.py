"""People, for administrators: who there is, what each may do, suspending, restoring, closing an account."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from papers.accounts.second_factor import has_second_factor, reset_second_factor
from papers.models import Role, User
from papers.services.accounts.people import (
    AccountActionError,
    account_history,
    close_account,
    restore_account,
    set_role,
    suspend_account,
)
from papers.services.accounts.sessions import end_sessions
from papers.web.http import UserRequest
from papers.web.permissions import staff_only
from papers.web.ratelimit import rate_limited

PER_PAGE = 50
_ROLES = (("", "All"), *((str(role), f"{role.label.capitalize()}s") for role in Role), ("suspended", "Suspended"))


@never_cache
@require_safe
@staff_only
def people(request: UserRequest) -> HttpResponse:
    """Who has an account, the newest first; by role, and by name or address."""
    words, role, before = (request.GET.get(name, "").strip()[:254] for name in ("who", "role", "before"))
    found = User.people.in_role(role).newest(before=int(before) if before.isdecimal() and len(before) < 19 else None)
    rows = list((found.named(words) if words and "\0" not in words else found)[: PER_PAGE + 1])
    context = {
        "people": rows[:PER_PAGE],
        "more": rows[PER_PAGE - 1].pk if len(rows) > PER_PAGE else None,
        "words": words,
        "role": role,
        "roles": _ROLES,
    }
    return render(request, "papers/people.html", context)


@never_cache
@require_safe
@staff_only
def person(request: UserRequest, pk: int) -> HttpResponse:
    """One account: what it may do, and what was done with it."""
    found = get_object_or_404(User.objects.select_related("suspended_by"), pk=pk)
    context = {
        "person": found,
        "is_self": found.pk == request.user.pk,
        "roles": Role,
        "has_second_factor": has_second_factor(found),
        "history": account_history(found),
    }
    return render(request, "papers/person.html", context)


@require_POST
@staff_only
@rate_limited("account")
def person_act(request: UserRequest, pk: int, act: str) -> HttpResponse:
    """Do something with an account."""
    found = get_object_or_404(User, pk=pk)
    if act not in _ACTS:
        raise Http404("There is no such action.")
    try:
        said = _ACTS[act](request, found)
    except AccountActionError as error:
        messages.error(request, str(error))
        return redirect("papers:person", pk)
    messages.success(request, said)
    return redirect("papers:people") if act == "close" else redirect("papers:person", pk)


def _role(request: UserRequest, person: User) -> str:
    wanted = request.POST.get("role", "")
    if wanted not in Role.values:
        raise AccountActionError("Choose a role.")
    set_role(person=person, role=Role(wanted), by=request.user)
    return f"{person.username} is now {'an' if wanted == Role.ADMINISTRATOR else 'a'} {Role(wanted).label}."


def _suspend(request: UserRequest, person: User) -> str:
    reason = request.POST.get("reason", "").replace("\0", "").strip()[:1_000]
    suspend_account(person=person, by=request.user, reason=reason, now=timezone.now())
    return f"{person.username} is suspended and signed out everywhere."


def _restore(request: UserRequest, person: User) -> str:
    restore_account(person=person, by=request.user)
    return f"{person.username} can sign in again."


def _sign_out(_request: UserRequest, person: User) -> str:
    end_sessions(person)
    return f"{person.username} is signed out everywhere."


def _second_factor(request: UserRequest, person: User) -> str:
    reset_second_factor(person, by=request.user)
    return f"{person.username} can sign in without a second factor until a new one is set up."


def _close(request: UserRequest, person: User) -> str:
    if request.POST.get("username", "").strip().casefold() != person.username.casefold():
        raise AccountActionError(f"Type {person.username} to confirm.")
    close_account(person=person, by=request.user)
    return f"The account of {person.username} has been closed."


_ACTS: dict[str, Callable[[UserRequest, User], str]] = {
    "role": _role,
    "suspend": _suspend,
    "restore": _restore,
    "sign-out": _sign_out,
    "second-factor": _second_factor,
    "close": _close,
}
