"""The admin: sources, the runs of their fetches, and the records that could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_POST

from papers.admin.base import BoundedListMixin, ReadOnlyMixin
from papers.catalogue.categories import expand_pattern, expand_patterns
from papers.models import FetchRun, RejectedRecord, Source
from papers.outbound.errors import RefusedError
from papers.outbound.host_rate_limit import host_group_of
from papers.services.fetching.fetch_runner import preview_source
from papers.services.fetching.source_config import base_url_of, default_base_url, request_fetches, save_source
from papers.sources.base import SourceSettings
from papers.sources.registry import ADAPTERS, kind_choices, label_of

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _SourceForm = forms.ModelForm[Source]
    _SourceAdmin = admin.ModelAdmin[Source]
    _FetchRunAdmin = admin.ModelAdmin[FetchRun]
    _RejectedRecordAdmin = admin.ModelAdmin[RejectedRecord]
else:
    _SourceForm = forms.ModelForm
    _SourceAdmin = _FetchRunAdmin = _RejectedRecordAdmin = admin.ModelAdmin

TEST_WAIT_SECONDS = 20.0
"""How long a person who presses "Test" waits for the hosts' rate limit, and for an answer."""
TEST_PREVIEW_PAPERS = 25
SHOWN_RUNS = 10


class CategoriesField(forms.CharField):
    """arXiv categories, separated by spaces or commas; `cs.*` stands for all of an archive."""

    def prepare_value(self, value: Any) -> Any:
        return " ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        words = (super().to_python(value) or "").replace(",", " ").split()
        if unknown := [word for word in words if not expand_pattern(word)]:
            raise forms.ValidationError(f"arXiv has no category {', '.join(unknown)}. Codes look like cs.CL or math.*.")
        return list(expand_patterns(words))


class SourceForm(_SourceForm):
    """The settings of a source; what its kind needs or may not have, its adapter says."""

    kind = forms.ChoiceField(choices=lambda: [("", "---------"), *kind_choices()])
    categories = CategoriesField(required=False, help_text="arXiv categories, such as: cs.CL cs.LG math.*")
    query = forms.CharField(
        required=False,
        widget=forms.TextInput(attrs={"size": 80}),
        help_text="For arXiv search: a query in its own language. For bioRxiv and medRxiv: categories, separated "
        "by commas. For a journal: its ISSN. For a repository: its sets, separated by spaces, or empty for all.",
    )
    api_key = forms.CharField(
        required=False,
        label="Key",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="For services that need one, such as OpenAlex. Stored encrypted, never shown. Empty: keep it.",
    )
    forgets_key = forms.BooleanField(required=False, label="Delete the key")
    list_categories = CategoriesField(required=False, help_text="Only papers in these. Leave empty for all.")

    class Meta:
        model = Source
        fields = (
            *("kind", "name", "base_url", "categories", "query", "api_key", "is_enabled", "interval_seconds"),
            *("lists", "list_limit", "list_categories"),
        )
        widgets = {
            "base_url": forms.URLInput(attrs={"size": 80}),
        }

    def clean_base_url(self) -> str:
        address = str(self.cleaned_data["base_url"]).strip()
        if address:
            try:
                host_group_of(address)
            except RefusedError as error:
                raise forms.ValidationError(str(error)) from error
        return address

    def clean_api_key(self) -> str:
        """What was typed; else what is stored, which the form does not show."""
        return str(self.cleaned_data["api_key"]).strip() or self.instance.api_key

    def clean_interval_seconds(self) -> int:
        seconds = int(self.cleaned_data["interval_seconds"])
        if seconds < 300:
            raise forms.ValidationError("The minimum interval is 300 seconds.")
        return seconds

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("forgets_key"):
            data["api_key"] = ""
        if data.get("lists") == Source.Lists.AT_MOST and not data.get("list_limit"):
            self.add_error("list_limit", "Enter how many per day, at least 1.")
        if adapter := ADAPTERS.get(data.get("kind", "")):
            # A field with an error of its own is not in `data`, and counts as filled in.
            settings = SourceSettings(
                base_url=data.get("base_url", "?"),
                categories=tuple(data.get("categories", "?")),
                query=data.get("query", ""),
                lists=data.get("lists", Source.Lists.NOTHING),
            )
            for field, message in adapter.problems(settings).items():
                self.add_error(field, message)
        return data


class SourceKindFilter(admin.SimpleListFilter):
    """All kinds, by their labels."""

    title = "kind"
    parameter_name = "kind__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return kind_choices()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Source]) -> QuerySet[Source]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Source)
class SourceAdmin(BoundedListMixin, _SourceAdmin):
    form = SourceForm
    change_form_template = "admin/papers/source/change_form.html"
    list_display = (
        *("name", "kind_label", "is_enabled", "lists"),
        *("next_fetch_at", "last_success_at", "error_count", "trouble"),
    )
    list_filter = (SourceKindFilter, "is_enabled")
    actions = ("fetch_now",)
    readonly_fields = (
        *("asked_at", "next_fetch_at", "last_success_at", "error_count", "last_error"),
        *("cursor", "etag", "last_modified"),
    )
    fieldsets = (
        (None, {"fields": ("kind", "name", "base_url", "asked_at", "categories", "query", "api_key", "forgets_key")}),
        ("On the edition", {"fields": ("lists", "list_limit", "list_categories")}),
        ("Schedule", {"fields": ("is_enabled", "interval_seconds", "next_fetch_at", "last_success_at")}),
        ("Trouble", {"fields": ("error_count", "last_error")}),
        ("Position, updated by each fetch", {"classes": ("collapse",), "fields": ("cursor", "etag", "last_modified")}),
    )

    @admin.display(description="kind", ordering="kind")
    def kind_label(self, source: Source) -> str:
        return label_of(source.kind)

    @admin.display(description="address in use")
    def asked_at(self, source: Source) -> str:
        return base_url_of(source) if source.pk else "leave empty for the service's own"

    @admin.display(description="trouble")
    def trouble(self, source: Source) -> str:
        return source.last_error[:120]

    @admin.action(description="Fetch now")
    def fetch_now(self, request: HttpRequest, queryset: QuerySet[Source]) -> None:
        self._request_fetches(request, queryset)

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        save_source(obj, changed_fields=form.changed_data, now=timezone.now())

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
        context["default_addresses"] = [(label, default_base_url(kind)) for kind, label in kind_choices()]
        return super().render_change_form(request, context, *args, **kwargs)

    def fetch_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask for a fetch of the source by a worker."""
        source = self._source(request, pk)
        self._request_fetches(request, Source.objects.filter(pk=source.pk))
        return redirect("admin:papers_source_change", source.pk)

    def test_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask the source in this request, and show what it would bring."""
        source = self._source(request, pk)
        preview = preview_source(source, now=timezone.now(), timeout_seconds=TEST_WAIT_SECONDS, max_batches=1)
        papers = [paper for batch in preview.batches for paper in batch.papers]
        context = {
            **self.admin_site.each_context(request),
            "title": f"Test of {source.name}",
            "opts": self.opts,
            "source": source,
            "preview": preview,
            "papers": papers[:TEST_PREVIEW_PAPERS],
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

    def _request_fetches(self, request: HttpRequest, sources: QuerySet[Source]) -> None:
        asked = request_fetches(sources.values_list("pk", flat=True), now=timezone.now())
        if asked:
            messages.success(request, f"{asked} queued for fetching; see the recent fetches.")
        if off := sources.filter(is_enabled=False).count():
            messages.warning(request, f"{off} not fetched because turned off. Turn them on, or use `manage.py fetch`.")


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
    ordering = ("-pk",)


@admin.register(RejectedRecord)
class RejectedRecordAdmin(ReadOnlyMixin, _RejectedRecordAdmin):
    list_display = ("identifier", "source_kind", "error", "first_seen_at", "last_seen_at", "resolved_at")
    list_filter = (("resolved_at", admin.EmptyFieldListFilter), "source")
    list_select_related = ("source",)
    search_fields = ("=identifier",)
    ordering = ("-pk",)
