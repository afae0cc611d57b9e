"""What For you knows of a reader, to be shown to that reader: each paper that counts, for or against, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from papers.models import Paper, Tag, User
from papers.models.recommendation import FeedbackKind
from papers.services.recommend.reader_signals import ReaderSignal, read_signals_of
from papers.text.counts import counted

_TAGS_NAMED = 3
_DID = {
    "voted": "you voted for it",
    "saved": "you saved it",
    "imported": "you imported it",
    "put aside": "you are not interested",
    "followed": "by someone you follow",
    FeedbackKind.MORE: "more like this",
    FeedbackKind.LESS: "less like this",
}


@dataclass(frozen=True, slots=True)
class Seed:
    """A paper that counts, or that the reader does not let count."""

    paper: Paper
    why: str
    """What the reader did with it, in words."""
    is_said: bool
    """The reader said more or less of it; that is taken back, and all else is left out instead."""


@dataclass(frozen=True, slots=True)
class KnownOfReader:
    """The papers that recommendations learn from, the latest first."""

    liked: Sequence[Seed]
    against: Sequence[Seed]
    ignored: Sequence[Seed]

    @property
    def is_empty(self) -> bool:
        return not (self.liked or self.against or self.ignored)


def read_known(user: User) -> KnownOfReader:
    """What counts for and against, and what the reader left out. Three queries. Hidden papers are not shown."""
    done, learnt = read_signals_of(user.pk)
    ids = {*learnt.liked, *learnt.disliked, *learnt.less, *learnt.ignored}
    papers = Paper.objects.visible().only("public_id", "title").in_bulk(ids)
    tags = dict(Tag.objects.filter(user=user).values_list("pk", "name"))
    by_paper: dict[int, list[ReaderSignal]] = {}
    for one in done:
        by_paper.setdefault(one.paper_id, []).append(one)

    def seeds(paper_ids: Iterable[int]) -> list[Seed]:
        return [Seed(papers[pk], _why(by_paper[pk], tags), _is_said(by_paper[pk])) for pk in paper_ids if pk in papers]

    against = dict.fromkeys([*learnt.less, *learnt.disliked])
    return KnownOfReader(seeds(learnt.liked), seeds(against), seeds(sorted(learnt.ignored, reverse=True)))


def _is_said(done: Sequence[ReaderSignal]) -> bool:
    return any(one.source in (FeedbackKind.MORE, FeedbackKind.LESS) for one in done)


def _why(done: Sequence[ReaderSignal], tags: dict[int, str]) -> str:
    """`you voted for it, tagged “flows”`; of many tags the first."""
    did = dict.fromkeys(_DID[one.source] for one in done if one.tag_id is None and one.source in _DID)
    tagged = dict.fromkeys(tags[one.tag_id] for one in done if one.tag_id in tags and one.counts)
    named = [f"tagged “{name}”" for name in list(tagged)[:_TAGS_NAMED]]
    others = len(tagged) - len(named)
    more = [f"and {counted(others, 'more tag')}"] if others > 0 else []
    return ", ".join([*did, *named, *more])
