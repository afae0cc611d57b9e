"""The admin: sources, people, topics and records. What services write is there to look at, not to edit."""

from django.contrib import admin

from papers.admin import people, records, sources, topics
from papers.admin.base import BoundedPaginator, ExactSearchMixin, ReadOnlyMixin, TidyMixin

admin.site.site_header = "Broadsheet administration"
admin.site.site_title = "Broadsheet"
admin.site.index_title = "Sources, people and records"

__all__ = [
    "BoundedPaginator",
    "ExactSearchMixin",
    "ReadOnlyMixin",
    "TidyMixin",
    "people",
    "records",
    "sources",
    "topics",
]
