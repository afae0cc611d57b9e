"""The line of a paper, on 200 papers whose sentences were marked by hand, in two passes; none of them was learned from.

The file has their abstracts as arXiv's metadata has them (CC0 1.0), parted into sentences, and of each pass the numbers
of all sentences that would be right as a line. Right is here what both passes marked.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.roles.train import read_labels
from papers.services.roles.classifier import classify_abstract
from papers.text.abstract_roles import leading_line, read_roles

MARKED = Path(__file__).with_name("marked_lines.jsonl")


@pytest.fixture(scope="module")
def marked() -> list[dict[str, Any]]:
    return [json.loads(line) for line in MARKED.read_text(encoding="utf-8").splitlines()]


def leading_hits(row: dict[str, Any]) -> list[bool]:
    """Of each sentence of the line, whether it is right."""
    abstract, right = "", []
    for number, sentence in enumerate(row["sentences"], 1):
        begin = len(abstract)
        abstract += sentence + " "
        if number in row["first_pass"] and number in row["second_pass"]:
            right.append((begin, len(abstract)))
    abstract = abstract.strip()
    chosen = [each for each in read_roles(abstract, classify_abstract(abstract)) if each.leads]
    return [any(begin <= each.start < end for begin, end in right) for each in chosen]


class TestMarkedPapers:
    def test_none_was_learned_from(self, marked: list[dict[str, Any]]) -> None:
        assert len(marked) == 200
        assert not {row["arxiv_id"] for row in marked} & {each.arxiv_id for each in read_labels()}

    def test_the_line_begins_with_a_right_sentence(self, marked: list[dict[str, Any]]) -> None:
        hits = [leading_hits(row) for row in marked]
        assert sum(found[:1] == [True] for found in hits) / len(hits) >= 0.85
        assert sum(any(found) for found in hits) / len(hits) >= 0.88

    def test_nearly_all_have_a_line(self, marked: list[dict[str, Any]]) -> None:
        abstracts = [" ".join(row["sentences"]) for row in marked]
        lines = [leading_line(abstract, classify_abstract(abstract)) for abstract in abstracts]
        assert sum(not line for line in lines) <= 4
        assert max(map(len, lines)) < 1_000
