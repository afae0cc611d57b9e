"""The admin: topics and the rules that list by them, to look at; their own pages change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.utils.html import format_html

from papers.admin.base import ReadOnlyMixin
from papers.models import ListRule, Topic

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _TopicAdmin = admin.ModelAdmin[Topic]
    _ListRuleAdmin = admin.ModelAdmin[ListRule]
else:
    _TopicAdmin = _ListRuleAdmin = admin.ModelAdmin


@admin.register(Topic)
class TopicAdmin(ReadOnlyMixin, _TopicAdmin):
    list_display = ("name", "page", "owner", "query", "categories", "pending_since", "changed_at")
    list_filter = (("owner", admin.EmptyFieldListFilter), ("pending_since", admin.EmptyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("name", "slug")
    ordering = ("-pk",)
    exclude = ("examples",)

    @admin.display(description="address")
    def page(self, topic: Topic) -> str:
        return format_html('<a href="{}">{}</a>', topic.get_absolute_url(), topic.slug)


@admin.register(ListRule)
class ListRuleAdmin(ReadOnlyMixin, _ListRuleAdmin):
    list_display = ("__str__", "is_enabled", "made_by", "created_at", "changed_at")
    list_filter = ("is_enabled",)
    list_select_related = ("topic", "made_by")
    ordering = ("-pk",)
