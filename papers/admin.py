"""The admin: sources, their visits and what could not be read; people; and what is there to look at, not to edit.

Papers, listings and their counts belong together and are written by services: here they are read-only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import PermissionDenied
from django.db.models import F, Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import Truncator
from django.views.decorators.http import require_POST

from papers.accounts.addresses import replace_addresses
from papers.accounts.entry import forget_second_factor
from papers.accounts.sessions import end_sessions
from papers.categories import expand
from papers.models import (
    CommentReport,
    Edition,
    FetchRun,
    Identifier,
    Listing,
    Paper,
    PaperVersion,
    RejectedRecord,
    Source,
    SourceFigure,
    Submission,
    User,
)
from papers.services.comments import delete_reported, resolve_reports
from papers.services.curation.decisions import accept_submission, reject_submission
from papers.services.curation.recording import Deciding
from papers.services.fetching import preview_source
from papers.services.sources import base_url_of, default_base_url, request_visits, save_source
from papers.sources.client import RefusedError, group_of

admin.site.site_header = "Broadsheet administration"
admin.site.site_title = "Broadsheet"
admin.site.index_title = "Sources, people and records"

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _SourceForm = forms.ModelForm[Source]
    _AddUserForm = AdminUserCreationForm[User]
    _SourceAdmin = admin.ModelAdmin[Source]
    _FetchRunAdmin = admin.ModelAdmin[FetchRun]
    _RejectedRecordAdmin = admin.ModelAdmin[RejectedRecord]
    _IdentifierInline = admin.TabularInline[Identifier, Paper]
    _VersionInline = admin.TabularInline[PaperVersion, Paper]
    _FigureInline = admin.TabularInline[SourceFigure, Paper]
    _PaperAdmin = admin.ModelAdmin[Paper]
    _ListingAdmin = admin.ModelAdmin[Listing]
    _EditionAdmin = admin.ModelAdmin[Edition]
    _SubmissionAdmin = admin.ModelAdmin[Submission]
    _CommentReportAdmin = admin.ModelAdmin[CommentReport]
    _UserAdmin = DjangoUserAdmin[User]
else:
    _SourceForm, _AddUserForm, _UserAdmin = forms.ModelForm, AdminUserCreationForm, DjangoUserAdmin
    _SourceAdmin = _FetchRunAdmin = _RejectedRecordAdmin = _PaperAdmin = _ListingAdmin = _EditionAdmin = (
        admin.ModelAdmin
    )
    _SubmissionAdmin = _CommentReportAdmin = admin.ModelAdmin
    _IdentifierInline = _VersionInline = _FigureInline = admin.TabularInline

# How long a person who presses "Test" waits for a turn, and for an answer.
PATIENCE_SECONDS = 20.0
TESTED_PAPERS = 25
SHOWN_RUNS = 10


class ReadOnlyMixin:
    """To look at; what writes it is elsewhere."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class CategoriesField(forms.CharField):
    """arXiv categories, parted by spaces or commas; `cs.*` stands for all of an archive."""

    def prepare_value(self, value: Any) -> Any:
        return " ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        words = (super().to_python(value) or "").replace(",", " ").split()
        if unknown := [word for word in words if not expand(word)]:
            raise forms.ValidationError(f"arXiv has no category {', '.join(unknown)}. They read like cs.CL or math.*.")
        return list(dict.fromkeys(code for word in words for code in expand(word)))


class SourceForm(_SourceForm):
    """The settings of a source, with what its kind needs."""

    categories = CategoriesField(required=False, help_text="arXiv categories, such as: cs.CL cs.LG math.*")
    list_categories = CategoriesField(required=False, help_text="Only papers in these; empty: all that it brings.")

    class Meta:
        model = Source
        fields = (
            *("kind", "name", "base_url", "categories", "query", "is_enabled", "interval_seconds"),
            *("lists", "list_limit", "list_categories"),
        )
        widgets = {
            "base_url": forms.URLInput(attrs={"size": 80}),
            "query": forms.TextInput(attrs={"size": 80}),
        }

    def clean_base_url(self) -> str:
        address = str(self.cleaned_data["base_url"]).strip()
        if address:
            try:
                group_of(address)
            except RefusedError as error:
                raise forms.ValidationError(str(error)) from error
        return address

    def clean_interval_seconds(self) -> int:
        seconds = int(self.cleaned_data["interval_seconds"])
        if seconds < 300:
            raise forms.ValidationError("No source is asked more often than every 300 seconds.")
        return seconds

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        kind = data.get("kind")
        if kind in (Source.Kind.ARXIV_RSS, Source.Kind.ARXIV_OAI) and not data.get("categories", True):
            self.add_error("categories", "Say which categories to ask for.")
        if kind == Source.Kind.ARXIV_API and not data.get("query") and not data.get("categories", True):
            self.add_error("query", "Give it a query, such as cat:cs.CL AND ti:agents, or categories.")
        if kind == Source.Kind.FEED and not data.get("base_url", True):
            self.add_error("base_url", "Give the address of the feed.")
        if data.get("lists") == Source.Lists.AT_MOST and not data.get("list_limit"):
            self.add_error("list_limit", "Say how many a day, at least 1.")
        if kind == Source.Kind.ARXIV_OAI and data.get("lists") != Source.Lists.NOTHING:
            self.add_error("lists", "Records don't say when they were announced: have the announcements list them.")
        return data


@admin.register(Source)
class SourceAdmin(_SourceAdmin):
    form = SourceForm
    change_form_template = "admin/papers/source/change_form.html"
    list_display = ("name", "kind", "is_enabled", "lists", "next_fetch_at", "last_success_at", "error_count", "trouble")
    list_filter = ("kind", "is_enabled")
    actions = ("fetch_now",)
    readonly_fields = (
        *("asked_at", "next_fetch_at", "last_success_at", "error_count", "last_error"),
        *("cursor", "etag", "last_modified"),
    )
    fieldsets = (
        (None, {"fields": ("kind", "name", "base_url", "asked_at", "categories", "query")}),
        ("On the edition", {"fields": ("lists", "list_limit", "list_categories")}),
        ("Schedule", {"fields": ("is_enabled", "interval_seconds", "next_fetch_at", "last_success_at")}),
        ("Trouble", {"fields": ("error_count", "last_error")}),
        ("Its place, kept by the visits", {"classes": ("collapse",), "fields": ("cursor", "etag", "last_modified")}),
    )

    @admin.display(description="address in use")
    def asked_at(self, source: Source) -> str:
        return base_url_of(source) if source.pk else "the service's own, unless one is given"

    @admin.display(description="trouble")
    def trouble(self, source: Source) -> str:
        return source.last_error[:120]

    @admin.action(description="Fetch now")
    def fetch_now(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        self._request_visits(request, queryset)

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        save_source(obj, changed=form.changed_data, now=timezone.now())

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                "<int:pk>/fetch/", self.admin_site.admin_view(require_POST(self.fetch_view)), name="papers_source_fetch"
            ),
            path("<int:pk>/test/", self.admin_site.admin_view(require_POST(self.test_view)), name="papers_source_test"),
        ]
        return own + super().get_urls()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        source = context.get("original")
        if source is not None:
            context["runs"] = source.runs.order_by("-started_at")[:SHOWN_RUNS]
        context["default_addresses"] = [(label, default_base_url(kind)) for kind, label in Source.Kind.choices]
        return super().render_change_form(request, context, *args, **kwargs)

    def fetch_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Have the source visited by a worker."""
        source = self._source(request, pk)
        self._request_visits(request, Source.objects.filter(pk=source.pk))
        return redirect("admin:papers_source_change", source.pk)

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the source in this request, and show what it would bring."""
        source = self._source(request, pk)
        preview = preview_source(source, now=timezone.now(), patience_seconds=PATIENCE_SECONDS, max_batches=1)
        papers = [paper for batch in preview.batches for paper in batch.papers]
        context = {
            **self.admin_site.each_context(request),
            "title": f"What {source.name} would bring",
            "opts": self.opts,
            "source": source,
            "preview": preview,
            "papers": papers[:TESTED_PAPERS],
            "paper_count": len(papers),
            "rejected": [record for batch in preview.batches for record in batch.rejected],
            "announced": [said for batch in preview.batches for said in batch.announced],
        }
        return TemplateResponse(request, "admin/papers/source/test.html", context)

    def _source(self, request: HttpRequest, pk: int) -> Source:
        source = get_object_or_404(Source, pk=pk)
        if not self.has_change_permission(request, source):
            raise PermissionDenied
        return source

    def _request_visits(self, request: HttpRequest, sources: QuerySet[Source]) -> None:
        asked = request_visits(sources.values_list("pk", flat=True), now=timezone.now())
        if asked:
            messages.success(request, f"{asked} to be visited as soon as a worker is free; see their last visits.")
        if off := sources.filter(is_enabled=False).count():
            messages.warning(request, f"{off} not visited: turned off. Turn them on, or use `manage.py fetch`.")


@admin.register(FetchRun)
class FetchRunAdmin(ReadOnlyMixin, _FetchRunAdmin):
    list_display = (
        "source",
        "state",
        "started_at",
        "ended_at",
        "announced",
        "fetched",
        "new",
        "updated",
        "listed",
        "failed",
    )
    list_filter = ("state", "source")
    list_select_related = ("source",)
    ordering = ("-started_at",)
    show_full_result_count = False


@admin.register(RejectedRecord)
class RejectedRecordAdmin(ReadOnlyMixin, _RejectedRecordAdmin):
    list_display = ("identifier", "source_kind", "error", "first_seen_at", "last_seen_at", "resolved_at")
    list_filter = (("resolved_at", admin.EmptyFieldListFilter), "source_kind")
    search_fields = ("=identifier",)
    ordering = ("-last_seen_at",)
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


class _RowsMixin(ReadOnlyMixin):
    """Rows that belong to a paper."""

    extra = 0
    can_delete = False
    show_change_link = False


class IdentifierInline(_RowsMixin, _IdentifierInline):
    model = Identifier


class VersionInline(_RowsMixin, _VersionInline):
    model = PaperVersion


class FigureInline(_RowsMixin, _FigureInline):
    model = SourceFigure


@admin.register(Paper)
class PaperAdmin(ReadOnlyMixin, _PaperAdmin):
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
    search_fields = ("=public_id", "=identifiers__value")
    search_help_text = "An arXiv id, DOI or other identifier, whole."
    ordering = ("-listed_at", "-pk")
    show_full_result_count = False
    inlines = (IdentifierInline, VersionInline, FigureInline)
    exclude = ("author_keys", "search_vector", "hot")


@admin.register(Listing)
class ListingAdmin(ReadOnlyMixin, _ListingAdmin):
    list_display = ("day", "paper", "by", "source", "kind", "position", "vote_count", "source_votes")
    list_filter = ("by", "source")
    list_select_related = ("paper", "source")
    date_hierarchy = "day"
    ordering = ("-day", "position")
    show_full_result_count = False
    raw_id_fields = ("paper", "user")


@admin.register(Edition)
class EditionAdmin(_EditionAdmin):
    """A day's note can be written; what is known of the day is found by the visits."""

    list_display = ("day", "listed_count", "announced_count", "stored_count", "checked_at", "is_sample")
    fields = ("day", "note", "listed_count", "announced_count", "stored_count", "missing", "check_note", "checked_at")
    readonly_fields = tuple(name for name in fields if name != "note")
    ordering = ("-day",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class DecisionForm(ActionForm):
    """What to do with the ticked submissions, and why."""

    reason = forms.CharField(required=False, max_length=1_000, help_text="Told to whoever submitted it.")


@admin.register(Submission)
class SubmissionAdmin(ReadOnlyMixin, _SubmissionAdmin):
    """What readers submitted; those that wait for a curator are accepted or rejected here."""

    list_display = ("given", "user", "paper", "state", "reason", "created_at", "decided_at")
    list_filter = ("state",)
    list_select_related = ("user", "paper")
    ordering = ("-created_at",)
    show_full_result_count = False
    actions = ("accept", "reject")
    action_form = DecisionForm

    @admin.action(description="Accept: put on today's edition")
    def accept(self, request: HttpRequest, chosen: QuerySet[Submission]) -> None:
        self._decide(request, chosen, accept_submission)

    @admin.action(description="Reject, with a reason")
    def reject(self, request: HttpRequest, chosen: QuerySet[Submission]) -> None:
        if request.POST.get("reason", "").strip():
            self._decide(request, chosen, reject_submission)
        else:
            messages.error(request, "Write the reason beside the action; the reader is told.")

    def _decide(self, request: HttpRequest, chosen: QuerySet[Submission], decide: Callable[..., object]) -> None:
        if not isinstance(request.user, User):
            raise PermissionDenied
        by = Deciding(curator=request.user, reason=request.POST.get("reason", ""), now=timezone.now())
        done = sum(decide(submission_id=pk, by=by) is not None for pk in chosen.values_list("pk", flat=True))
        messages.success(request, f"Decided on {done} of {len(chosen)}; only those that wait can be.")


@admin.register(CommentReport)
class CommentReportAdmin(ReadOnlyMixin, _CommentReportAdmin):
    """Comments that readers reported: those that wait come first, and are let stand or deleted here."""

    list_display = ("words", "writer", "reason", "user", "created_at", "resolved_at")
    list_filter = (("resolved_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user", "comment__user", "comment__paper")
    ordering = (F("resolved_at").desc(nulls_first=True), "-created_at")
    show_full_result_count = False
    actions = ("resolve", "delete_comments")

    @admin.display(description="comment")
    def words(self, report: CommentReport) -> str:
        address = report.comment.get_absolute_url()
        return format_html('<a href="{}">{}</a>', address, Truncator(report.comment.body or "[deleted]").chars(120))

    @admin.display(description="written by")
    def writer(self, report: CommentReport) -> str:
        return str(report.comment.user or "[deleted]")

    @admin.action(description="Resolve: the comment stands")
    def resolve(self, request: HttpRequest, chosen: QuerySet[CommentReport]) -> None:
        count = resolve_reports(report_ids=list(chosen.values_list("pk", flat=True)), now=timezone.now())
        messages.success(request, f"{count} resolved.")

    @admin.action(description="Delete the comment")
    def delete_comments(self, request: HttpRequest, chosen: QuerySet[CommentReport]) -> None:
        count = delete_reported(report_ids=list(chosen.values_list("pk", flat=True)), now=timezone.now())
        messages.success(request, f"Deleted; {count} report{'' if count == 1 else 's'} settled.")


class AddUserForm(_AddUserForm):
    class Meta:
        model = User
        fields = ("email", "username")


@admin.register(User)
class UserAdmin(_UserAdmin):
    add_form = AddUserForm
    list_display = ("username", "email", "is_curator", "is_staff", "is_active", "date_joined", "last_login")
    list_filter = ("is_curator", "is_staff", "is_active")
    search_fields = ("username", "email")
    ordering = ("username",)
    filter_horizontal = ()
    readonly_fields = ("date_joined", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "username", "password", "time_zone")}),
        ("May", {"fields": ("is_active", "is_curator", "is_staff", "is_superuser")}),
        ("When", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "username", "usable_password", "password1", "password2")}),)
    actions = ("forget_second_factor", "sign_out")

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            replace_addresses(obj)

    @admin.action(description="Turn the second factor off (a lost telephone)", permissions=["change"])
    def forget_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        count = sum(forget_second_factor(user) for user in queryset)
        messages.success(request, f"{count} turned off.")

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for user in queryset:
            end_sessions(user)
        messages.success(request, "Signed out.")
