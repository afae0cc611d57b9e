"""What a page of results says beside them: words that no paper has, what was meant, who is asked for, how many.

All of it is for the first page, and each part is left out where it would take too long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models.functions import Lower

from papers.models import SHIPPED_MODEL, SharedList, Tag, Topic, User
from papers.query import nodes
from papers.query.parser import Query
from papers.services.embeddings.model_switch import current_model
from papers.services.lists.rows import ListRow
from papers.services.search.hybrid_search import ranking_texts
from papers.services.search.match_quotes import with_quotes
from papers.services.search.named_authors import AuthorLead, NamedAuthor, find_leads, matching_authors
from papers.services.search.result_count import COUNTED, count_results
from papers.services.search.result_page import AN_AUTHOR, SearchPage, SearchRequest
from papers.services.search.timeouts import SearchTimeout, statement_timeout
from papers.services.search.word_advice import advise_on_words, corrected_operator
from papers.text.language import is_probably_english

_TIMEOUT_MS = 200


@dataclass(frozen=True, slots=True)
class ResultNotes:
    """What is said of a page of results."""

    query: Query
    """The question as it was understood."""
    rows: list[ListRow]
    """The results, each with the authors for whose names it was found."""
    leads: list[AuthorLead] = field(default_factory=list)
    absent_words: tuple[str, ...] = ()
    """Words as typed that no paper has."""
    unknown: tuple[str, ...] = ()
    """What the question names and is not there for who asks, in words: `topic “agentz”`."""
    correction: Query | None = None
    """What may have been meant."""
    only_by_meaning: bool = False
    """No result has any of the words; all are close in meaning."""
    is_foreign: bool = False
    """The question is not in English, and the model is not said to know another language."""
    paper_count: int | None = None
    """How many papers fulfil the query as a condition, `COUNTED` + 1 for more; None where that is not known."""

    others_come_close: bool = False
    """There are results that do not fulfil the query as a condition: they lack a word, or have none."""

    @property
    def is_more(self) -> bool:
        """There are more papers than were counted."""
        return self.paper_count is not None and self.paper_count > COUNTED


def read_notes(request: SearchRequest, page: SearchPage) -> ResultNotes:
    """What can be said of a page of results. On later pages the reasons of each paper alone, which is two queries."""
    query, result = request.query, page.search_result
    named = matching_authors(query, _found_by_author(query, page))
    rows = [_with_authors(row, named.get(row.paper_id, ())) for row in page.rows]
    notes = ResultNotes(query, with_quotes(query, rows))
    if query.root is None or not page.is_first or page.timed_out:
        return notes
    has_words = result is not None and any(each.by_bm25 or each.by_author for each in result.ranked)
    notes = replace(
        notes,
        is_foreign=not _is_well_answered(page, query) and _is_foreign(query),
        only_by_meaning=bool(page.rows and result and result.has_words and not has_words),
    )
    try:
        with statement_timeout(_TIMEOUT_MS):
            leads = find_leads(query, named, has_whole_name=_may_be_whole_name(query, page))
            notes = replace(notes, leads=leads, is_foreign=notes.is_foreign and not leads)
            if not page.rows:
                notes = replace(notes, unknown=_unknown(query, request.viewer))
            if operator := corrected_operator(query):
                notes = replace(notes, correction=operator)
            elif not (_is_well_answered(page, query) or (leads and rows and rows[0].paper_id in named)):
                advice = advise_on_words(query)
                correction = None if notes.is_foreign else advice.correction  # it knows English words alone
                notes = replace(notes, absent_words=advice.absent, correction=correction)
            count = result.paper_count if result is not None else None
            if count is None:
                count = count_results(query, viewer=request.viewer, today=request.today)
            more_ranked = result is not None and count is not None and len(result.ranked) > count
            notes = replace(notes, paper_count=count, others_come_close=more_ranked)
    except SearchTimeout:  # what was found until then is said
        pass
    return notes


def _unknown(query: Query, viewer: User | AnonymousUser) -> tuple[str, ...]:
    """The topics, tags and lists in a question that its reader does not have. A query for each kind that is named."""
    slugs = dict.fromkeys(leaf.slug for leaf in query.leaves() if isinstance(leaf, nodes.TopicTerm))
    names = dict.fromkeys(leaf.name for leaf in query.leaves() if isinstance(leaf, nodes.TagTerm))
    topics = (
        set(Topic.objects.readable_by(viewer).filter(slug__in=slugs).values_list("slug", flat=True)) if slugs else ()
    )
    own = Tag.objects.filter(user=viewer.pk).annotate(spelled=Lower("name"))
    asked = own.filter(spelled__in=[name.lower() for name in names])
    tags = set(asked.values_list("spelled", flat=True)) if names else ()
    lists = dict.fromkeys(leaf.slug for leaf in query.leaves() if isinstance(leaf, nodes.ListTerm))
    found = SharedList.objects.readable_by(viewer).filter(slug__in=lists) if lists else SharedList.objects.none()
    readable = set(found.values_list("slug", flat=True))
    return (
        *(f"topic “{slug}”" for slug in slugs if slug not in topics),
        *(f"tag “{name}” of yours" for name in names if name.lower() not in tags),
        *(f"list “{slug}”" for slug in lists if slug not in readable),
    )


def _found_by_author(query: Query, page: SearchPage) -> list[int]:
    if any(isinstance(part, nodes.AuthorTerm) for part in query.required()):
        return [row.paper_id for row in page.rows]
    by_author = {each.paper_id for each in page.search_result.ranked if each.by_author} if page.search_result else set()
    return [row.paper_id for row in page.rows if row.paper_id in by_author]


def _may_be_whole_name(query: Query, page: SearchPage) -> bool:
    """Whether there may be papers of an author of that whole name: the ranking found some, or has not looked."""
    if page.search_result is None or any(isinstance(part, nodes.AuthorTerm) for part in query.required()):
        return True
    return any(each.by_author for each in page.search_result.ranked)


def _with_authors(row: ListRow, named: Sequence[NamedAuthor]) -> ListRow:
    if not named:
        return row
    reason = f"{AN_AUTHOR}: {', '.join(author.name for author in named)}"
    return replace(row, reasons=(reason, *(each for each in row.reasons if each != AN_AUTHOR)))


def _is_well_answered(page: SearchPage, query: Query) -> bool:
    """Whether one of the best results has all the words in its title: nothing was mistyped."""
    if page.search_result is None:
        return False
    wanted = len(ranking_texts(query))
    return any(each.in_title >= wanted for each in page.search_result.ranked[:3])


def _is_foreign(query: Query) -> bool:
    if is_probably_english(" ".join(ranking_texts(query))):
        return False
    model = current_model()
    return model is not None and (model.name == SHIPPED_MODEL or settings.EMBEDDINGS_LANGUAGES == "english")
