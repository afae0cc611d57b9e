"""What a reader submits, and how far it has come."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Status

from papers.api.v1.base import (
    READ,
    WRITE,
    ClientId,
    Cursor,
    Limit,
    Record,
    RequestBody,
    RowKey,
    Text,
    limit_as_pages,
    new_router,
    reader_of,
)
from papers.api.v1.pages import cut_page, position_of
from papers.models import ClientKey, Paper, Submission, User
from papers.services.accounts.client_keys import MadeRow, make_once
from papers.services.reading.tags import parse_tag_name
from papers.services.submissions.intake import retry_submission, submit
from papers.web.permissions import submission_for_read
from papers.web.problems import ProblemError

router = new_router("Submissions")
SubmissionStateName = Literal["fetching", "failed", "waiting", "accepted", "rejected", "here"]


class SubmissionPosition(NamedTuple):
    """What a reader's submissions are sorted by."""

    pk: int


class NewSubmission(RequestBody):
    """A paper that a reader names."""

    model_config = {
        "json_schema_extra": {
            "examples": [{"id": "0d9f7c1e-8a35-4f0c-9a53-3f6d3f0c2b11", "reference": "2603.01234", "tags": ["tides"]}]
        }
    }

    id: ClientId
    reference: Text = Field(
        min_length=1, max_length=2_000, description="An arXiv id, a DOI, or the address of a paper's page."
    )
    for_edition: bool = Field(True, description="Whether it goes on an edition, not only into the collection.")
    save: bool = Field(False, description="Put it into the reader's library, to be read.")
    tags: list[Text] = Field([], max_length=20, description="The reader's tags to put on it.")


class SubmissionRecord(Record):
    """A submission as it stands."""

    model_config = {
        "json_schema_extra": {
            "examples": [
                {
                    "id": 5,
                    "reference": "2603.01234",
                    "state": "fetching",
                    "reason": "",
                    "paper": None,
                    "created_at": "2026-03-04T12:00:00Z",
                }
            ]
        }
    }

    id: int | None = Field(description="null where nothing had to be done: the paper was here.")
    reference: str
    state: SubmissionStateName = Field(
        description="`fetching`; `failed`; `waiting` for a curator; `accepted`; `rejected`; `here`: it was, already."
    )
    reason: str = Field(description="Why it failed or was rejected; else empty.")
    paper: str | None = Field(description="The paper's id, once it is here.")
    created_at: datetime | None = Field(description="UTC.")


class SubmissionPage(Record):
    """A reader's submissions, the newest first."""

    items: list[SubmissionRecord]
    next: str | None = Field(description="The `cursor` of the next page; null on the last.")


@router.get("/submissions", response=SubmissionPage, summary="Your submissions", **READ)
def list_submissions(request: HttpRequest, cursor: str = Cursor, limit: int = Limit) -> dict[str, Any]:
    """What the reader submitted, the newest first."""
    after = position_of(cursor, SubmissionPosition)
    own = Submission.objects.filter(user=reader_of(request)).select_related("paper").order_by("-pk")
    found = own.filter(pk__lt=after.pk) if after else own
    shown, following = cut_page(found, lambda last: SubmissionPosition(last.pk), limit=limit)
    return {"items": [submission_record(row, reader_of(request)) for row in shown], "next": following}


@router.post("/submissions", response={201: SubmissionRecord, 200: SubmissionRecord}, summary="Submit a paper", **WRITE)
def create_submission(request: HttpRequest, body: NewSubmission) -> Status[SubmissionRecord]:
    """Submit a paper. What is not here is fetched within minutes: ask again by `id`.

    200: it was submitted with this id before, or the paper is here already.
    """
    user = reader_of(request)
    tags = [name for tag in body.tags if (name := parse_tag_name(tag))]
    limit_as_pages(request, "submit")

    def make() -> MadeRow:
        taken = submit(
            user=user,
            text=body.reference,
            now=timezone.now(),
            is_for_edition=body.for_edition,
            saves_to_library=body.save,
            tags=tags,
        )
        return MadeRow(
            taken.submission.pk if taken.submission else None, taken.paper.pk if taken.paper is not None else None
        )

    made, is_new = make_once(user=user, key=body.id, kind=ClientKey.Kind.SUBMISSION, make=make)
    if made.made_id is None:
        public_id = Paper.objects.filter(pk=made.paper_id or 0).values_list("public_id", flat=True).first()
        here = SubmissionRecord(
            id=None, reference=body.reference, state="here", reason="", paper=public_id, created_at=None
        )
        return Status(200, here)
    found = Submission.objects.select_related("paper").filter(pk=made.made_id or 0).first()
    if found is None:
        raise ProblemError(410, "It was made with this id, and is gone.")
    return Status(201 if is_new else 200, submission_record(found, user))


@router.get("/submissions/{int:submission_id}", response=SubmissionRecord, summary="One submission", **READ)
def get_submission(request: HttpRequest, submission_id: int = RowKey) -> SubmissionRecord:
    """How far it has come: one of the reader's; for curators, with their scope, any."""
    user = reader_of(request)
    return submission_record(submission_for_read(user, submission_id), user)


@router.put(
    "/submissions/{int:submission_id}/retry", response=SubmissionRecord, summary="Try a submission again", **WRITE
)
def put_retry(request: HttpRequest, submission_id: int = RowKey) -> SubmissionRecord:
    """Fetch again what failed; what has not failed stays as it is."""
    user = reader_of(request)
    found = submission_for_read(user, submission_id)
    limit_as_pages(request, "submit")
    return submission_record(retry_submission(submission=found, now=timezone.now()), user)


def submission_record(found: Submission, viewer: User) -> SubmissionRecord:
    """A submission as answers have it; with its paper there, no queries. A hidden paper is named to curators alone."""
    is_named = found.paper is not None and (found.paper.hidden_at is None or viewer.may_curate)
    return SubmissionRecord(
        id=found.pk,
        reference=found.reference,
        state=found.state,  # type: ignore[arg-type]  # the column's choices
        reason=found.reason,
        paper=found.paper.public_id if found.paper is not None and is_named else None,
        created_at=found.created_at,
    )
