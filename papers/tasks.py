"""What the workers do. A message carries no truth: each task finds in the database whether there is still work."""

from __future__ import annotations

import logging

from celery import shared_task
from django.utils import timezone

from papers.enqueue import TaskName, enqueue
from papers.services.changes.numbering import number_waiting_changes
from papers.services.curation.find_candidates import find_candidates
from papers.services.curation.find_duplicates import check_duplicates
from papers.services.curation.plan_listings import publish_due_listings
from papers.services.editions import cluster_days as related_days
from papers.services.editions import list_rules
from papers.services.fetching import fetch_runner, thumbnails, unread_days, wanted_records
from papers.services.library_import import row_fetcher, upload_reader
from papers.services.operations import scheduler
from papers.services.operations.cleanup import delete_expired_rows
from papers.services.reading.comments import recount_comments
from papers.services.reading.votes import recount_votes as recount
from papers.services.roles import fill_roles
from papers.services.search import reindexing, typing_help, word_statistics
from papers.services.submissions import submission_fetcher
from papers.services.topics import pending_work

logger = logging.getLogger(__name__)


@shared_task(name=TaskName.ENQUEUE_DUE_WORK)
def enqueue_due_work() -> None:
    """Enqueue what is due. Beat calls it every half minute; twice at once does no harm."""
    due = scheduler.collect_due_work(now=timezone.now())
    for source_id in due.source_ids:
        enqueue(TaskName.FETCH_SOURCE, source_id)
    for submission_id in due.submission_ids:
        enqueue(TaskName.FETCH_SUBMISSION, submission_id)
    for import_id in due.import_ids:
        enqueue(TaskName.FETCH_IMPORT, import_id)
    if due.uploads:
        enqueue(TaskName.READ_UPLOADS)
    if due.counting:
        enqueue(TaskName.UPDATE_SEARCH_STATISTICS)
    if due.reindexing:
        enqueue(TaskName.REINDEX_PAPERS)
    if due.roles:
        enqueue(TaskName.FILL_SENTENCE_ROLES)
    if due.clusters:
        enqueue(TaskName.CLUSTER_DAYS)
    if due.topics:
        enqueue(TaskName.MATCH_TOPICS)
    if due.rules:
        enqueue(TaskName.APPLY_RULES)
    if due.desk:
        enqueue(TaskName.UPDATE_CURATION_QUEUE)
    if due.suggestions:
        enqueue(TaskName.COMPUTE_RECOMMENDATIONS)
    if due.days:
        enqueue(TaskName.FILL_UNREAD_DAYS)
    if due.records:
        enqueue(TaskName.FETCH_WANTED_RECORDS)
    if due.thumbnail:
        enqueue(TaskName.MAKE_THUMBNAIL)
    if due.cleanup:
        enqueue(TaskName.RECOUNT_VOTES)
        enqueue(TaskName.CLEANUP)
    for task in due.others:
        enqueue(task)
    number_waiting_changes(now=timezone.now())


@shared_task(name=TaskName.FETCH_SOURCE)
def fetch_source(source_id: int, *, even_if_off: bool = False) -> None:
    """Fetch from a source, if it is still due and no other worker is at it."""
    scheduler.note_begun(TaskName.FETCH_SOURCE, source_id)
    run = fetch_runner.fetch_source(source_id, now=timezone.now(), only_if_due=not even_if_off)
    logger.info("Fetched source %d: %s", source_id, run.state if run else "nothing to do")


@shared_task(name=TaskName.FETCH_SUBMISSION, soft_time_limit=120, time_limit=150)
def fetch_submission(submission_id: int) -> None:
    """Fetch what a reader submitted, if that is still to be done and no other worker is at it."""
    scheduler.note_begun(TaskName.FETCH_SUBMISSION, submission_id)
    done = submission_fetcher.fetch_submission(submission_id, now=timezone.now())
    logger.info("Looked after submission %d: %s", submission_id, done.state if done else "nothing to do")


@shared_task(name=TaskName.READ_UPLOADS, soft_time_limit=90, time_limit=120)
def read_uploads() -> None:
    """Read what readers brought, if no other worker is at it; the rest in a further turn."""
    if upload_reader.read_uploads(now=timezone.now()):
        enqueue(TaskName.READ_UPLOADS)


@shared_task(name=TaskName.FETCH_IMPORT, soft_time_limit=420, time_limit=480)
def fetch_import(import_id: int) -> None:
    """Fetch some of what a reader's import names, if no other worker is at it; the rest in a further turn."""
    scheduler.note_begun(TaskName.FETCH_IMPORT, import_id)
    if more := row_fetcher.fetch_next_rows(import_id, now=timezone.now()):
        enqueue(TaskName.FETCH_IMPORT, import_id)
    logger.info("Fetched for import %d; %s", import_id, "more to do" if more else "done for now")


@shared_task(name=TaskName.FETCH_WANTED_RECORDS, soft_time_limit=420, time_limit=480)
def fetch_wanted_records() -> None:
    """Fetch own records of papers that only third parties speak of, for one turn."""
    logger.info("Fetched %d records that were wanted", wanted_records.fetch_wanted_records(now=timezone.now()))


@shared_task(name=TaskName.MAKE_THUMBNAIL, soft_time_limit=240, time_limit=270)
def make_thumbnail() -> None:
    """Draw the first page of one paper, if the group wants that and arXiv is asked nothing else."""
    if made := thumbnails.make_next_thumbnail(now=timezone.now()):
        logger.info("Drew the first page of paper %d: %s", made.paper_id, made.reason or f"{len(made.image)} bytes")


@shared_task(name=TaskName.FILL_UNREAD_DAYS)
def fill_unread_days() -> None:
    """Fill days whose announcement was not read in time, also while arXiv answers nobody."""
    if listed := unread_days.fill_unread_days(timezone.now()):
        logger.info("Listed %d papers by arXiv's records", listed)


@shared_task(name=TaskName.RECOUNT_VOTES)
def recount_votes() -> None:
    """Bring counts of votes and comments in line with the rows themselves."""
    logger.info("Recounted votes: %d papers were wrong", recount())
    logger.info("Recounted comments: %d papers were wrong", recount_comments())


@shared_task(name=TaskName.CLEANUP)
def cleanup() -> None:
    """Delete rows that nobody asks for any more."""
    logger.info("Deleted %d old rows", delete_expired_rows(now=timezone.now()))


@shared_task(name=TaskName.UPDATE_SEARCH_STATISTICS)
def update_search_statistics() -> None:
    """Count the words of the papers anew, and what helps with typing, when there are enough new papers."""
    is_counted = word_statistics.count_words_if_due(now=timezone.now())
    if is_counted or not typing_help.is_there():
        typing_help.rewrite_typing_help()
    if is_counted:
        logger.info("Counted the words of the papers")


@shared_task(name=TaskName.REINDEX_PAPERS)
def reindex_papers() -> None:
    """Give papers that an older version stored the words by which this one finds them, for one turn."""
    if papers := reindexing.reindex_some(now=timezone.now()):
        logger.info("Made the words of %d papers anew", papers)


@shared_task(name=TaskName.FILL_SENTENCE_ROLES)
def fill_sentence_roles() -> None:
    """Find what each sentence of waiting abstracts is for, for one turn."""
    if papers := fill_roles.fill_roles(now=timezone.now()):
        logger.info("Found the roles of the sentences of %d abstracts", papers)


@shared_task(name=TaskName.CLUSTER_DAYS)
def cluster_days() -> None:
    """Find which papers of a day are about the same, where a day is new or has changed."""
    if days := related_days.cluster_days(now=timezone.now()):
        logger.info("Found the related papers of %d days", days)


@shared_task(name=TaskName.MATCH_TOPICS)
def match_topics() -> None:
    """Match new and changed papers and topics, if there are any and no other worker is at it."""
    done = pending_work.catch_up(now=timezone.now())
    logger.info("Matched %d papers, %d topics anew: %d new matches", done.papers, done.topics, done.matches)


@shared_task(name=TaskName.APPLY_RULES)
def apply_rules() -> None:
    """List what the rules for groups without a curator find."""
    if listed := list_rules.apply_rules(now=timezone.now()):
        logger.info("Listed %d papers by rules", listed)


@shared_task(name=TaskName.UPDATE_CURATION_QUEUE)
def update_curation_queue() -> None:
    """Publish what was planned, and put before the curators what was found for them since the last time."""
    now = timezone.now()
    published, found, pairs = publish_due_listings(now=now), find_candidates(now=now), check_duplicates(now=now)
    logger.info("Published %d papers, found %d candidates and %d pairs that may be one", published, found, pairs)


@shared_task(name=TaskName.COMPUTE_RECOMMENDATIONS)
def compute_recommendations() -> None:
    """Work out the suggestions of all who are due, if no other worker is at it."""
    from papers.services.recommend import recommender  # with numpy, which no web process is to load

    done = recommender.recompute_due(now=timezone.now())
    logger.info("Suggested %d papers to %d readers", done.suggestions, done.readers)
