"""What a reader sees when a page can't be shown."""

from __future__ import annotations

import logging
import sys
import uuid

import psycopg
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseServerError
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import Resolver404

from papers.web.json_errors import is_program, json_error

_LONG_NAME = "The file name is too long. Use at most 200 characters and try again."
_BROKEN_FORM = "The form was incomplete. Go back and try again."

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5
# PostgreSQL's codes (Appendix A): the server ends, ended or can't be talked with yet; and connection exceptions.
_AWAY = ("57P01", "57P02", "57P03", "08")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The 404 page, with what the view said about it."""
    is_ours = isinstance(exception, Http404) and not isinstance(exception, Resolver404)
    if is_program(request):
        return json_error(404, "There is no such paper here." if is_ours else "There is no such address.")
    return render(request, "404.html", {"reason": str(exception) if is_ours else ""}, status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The 400 page: most often the host name isn't ours, so nothing is done for it; else what is wrong with a form."""
    reason = ""
    if isinstance(exception, MultiPartParserError):
        # Django's parser says which only in words.
        reason = _LONG_NAME if "header size" in str(exception) else _BROKEN_FORM
    if is_program(request):
        return json_error(400, reason or "This request can't be answered.")
    return HttpResponseBadRequest(render_to_string("400.html", {"reason": reason}))


def server_error(request: HttpRequest) -> HttpResponse:
    """The 500 page: needs no database, cache or session, and has a number that is in the log behind the trace.

    While the database can't be reached, as in the seconds in which it starts, a page that says so and asks again.
    """
    if _is_database_away(sys.exc_info()[1]):
        pause = {"Retry-After": str(RETRY_SECONDS)}
        page = render_to_string("503.html", {"seconds": RETRY_SECONDS})
        return HttpResponse(page, status=503, headers=pause)
    number = uuid.uuid4().hex[:10]
    logger.error("Request failed: %s %s", number, request.path)
    if is_program(request):
        return json_error(500, "This request failed. The log has more of it.", request_id=number)
    return HttpResponseServerError(render_to_string("500.html", {"number": number}))


def _is_database_away(error: BaseException | None) -> bool:
    """Whether a request failed because there was no connection to the database, or it broke."""
    cause = error.__cause__ if isinstance(error, OperationalError) else None
    if not isinstance(cause, psycopg.OperationalError):
        return False
    return cause.sqlstate is None or cause.sqlstate.startswith(_AWAY)  # None: nobody was there to give a code
