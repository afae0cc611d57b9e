"""How an answer leaves: JSON or 304, errors as JSON, the same methods for all; no cookie, no form, nobody's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt

from papers.api.huggingface.parameters import ParameterError
from papers.services.operations.installation import site_mark
from papers.services.search.timeouts import SearchTimeout
from papers.sources.other_site import SITE_MARK_HEADER
from papers.web.http import Request
from papers.web.json_errors import json_error
from papers.web.validators import etag_of, same_since

P = ParamSpec("P")
View = Callable[Concatenate[Request, P], HttpResponse]

_ALLOWED = "GET, HEAD, OPTIONS"
_JSON = "application/json; charset=utf-8"


def contract_view(view: View[P]) -> Callable[Concatenate[Request, P], HttpResponse]:
    """A view of the contract: its exceptions become answers. To be the outermost decorator."""

    @csrf_exempt  # else what is sent with a wrong method would get a page about forms
    @wraps(view)
    def contract(request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.method == "OPTIONS":
            response = HttpResponse(status=204, headers={"Allow": _ALLOWED})
        elif request.method not in ("GET", "HEAD"):
            response = json_error(405, "Only GET and HEAD are answered here.", Allow=_ALLOWED)
        else:
            response = _answered(view, request, *args, **kwargs)
        response[SITE_MARK_HEADER] = site_mark()
        return response

    return contract


def _answered(view: View[P], request: Request, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
    try:
        return view(request, *args, **kwargs)
    except ParameterError as error:
        return json_error(400, str(error))
    except Http404:
        return json_error(404, "There is no such paper here.")
    except SearchTimeout:
        return json_error(503, "This search took too long.", Retry_After="600")


def json_answer(request: Request, body: Any, *, name: str = "", next_query: str = "") -> HttpResponse:
    """`body` as JSON, or 304 for who has it.

    Args:
        request: the request, whose path the next page has.
        body: what JSON can say.
        name: what the answer is to, from a bounded number of such names: then it is remembered since when it has been
            so, and said as Last-Modified.
        next_query: the query string of the next page; empty: there is none.
    """
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    etag = etag_of(data)
    response = HttpResponse(data, content_type=_JSON, headers={"ETag": etag, "Cache-Control": "no-cache"})
    modified = same_since(name, etag) if name else None
    if modified is not None:
        response["Last-Modified"] = http_date(modified)
    if next_query:
        response["Link"] = f'<{settings.SITE.url}{request.path_info}?{next_query}>; rel="next"'
    patch_vary_headers(response, ["Authorization", "Cookie"])
    return get_conditional_response(request, etag=etag, last_modified=modified, response=response) or response
