"""Every package that the locks name has a licence that is known and binds nobody, or a reason to be here."""

from __future__ import annotations

import pytest

from tests.meta.source_files import ROOT
from tests.support import audit
from tests.support.licences import REASONS, LockedPackage, document, locked_packages


def test_no_licence_binds_what_an_installation_has() -> None:
    for package in locked_packages():
        assert package.is_permissive or package.name in REASONS, package
        if package.is_copyleft:
            assert package.licence.startswith("LGPL"), "GPL and AGPL are nowhere, not among the tools either"


def test_reasons_are_for_packages_that_need_them() -> None:
    copyleft = {package.name for package in locked_packages() if package.is_copyleft}
    assert set(REASONS) == copyleft


def test_the_list_in_the_docs_is_of_these_packages() -> None:
    listed = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = [
        [line.split("|")[1:3] for line in text if line.startswith("| ")] for text in (listed.splitlines(), document())
    ]
    assert rows[0] == rows[1], "python -m tests.support.licences > docs/licences.md"


def test_copyleft_is_known_by_each_of_its_names() -> None:
    for licence in (
        "GPL-3.0-or-later",
        "AGPLv3",
        "GNU General Public License v2 (GPLv2)",
        "LGPL-3.0-only",
        "GPL or MIT",
    ):
        assert LockedPackage("x", "1", ("run",), licence).is_copyleft
    assert not LockedPackage("x", "1", ("run",), "").is_permissive
    assert not LockedPackage("x", "1", ("run",), "Other/Proprietary License").is_permissive


def test_an_audit_that_could_not_ask_says_so_and_one_that_found_something_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_AUDIT", "no-such-program")
    assert audit.main() == 0
    assert "NOT CHECKED" in capsys.readouterr().out
    assert audit.report(audit.ask("false")) == 0
    assert "NOT CHECKED" in capsys.readouterr().out
    assert audit.report([{"name": "y", "skip_reason": "no data"}]) == 0
    assert "NOT CHECKED" in capsys.readouterr().out
    flaw = {"id": "PYSEC-1", "fix_versions": ["2"]}
    assert audit.report([{"name": "x", "version": "1", "vulns": [flaw]}, {"name": "y", "skip_reason": "?"}]) == 1
    assert "NOT CHECKED: y" in capsys.readouterr().out
    assert audit.report([{"name": "x", "version": "1", "vulns": []}]) == 0
