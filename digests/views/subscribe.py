"""From the strip on top of a list to a confirmed address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from digests.forms.preferences import AddressForm
from digests.models.signup import LINK_LIFETIME
from digests.services.double_opt_in import LinkState, confirm_link, read_link, request_new_link, request_sign_up
from digests.services.mail_keys import key_of_reader
from digests.services.mail_setup import current_mail_setup
from papers.models import Topic
from papers.web.http import Request
from papers.web.permissions import may_administer
from papers.web.ratelimit import count_attempt, rate_limit_key, too_many_requests


@never_cache
@csrf_exempt  # it asks the owner of an address, which anybody may; so visitors' pages need no cookie for it
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: Request) -> HttpResponse:
    """Take an address. The answer is the same whatever is known of it."""
    mail = current_mail_setup()
    may_try = mail.works or may_administer(request.user)
    form = AddressForm(request.POST if request.method == "POST" and may_try else None, initial=request.GET.dict())
    context = {"form": form, "mail": mail, "may_try": may_try}
    if not form.is_bound or not form.is_valid():
        return render(
            request, "digests/subscribe.html", context, status=409 if request.method == "POST" and not may_try else 200
        )
    if not count_attempt("subscribe", rate_limit_key(request)):
        return too_many_requests(request, "subscribe")
    email, topic = form.cleaned_data["email"], form.cleaned_data["topic"]
    if not form.cleaned_data["website"]:
        found = Topic.objects.filter(slug=topic, owner=None).first() if topic else None
        request_sign_up(email=email, topic=found, now=timezone.now())
    return render(request, "digests/check_inbox.html", {"email": email, "mail": mail})


@never_cache
@csrf_exempt  # the link is the right to press the button
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_address(request: Request, token: str) -> HttpResponse:
    """The link of a confirmation mail: GET shows a button, and only POST says yes, because scanners open links too."""
    now = timezone.now()
    if request.method != "POST":
        return _show(request, {"found": read_link(token, now=now)})
    if "again" in request.POST:
        if not count_attempt("subscribe", rate_limit_key(request)):
            return too_many_requests(request, "subscribe")
        request_new_link(token, now=now)
        return render(request, "digests/check_inbox.html", {"email": "", "mail": current_mail_setup()})
    return _show(request, {"found": confirm_link(token, now=now)})


def _show(request: Request, context: dict[str, Any]) -> HttpResponse:
    found = context["found"]
    step = found.step
    context["reader_key"] = key_of_reader(found.subscriber) if found.subscriber else ""
    context["hours"] = LINK_LIFETIME // timedelta(hours=1)
    context["site_url"] = settings.SITE_URL
    return render(
        request, "digests/confirm.html", context, status=410 if step in (LinkState.EXPIRED, LinkState.UNKNOWN) else 200
    )
