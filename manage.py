#!/usr/bin/env python
"""Django's command line, with Broadsheet's settings, and one sentence where something it needs is not there."""

from __future__ import annotations

import os
import sys

NO_SUCH_TABLE, NO_SUCH_COLUMN = "42P01", "42703"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db import OperationalError, ProgrammingError

        from config.local.paths import OperatorError
    except ImportError:
        sys.exit("Django is not installed in this Python. Run `make run`, or use .venv/bin/python manage.py …")
    try:
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, OperatorError) as error:  # a setting that cannot be, a folder that cannot be used
        sys.exit(f"{error}")
    except OperationalError as error:
        said = str(error).strip().splitlines()[0]
        sys.exit(f"The database does not answer ({said}). `make run` starts it, unless DATABASE_URL names another.")
    except ProgrammingError as error:
        said = str(error).strip()
        if said.startswith(("invalid connection option", "invalid URI query parameter")):  # libpq's words
            sys.exit(f"DATABASE_URL has what PostgreSQL does not know ({said}): see what stands behind its ?.")
        if getattr(error.__cause__, "sqlstate", "") not in (NO_SUCH_TABLE, NO_SUCH_COLUMN):
            raise
        sys.exit("The tables are not those of this version: start Broadsheet once, or run `manage.py migrate`.")


if __name__ == "__main__":
    main()
