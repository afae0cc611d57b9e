"""What can be done with each kind of what waits: the one table that pages, keys and bulk presses go by."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction

from papers.models import CurationEvent, DuplicatePair
from papers.services.curation import (
    assign_topics,
    merge_papers,
    place_paper,
    review_comments,
    review_papers,
    review_records,
)
from papers.services.curation.audit_log import Actor, AlreadyDecidedError, CurationError

ActionHandler = Callable[[int, Actor], CurationEvent | None]


def perform_action(*, kind: str, key: int, action: str, actor: Actor) -> CurationEvent | None:
    """Do what a curator pressed; the line in the log, None where there was nothing left to do.

    Raises:
        CurationError: there is no such action, or it can't be done as it was given.
        AlreadyDecidedError: see `record_action`.
        ObjectDoesNotExist: there is no such thing.
    """
    done = ACTIONS.get(kind, {}).get(action)
    if done is None:
        raise CurationError("There is no such action.")
    return done(key, actor)


@dataclass(slots=True)
class BulkResult:
    """What became of one action on many things."""

    done: int = 0
    others: int = 0
    """Of these somebody else had decided."""
    left: int = 0
    """Of these the action can't be done, or there is nothing to change."""


def perform_bulk_action(*, items: Iterable[tuple[str, int, int | None]], action: str, actor: Actor) -> BulkResult:
    """Do one action on many things, each (kind, key, newest event seen) in its own transaction; undone as one batch.

    One that another curator decided on, or that has no such action, stays as it is.
    """
    batch, result = uuid.uuid4(), BulkResult()
    for kind, key, seen in items:
        try:
            event = perform_action(
                kind=kind, key=key, action=action, actor=replace(actor, last_event_id=seen, batch=batch)
            )
        except AlreadyDecidedError:
            result.others += 1
        except (CurationError, ObjectDoesNotExist):
            result.left += 1
        else:
            result.done += event is not None
            result.left += event is None
    return result


def _accept_submission(key: int, actor: Actor) -> CurationEvent | None:
    return review_papers.accept_submission(submission_id=key, actor=actor)


def _reject_submission(key: int, actor: Actor) -> CurationEvent | None:
    return review_papers.reject_submission(submission_id=key, actor=actor)


def _list_candidate(key: int, actor: Actor) -> CurationEvent | None:
    return review_papers.list_candidate(paper_id=key, actor=actor)


def _leave_out(key: int, actor: Actor) -> CurationEvent | None:
    return review_papers.reject_candidate(paper_id=key, actor=actor)


def _keep_comment(key: int, actor: Actor) -> CurationEvent | None:
    return review_comments.keep_comment(comment_id=key, actor=actor)


def _remove_comment(key: int, actor: Actor) -> CurationEvent | None:
    return review_comments.remove_comment(comment_id=key, actor=actor)


def _retry_record(key: int, actor: Actor) -> CurationEvent | None:
    return review_records.retry_record(record_id=key, actor=actor)


def _dismiss_record(key: int, actor: Actor) -> CurationEvent | None:
    return review_records.dismiss_record(record_id=key, actor=actor)


def _merge_pair(key: int, actor: Actor) -> CurationEvent | None:
    kept, gone = merge_papers.choose_kept_paper(DuplicatePair.objects.get(pk=key))
    return merge_papers.merge_papers(kept_id=kept, merged_id=gone, actor=actor)


def _merge_other_way(key: int, actor: Actor) -> CurationEvent | None:
    kept, gone = merge_papers.choose_kept_paper(DuplicatePair.objects.get(pk=key))
    return merge_papers.merge_papers(kept_id=gone, merged_id=kept, actor=actor)


def _tell_apart(key: int, actor: Actor) -> CurationEvent | None:
    pair = DuplicatePair.objects.get(pk=key)
    return merge_papers.mark_distinct(first_id=pair.first_id, second_id=pair.second_id, actor=actor)


def _promote(key: int, actor: Actor) -> CurationEvent | None:
    return assign_topics.promote_search(topic_id=key, actor=actor)


def _decline(key: int, actor: Actor) -> CurationEvent | None:
    return assign_topics.decline_search(topic_id=key, actor=actor)


def _then_pin(accept: ActionHandler) -> ActionHandler:
    """Accept, and pin it on the day that it came to: one press, and one to undo it."""

    def accept_and_pin(key: int, actor: Actor) -> CurationEvent | None:
        actor = _together(actor)
        with transaction.atomic():
            event = accept(key, actor)
            if event is not None and event.paper_id and event.day:
                place_paper.pin_paper(
                    paper_id=event.paper_id, day=event.day, on=True, actor=replace(actor, last_event_id=None)
                )
        return event

    return accept_and_pin


def _then_hide(refuse: ActionHandler) -> ActionHandler:
    """Turn it down, and take the paper off every page."""

    def refuse_and_hide(key: int, actor: Actor) -> CurationEvent | None:
        actor = _together(actor)
        with transaction.atomic():
            event = refuse(key, actor)
            if event is not None and event.paper_id:
                place_paper.hide_paper(paper_id=event.paper_id, on=True, actor=replace(actor, last_event_id=None))
        return event

    return refuse_and_hide


def _together(actor: Actor) -> Actor:
    return actor if actor.batch else replace(actor, batch=uuid.uuid4())


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
