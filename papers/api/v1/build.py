"""The API put together: its resources, its errors, and the schema that describes both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from ninja import NinjaAPI, Router
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from papers.api.v1 import (
    authors,
    changes,
    clubs,
    comments,
    curation,
    editions,
    feedback,
    follows,
    library,
    listing,
    me,
    mutes,
    papers,
    search,
    shared_lists,
    statistics,
    submissions,
    tags,
    topics,
    votes,
)
from papers.api.v1.base import SECURITY_SCHEME, refuse_unknown_parameters
from papers.api.v1.errors import add_handlers

VERSION = "1.0"
DESCRIPTION = """What this site's pages show, for programs; and, with a token, what a reader does on them.

Times are UTC (RFC 3339), days are dates. Lists are paged: send `next` as `cursor` to get the following page. Errors
are problem details (RFC 9457). Responses have an `ETag`: send it as `If-None-Match`, and 304 means nothing changed.
`RateLimit` tells how many requests are left.
"""
_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "bsh_…",
    "description": "A personal token, made under Account, API tokens. Its scopes: `read`, `write`, `curate`.",
}
_PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "What is wrong (RFC 9457).",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "examples": ["about:blank"]},
        "title": {"type": "string", "examples": ["Not Found"]},
        "status": {"type": "integer", "examples": [404]},
        "detail": {"type": "string", "examples": ["There is no such paper here."]},
        "errors": {
            "type": "array",
            "description": "What is wrong with each part of the request.",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "detail": {"type": "string"},
                    "pointer": {"type": "string", "description": "Where in the body (RFC 6901), behind `#`."},
                    "in": {"type": "string"},
                    "parameter": {"type": "string"},
                },
            },
        },
    },
}
_ERRORS = {
    "400": "The request can't be read, or its cursor is not one of this list.",
    "401": "A token is needed, or this one opens nothing.",
    "403": "The token may not do this.",
    "404": "There is no such thing, or it is not for whoever asks.",
    "409": "Somebody else decided before, or the id was given to something else.",
    "410": "It was made with this id, and is deleted.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The request is not of the form that is described, or can't be done.",
    "429": "Too many requests; `Retry-After` says when to come back.",
    "503": "It took too long.",
}


class SiteApi(NinjaAPI):
    """The API with a schema that tells its errors and its tokens, too."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The name of the function, which is the name of what it does."""
        return str(operation.view_func.__name__)

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """OpenAPI 3.1."""
        schema = super().get_openapi_schema(path_prefix="api/v1/", path_params=None)
        schema["servers"] = [{"url": settings.SITE.url}]
        components = schema["components"]
        components["schemas"]["Problem"] = _PROBLEM
        components["securitySchemes"] = {SECURITY_SCHEME: _TOKEN}
        problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        components["responses"] = {
            f"Problem{status}": {"description": said, "content": problem} for status, said in _ERRORS.items()
        }
        for address in schema["paths"].values():
            for method, operation in address.items():
                _complete(operation, is_read=method == "get")
        return schema


def _complete(operation: dict[str, Any], *, is_read: bool) -> None:
    """Add to an operation the answers that every one of its kind can give."""
    responses = operation["responses"] = {str(status): answer for status, answer in operation["responses"].items()}
    if is_read:
        responses["304"] = {"description": "Not changed since the answer with this ETag."}
    left_out = {"409", "410", "413", "415"} if is_read else {"503"}
    for status in _ERRORS:
        if status not in left_out:
            responses[status] = {"$ref": f"#/components/responses/Problem{status}"}


def build_api(more: Iterable[Router] = ()) -> NinjaAPI:
    """The API; `more` are resources of other apps. The order is that of the addresses, the first that fits counts."""
    api = SiteApi(
        title="Broadsheet",
        version=VERSION,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        urls_namespace="api-v1",
    )
    api.add_decorator(refuse_unknown_parameters, mode="view")
    resources = (
        me.router,
        papers.lists,
        search.router,
        changes.router,
        editions.router,
        topics.router,
        authors.router,
        statistics.router,
        votes.router,
        library.router,
        tags.router,
        shared_lists.router,
        clubs.router,
        comments.router,
        submissions.router,
        follows.router,
        mutes.router,
        feedback.router,
        curation.router,
        listing.router,
        *more,
        papers.router,  # its addresses end with a path, which takes whatever the others leave
    )
    for router in resources:
        api.add_router("", router)
    add_handlers(api)
    return api
