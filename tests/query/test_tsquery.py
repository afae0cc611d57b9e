"""The marks of the search index: what the database writes for a paper is what questions ask for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection

from papers.models.search_index import lexemes_of
from papers.query.nodes import AuthorTerm, CategoryTerm, OrganizationTerm, TitleTerm
from papers.query.tsquery import MONTH_PREFIX, field_marks, month_of_mark, source_marks, title_mark
from tests.support import factories

pytestmark = pytest.mark.django_db


def words_of_index(paper_id: int) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tsvector_to_array(search_vector) FROM papers_paper WHERE id = %s", [paper_id])
        return set(cursor.fetchone()[0])


def test_the_database_writes_the_marks_that_questions_ask_for() -> None:
    paper = factories.paper(
        title="Schrödinger bridges", abstract="Words.", authors=["Émile du Châtelet", "Wang, Wei"],
        organization="Meta AI", categories=["cs.CL", "math.OC"], venue="NeurIPS 2026",
        journal_ref="Phys. Rev. B", comment="Accepted, 12 pages", listed_at=datetime(2026, 12, 31, 23, 30, tzinfo=UTC),
    )  # fmt: skip
    terms = [
        *(AuthorTerm("émile du châtelet"), AuthorTerm("wei wang"), OrganizationTerm("meta ai")),
        CategoryTerm("cs.CL", ("cs.CL",)), CategoryTerm("math.OC", ("math.OC",)),
    ]  # fmt: skip
    asked = {mark for term in terms for mark in term.index_marks}
    title = TitleTerm("schrödinger bridges").text
    asked |= {*source_marks("arxiv"), "s:60"}
    for field, text in (("venue", "neurips 2026"), ("journal", "phys. rev. b"), ("comment", "accepted, 12 pages")):
        (of_field, *_) = field_marks(field, lexemes_of([text])[text].rows)
        asked |= set(of_field)
    asked |= {title_mark(lexeme.word) for lexeme in lexemes_of([title])[title].row}
    marks = {word for word in words_of_index(paper.pk) if ":" in word}
    months = {mark for mark in marks if mark.startswith(MONTH_PREFIX)}
    assert marks - months == asked
    assert [month_of_mark(mark) for mark in months] == [(2026, 12)]


def test_marks_of_a_month_are_read_at_both_ends_of_a_year() -> None:
    assert month_of_mark(f"m:{12 * 2026 + 1}") == (2026, 1)
    assert month_of_mark(f"m:{12 * 2025 + 12}") == (2025, 12)
