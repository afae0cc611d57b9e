"""The whole address space: the pages of the apps, the admin. Health checks: config/health.py."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from config.lazy_urls import LazyUrls
from papers.views.account import admin_sign_in

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/login/", admin_sign_in, name="admin-sign-in"),
    path("admin/", admin.site.urls),
    LazyUrls("api/v1/", "config.api_urls", namespace="api-v1"),
    path("", include("papers.urls")),
    path("", include("config.account_urls")),
    path("", include("digests.urls")),
]

handler400 = "papers.views.errors.bad_request"
handler404 = "papers.views.errors.not_found"
handler500 = "papers.views.errors.server_error"
