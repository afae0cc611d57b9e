"""The WSGI application, also under a sub-path whose prefix the proxy leaves on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django_application = get_wsgi_application()


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    prefix: str = settings.SITE.path
    path = environ.get("PATH_INFO", "")
    if prefix and (path == prefix or path.startswith(f"{prefix}/")):
        environ["PATH_INFO"] = path[len(prefix) :] or "/"
    environ["SCRIPT_NAME"] = prefix  # whatever a server or a header made of it
    _forget_charset(environ)
    return django_application(environ, start_response)


def _forget_charset(environ: WSGIEnvironment) -> None:
    """Drop the charset of a form, which is UTF-8 here.

    Django would decode the form, and the URL too, by any Python codec that the header names, and fail on those that do
    not decode text.
    """
    parts = environ.get("CONTENT_TYPE", "").split(";")
    kept = [part for part in parts if not part.strip().lower().startswith("charset")]
    if len(kept) < len(parts):
        environ["CONTENT_TYPE"] = ";".join(kept)
