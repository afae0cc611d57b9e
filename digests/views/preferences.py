"""What comes by mail, and when: by the link in a mail, or signed in."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from digests.forms.preferences import AddressChangeForm, PreferencesForm
from digests.models import Delivery, Subscriber, Subscription
from digests.services.double_opt_in import (
    confirm_account,
    has_confirmed_account,
    request_address_change,
    request_sign_up,
)
from digests.services.mail_keys import find_by_key, key_of_reader, keys_of_mails
from digests.services.mail_setup import current_mail_setup
from digests.services.preferences import (
    forget_subscriber,
    get_or_create_subscriber,
    pause_subscriber,
    read_choice,
    restore_choice,
    save_preferences,
    subscribable_lists,
    subscribable_topics,
)
from papers.forms.fields import time_zones
from papers.models import Followed
from papers.services.reading.follows import unfollow as stop_following
from papers.web.http import Request, UserRequest
from papers.web.permissions import sign_in_required
from papers.web.ratelimit import count_attempt, rate_limit_key, rate_limited, too_many_requests

SENT_SHOWN = 50
FOLLOWED_SHOWN = 100
SUBSCRIBED_SHOWN = 300


@never_cache
@csrf_exempt  # the key in the address is the right to change it, and no cookie has a part in that
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: Request, key: str) -> HttpResponse:
    """By the link in a mail, without signing in: what comes and when. The address itself cannot be changed here."""
    return _preferences(request, _of_key(key), key=key)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
def subscriptions(request: UserRequest) -> HttpResponse:
    """The preferences of the account that is signed in."""
    return _preferences(request, get_or_create_subscriber(request.user))


def _preferences(request: Request, subscriber: Subscriber, *, key: str = "") -> HttpResponse:
    """`key`: by which the page was opened; empty for an account that is signed in."""
    undo = request.POST.get("undo", "")
    is_undone = bool(undo) and restore_choice(subscriber=subscriber, token=undo, now=timezone.now())
    form = _form(request, subscriber, is_sent=request.method == "POST" and not undo)
    is_saved = form.is_bound and not form.is_search and form.is_valid()
    before = read_choice(subscriber) if is_saved and form.preset else ""
    if is_saved:
        _save(form, subscriber)
        if subscriber.confirmed_at is None and not ask_owner(request, subscriber):
            return too_many_requests(request, "subscribe")
        if not key and not before:
            messages.success(request, "Saved.")
            return redirect("digests:subscriptions")
        form = _form(request, subscriber, is_sent=False)
    context = {
        "form": form,
        "subscriber": subscriber,
        "must_confirm": subscriber.confirmed_at is None and not has_confirmed_account(subscriber),
        "schedules": subscriber.schedules.exclude(next_due_at=None).order_by("next_due_at"),
        "key": key,
        "reader_key": key or key_of_reader(subscriber),
        "is_saved": is_saved,
        "is_undone": is_undone,
        "undo": before,
        "move_form": AddressChangeForm(),
        "mail": current_mail_setup(),
        "time_zones": time_zones(),
        "subscribed": Subscription.objects.readable()
        .filter(schedule__subscriber=subscriber, schedule__ended_at=None)
        .select_related("topic", "shared_list", "schedule")
        .order_by("schedule", "pk")[:SUBSCRIBED_SHOWN],
        "followed": Followed.objects.of(subscriber.user)[:FOLLOWED_SHOWN] if subscriber.user else [],
    }
    return render(request, "digests/preferences.html", context)


def _form(request: Request, subscriber: Subscriber, *, is_sent: bool) -> PreferencesForm:
    return PreferencesForm(
        request.POST if is_sent else None,
        subscriber=subscriber,
        topics=subscribable_topics(subscriber.user),
        lists=subscribable_lists(subscriber.user).filter(subscriptions__schedule__subscriber=subscriber).distinct(),
        today=timezone.localdate(),
        time_zone=request.group.time_zone,
    )


@never_cache
@csrf_exempt  # as for the page itself: the key is the right
@require_http_methods(["GET", "HEAD", "POST"])
def forget(request: Request, key: str) -> HttpResponse:
    """By the link in a mail: GET asks, POST deletes the address and all that is kept of it; not one with an account."""
    subscriber = _of_key(key)
    if subscriber.user_id is not None:
        raise Http404("This address belongs to an account.")
    is_done = request.method == "POST" and forget_subscriber(subscriber=subscriber)
    response = render(request, "digests/forget.html", {"subscriber": subscriber, "key": key, "is_done": is_done})
    response["X-Robots-Tag"] = "noindex"
    return response


@require_POST
@csrf_exempt  # as for the page itself: the key is the right
def unfollow(request: Request, key: str) -> HttpResponse:
    """By the link in a mail: no longer follow one author or organization."""
    reader = _of_key(key).user
    if reader is None:
        raise Http404("This address follows nobody.")
    stop_following(user=reader, kind=request.POST.get("kind", ""), key=request.POST.get("key", ""))
    return redirect("digests:preferences", key)


def _save(form: PreferencesForm, subscriber: Subscriber) -> None:
    now, chosen = timezone.now(), form.chosen()
    save_preferences(
        subscriber=subscriber,
        kinds=chosen.kinds,
        topics=chosen.topics,
        lists=chosen.lists,
        when=chosen.when,
        now=now,
    )
    pause_subscriber(subscriber=subscriber, until=chosen.paused_until, keeps_papers=chosen.keeps_papers, now=now)


def ask_owner(request: Request, subscriber: Subscriber) -> bool:
    """Have an address confirmed that never was; False where that was asked for too often."""
    if confirm_account(subscriber=subscriber, now=timezone.now()):
        return True
    if not count_attempt("subscribe", rate_limit_key(request)):
        return False
    request_sign_up(email=subscriber.email, now=timezone.now())
    return True


@require_POST
@sign_in_required
@rate_limited("subscribe")
def move(request: UserRequest) -> HttpResponse:
    """Have mail come to another address, once that is confirmed."""
    form = AddressChangeForm(request.POST)
    if form.is_valid():
        request_address_change(
            subscriber=get_or_create_subscriber(request.user), email=form.cleaned_data["email"], now=timezone.now()
        )
        messages.success(request, "We have sent a link to the new address. Nothing changes until you confirm it there.")
    else:
        messages.error(request, "Enter a valid e-mail address. Nothing was changed.")
    return redirect("digests:subscriptions")


@never_cache
@require_safe
def sent(request: Request, key: str) -> HttpResponse:
    """The mails of one reader, by the link in each of them."""
    return _sent(request, _of_key(key))


@never_cache
@require_safe
@sign_in_required
def my_sent(request: UserRequest) -> HttpResponse:
    """The mails that the account that is signed in was sent."""
    return _sent(request, get_or_create_subscriber(request.user))


def _sent(request: Request, subscriber: Subscriber) -> HttpResponse:
    """Newest first; further back behind the last one shown."""
    before = request.GET.get("before", "")
    found = Delivery.objects.filter(sent_at__isnull=False).for_subscriber(subscriber).select_related("schedule")
    if before.isascii() and before.isdigit():
        found = found.filter(pk__lt=int(before[:18]))
    rows = list(found.defer("content_spec")[: SENT_SHOWN + 1])
    keys = keys_of_mails(rows[:SENT_SHOWN], reader=subscriber)
    more = rows[SENT_SHOWN - 1].pk if len(rows) > SENT_SHOWN else None
    context = {"mails": list(zip(rows[:SENT_SHOWN], keys, strict=True)), "more": more}
    return render(request, "digests/sent.html", context)


def _of_key(key: str) -> Subscriber:
    subscriber = find_by_key(Subscriber.objects.confirmed().admitted().select_related("user"), key)
    if subscriber is None:
        raise Http404("This link does not work.")
    return subscriber
