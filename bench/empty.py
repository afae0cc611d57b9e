"""A Django with one view that does nothing no app and no middleware: what a request costs before anything happens."""

from __future__ import annotations

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import re_path


def empty_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", headers={"Content-Length": "2"})  # else it is sent in chunks


urlpatterns = [re_path("", empty_view)]

settings.ROOT_URLCONF = "bench.empty"
settings.MIDDLEWARE = []
settings.INSTALLED_APPS = []
application = get_wsgi_application()
