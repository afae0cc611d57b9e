"""`make audit`: known vulnerabilities of the packages that an installation has, as far as they can be asked for.

The database of vulnerabilities is asked by pip-audit, where that program is installed and reaches it. Where not, one
line says so and the audit goes on: a check that nobody could make is no failure, and must not look like a success.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

from tests.support.licences import REQUIREMENTS, locked_packages

LOCK = "run.txt"


def main() -> int:
    """0 where nothing is known to be wrong, or nothing could be asked; 1 with what is known."""
    copyleft = [f"{package.name} ({package.licence})" for package in locked_packages() if package.is_copyleft]
    say(f"Licences: docs/licences.md. With a reason: {', '.join(copyleft)}.")
    program = shutil.which(os.environ.get("PIP_AUDIT", "pip-audit"))
    if program is None:
        say("Vulnerabilities: NOT CHECKED, pip-audit is not installed (pipx install pip-audit; or PIP_AUDIT=path).")
        return 0
    return report(ask(program))


def ask(program: str) -> Any:
    """What pip-audit knows of the lock, by its JSON; None where it could not ask."""
    command = [program, "--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"]
    run = subprocess.run([*command, "-r", str(REQUIREMENTS / LOCK)], capture_output=True, text=True, check=False)
    try:
        return json.loads(run.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        say(f"  {(run.stderr.strip().splitlines() or ['no answer'])[-1][:200]}")
        return None


def report(found: Any) -> int:
    """Say what was found; the exit status."""
    if not found or all("skip_reason" in each for each in found):
        say("Vulnerabilities: NOT CHECKED, pip-audit could not have its data from here.")
        return 0
    skipped = [each["name"] for each in found if "skip_reason" in each]
    bad = [(each, flaw) for each in found for flaw in each.get("vulns", ())]
    for each, flaw in bad:
        repaired = ", ".join(flaw["fix_versions"]) or "nothing"
        say(f"{each['name']} {each['version']}: {flaw['id']}, repaired in {repaired}")
    say(f"Vulnerabilities: {len(bad)} known in {len(found) - len(skipped)} packages.")
    if skipped:
        say(f"NOT CHECKED: {', '.join(skipped)}.")
    return 1 if bad else 0


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
