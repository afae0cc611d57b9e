"""The licences of all packages that the locks name: `python -m tests.support.licences` prints docs/licences.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"
_PINNED = re.compile(r"^([a-z0-9._-]+)==(\S+)(?: ; (.*?))? \\$", re.MULTILINE)

# Packages whose licence binds what it is linked with may be here only with a reason, and none whose licence binds all.
REASONS: Mapping[str, str] = {
    "psycopg": "used unmodified, as a library that anybody can replace by another version (LGPL 3, section 4)",
    "psycopg-binary": "the same, compiled",
}
# What only other machines install, or the measurements; and what a package's own metadata do not say.
SAID: Mapping[str, str] = {
    "async-timeout": "Apache-2.0",
    "axe-playwright-python": "MIT",
    "bm25s": "MIT",
    "cloudpickle": "BSD-3-Clause",
    "colorama": "BSD-3-Clause",
    "coloredlogs": "MIT",
    "fido2": "BSD-2-Clause AND Apache-2.0 AND MPL-2.0",
    "httpx2-jsfetch": "BSD-3-Clause",
    "humanfriendly": "MIT",
    "joblib": "BSD-3-Clause",
    "mpmath": "BSD-3-Clause",
    "narwhals": "MIT",
    "pyrage": "MIT",
    "pystemmer": "MIT AND BSD-3-Clause",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
    "qrcode": "BSD-3-Clause",
    "scikit-learn": "BSD-3-Clause",
    "scipy": "BSD-3-Clause",
    "sympy": "BSD-3-Clause",
    "threadpoolctl": "BSD-3-Clause",
}
_PERMISSIVE = re.compile(
    r"MIT|BSD|Apache|PSF|Python Software Foundation|MPL|Mozilla Public License|ISC|0BSD|Zlib|CC0|Unlicense|CNRI"
)


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """A package as the locks name it."""

    name: str
    version: str
    locks: tuple[str, ...]
    licence: str
    """As its metadata say it; empty where nobody knows."""

    @property
    def is_copyleft(self) -> bool:
        """GPL, AGPL or LGPL, by whatever name."""
        return bool(re.search(r"GPL|General Public", self.licence, re.IGNORECASE))

    @property
    def is_permissive(self) -> bool:
        return not self.is_copyleft and bool(_PERMISSIVE.search(self.licence))


def locked_packages() -> list[LockedPackage]:
    """All packages of all locks, by name."""
    versions: dict[str, str] = {}
    locks: dict[str, list[str]] = {}
    for lock in ("run", "dev", "bench"):
        for name, version, _ in _PINNED.findall((REQUIREMENTS / f"{lock}.txt").read_text(encoding="utf-8")):
            versions.setdefault(name, version)
            locks.setdefault(name, []).append(lock)
    return [LockedPackage(name, versions[name], tuple(locks[name]), licence_of(name)) for name in sorted(versions)]


def licence_of(name: str) -> str:
    """The licence that a package's metadata name; what is said here of one that is not installed."""
    if name in SAID:
        return SAID[name]
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    classified = [
        line.rsplit(" :: ", 1)[-1] for line in found.get_all("Classifier") or [] if line.startswith("License")
    ]
    expression, said = ((found.get_all(field) or [""])[0] for field in ("License-Expression", "License"))
    return expression or ", ".join(classified) or said.split("\n")[0]


def document() -> Iterator[str]:
    """docs/licences.md, line by line."""
    yield "# Licences of what Broadsheet is made with"
    yield ""
    yield "Written by `python -m tests.support.licences > docs/licences.md`. `run` is what an installation has, `dev`"
    yield "what tests and checks need beside it, `bench` the measurements. No package has a licence that would bind"
    yield "Broadsheet's own text; the reason stands behind those whose licence binds what they are themselves."
    yield ""
    yield "| package | for | licence |"
    yield "|---|---|---|"
    for package in locked_packages():
        reason = f": {REASONS[package.name]}" if package.name in REASONS else ""
        yield f"| {package.name} | {package.locks[0]} | {package.licence}{reason} |"


if __name__ == "__main__":
    print("\n".join(document()))  # noqa: T201
