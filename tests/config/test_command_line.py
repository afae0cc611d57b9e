"""The command line, where something it needs is not there: a sentence, an exit code, no trace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

PROJECT = Path(__file__).resolve().parents[2]


def manage(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_command_without_a_database_says_so_in_one_sentence(tmp_path: Path) -> None:
    ended = manage("fetch", "--list", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert ended.returncode == 1
    assert "The database does not answer" in ended.stderr
    assert "make run" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_command_before_the_first_start_says_what_to_do() -> None:
    ended = manage(
        "fetch", "--list", DATABASE_URL=urlsplit(os.environ["DATABASE_URL"])._replace(path="/postgres").geturl()
    )
    assert ended.returncode == 1
    assert "start Broadsheet once" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("fetch", "arxiv_rss", "--since", "yesterday"), "is not a day; write it as"),
        (("send_digest", "--to", "rita@example.org", "--since", "2026-99-99"), "is not a day; write it as"),
        (("send_digest", "--to", "rita@example.org", "--at", "noon"), "is not a date and time; write it as"),
        (("embed", "--limit", "0"), "is not a number of 1 or more"),
        (("import_papers", "papers.jsonl", "--limit", "9" * 5_000), "is not a number of 1 or more"),
    ],
)
def test_a_wrong_word_on_the_line_is_said_with_what_would_be_right(words: tuple[str, ...], what: str) -> None:
    ended = manage(*words)
    assert ended.returncode == 2
    assert what in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_mistyped_setting_is_said_with_the_one_that_is_meant() -> None:
    """Silence would leave a site open to everybody."""
    ended = manage("check", BROADSHEET_ACESS="members")
    assert "BROADSHEET_ACESS is set, and no setting has that name." in ended.stderr
    assert "Is BROADSHEET_ACCESS meant?" in ended.stderr


def test_a_mistyped_option_of_the_database_address_is_said() -> None:
    ended = manage("fetch", "--list", DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing?sslmod=require")
    assert ended.returncode == 1
    assert "DATABASE_URL has what PostgreSQL does not know" in ended.stderr
    assert "Traceback" not in ended.stderr
