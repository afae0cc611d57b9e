"""Errors for programs: JSON where a browser would get a page, in the form that Hugging Face's client shows."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse, JsonResponse

API_PATH = "/api/"
REFERENCE_PATH = "/api/docs"  # a page for people


def is_program(request: HttpRequest) -> bool:
    """Whether a program asks: at an address of an API, or for Markdown without being a browser. No queries."""
    path = request.path_info
    if path.startswith(API_PATH):
        return path != REFERENCE_PATH
    return path.startswith("/papers/") and path.endswith(".md") and "text/html" not in request.headers.get("Accept", "")


def json_error(status: int, message: str, *, request_id: str = "", **headers: str) -> HttpResponse:
    """`{"error": message}`, and the message as a header too. Never kept by a cache.

    Args:
        status: the status of the answer.
        message: in ASCII, of ours: nothing that was sent stands in it, for a header holds neither lines nor letters.
        request_id: a number that is in the log; without one it is given one.
        headers: more headers, with `_` for `-`.
    """
    response = JsonResponse({"error": message}, status=status)
    response["X-Error-Message"] = message
    response["X-Request-Id"] = request_id or uuid.uuid4().hex
    response["Cache-Control"] = "no-store"
    for name, value in headers.items():
        response[name.replace("_", "-")] = value
    return response
