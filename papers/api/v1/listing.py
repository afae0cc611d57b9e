"""What curators do to days and papers: on a day or off it, pinned, hidden, and the note on top."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Field
from ninja.params.functions import Query

from papers.api.v1.base import CURATE, Day, PaperId, RequestBody, Text, day_of, new_router
from papers.api.v1.curation import ActRecord, act_record, actor_of
from papers.api.v1.papers import readable_paper
from papers.services.curation.audit_log import MAX_REASON_LENGTH
from papers.services.curation.place_paper import MAX_DAY_NOTE_LENGTH, hide_paper, pin_paper, set_day_note
from papers.services.curation.plan_listings import put_on_day, take_from_day

router = new_router("Curation")
_Reason = Query("", max_length=MAX_REASON_LENGTH, description="Stands in the public log.")


class DayNoteText(RequestBody):
    """The note on top of a day."""

    model_config = {"json_schema_extra": {"examples": [{"note": "Three papers on tides today."}]}}

    note: Text = Field(max_length=MAX_DAY_NOTE_LENGTH, description="Markdown.")


@router.put("/editions/{day}/papers/{path:paper_id}", response=ActRecord, summary="Put a paper on a day", **CURATE)
def put_listing(request: HttpRequest, day: str = Day, paper_id: str = PaperId, reason: Text = _Reason) -> ActRecord:
    """Put a paper on a day, again if it was taken off; on one to come it is planned, and listed as that begins."""
    paper = readable_paper(request, paper_id)
    return act_record(put_on_day(paper_id=paper.pk, day=day_of(day), actor=actor_of(request, reason=reason)))


@router.delete("/editions/{day}/papers/{path:paper_id}", response=ActRecord, summary="Take a paper off a day", **CURATE)
def delete_listing(request: HttpRequest, day: str = Day, paper_id: str = PaperId, reason: Text = _Reason) -> ActRecord:
    """Take a paper off one day; all else of it stays."""
    paper = readable_paper(request, paper_id)
    return act_record(take_from_day(paper_id=paper.pk, day=day_of(day), actor=actor_of(request, reason=reason)))


@router.put("/editions/{day}/pins/{path:paper_id}", response=ActRecord, summary="Pin a paper", **CURATE)
def put_pin(request: HttpRequest, day: str = Day, paper_id: str = PaperId, reason: Text = _Reason) -> ActRecord:
    """Put a paper of a day behind what is pinned on top of it."""
    paper = readable_paper(request, paper_id)
    return act_record(pin_paper(paper_id=paper.pk, day=day_of(day), on=True, actor=actor_of(request, reason=reason)))


@router.delete("/editions/{day}/pins/{path:paper_id}", response=ActRecord, summary="Unpin a paper", **CURATE)
def delete_pin(request: HttpRequest, day: str = Day, paper_id: str = PaperId, reason: Text = _Reason) -> ActRecord:
    """Let a paper go from the top of a day."""
    paper = readable_paper(request, paper_id)
    return act_record(pin_paper(paper_id=paper.pk, day=day_of(day), on=False, actor=actor_of(request, reason=reason)))


@router.put("/editions/{day}/note", response=ActRecord, summary="Write the note of a day", **CURATE)
def put_day_note(request: HttpRequest, body: DayNoteText, day: str = Day, reason: Text = _Reason) -> ActRecord:
    """Write the note that stands on top of a day."""
    return act_record(set_day_note(day=day_of(day), note=body.note, actor=actor_of(request, reason=reason)))


@router.delete("/editions/{day}/note", response=ActRecord, summary="Delete the note of a day", **CURATE)
def delete_day_note(request: HttpRequest, day: str = Day, reason: Text = _Reason) -> ActRecord:
    """Take the note off a day."""
    return act_record(set_day_note(day=day_of(day), note="", actor=actor_of(request, reason=reason)))


@router.put("/papers/{path:paper_id}/hidden", response=ActRecord, summary="Hide a paper", **CURATE)
def put_hidden(request: HttpRequest, paper_id: str = PaperId, reason: Text = _Reason) -> ActRecord:
    """Take a paper off every page; curators still see it."""
    paper = readable_paper(request, paper_id)
    return act_record(hide_paper(paper_id=paper.pk, on=True, actor=actor_of(request, reason=reason)))


@router.delete("/papers/{path:paper_id}/hidden", response=ActRecord, summary="Show a paper again", **CURATE)
def delete_hidden(request: HttpRequest, paper_id: str = PaperId, reason: Text = _Reason) -> ActRecord:
    """Show a hidden paper again."""
    paper = readable_paper(request, paper_id)
    return act_record(hide_paper(paper_id=paper.pk, on=False, actor=actor_of(request, reason=reason)))
