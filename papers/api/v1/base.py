"""What all resources share: who may call, how errors are told, and cleaned texts."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date
from functools import wraps
from typing import Annotated, Any, TypeVar, cast

from django.http import HttpRequest, HttpResponse
from ninja import Field, Router, Schema
from ninja.params.functions import Path, Query
from pydantic import AfterValidator, BaseModel

from papers.dates import parse_day
from papers.models import TokenScope, User
from papers.models.user import can_curate
from papers.text.cleaning import safe_text
from papers.web.http import Request, UserRequest
from papers.web.problems import ProblemError, problem_response
from papers.web.ratelimit import RATE_LIMITS, count_attempt, rate_limit_key

F = TypeVar("F", bound=Callable[..., Any])

SECURITY_SCHEME = "PersonalToken"
DEFAULT_LIMIT = 50
MAX_LIMIT = 100
"""Things on one page."""
_MOST_KEY = 2**63 - 1

Text = Annotated[str, AfterValidator(safe_text)]
"""Text from a program, without what the database cannot keep, such as NUL."""

PaperId = Path(
    ...,
    description="As in the address of its page: an arXiv id, `doi/` and a DOI, or `p-` and ten letters.",
    example="2603.01234",
    max_length=500,
)
Day = Path(
    ...,
    description="The day of an edition: arXiv's announcement date (US Eastern), for all else the group's date.",
    pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    example="2026-03-04",
)
Slug = Path(..., max_length=300, example="language-models")
RowKey = Path(..., ge=1, le=_MOST_KEY)
Cursor = Query("", max_length=200, description="The `next` of the page before; nothing for the first page.")
Limit = Query(DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Things on a page.")
ClientId = Annotated[
    uuid.UUID,
    Field(
        description="An id that your program makes, such as a random UUID (RFC 9562). The same id again within a year "
        "makes nothing new, and answers the same: so a request whose answer got lost can be sent again.",
        examples=["0d9f7c1e-8a35-4f0c-9a53-3f6d3f0c2b11"],
    ),
]


class Record(BaseModel):
    """What answers are made of, checked once by pydantic alone.

    ninja's own base looks each field up through Python, to read querysets and methods of models: for a list of fifty
    papers that took longer than all else.
    """


class RequestBody(Schema):
    """What a program sends. An unknown member is refused: a mistyped one would be ignored silently."""

    model_config = {"extra": "forbid"}


class TokenAuth:
    """Lets in who has a scope: a token that has it, or, to read, a reader's session."""

    def __init__(self, scope: TokenScope) -> None:
        self.scope = scope

    def __call__(self, request: HttpRequest) -> User:
        """The reader.

        Raises:
            ProblemError: 401, nobody; 403, a token that may not do this, or no curator.
        """
        asked = cast(Request, request)
        if not asked.user.is_authenticated:
            raise ProblemError(
                401, "A token is needed: Authorization: Bearer bsh_…", headers={"WWW-Authenticate": "Bearer"}
            )
        if asked.api_token is not None and self.scope not in asked.api_token.scopes:
            raise ProblemError(
                403,
                f"This token does not have the scope “{self.scope}”.",
                headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{self.scope}"'},
            )
        if self.scope is TokenScope.CURATE and not can_curate(asked.user):
            raise ProblemError(403, "This is for curators.")
        return asked.user


def public() -> dict[str, Any]:
    """For whoever may read the site; with a token it says what is its reader's own, too."""
    return {"auth": None, "openapi_extra": {"security": [{}, {SECURITY_SCHEME: []}]}}


def with_scope(scope: TokenScope) -> dict[str, Any]:
    """For a token with this scope."""
    return {"auth": TokenAuth(scope), "openapi_extra": {"security": [{SECURITY_SCHEME: [scope.value]}]}}


READ = with_scope(TokenScope.READ)
WRITE = with_scope(TokenScope.WRITE)
CURATE = with_scope(TokenScope.CURATE)


def new_router(tag: str) -> Router:
    """A resource: where its addresses are added."""
    return Router(tags=[tag])


def refuse_unknown_parameters(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """An operation that answers 422 to a parameter it doesn't know: a mistyped filter would show everything."""
    models = run.__self__.models  # type: ignore[attr-defined]  # ninja gives the operation's own method
    known = {name for model in models if model.__ninja_param_source__ == "query" for name in model.model_fields}

    @wraps(run)
    def checked(request: HttpRequest, **values: Any) -> HttpResponse:
        for name in request.GET:
            if name not in known:
                said = {"in": "query", "parameter": safe_text(name)[:100], "detail": "There is no such parameter."}
                return problem_response(422, "The request is not of the form that is described.", errors=[said])
        return run(request, **values)

    return checked


def asking(request: HttpRequest) -> Request:
    """The request as middleware left it."""
    return cast(Request, request)


def reader_of(request: HttpRequest) -> User:
    """Whose token it is; of an address that takes none without one."""
    return cast(UserRequest, request).user


def viewer_with_scope(request: HttpRequest) -> User | None:
    """The reader whose own things an answer may tell: a token needs the scope to read them. None: nobody's."""
    asked = asking(request)
    if not asked.user.is_authenticated:
        return None
    if asked.api_token is not None and TokenScope.READ not in asked.api_token.scopes:
        return None
    return asked.user


def limit_as_pages(request: HttpRequest, name: str) -> None:
    """Count an act towards the same limit as a press on a page.

    Raises:
        ProblemError: 429.
    """
    if not count_attempt(name, rate_limit_key(request)):
        seconds = RATE_LIMITS[name].seconds
        raise ProblemError(429, f"Too often. Wait up to {seconds} seconds.", headers={"Retry-After": str(seconds)})


def day_of(text: str) -> date:
    """The day of an address.

    Raises:
        ProblemError: 404, there is no such day.
    """
    found = parse_day(text)
    if found is None:
        raise ProblemError(404, "There is no such day.")
    return found
