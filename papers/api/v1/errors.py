"""What each exception of the services is in an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

from papers.catalogue.paper_ref import InvalidReferenceError
from papers.services.accounts.client_keys import ClientKeyTakenError
from papers.services.clubs.meetings import ClubError
from papers.services.curation.audit_log import AlreadyDecidedError, CurationError
from papers.services.reading.follows import FollowError
from papers.services.reading.muted_queries import MutingError
from papers.services.reading.tags import TagError
from papers.services.shared_lists.settings import ListError
from papers.services.topics.topic_editor import TopicError
from papers.web.problems import ProblemError, problem_response

_STATUSES: dict[type[Exception], int] = {
    Http404: 404,
    ObjectDoesNotExist: 404,
    PermissionDenied: 403,
    AlreadyDecidedError: 409,
    ClientKeyTakenError: 409,
    ClubError: 422,
    CurationError: 422,
    FollowError: 422,
    InvalidReferenceError: 422,
    ListError: 422,
    MutingError: 422,
    TagError: 422,
    TopicError: 422,
}


def add_handlers(api: NinjaAPI) -> None:
    """Have every error of a resource answered as a problem."""
    for kind, status in _STATUSES.items():
        api.add_exception_handler(kind, _told(status))
    api.add_exception_handler(ProblemError, _problem)
    api.add_exception_handler(HttpError, _http_error)
    api.add_exception_handler(ValidationError, _invalid)


def _told(status: int) -> Callable[[HttpRequest, Any], HttpResponse]:
    def handler(request: HttpRequest, error: Exception) -> HttpResponse:
        # What the database says of a row that is not there is no word for a caller.
        said = "There is no such thing." if isinstance(error, ObjectDoesNotExist) else str(error)
        return problem_response(status, said)

    return handler


def _problem(request: HttpRequest, error: Any) -> HttpResponse:
    return problem_response(error.status, error.detail, headers=error.headers, **error.more)


def _http_error(request: HttpRequest, error: Any) -> HttpResponse:
    return problem_response(error.status_code, "The body is not JSON." if error.status_code == 400 else str(error))


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    """What is wrong with each part: in the body by a JSON Pointer (RFC 6901), else by its name. No value comes back."""
    errors = [_part(one["loc"], one["msg"]) for one in error.errors[:20]]
    # A path that names nothing of the right form is no address.
    if errors and all(one.get("in") == "path" for one in errors):
        return problem_response(404, "There is nothing at this address.", errors=errors)
    return problem_response(422, "The request is not of the form that is described.", errors=errors)


def _part(location: tuple[Any, ...], said: str) -> dict[str, str]:
    where, *names = location
    said = str(said).encode(errors="replace").decode()
    if where == "body":
        # The first name is the parameter's of our own function.
        pointer = "".join(f"/{_escaped(name)}" for name in names[1:])
        return {"detail": said, "pointer": f"#{pointer}"}
    return {"detail": said, "in": str(where), "parameter": _escaped(names[0] if names else "")}


def _escaped(name: object) -> str:
    return str(name)[:100].encode(errors="replace").decode().replace("~", "~0").replace("/", "~1")
