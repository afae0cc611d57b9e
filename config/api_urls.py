"""The addresses of the API. Imported with the first request or check of addresses, not with Django: see `LazyUrls`."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

from digests.api import subscriptions
from papers.api.v1.build import build_api

api = build_api([subscriptions.router])
# Without ninja's own page at the root.
urlpatterns: list[URLPattern | URLResolver] = [one for one in api.urls[0] if getattr(one, "name", "") != "api-root"]
