"""A catalogue that is written and read again is the same catalogue."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from papers.models import Paper
from papers.services.paper_import.importer import PaperImportOptions, import_file
from tests.support import factories

ROWS: list[dict[str, Any]] = [
    {
        "arxiv_id": "2601.00001", "doi": "10.1000/xyz", "title": r"On $\ell_1$ & <b>",
        "abstract": "One.\n\nTwo “größe”.",
        "authors": [
            {"name": "Ada Lovelace", "affiliation": "London", "orcid": "0000-0002-1825-0097"},
            {"name": "Émilie du Châtelet"},
        ],
        "categories": ["cs.CL", "cs.LG"], "published": "2026-01-05T18:00:00Z", "updated": "2026-01-09T18:00:00Z",
        "announced_on": "2026-01-07", "version": 2, "comment": "Accepted at ICML 2026", "journal_ref": "J. 1 (2026)",
        "license": "http://creativecommons.org/licenses/by/4.0/", "organization": "A Lab",
        "github": "https://github.com/a/b", "project_page": "https://a.example.org/",
    },
    {"arxiv_id": "hep-th/9901001", "title": "Old", "categories": ["hep-th"], "withdrawn": True},
    {"doi": "10.1000/abc", "title": "A journal’s", "authors": ["Grace Hopper"], "published": "2026-01-05T00:00:00Z"},
    {"url": "https://example.org/a/paper", "title": "On the web", "published": "2026-01-05T00:00:00Z"},
]  # fmt: skip


def imported(path: Path) -> None:
    summary = import_file(path, options=PaperImportOptions(site="https://hf.example.org"), now=factories.NOW)
    assert (summary.rejected, summary.error) == (0, "")


def exported(path: Path) -> list[dict[str, Any]]:
    call_command("export_papers", str(path))
    return sorted((json.loads(line) for line in path.read_text().splitlines()), key=lambda row: str(row["title"]))


@pytest.mark.django_db
def test_what_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    given = tmp_path / "given.jsonl"
    given.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    imported(given)
    first = exported(tmp_path / "first.jsonl")
    assert len(first) == len(ROWS)
    best = next(row for row in first if row.get("arxiv_id") == "2601.00001")
    assert {name: best[name] for name in ROWS[0]} == ROWS[0]
    Paper.objects.all().delete()
    imported(tmp_path / "first.jsonl")
    assert exported(tmp_path / "second.jsonl") == first


@pytest.mark.django_db
def test_hidden_papers_stay_here_and_the_rest_goes_to_standard_output(capsys: Any) -> None:
    factories.paper(title="Shown", published_at=datetime(2026, 1, 1, tzinfo=UTC))
    factories.paper(title="Hidden", hidden_at=factories.NOW)
    call_command("export_papers")
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["title"] == "Shown"


@pytest.mark.django_db
def test_where_nothing_can_be_written_a_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="can't be written"):
        call_command("export_papers", str(tmp_path / "none" / "file.jsonl"))
