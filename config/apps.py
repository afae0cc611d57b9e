"""Makes Django find what is here: the management commands, the system checks, the app that tasks are sent through."""

from __future__ import annotations

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    """The composition root as an app."""

    name = "config"
    label = "config"

    def ready(self) -> None:
        # Creating the Celery app makes it the one that tasks belong to; importing the checks registers them.
        from config import celery, checks  # noqa: F401
