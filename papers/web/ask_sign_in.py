"""Who is not signed in is asked to; what a form brought with it is not lost.

A form may arrive after its reader's session has ended, or with a token from before another sign-in. Where words were
typed into it, it is shown once more, to be sent again. Only where a page of this site sent it, as the browser itself
says: nobody else's page can put words there. Nothing of it is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.views.csrf import csrf_failure
from django_htmx.http import HttpResponseClientRedirect, reswap, retarget

from papers.web.http import Request, referring_page
from papers.web.visitor_acts import is_from_this_site

_OURS = frozenset({"csrfmiddlewaretoken", "next"})
_SECRETS = ("password", "secret", "token", "code")
"""Parts of the names of fields that are never shown again."""
MOST_FIELDS = 200


@dataclass(frozen=True, slots=True)
class SentField:
    """A field as it arrived."""

    name: str
    value: str

    @property
    def has_words(self) -> bool:
        """Whether somebody typed it: what forms bring by themselves has no spaces."""
        return len(self.value.split()) > 1


def ask_to_sign_in(request: Request) -> HttpResponse:
    """Send a visitor to the page for signing in, and from there back to where the link or the form was; a form with
    words in it is shown, to be sent again afterwards.

    htmx would put the sign-in page into the place of a button, so the answer has the whole window go there.
    """
    if (shown := show_form_again(request)) is not None:
        return shown
    here = request.get_full_path()
    if request.htmx:
        return HttpResponseClientRedirect(redirect_to_login(request.htmx.current_url_abs_path or here).url)
    # What takes forms alone is no page to come back to.
    return redirect_to_login(here if request.method in ("GET", "HEAD") else referring_page(request, default=here))


def form_expired(request: Request, reason: str = "") -> HttpResponse:
    """The answer to a form without its token (`CSRF_FAILURE_VIEW`)."""
    return show_form_again(request) or csrf_failure(request, reason=reason)


def show_form_again(request: Request) -> HttpResponse | None:
    """A page with what a form brought, which sends it again; None where no words would be lost, or they may not be
    shown: it is from elsewhere, has a file, or something secret.
    """
    if request.method != "POST" or not is_from_this_site(request) or request.FILES:
        return None
    fields = list(_fields(request))
    is_secret = any(one.value and part in one.name.lower() for one in fields for part in _SECRETS)
    if is_secret or len(fields) > MOST_FIELDS or not any(one.has_words for one in fields):
        return None
    here = request.get_full_path()
    context = {"fields": fields, "action": here, "back": referring_page(request, default=here)}
    response = render(request, "papers/unsent_form.html", context, status=200 if request.htmx else 403)
    add_never_cache_headers(response)
    return retarget(reswap(response, "innerHTML"), "body") if request.htmx else response


def _fields(request: HttpRequest) -> Iterator[SentField]:
    for name, values in request.POST.lists():
        if name not in _OURS:
            yield from (SentField(name, str(value)) for value in values)
