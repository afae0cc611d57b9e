"""Which acts there are for each kind of what waits: the one table that pages, keys and bulk presses go by."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from papers.models import CurationEvent, DuplicatePair
from papers.services.curation import decisions, merge_papers, placement, rejected_records, topic_assignment
from papers.services.curation.audit_log import Actor, AlreadyDecidedError, CurationError

ActionHandler = Callable[[int, Actor], CurationEvent | None]


def perform_action(*, kind: str, key: int, act: str, by: Actor) -> CurationEvent | None:
    """Do what a curator pressed; the line in the log, None where there was nothing left to do.

    Raises:
        CurationError: there is no such act, or it can't be done as it was given.
        AlreadyDecidedError: see `recording`.
        ObjectDoesNotExist: there is no such thing.
    """
    done = ACTIONS.get(kind, {}).get(act)
    if done is None:
        raise CurationError("There is no such act.")
    return done(key, by)


@dataclass(slots=True)
class BulkResult:
    """What became of many presses at once."""

    done: int = 0
    others: int = 0
    """Somebody else decided on them before."""
    left: int = 0
    """They can't be decided so."""


def perform_bulk_action(*, items: Iterable[tuple[str, int, int | None]], act: str, by: Actor) -> BulkResult:
    """The same act on many things, each (kind, key, newest event seen) in its own transaction; undone with one press.

    One that another curator decided on, or that has no such act, stays as it is.
    """
    batch, result = uuid.uuid4(), BulkResult()
    for kind, key, seen in items:
        try:
            event = perform_action(kind=kind, key=key, act=act, by=replace(by, seen=seen, batch=batch))
        except AlreadyDecidedError:
            result.others += 1
        except (CurationError, ObjectDoesNotExist):
            result.left += 1
        else:
            result.done += event is not None
            result.left += event is None
    return result


def _accept_submission(key: int, by: Actor) -> CurationEvent | None:
    return decisions.accept_submission(submission_id=key, by=by)


def _reject_submission(key: int, by: Actor) -> CurationEvent | None:
    return decisions.reject_submission(submission_id=key, by=by)


def _list_candidate(key: int, by: Actor) -> CurationEvent | None:
    return decisions.list_candidate(paper_id=key, by=by)


def _leave_out(key: int, by: Actor) -> CurationEvent | None:
    return decisions.reject_candidate(paper_id=key, by=by)


def _keep_comment(key: int, by: Actor) -> CurationEvent | None:
    return decisions.keep_comment(comment_id=key, by=by)


def _remove_comment(key: int, by: Actor) -> CurationEvent | None:
    return decisions.remove_comment(comment_id=key, by=by)


def _retry_record(key: int, by: Actor) -> CurationEvent | None:
    return rejected_records.retry_record(record_id=key, by=by)


def _dismiss_record(key: int, by: Actor) -> CurationEvent | None:
    return decisions.dismiss_record(record_id=key, by=by)


def _merge_pair(key: int, by: Actor) -> CurationEvent | None:
    kept, gone = merge_papers.choose_kept_paper(DuplicatePair.objects.get(pk=key))
    return merge_papers.merge_papers(kept_id=kept, gone_id=gone, by=by)


def _merge_other_way(key: int, by: Actor) -> CurationEvent | None:
    kept, gone = merge_papers.choose_kept_paper(DuplicatePair.objects.get(pk=key))
    return merge_papers.merge_papers(kept_id=gone, gone_id=kept, by=by)


def _tell_apart(key: int, by: Actor) -> CurationEvent | None:
    pair = DuplicatePair.objects.get(pk=key)
    return merge_papers.mark_distinct(first_id=pair.first_id, second_id=pair.second_id, by=by)


def _promote(key: int, by: Actor) -> CurationEvent | None:
    return topic_assignment.promote_search(topic_id=key, by=by)


def _decline(key: int, by: Actor) -> CurationEvent | None:
    return topic_assignment.decline_search(topic_id=key, by=by)


def _then_pin(accept: ActionHandler) -> ActionHandler:
    """Accept, and pin it on the day that it came to: one press, and one to undo it."""

    def accept_and_pin(key: int, by: Actor) -> CurationEvent | None:
        by = _together(by)
        with transaction.atomic():
            event = accept(key, by)
            if event is not None and event.paper_id and event.day:
                placement.pin_paper(paper_id=event.paper_id, day=event.day, on=True, by=replace(by, seen=None))
        return event

    return accept_and_pin


def _then_hide(refuse: ActionHandler) -> ActionHandler:
    """Turn it down, and take the paper off every page."""

    def refuse_and_hide(key: int, by: Actor) -> CurationEvent | None:
        by = _together(by)
        with transaction.atomic():
            event = refuse(key, by)
            if event is not None and event.paper_id:
                placement.hide_paper(paper_id=event.paper_id, on=True, by=replace(by, seen=None))
        return event

    return refuse_and_hide


def _together(by: Actor) -> Actor:
    return by if by.batch else replace(by, batch=uuid.uuid4())


ACTIONS: Mapping[str, Mapping[str, ActionHandler]] = {
    "submission": {
        "accept": _accept_submission,
        "pin": _then_pin(_accept_submission),
        "reject": _reject_submission,
        "hide": _then_hide(_reject_submission),
    },
    "candidate": {
        "accept": _list_candidate,
        "pin": _then_pin(_list_candidate),
        "reject": _leave_out,
        "hide": _then_hide(_leave_out),
    },
    "comment": {"accept": _keep_comment, "reject": _remove_comment},
    "record": {"accept": _retry_record, "reject": _dismiss_record},
    "search": {"accept": _promote, "reject": _decline},
    "pair": {"accept": _merge_pair, "other": _merge_other_way, "reject": _tell_apart},
}
