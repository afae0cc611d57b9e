"""The reference of the API: the schema as a file, and a page made from it."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import URLResolver, get_resolver
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from papers.web.api_reference import ReferenceGroup, read_reference
from papers.web.http import Request


@require_safe
def schema(request: Request) -> HttpResponse:
    """OpenAPI 3.1. Scripts of other sites may read it where they may ask the API."""
    return HttpResponse(_written(), content_type="application/json")


@require_safe
def reference(request: Request) -> HttpResponse:
    """All addresses with what they take and give, for people."""
    groups = _groups()
    response = render(
        request, "papers/api.html", {"groups": groups, "base": f"{settings.SITE_URL}/api/v1", "schema": _schema()}
    )
    patch_vary_headers(response, ["Cookie"])
    return response


def _schema() -> dict[str, Any]:
    found: dict[str, Any] = _api_module().api.get_openapi_schema()
    return found


@lru_cache(maxsize=1)
def _written() -> str:
    return json.dumps(_schema(), ensure_ascii=False, separators=(",", ":"))


@lru_cache(maxsize=1)
def _groups() -> list[ReferenceGroup]:
    return read_reference(_schema())


def _api_module() -> Any:
    """The module that has the API, by its name among the addresses: views know nothing of those above them."""
    patterns = get_resolver().url_patterns
    found = next(one for one in patterns if isinstance(one, URLResolver) and one.namespace == "api-v1")
    return found.urlconf_module
