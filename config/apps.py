"""Makes Django find what is here: the management commands, the system checks, the app that tasks are sent through."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


class ConfigConfig(AppConfig):
    """The composition root as an app."""

    name = "config"
    label = "config"

    def ready(self) -> None:
        # Creating the Celery app makes it the one that tasks belong to; importing the checks registers them.
        from config import celery, checks  # noqa: F401
        from config.backup.schedule import due_backup
        from config.monitoring import errors, tracing
        from config.monitoring import tasks as observed_tasks  # noqa: F401
        from papers import hooks

        hooks.due_tasks.register(due_backup)
        hooks.privacy_services.register(errors.outside_services)
        errors.start_error_reports()
        tracing.check_packages()
        connection_created.connect(_notice_dead_clients)


def _notice_dead_clients(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Have Postgres end the session of a machine that is gone within a minute: its locks are the claims of its work.

    A process that dies on a machine that lives ends its session by itself.
    """
    if connection.settings_dict["HOST"].startswith("/"):
        return
    with connection.cursor() as cursor:
        cursor.execute("SET tcp_keepalives_idle = 20; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3")
