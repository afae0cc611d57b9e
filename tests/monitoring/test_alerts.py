"""docs/monitoring: the rules and the dashboard fit what /metrics says, and each rule fires when it should."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from config.monitoring.metrics import all_families

FOLDER = Path(__file__).parents[2] / "docs" / "monitoring"
_METRIC = re.compile(r"\bbroadsheet_[a-z_]+")
_ALERT = re.compile(r"^      - alert: (\w+)$", re.MULTILINE)


def expressions_of_rules() -> list[str]:
    """The lines of rules that are no words for people."""
    text = (FOLDER / "alerts.yml").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not re.match(r"\s+(summary|action):|#", line)]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))["panels"]
    return found


def expressions_of_dashboard() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel.get("targets", [])]


def names_said() -> Iterator[str]:
    """Every name that a query can ask /metrics for."""
    for family in all_families(now=timezone.now()):
        if family.kind == "histogram":
            yield from (family.name + end for end in ("_bucket", "_sum", "_count"))
        else:
            yield family.name


@pytest.mark.django_db
def test_every_metric_that_is_asked_for_is_there() -> None:
    asked = set(_METRIC.findall("\n".join([*expressions_of_rules(), *expressions_of_dashboard()])))
    assert len(asked) > 25
    assert asked - set(names_said()) == set()


@pytest.mark.django_db
def test_the_page_about_it_names_every_metric() -> None:
    page = (FOLDER.parent / "monitoring.md").read_text(encoding="utf-8")
    families = {family.name for family in all_families(now=timezone.now())}
    assert {name for name in families if f"`{name}`" not in page} == set()
    assert set(_METRIC.findall(page)) - families == set()


def test_every_rule_is_tried() -> None:
    rules = _ALERT.findall((FOLDER / "alerts.yml").read_text(encoding="utf-8"))
    tried = (FOLDER / "alerts_test.yml").read_text(encoding="utf-8")
    assert len(rules) > 15
    assert [rule for rule in rules if tried.count(f"alertname: {rule}") < 2] == [], "once firing, once quiet"


def test_the_dashboard_is_whole() -> None:
    shown = panels()
    assert len({panel["id"] for panel in shown}) == len(shown)
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in shown]
    assert len(set(places)) == len(places)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in shown)
    assert all(panel.get("targets") or panel["type"] == "row" for panel in shown)


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not here: Debian and Ubuntu have it in the package prometheus.")
    return found


@pytest.mark.parametrize("words", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]])
def test_prometheus_own_tool_finds_the_rules_good(promtool: str, words: list[str]) -> None:
    done = subprocess.run([promtool, *words], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_example_of_its_configuration(promtool: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("x")
    text = (FOLDER / "prometheus.yml").read_text(encoding="utf-8")
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/broadsheet-token", str(token)))
    shutil.copy(FOLDER / "alerts.yml", tmp_path)
    words = [promtool, "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.django_db
def test_prometheus_own_tool_finds_nothing_to_say_of_the_figures(promtool: str, client: Any) -> None:
    """Its linter wants a unit and a help of each, and no counter with a wrong name."""
    text = client.get("/metrics", REMOTE_ADDR="127.0.0.1", HTTP_HOST="127.0.0.1").content
    done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
