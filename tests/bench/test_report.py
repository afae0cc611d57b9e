"""The page of measurements is written from what was measured: figures over their budgets stand out, none is made up."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import growth_chart, report
from bench.budgets import page_budget, search_budget


def crowd(a_second: float) -> dict[str, float]:
    return {"clients": 8, "a_second": a_second, "p50": 1, "p95": 2, "p99": 3, "errors": 0, "searches": 192,
            "by_words_alone": 0}  # fmt: skip


def measured(folder: Path, size: int, *, day: float, search: float) -> None:
    pages = [
        {"page": "empty Django view", "who": "", "p50": 0.5, "p95": 0.9},
        {"page": "day", "who": "visitor", "p50": 4.0, "p95": day},
        {"page": "new in econ.TH (rare)", "who": "reader", "p50": 10.0, "p95": 20.0},
    ]
    found = {"pages": pages, "crowds": {"visitors": [crowd(900)]}}
    (folder / f"pages-{size}.json").write_text(json.dumps(found))
    requests = [{"asked": "empty Django view"}, {"asked": "three words", "p50": 30.0, "p95": search}]
    (folder / f"search-{size}.json").write_text(json.dumps({"requests": requests, "crowd": crowd(30)}))
    (folder / "machine.json").write_text(json.dumps({"cores": 2, "python": "3.11.7", "measured": "2026-11-30"}))


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The page and its picture."""
    measured(tmp_path, 1_000, day=9, search=50)
    measured(tmp_path, 500_000, day=16, search=90)
    monkeypatch.setattr(report, "ROOT", tmp_path)
    monkeypatch.setattr(report, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(report, "PICTURE", tmp_path / "growth.svg")
    arguments = ["report", "--only-write", "--folder", str(tmp_path), "--sizes", "1000", "500000", "2000000"]
    monkeypatch.setattr(sys, "argv", arguments)
    assert report.main() == 0
    return (tmp_path / "page.md").read_text(), (tmp_path / "growth.svg").read_text()


def test_what_is_over_its_budget_is_bold(written: tuple[str, str]) -> None:
    page, _ = written
    assert "| day | visitor | 4 / 9 (10) | 4 / **16** (15) | 8 |" in page
    assert "| three words |  | 30 / 50 (80) | 30 / 90 (100) | 60 |" in page
    assert "| new in a rare category | reader |" in page
    assert "**30** (40)" in page


def test_what_was_not_measured_is_not_on_the_page(written: tuple[str, str]) -> None:
    assert "2,000,000" not in written[0]


def test_nothing_measured_is_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["report", "--only-write", "--folder", str(tmp_path)])
    assert report.main() == 1
    assert "leave out --only-write" in capsys.readouterr().err


def test_the_picture_has_a_curve_and_a_label_for_each_kind(written: tuple[str, str]) -> None:
    picture = ElementTree.fromstring(written[1])
    names = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"day, visitor", "three words", "1,000", "500,000"} <= set(names)
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}path"))) == 2


def test_labels_never_cover_one_another() -> None:
    places = sorted(growth_chart.label_places([100, 101, 102, 40, 300]))
    assert min(after - before for before, after in itertools.pairwise(places)) >= growth_chart.LABEL_HEIGHT


def test_a_search_made_to_be_slow_has_a_budget_of_its_own() -> None:
    assert search_budget("500 brackets", is_hostile=True).at(10) == 150
    assert page_budget("API, search", "token").at(1_000_000) == 100
