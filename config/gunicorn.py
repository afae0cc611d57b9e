"""Settings of the web server, for `manage.py up` and for containers: gunicorn -c python:config.gunicorn config.wsgi."""

from __future__ import annotations

import gc
import os
from typing import Any

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def pre_fork(server: Any, worker: Any) -> None:
    """Keep the collector away from what is loaded: a look at each object would copy its page into the new process."""
    gc.collect()
    gc.freeze()


def address(host: str, port: int) -> str:
    """An address as gunicorn takes it; IPv6 in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


bind = address(settings.BIND, settings.PORT)
workers = settings.WEB_PROCESSES
threads = settings.WEB_THREADS
worker_class = "config.web_worker.BufferingWorker"
sendfile = False  # the kernel would make a thread wait for a browser that reads slowly
preload_app = True  # Django is loaded once and shared: half the memory, and a process that dies is back at once
timeout = 60
graceful_timeout = 10
keepalive = 5
# gunicorn would take SCRIPT_NAME and PATH_INFO from the headers of any client on this host, and so from whoever is
# behind a proxy there. Nobody's headers change where a request goes; Django reads X-Forwarded-Proto itself.
forwarder_headers = ""
forwarded_allow_ips = ""
os.environ.pop("SCRIPT_NAME", None)  # the sub-path is BROADSHEET_SITE_URL's; gunicorn would answer all others with 500
# The longest line that gunicorn reads: a pasted paragraph is a search, too.
limit_request_line = 8190
# Python's memory creeps; a fresh process now and then, not all at the same moment.
max_requests = 20_000
max_requests_jitter = 2_000
# gunicorn would put its control socket into the home folder.
control_socket_disable = True
proc_name = "broadsheet-web"
errorlog = "-"
logger_class = "config.web_log.WebServerLogger"
loglevel = "warning"
