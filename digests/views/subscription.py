"""One subscription: how much of it comes, and how much of it was opened. And the daily mail made weekly."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from digests.forms.limits import LimitsForm
from digests.models import Subscriber, Subscription
from digests.opened import opened_of_subscription
from digests.services.limits import preview_lines, set_limits
from digests.services.mail_keys import find_by_key
from digests.services.preferences import get_or_create_subscriber, restore_choice
from digests.services.schedules import save_schedule
from digests.services.weekly_offer import comes_daily, make_weekly
from papers.web.http import Request, UserRequest
from papers.web.permissions import sign_in_required


def subscriber_of_key(key: str) -> Subscriber:
    """Whose key it is; 404 for others."""
    subscriber = find_by_key(Subscriber.objects.confirmed().admitted().select_related("user"), key)
    if subscriber is None:
        raise Http404("This link does not work.")
    return subscriber


@never_cache
@csrf_exempt  # the key in the address is the right to change it, and no cookie has a part in that
@require_http_methods(["GET", "HEAD", "POST"])
def subscription(request: Request, key: str, pk: int) -> HttpResponse:
    """By the link in a mail, without signing in."""
    return _subscription(request, subscriber_of_key(key), pk, key=key)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
def own_subscription(request: UserRequest, pk: int) -> HttpResponse:
    """The same of the account that is signed in."""
    return _subscription(request, get_or_create_subscriber(request.user), pk)


def _subscription(request: Request, subscriber: Subscriber, pk: int, *, key: str = "") -> HttpResponse:
    rows = Subscription.objects.readable().filter(schedule__subscriber=subscriber, schedule__ended_at=None)
    found = rows.select_related("schedule__subscriber", "topic", "shared_list").filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such subscription.")
    now = timezone.now()
    preview = preview_lines(found, now=now)
    form = LimitsForm(request.POST if request.method == "POST" else None, subscription=found, preview=preview)
    is_saved = form.is_bound and form.is_valid()
    if is_saved:
        chosen = form.cleaned_data
        set_limits(subscription=found, value=chosen["line"], max_papers=chosen["max_papers"], now=now)
        schedule = found.schedule
        save_schedule(
            subscriber=subscriber, frequency=schedule.frequency, now=now, sends_empty=chosen["sends_empty"]
        )  # fmt: skip
        if not key:
            messages.success(request, "Saved.")
            return redirect("digests:own-subscription", pk)
    context = {
        "subscription": found,
        "form": form,
        "preview": preview,
        "key": key,
        "is_saved": is_saved,
        "opened": opened_of_subscription(schedule_id=found.schedule_id, subscription_id=pk)
        if subscriber.user_id
        else None,
    }
    return _unindexed(render(request, "digests/subscription.html", context))


@never_cache
@csrf_exempt  # as above
@require_http_methods(["GET", "HEAD", "POST"])
def weekly(request: Request, key: str) -> HttpResponse:
    """By the link in a mail: GET asks, POST has what comes daily come weekly, and `undo` takes that back."""
    return _weekly(request, subscriber_of_key(key), key=key)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
def own_weekly(request: UserRequest) -> HttpResponse:
    """The same of the account that is signed in."""
    return _weekly(request, get_or_create_subscriber(request.user))


def _weekly(request: Request, subscriber: Subscriber, *, key: str = "") -> HttpResponse:
    now, undo = timezone.now(), ""
    is_back = is_too_late = False
    if "undo" in request.POST:
        is_back = restore_choice(subscriber=subscriber, token=request.POST["undo"], now=now)
        is_too_late = not is_back
    elif request.method == "POST" and comes_daily(subscriber):
        undo = make_weekly(subscriber=subscriber, now=now)
    context = {
        "subscriber": subscriber,
        "key": key,
        "undo": undo,
        "is_back": is_back,
        "is_too_late": is_too_late,
        "asks": not undo and comes_daily(subscriber),
    }
    return _unindexed(render(request, "digests/weekly.html", context))


def _unindexed(response: HttpResponse) -> HttpResponse:
    response["X-Robots-Tag"] = "noindex"
    return response
