"""From a shared list's page: have what comes to it mailed, or no more."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from digests.schedule import FREQUENCIES
from digests.services.preferences import get_or_create_subscriber, subscribe_to_list
from digests.views.preferences import ask_owner
from papers.web.http import UserRequest
from papers.web.permissions import list_for_read, sign_in_required
from papers.web.ratelimit import rate_limited, too_many_requests


@require_POST
@sign_in_required
@rate_limited("library")
def subscribe_list(request: UserRequest, slug: str) -> HttpResponse:
    """`often` is a frequency, or nothing for no mail."""
    found, _ = list_for_read(request.user, slug)
    often = request.POST.get("often", "")
    frequency = often if often in FREQUENCIES else ""
    subscriber = get_or_create_subscriber(request.user)
    subscribe_to_list(subscriber=subscriber, shared_list=found, frequency=frequency, now=timezone.now())
    if frequency and subscriber.confirmed_at is None and not ask_owner(request, subscriber):
        return too_many_requests(request, "subscribe")
    if not frequency:
        messages.success(request, "You get no e-mail about this list.")
    elif subscriber.confirmed_at is None:
        messages.success(request, "Saved. Nothing is mailed until you confirm your address.")
    else:
        messages.success(request, f"New papers on this list come with your {frequency} e-mail.")
    return redirect(found)
