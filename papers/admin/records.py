"""The admin: papers, days and listings, to look at; submissions and reported comments, to decide on.

Papers, listings and their counts belong together and are written by services: here they are read-only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.core.exceptions import PermissionDenied
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator

from papers.admin.base import ExactSearchMixin, ReadOnlyMixin
from papers.dates import parse_day
from papers.models import (
    CommentReport,
    Edition,
    Identifier,
    Listing,
    Paper,
    PaperExternalCounts,
    PaperVersion,
    Submission,
    User,
)
from papers.query.nodes import And, TitleTerm
from papers.query.parser import Query
from papers.services.curation.audit_log import Actor
from papers.services.curation.perform_action import perform_bulk_action
from papers.services.curation.review_papers import accept_submission, reject_submission

MOST_TITLED = 200
"""Papers that words of titles find; who sees so many types another word."""
MOST_LETTERS = 500

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _IdentifierInline = admin.TabularInline[Identifier, Paper]
    _VersionInline = admin.TabularInline[PaperVersion, Paper]
    _FigureInline = admin.TabularInline[PaperExternalCounts, Paper]
    _PaperAdmin = admin.ModelAdmin[Paper]
    _ListingAdmin = admin.ModelAdmin[Listing]
    _EditionAdmin = admin.ModelAdmin[Edition]
    _SubmissionAdmin = admin.ModelAdmin[Submission]
    _CommentReportAdmin = admin.ModelAdmin[CommentReport]
else:
    _PaperAdmin = _ListingAdmin = _EditionAdmin = _SubmissionAdmin = _CommentReportAdmin = admin.ModelAdmin
    _IdentifierInline = _VersionInline = _FigureInline = admin.TabularInline


class _RowsMixin(ReadOnlyMixin):
    """Rows that belong to a paper."""

    extra = 0
    can_delete = False
    show_change_link = False


class IdentifierInline(_RowsMixin, _IdentifierInline):
    model = Identifier


class VersionInline(_RowsMixin, _VersionInline):
    model = PaperVersion


class ExternalCountsInline(_RowsMixin, _FigureInline):
    model = PaperExternalCounts


@admin.register(Paper)
class PaperAdmin(ExactSearchMixin, ReadOnlyMixin, _PaperAdmin):
    list_display = (
        "public_id",
        "title",
        "primary_category",
        "listed_at",
        "version",
        "vote_count",
        "withdrawn_at",
        "hidden_at",
    )
    search_help_text = "A complete arXiv id, DOI or other identifier, or words of the title."
    ordering = ("-listed_at", "-pk")
    inlines = (IdentifierInline, VersionInline, ExternalCountsInline)
    exclude = ("author_keys", "search_vector", "trending_score")

    def exact_matches(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        # Keys, not a subquery: with one, Postgres would read all papers for the "or". The index begins with the scheme.
        named = Identifier.objects.filter(scheme__in=Identifier.Scheme.values, value__in=[words, words.lower()])
        keys = {*named.values_list("paper", flat=True)[:50], *_titled(words).values_list("pk", flat=True)[:MOST_TITLED]}
        return rows.filter(Q(public_id=words) | Q(pk__in=keys))


def _titled(words: str) -> QuerySet[Paper]:
    """Papers with all of the words in their title, hidden ones too; the search index finds them."""
    terms = tuple(TitleTerm(word) for word in words[:MOST_LETTERS].split())
    return Paper.objects.matching(Query(And(terms) if len(terms) > 1 else terms[0]))


@admin.register(Listing)
class ListingAdmin(ExactSearchMixin, ReadOnlyMixin, _ListingAdmin):
    list_display = ("day", "paper", "by", "source", "kind", "position", "vote_count", "source_votes", "hidden_at")
    list_select_related = ("paper", "source")
    search_help_text = "A day, such as 2026-03-04, or a paper's arXiv id."
    ordering = ("-pk",)  # a list of a million rows is sorted by what has an index

    def exact_matches(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        day = parse_day(words)
        return rows.filter(day=day) if day else rows.filter(paper__in=Paper.objects.filter(public_id=words))


@admin.register(Edition)
class EditionAdmin(ReadOnlyMixin, _EditionAdmin):
    """What is known of a day comes from the fetches; its note is written at the desk, where it can be undone."""

    list_display = ("day", "listed_count", "announced_count", "stored_count", "checked_at", "is_sample", "desk")
    fields = (
        *("day", "desk", "note", "publish_at", "listed_count", "announced_count", "stored_count", "missing"),
        *("check_note", "checked_at"),
    )
    ordering = ("-day",)

    @admin.display(description="change")
    def desk(self, edition: Edition) -> str:
        return format_html(
            '<a href="{}">curation page</a>', reverse("papers:curate-day", args=[edition.day.isoformat()])
        )


class SubmissionActionForm(ActionForm):
    """What to do with the selected submissions, and why."""

    reason = forms.CharField(required=False, max_length=1_000, help_text="Shown to the person who submitted it.")


@admin.register(Submission)
class SubmissionAdmin(ReadOnlyMixin, _SubmissionAdmin):
    """What readers submitted; those that wait for a curator are accepted or rejected here."""

    list_display = ("reference", "user", "paper", "state", "reason", "created_at", "decided_at")
    list_filter = ("state",)
    list_select_related = ("user", "paper")
    ordering = ("-pk",)
    actions = ("accept", "reject")
    action_form = SubmissionActionForm

    @admin.action(description="Accept: put on today's edition")
    def accept(self, request: HttpRequest, chosen: QuerySet[Submission]) -> None:
        self._decide(request, chosen, accept_submission)

    @admin.action(description="Reject, with a reason")
    def reject(self, request: HttpRequest, chosen: QuerySet[Submission]) -> None:
        if request.POST.get("reason", "").strip():
            self._decide(request, chosen, reject_submission)
        else:
            messages.error(request, "Enter a reason next to the action; the reader will see it.")

    def _decide(self, request: HttpRequest, chosen: QuerySet[Submission], decide: Callable[..., object]) -> None:
        if not isinstance(request.user, User):
            raise PermissionDenied
        by = Actor(curator=request.user, reason=request.POST.get("reason", ""), now=timezone.now())
        done = sum(decide(submission_id=pk, actor=by) is not None for pk in chosen.values_list("pk", flat=True))
        messages.success(request, f"Decided {done} of {len(chosen)}; the others were not waiting for a decision.")


@admin.register(CommentReport)
class CommentReportAdmin(ReadOnlyMixin, _CommentReportAdmin):
    """Comments that readers reported: those that wait come first, and are let stand or removed here."""

    list_display = ("words", "writer", "reason", "user", "created_at", "resolved_at")
    list_display_links = ("created_at",)  # the words are a link to the comment
    list_filter = (("resolved_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user", "comment__user", "comment__paper")
    ordering = (F("resolved_at").desc(nulls_first=True), "-created_at")
    actions = ("keep", "remove")

    @admin.display(description="comment")
    def words(self, report: CommentReport) -> str:
        address = report.comment.get_absolute_url()
        return format_html('<a href="{}">{}</a>', address, Truncator(report.comment.body or "[deleted]").chars(120))

    @admin.display(description="written by")
    def writer(self, report: CommentReport) -> str:
        return str(report.comment.user or "[deleted]")

    @admin.action(description="Keep the comment")
    def keep(self, request: HttpRequest, chosen: QuerySet[CommentReport]) -> None:
        self._decide(request, chosen, "accept")

    @admin.action(description="Remove the comment")
    def remove(self, request: HttpRequest, chosen: QuerySet[CommentReport]) -> None:
        self._decide(request, chosen, "reject")

    def _decide(self, request: HttpRequest, chosen: QuerySet[CommentReport], act: str) -> None:
        """As at the desk: each comment once, in the log, undone with one press."""
        if not isinstance(request.user, User):
            raise PermissionDenied
        comments = sorted(set(chosen.values_list("comment", flat=True)))
        by = Actor(curator=request.user, now=timezone.now())
        result = perform_bulk_action(items=(("comment", pk, None) for pk in comments), action=act, actor=by)
        undo = format_html('<a href="{}">the log</a>', reverse("papers:curation-log"))
        messages.success(request, format_html("Decided on {} of {}; undo is in {}.", result.done, len(comments), undo))
