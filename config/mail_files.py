"""Mails as files, where none may leave."""

from __future__ import annotations

import secrets
from datetime import datetime
from pathlib import Path

from django.core.mail.backends import filebased


class EmailBackend(filebased.EmailBackend):
    """Django's, with names that no two connections share.

    Its own are a second and a place in memory, so two mails of one second may come into one file.
    """

    _fname: str | None

    def _get_filename(self) -> str:
        if self._fname is None:
            name = f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(8)}.log"  # noqa: DTZ005  by the clock of the folder
            self._fname = str(Path(self.file_path) / name)
        return self._fname
