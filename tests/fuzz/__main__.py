"""`make fuzz`: all patterns and readers against inputs made at random, for as long as one likes."""

from __future__ import annotations

import argparse
import os
import random
import secrets
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def main() -> int:
    """0 where nothing was found; 1 where something was, which is printed with what finds it again."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long, default %(default)s")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31), help="of an earlier run, to repeat it")
    parser.add_argument("--only", default="", help="only patterns and readers whose name holds this")
    options = parser.parse_args()

    import django

    django.setup()
    from tests.fuzz.campaign import run

    print(f"seed {options.seed}")
    started = time.monotonic()

    def report(line: str) -> None:
        print(f"{time.monotonic() - started:7.1f} s  {line}", flush=True)

    findings = run(seconds=options.seconds, chance=random.Random(options.seed), only=options.only, report=report)
    for finding in findings:
        print(finding)
    print(f"{len(findings)} found" if findings else "nothing found")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
