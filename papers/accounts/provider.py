"""The way to the group's OpenID Connect provider, and a word where it is away."""

from __future__ import annotations

import logging

from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.http import HttpResponse
from django.shortcuts import render
from requests import RequestException

from papers.web.http import Request

logger = logging.getLogger(__name__)


def openid_connect_login(request: Request, provider_id: str) -> HttpResponse:
    """By POST to the provider's own page; by GET a button, because following a link must sign nobody in."""
    try:
        answer: HttpResponse = openid_connect.login(request, provider_id)
    except (RequestException, ValueError, KeyError):  # it is away, or its discovery document is none
        logger.exception("The OpenID Connect provider could not be asked")
        return render(request, "socialaccount/authentication_error.html", status=503)
    return answer
