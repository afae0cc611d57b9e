"""Sets of questions with answers, as folders; and sets of long questions made of them, whose texts are papers.

A folder has `corpus.jsonl` (`_id`, `title`, `text`, perhaps `authors`), `queries.jsonl` (`_id`, `text`) and `qrels.tsv`
(query, document, score; tab-separated, with a header).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.catalogue import open_lines

Relevant = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Document:
    """A paper of a set."""

    id: str
    title: str
    abstract: str
    authors: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """As somebody would paste it. Some sets repeat the title in front of the abstract."""
        return self.abstract if self.abstract.startswith(self.title) else f"{self.title}\n{self.abstract}"


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions over some documents, with the relevant ones of each and their scores."""

    name: str
    documents: Sequence[Document]
    asked: Mapping[str, str]
    answers: Relevant
    left_out: Mapping[str, str] = field(default_factory=dict)
    """The document that a question is made of; it is no result of that question."""


def read_set(folder: Path) -> QuestionSet:
    """A folder's questions that have an answer."""
    answers = _relevant(folder)
    asked = {str(row["_id"]): str(row["text"]) for row in read_rows(folder / "queries.jsonl")}
    return QuestionSet(folder.name, _documents(folder), {key: asked[key] for key in asked if key in answers}, answers)


def document_questions(of: QuestionSet) -> QuestionSet:
    """For each question a relevant document's text in its place; the answers are its other relevant documents.

    The first of the relevant ones that no question before was made of, so that texts are not repeated where there are
    enough. Questions with a single answer have no other, and make none.
    """
    by_id = {document.id: document for document in of.documents}
    used: set[str] = set()
    asked: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for query in of.asked:
        relevant = [document for document in of.answers[query] if document in by_id and by_id[document].abstract]
        if len(of.answers[query]) < 2 or not relevant:
            continue
        chosen = next((document for document in relevant if document not in used), relevant[0])
        used.add(chosen)
        asked[query], left_out[query] = by_id[chosen].text, chosen
    answers = {
        query: {document: score for document, score in of.answers[query].items() if document != left_out[query]}
        for query in asked
    }
    return QuestionSet(f"{of.name}-docq", of.documents, asked, answers, left_out)


def _documents(folder: Path) -> list[Document]:
    found = []
    for row in read_rows(folder / "corpus.jsonl"):
        names = row.get("authors") or ""
        authors = names if isinstance(names, list) else [name.strip() for name in names.split("\n")]
        found.append(
            Document(str(row["_id"]), row.get("title") or "", row.get("text") or "", tuple(filter(None, authors)))
        )
    return found


def _relevant(folder: Path) -> dict[str, dict[str, float]]:
    """The relevant documents of each question with their scores, as far as they are above 0."""
    found: dict[str, dict[str, float]] = {}
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query, document, score = line.split("\t")
        if float(score) > 0:
            found.setdefault(query, {})[document] = float(score)
    return found


def read_rows(file: Path) -> list[dict[str, Any]]:
    """JSON lines, packed or not."""
    with open_lines(file) as lines:
        return [json.loads(line) for line in lines if line.strip()]
