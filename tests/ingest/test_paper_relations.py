"""Every table that refers to a paper goes along with a merge, or has a reason not to."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import models, transaction
from django.db.models.fields.reverse_related import ManyToOneRel
from django.test.utils import isolate_apps

from papers.models import Edition, Listing, Paper
from papers.services.ingest.paper_merge import move_related_rows
from papers.services.ingest.paper_relations import MADE_ANEW, STAYS_BEHIND, moved_relations, undoable_columns
from papers.services.operations.sample import NO_TRACE
from tests.support import factories

EXCEPTIONS = STAYS_BEHIND | MADE_ANEW


def tables_with_papers() -> set[str]:
    """The tables at the other end of the keys to `Paper`, found from its side."""
    return {
        relation.related_model._meta.db_table
        for relation in Paper._meta.get_fields(include_hidden=True)
        if isinstance(relation, ManyToOneRel)
    }


def test_every_table_that_refers_to_a_paper_is_moved_or_has_a_reason_to_stay() -> None:
    assert {relation.table for relation in moved_relations()} == tables_with_papers() - EXCEPTIONS.keys()


def test_no_exception_outlives_its_table() -> None:
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    assert tables >= (EXCEPTIONS | NO_TRACE).keys()
    assert not STAYS_BEHIND.keys() & MADE_ANEW.keys()


def test_an_undo_of_a_merge_covers_all_but_what_is_made_anew() -> None:
    assert {model._meta.db_table for model, _ in undoable_columns()} == tables_with_papers() - MADE_ANEW.keys()


@pytest.mark.django_db
def test_a_merge_counts_the_papers_of_a_day_that_readers_see() -> None:
    kept, gone, hidden = (factories.listing().paper for _ in range(3))
    Paper.objects.filter(pk=hidden.pk).update(hidden_at=factories.NOW)
    with transaction.atomic():
        move_related_rows({gone.pk: kept.pk})
    assert Edition.objects.get().listed_count == 1


def test_the_column_of_which_a_paper_has_each_value_once_is_read_from_keys_and_constraints() -> None:
    found = {relation.table: relation.unique_with for relation in moved_relations()}
    assert found["papers_vote"] == "user_id"  # a constraint
    assert found["papers_seenpaper"] == "user_id"  # a key of two columns
    assert found["papers_topic_examples"] == "topic_id"  # Django's own table of a many-to-many
    assert found["papers_listing"] == "day"
    assert found["papers_comment"] is None


@isolate_apps("tests")
def test_a_table_that_a_merge_cannot_follow_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class OneOfThree(models.Model):
        paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="+")
        day = models.DateField()
        kind = models.TextField()

        class Meta:
            app_label = "tests"
            constraints = [models.UniqueConstraint(fields=["paper", "day", "kind"], name="one_of_three")]

        def __str__(self) -> str:
            return self.kind

    def with_one_more(**kwargs: Any) -> list[type[models.Model]]:
        return [Listing, OneOfThree]

    monkeypatch.setattr(apps, "get_models", with_one_more)
    with pytest.raises(TypeError, match="OneOfThree"):
        moved_relations.__wrapped__()
