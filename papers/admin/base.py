"""What the admin's lists have in common: to look at, never counting a large table, searching along an index."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

MAX_COUNTED_ROWS = 10_000
"""Further than this no list is counted, and nobody pages."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # takes type arguments only in Django's stubs
    """Counts as far as anybody would page."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return int(rows.order_by().values("pk")[:MAX_COUNTED_ROWS].count())
        return len(rows)


class BoundedListMixin:
    """Lists of any length: fifty rows a page, and no count of all rows."""

    paginator: Any = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50


class ReadOnlyMixin(BoundedListMixin):
    """Read-only: services and pages write these rows."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ExactSearchMixin:
    """A search that an index answers: `exact_matches` says which rows somebody means by what was typed."""

    search_fields: Any = ("pk",)  # so that the box is there

    def exact_matches(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        raise NotImplementedError

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        words = search_term.replace("\0", "").strip()
        return (self.exact_matches(queryset, words) if words else queryset), False
