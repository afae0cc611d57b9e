"""How mail is set up, a test of it, and ending a pause of it. For administrators."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from digests.forms.preferences import AddressForm
from digests.services.mail_setup import current_mail_setup, send_test_mail
from digests.services.sending_pauses import current_pauses, resume_sending
from papers.web.http import UserRequest
from papers.web.permissions import staff_only
from papers.web.ratelimit import rate_limited


@never_cache
@require_safe
@staff_only
def mail_setup(request: UserRequest) -> HttpResponse:
    """How mail is set up, what is missing or held back, and the buttons that try it and let it go again."""
    context = {
        "mail": current_mail_setup(),
        "sender": settings.DEFAULT_FROM_EMAIL,
        "server": f"{settings.EMAIL_HOST}, port {settings.EMAIL_PORT}" if settings.MAIL_IS_SENT else "",
        "account": settings.EMAIL_HOST_USER if settings.MAIL_IS_SENT else "",
        "protection": _protection(),
        "pauses": current_pauses(now=timezone.now()),
        "form": AddressForm(initial={"email": request.user.email}),
    }
    return render(request, "digests/mail_setup.html", context)


def _protection() -> str:
    if settings.EMAIL_USE_SSL:
        return "TLS"
    return "STARTTLS" if settings.EMAIL_USE_TLS else "none: passwords and e-mails can be read in transit"


@require_POST
@staff_only
@rate_limited("mail-test")
def send_test_message(request: UserRequest) -> HttpResponse:
    """Send a test message to the address in the form."""
    form = AddressForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Enter a valid e-mail address. Nothing was sent.")
        return redirect("digests:mail-setup")
    mail = send_test_mail(to=form.cleaned_data["email"], now=timezone.now())
    if mail.works:
        messages.success(request, f"{mail.result} Check that it arrived, and not in the spam folder.")
    elif mail.result:
        messages.error(request, mail.result)
    else:
        messages.warning(request, "Nothing left this machine. The test message is in the outbox.")
    return redirect("digests:mail-setup")


@require_POST
@staff_only
def resume(request: UserRequest) -> HttpResponse:
    """Let mail go out again that a pause holds back: `name` is a domain, empty for all mail."""
    if resume_sending(request.POST.get("name", "")):
        messages.success(request, "E-mail will be sent again within a minute.")
    else:
        messages.info(request, "Nothing is paused there any more.")
    return redirect("digests:mail-setup")
