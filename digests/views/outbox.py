"""The mails that were kept in the data folder because none may leave. For administrators."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from digests.services import outbox_folder
from digests.services.mail_setup import current_mail_setup
from digests.services.outbox_folder import OutboxFile
from papers.web.content_security import NOTHING, OWN, content_security_policy
from papers.web.http import UserRequest
from papers.web.permissions import staff_only

_POLICY_OF_MAIL = content_security_policy(
    {
        "script-src": NOTHING,
        "style-src": "'unsafe-inline'",
        "sandbox": "allow-popups allow-popups-to-escape-sandbox",
        "frame-ancestors": OWN,
        "form-action": NOTHING,
    }
)


@never_cache
@require_safe
@staff_only
def outbox(request: UserRequest) -> HttpResponse:
    """The newest mails that were kept here."""
    context = {"kept": outbox_folder.newest_files(), "mail": current_mail_setup(), "folder": settings.OUTBOX_DIR}
    return render(request, "digests/outbox.html", context)


@never_cache
@require_safe
@staff_only
def outbox_mail(request: UserRequest, name: str) -> HttpResponse:
    """One mail of the outbox: its headers and both parts."""
    mail = _of_name(name)
    headers = [(header, str(value)) for header, value in mail.parsed().items()]
    has_html = bool(mail.part("html"))
    context = {"mail": mail, "headers": headers, "text": mail.part("plain"), "has_html": has_html}
    response = render(request, "digests/outbox_mail.html", context)
    response["Content-Security-Policy"] = content_security_policy({"frame-src": OWN})
    return response


@never_cache
@require_safe
@staff_only
def outbox_mail_source(request: UserRequest, name: str) -> HttpResponse:
    """The file, for any mail program."""
    mail = _of_name(name)
    filename = mail.name.replace(":", "-").removesuffix(".eml") + ".eml"
    disposition = {"Content-Disposition": f'attachment; filename="{filename}"'}
    return HttpResponse(mail.source, content_type="message/rfc822", headers=disposition)


@never_cache
@require_safe
@xframe_options_sameorigin
@staff_only
def outbox_mail_html(request: UserRequest, name: str) -> HttpResponse:
    """The HTML part as it is, in a frame that runs and loads nothing: mails carry their style in their elements."""
    html = _of_name(name).part("html").replace("<head>", '<head><base target="_blank">', 1)
    return HttpResponse(html, headers={"Content-Security-Policy": _POLICY_OF_MAIL})


def _of_name(name: str) -> OutboxFile:
    mail = outbox_folder.find_outbox_file(name)
    if mail is None:
        raise Http404("There is no such e-mail in the outbox.")
    return mail
