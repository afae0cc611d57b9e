"""A reader's own webhooks: listed with what was sent to them, made, tested, changed, removed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from digests.forms.channels import WebhookForm
from digests.models import Channel, Notice
from digests.services import notices
from digests.services.channel_lists import MAX_WEBHOOKS, TooManyWebhooksError
from papers.accounts.security_signals import note
from papers.models import SecurityEvent
from papers.web.http import UserRequest
from papers.web.permissions import sign_in_required
from papers.web.ratelimit import rate_limited

SHOWN = 30


@never_cache
@require_safe
@sign_in_required
def webhooks(request: UserRequest) -> HttpResponse:
    """The reader's webhooks, and the last notices sent to them."""
    own = Channel.objects.of(request.user).order_by("pk")
    recent = Notice.objects.filter(channel__owner=request.user).select_related("channel").order_by("-pk")
    context = {"channels": own, "notices": recent[:SHOWN], "most": MAX_WEBHOOKS}
    return render(request, "digests/webhooks.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("mail-test", methods=frozenset({"POST"}))
def new_webhook(request: UserRequest) -> HttpResponse:
    """Make one; its signing key is shown here, once. `?list=` is the address of a list that is proposed."""
    channel = Channel(owner=request.user, made_by=request.user, notify_edition=False)
    proposed = {"lists": request.GET.get("list", "")[:500]}
    form = WebhookForm(request.POST if request.method == "POST" else None, instance=channel, initial=proposed)
    if form.is_valid():
        try:
            form.save()
        except TooManyWebhooksError as error:
            form.add_error(None, str(error))
        else:
            note(request, request.user, SecurityEvent.Kind.WEBHOOK_MADE, f"“{channel.name}”")
            context = {"channel": channel, "all": reverse("digests:webhooks")}
            return render(request, "digests/channel_secret.html", context)
    return _show_form(request, form, None)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sign_in_required
@rate_limited("mail-test", methods=frozenset({"POST"}))
def edit_webhook(request: UserRequest, pk: int) -> HttpResponse:
    """Change one. Its address is not shown; left empty, it stays."""
    channel = get_object_or_404(Channel.objects.of(request.user), pk=pk)
    form = WebhookForm(request.POST if request.method == "POST" else None, instance=channel)
    if form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("digests:webhooks")
    return _show_form(request, form, channel)


def _show_form(request: UserRequest, form: WebhookForm, channel: Channel | None) -> HttpResponse:
    context = {"form": form, "channel": channel}
    return render(request, "digests/webhook_form.html", context, status=422 if form.errors else 200)


@require_POST
@sign_in_required
@rate_limited("mail-test")
def test_webhook(request: UserRequest, pk: int) -> HttpResponse:
    """Send a test now, and say how it went."""
    channel = get_object_or_404(Channel.objects.of(request.user), pk=pk)
    notice = notices.post_test_notice(channel, now=timezone.now())
    say = messages.success if notice.state == Notice.State.SENT else messages.error
    say(request, f"{channel.name}: {notice.get_state_display()}. {notice.result}")
    return redirect("digests:webhooks")


@require_POST
@sign_in_required
def remove_webhook(request: UserRequest, pk: int) -> HttpResponse:
    """Remove one with its notices."""
    get_object_or_404(Channel.objects.of(request.user), pk=pk).delete()
    messages.success(request, "The webhook was deleted.")
    return redirect("digests:webhooks")


@require_POST
@sign_in_required
@rate_limited("mail-test")
def repeat_delivery(request: UserRequest, pk: int) -> HttpResponse:
    """Have a notice sent once more."""
    notice = get_object_or_404(Notice.objects.select_related("channel"), pk=pk, channel__owner=request.user)
    notices.retry_notice(notice, now=timezone.now())
    messages.success(request, "It will be sent within a minute.")
    return redirect("digests:webhooks")
