#!/usr/bin/env python
"""Django's command line, with Broadsheet's settings."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line

        from config.local.paths import LocalError
    except ImportError:
        sys.exit("Django is not installed in this Python. Run `make run`, or use .venv/bin/python manage.py …")
    try:
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, LocalError) as error:  # a setting that cannot be, a folder that cannot be used
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
