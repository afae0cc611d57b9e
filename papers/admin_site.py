"""The admin's door: administrators alone, and with a second factor's code where they have one or must have one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest

from papers.accounts.second_factor import required_step_url

_OURS = ("admin", "papers", "digests")


class SecondFactorAdminSite(AdminSite):
    """Django's own, behind `papers.accounts.second_factor`. `papers.views.account` has its sign-in page.

    Of other apps nothing is registered: sessions, confirmed addresses and secrets of second factors have pages of their
    own, and what is changed by hand here would break them.
    """

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        models = model_or_iterable if isinstance(model_or_iterable, Iterable) else [model_or_iterable]
        own = [model for model in models if model._meta.app_label in _OURS]
        super().register(own, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and required_step_url(request) is None
