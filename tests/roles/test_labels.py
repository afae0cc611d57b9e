"""The labels that the classifier is made from, and how good it is on papers that it has not seen."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.roles.train import LABELS, confusion, learn, predict_by_folds, quality, read_labels, report, write_weights
from papers.services.roles.classifier import WEIGHTS

ARCHIVES = {
    *("cs", "math", "astro-ph", "physics", "cond-mat", "stat", "eess", "q-bio", "q-fin", "econ", "hep-th", "hep-ph"),
    *("hep-ex", "hep-lat", "gr-qc", "quant-ph", "math-ph", "nlin", "nucl-th", "nucl-ex"),
}
"""All of arXiv's today."""


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in LABELS.read_text(encoding="utf-8").splitlines()]


def test_there_are_enough_of_each_role_and_of_all_archives(rows: list[dict[str, Any]]) -> None:
    roles = Counter(role for row in rows for role, _ in row["sentences"])
    assert sum(roles.values()) >= 2_000
    assert min(roles.values()) >= 150
    archives = {row["category"].partition(".")[0] for row in rows}
    assert archives >= ARCHIVES
    assert len({row["arxiv_id"] for row in rows}) == len(rows)
    assert LABELS.stat().st_size < 1_500_000


def test_the_second_pass_agrees(rows: list[dict[str, Any]]) -> None:
    pairs = [
        (first, second)
        for row in rows
        for (first, _), second in zip(row["sentences"], row.get("second_pass", ()), strict=False)
    ]
    assert len(pairs) >= 300
    agreed = sum(first == second for first, second in pairs) / len(pairs)
    by_chance = (
        sum(
            sum(first == role for first, _ in pairs) * sum(second == role for _, second in pairs)
            for role in {role for pair in pairs for role in pair}
        )
        / len(pairs) ** 2
    )
    assert (agreed - by_chance) / (1 - by_chance) > 0.9  # Cohen's kappa


def test_what_is_reported_of_a_table() -> None:
    perfect = confusion([[0, 1, 2], [3, 4]], [[0, 1, 2], [3, 4]])
    assert quality(perfect.sum(axis=0)).macro_f1 == 1
    found = report(confusion([[0, 0], [1, 1]], [[0, 1], [1, 1]]))
    assert found["accuracy"] == 0.75
    assert found["accuracy_95"][0] < 0.75 < found["accuracy_95"][1]


@pytest.mark.long
def test_papers_that_were_not_seen() -> None:
    abstracts = read_labels()
    found = report(confusion([each.roles for each in abstracts], predict_by_folds(abstracts)))
    assert found["accuracy"] >= 0.78
    assert found["macro_f1"] >= 0.72


@pytest.mark.long
def test_the_same_labels_make_the_same_weights(tmp_path: Path) -> None:
    write_weights(learn(read_labels()), made := tmp_path / "weights.npz")
    with np.load(made) as again, np.load(WEIGHTS) as shipped:
        assert np.abs(again["emission"].astype(int) - shipped["emission"]).max() <= 1  # the last bit is the machine's
        assert again["transition"] == pytest.approx(shipped["transition"], abs=0.01)
