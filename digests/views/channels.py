"""Channels for notices to curators: listed, made, tested, changed, removed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from digests.forms.channels import ChannelForm
from digests.models import Channel, Notice
from digests.services import notices
from papers.web.http import UserRequest
from papers.web.permissions import staff_only
from papers.web.ratelimit import rate_limited

SHOWN = 30


@never_cache
@require_safe
@staff_only
def channels(request: UserRequest) -> HttpResponse:
    """All channels, and the last notices sent to them."""
    recent = Notice.objects.filter(channel__owner=None).select_related("channel").order_by("-pk")
    context = {
        "channels": Channel.objects.of_group().order_by("pk")[:100],
        "doubtful": recent.filter(state=Notice.State.UNKNOWN)[:SHOWN],
        "notices": recent.exclude(state=Notice.State.UNKNOWN)[:SHOWN],
    }
    return render(request, "digests/channels.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
@rate_limited("mail-test", methods=frozenset({"POST"}))
def new_channel(request: UserRequest) -> HttpResponse:
    """Make a channel. A webhook's signing key is shown here, once."""
    channel = Channel(made_by=request.user)
    form = ChannelForm(request.POST if request.method == "POST" else None, instance=channel)
    if form.is_valid():
        form.save()
        if channel.kind == Channel.Kind.WEBHOOK:
            return render(
                request, "digests/channel_secret.html", {"channel": channel, "all": reverse("digests:channels")}
            )
        messages.success(request, "Saved. Send a test to check that it arrives.")
        return redirect("digests:channels")
    return render(
        request, "digests/channel_form.html", {"form": form, "channel": None}, status=422 if form.errors else 200
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@staff_only
@rate_limited("mail-test", methods=frozenset({"POST"}))
def edit_channel(request: UserRequest, pk: int) -> HttpResponse:
    """Change a channel. What is secret of it is not shown; left empty, it stays. A new signing key is shown, once."""
    channel = get_object_or_404(Channel.objects.of_group(), pk=pk)
    secret = channel.secret
    form = ChannelForm(request.POST if request.method == "POST" else None, instance=channel)
    if form.is_valid():
        form.save()
        if channel.kind == Channel.Kind.WEBHOOK and channel.secret != secret:
            return render(
                request, "digests/channel_secret.html", {"channel": channel, "all": reverse("digests:channels")}
            )
        messages.success(request, "Saved.")
        return redirect("digests:channels")
    return render(
        request, "digests/channel_form.html", {"form": form, "channel": channel}, status=422 if form.errors else 200
    )


@require_POST
@staff_only
@rate_limited("mail-test")
def test_channel(request: UserRequest, pk: int) -> HttpResponse:
    """Send a test now, and say how it went."""
    notice = notices.post_test_notice(get_object_or_404(Channel.objects.of_group(), pk=pk), now=timezone.now())
    say = messages.success if notice.state == Notice.State.SENT else messages.error
    say(request, f"{notice.channel.name}: {notice.get_state_display()}. {notice.result}")
    return redirect("digests:channels")


@require_POST
@staff_only
def remove_channel(request: UserRequest, pk: int) -> HttpResponse:
    """Remove a channel with its notices."""
    get_object_or_404(Channel.objects.of_group(), pk=pk).delete()
    messages.success(request, "The channel was deleted.")
    return redirect("digests:channels")


@require_POST
@staff_only
def repeat_notice(request: UserRequest, pk: int) -> HttpResponse:
    """Have a notice sent once more that failed, or of which nobody knows."""
    notices.retry_notice(get_object_or_404(Notice, pk=pk, channel__owner=None), now=timezone.now())
    messages.success(request, "It will be sent within a minute.")
    return redirect("digests:channels")
