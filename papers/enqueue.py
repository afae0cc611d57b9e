"""Work handed to the workers, by the name of its task: whoever enqueues need not import the task.

A message carries no truth. What is to be done stands in rows, where the scheduler finds it as well; a message only
saves the wait for its next round. So a broker that is away loses nothing.
"""

from __future__ import annotations

import logging
from enum import StrEnum

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


class TaskName(StrEnum):
    """The tasks' names, which are a wire format: messages of a version may reach workers of the next one."""

    ENQUEUE_DUE_WORK = "papers.enqueue_due_work"
    FETCH_SOURCE = "papers.fetch_source"
    FETCH_SUBMISSION = "papers.fetch_submission"
    FETCH_IMPORT = "papers.fetch_import"
    READ_UPLOADS = "papers.read_uploads"
    FILL_UNREAD_DAYS = "papers.fill_unread_days"
    FETCH_WANTED_RECORDS = "papers.fetch_wanted_records"
    MAKE_THUMBNAIL = "papers.make_thumbnail"
    RECOUNT_VOTES = "papers.recount_votes"
    CLEANUP = "papers.cleanup"
    UPDATE_SEARCH_STATISTICS = "papers.update_search_statistics"
    REINDEX_PAPERS = "papers.reindex_papers"
    FILL_SENTENCE_ROLES = "papers.fill_sentence_roles"
    CLUSTER_DAYS = "papers.cluster_days"
    MATCH_TOPICS = "papers.match_topics"
    APPLY_RULES = "papers.apply_rules"
    UPDATE_CURATION_QUEUE = "papers.update_curation_queue"
    COMPUTE_RECOMMENDATIONS = "papers.compute_recommendations"

    WRITE_BACKUP = "config.write_backup"

    RUN_SCHEDULED_MAIL = "digests.run_scheduled_work"
    SEND_WAITING = "digests.send_waiting"
    SEND_CONFIRMATIONS = "digests.send_confirmations"
    SEND_MENTIONS = "digests.send_mentions"
    SEND_SECURITY = "digests.send_security"
    SEND_CLUB_MAIL = "digests.send_club_mail"
    POST_NOTICES = "digests.post_notices"


def enqueue(task: TaskName, *args: int) -> None:
    """Have a worker do a task once this transaction is committed; at once outside of one."""
    transaction.on_commit(lambda: _send(task, *args))


def _send(task: TaskName, *args: int) -> None:
    try:
        current_app.send_task(task, args)
    except OperationalError:
        logger.warning("The queue does not answer; %s is found again by the scheduler", task)
