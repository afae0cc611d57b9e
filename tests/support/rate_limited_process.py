"""A process that fetches through the host rate limit, for tests/outbound/test_host_rate_limit.py.

Prints one word a request.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace

import django
from django.conf import settings


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--group", default="arxiv")
    parser.add_argument("--database", required=True, help="the name of the test database")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--spacing", type=float, help="in place of the group's own, without jitter")
    parser.add_argument("--lease", type=float, default=60.0)
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    settings.DATABASES["default"]["NAME"] = options.database
    django.setup()

    from papers.outbound.client import Client
    from papers.outbound.host_rate_limit import HostPolicy, host_policy_of
    from papers.outbound.request import FetchRequest
    from papers.services.fetching.rate_limiter import PostgresRateLimiter

    def policy(group: str) -> HostPolicy:
        real = host_policy_of(group)
        return real if options.spacing is None else replace(real, spacing=options.spacing, jitter=0.0)

    clock = PostgresRateLimiter(policy_of=policy, lease_seconds=options.lease)
    host = options.url.split("/")[2]
    client = Client(user_agent=f"process {os.getpid()}", rate_limiter=clock, allow=[host])
    for _ in range(options.count):
        client.fetch(FetchRequest(options.url, options.group))
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
