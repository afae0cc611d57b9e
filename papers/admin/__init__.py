"""The admin: sources, people, topics and records. What services write is there to look at, not to edit."""

from django.contrib import admin

from papers.admin import people, records, sources, topics
from papers.admin.base import BoundedListMixin, BoundedPaginator, ExactSearchMixin, ReadOnlyMixin

admin.site.site_header = "Broadsheet administration"
admin.site.site_title = "Broadsheet"
admin.site.index_title = "Sources, people and records"

__all__ = [
    "BoundedListMixin",
    "BoundedPaginator",
    "ExactSearchMixin",
    "ReadOnlyMixin",
    "people",
    "records",
    "sources",
    "topics",
]
