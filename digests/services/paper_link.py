"""What the links of a paper in a mail do: for the mail's reader, and for nobody else."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

from django.utils import timezone

from digests.models import MergedPaper, Subscriber
from digests.services.mail_keys import find_by_key
from papers.models import LibraryItem, Paper, SeenPaper, User, Vote
from papers.services.reading.library import read_library_entry, set_library_state
from papers.services.reading.seen import mark_seen
from papers.services.reading.votes import set_vote
from papers.services.recommend.feedback import feedback_on, set_feedback


class PaperAct(StrEnum):
    """What a link asks for, as its address names it."""

    VOTE = "vote"
    SAVE = "save"
    SEEN = "seen"
    MORE = "more"
    LESS = "less"


FEEDBACK_ACTS = (PaperAct.MORE, PaperAct.LESS)
UNDOABLE_ACTS = (PaperAct.VOTE, *FEEDBACK_ACTS)


@dataclass(frozen=True, slots=True)
class MailedPaperLink:
    """Whom a link is for, which paper, and what of these has been done."""

    user: User
    paper: Paper
    done: Set[PaperAct]


def find_paper_link(key: str, paper_id: int) -> MailedPaperLink | None:
    """What a link with the key of a subscriber is for; None where there is no such reader with an account, or the
    paper is not to be seen. Merged papers are what they are now. Seven queries, two more for a key from before.
    """
    reader = find_by_key(Subscriber.objects.confirmed().filter(user__is_active=True).select_related("user"), key)
    if reader is None or reader.user is None:
        return None
    current = MergedPaper.objects.current_ids([paper_id])[paper_id]
    paper = Paper.objects.visible().for_cards().filter(pk=current).first()
    if paper is None:
        return None
    return MailedPaperLink(reader.user, paper, _done(reader.user, paper.pk))


def _done(user: User, paper_id: int) -> frozenset[PaperAct]:
    holds = {
        PaperAct.SAVE: bool(read_library_entry(user=user, paper_id=paper_id).state),
        PaperAct.VOTE: Vote.objects.filter(user=user, paper=paper_id).exists(),
        PaperAct.SEEN: SeenPaper.objects.filter(user=user, paper=paper_id).exists(),
    }
    said = feedback_on(user=user, paper_id=paper_id)
    holds |= {act: said == act for act in FEEDBACK_ACTS}
    return frozenset(act for act, is_done in holds.items() if is_done)


def follow_paper_link(link: MailedPaperLink, act: PaperAct) -> None:
    """Do what the link asks for: vote, save, to be read, mark as seen, or note that more or less like it is wanted.

    Idempotent; what is saved in another state stays so.

    Raises:
        FeedbackError: more or less was said of too many papers today by links of mails.
        Paper.DoesNotExist: it was hidden meanwhile.
        PermissionDenied: the account was deleted meanwhile.
    """
    if act is PaperAct.VOTE:
        set_vote(user=link.user, paper_id=link.paper.pk, on=True)
    elif act is PaperAct.SEEN:
        mark_seen(user=link.user, paper_ids=[link.paper.pk])
    elif act in FEEDBACK_ACTS:
        set_feedback(user=link.user, paper_id=link.paper.pk, kind=act.value, now=timezone.now(), by_mail=True)
    elif PaperAct.SAVE not in link.done:
        set_library_state(user=link.user, paper_ids=[link.paper.pk], state=LibraryItem.State.TO_READ)


def take_back(link: MailedPaperLink, act: PaperAct) -> None:
    """Take back the vote, or what was said of the paper. Idempotent; raises what `follow_paper_link` raises."""
    if act is PaperAct.VOTE:
        set_vote(user=link.user, paper_id=link.paper.pk, on=False)
    elif act in FEEDBACK_ACTS:
        set_feedback(user=link.user, paper_id=link.paper.pk, kind="", now=timezone.now())
