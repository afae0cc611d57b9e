"""Which tables refer to a paper, and what becomes of their rows when two papers are merged. Read from the models.

Merging, its undo and the removal of the sample all go by this, so that a new model with a key to `Paper` is moved by a
merge, brought back by its undo, and kept with the sample where it is a reader's, without being named anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.db.models import Field, Model, UniqueConstraint
from django.db.models.fields.related import ForeignKey

from papers.models import Paper, User

# Rows that stay with the paper that goes, and are deleted with it: by table, and why. An undo brings them back.
STAYS_BEHIND = {
    "papers_candidate": "the paper that stays is a candidate by itself, or on an edition",
    "papers_duplicatepair": "merging decides it",
    "papers_papervector": "it is made of the texts of its own paper",
    "papers_recommendation": "recommendations are computed anew",
    "papers_rulelisting": "whether a rule listed the paper that stays is known of that paper",
}
# As above, but an undo has them made anew.
MADE_ANEW = {
    "papers_duplicatecheck": "work that waits",
    "papers_embeddingbacklog": "work that waits",
    "papers_topicbacklog": "work that waits",
    "papers_wantedrecord": "work that waits",
    "papers_thumbnail": "it is drawn from the file of its own paper",
    "papers_papercategory": "it is copied from columns of the paper",
}


@dataclass(frozen=True, slots=True)
class PaperRelation:
    """A column that refers to a paper."""

    model: type[Model]
    field: str
    column: str
    unique_with: str | None
    """The column of which a paper has each value once; None where it may have any number of rows."""

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def belongs_to_account(self) -> bool:
        """Whether a row leads to an account, by itself or by what it is part of (a tag, a topic, an import)."""
        owners = [part.related_model for part in _foreign_keys(self.model)]
        return User in owners or any(
            User in [part.related_model for part in _foreign_keys(owner)] for owner in owners if owner is not Paper
        )


@cache
def moved_relations() -> tuple[PaperRelation, ...]:
    """The columns whose rows a merge gives to the paper that stays. No queries.

    Raises:
        TypeError: a model refers to a paper in a way that a merge can't follow: see `STAYS_BEHIND`.
    """
    return tuple(
        PaperRelation(model, column.name, str(column.column), _unique_with(model, column))
        for model, column in _columns()
        if model._meta.db_table not in STAYS_BEHIND and model._meta.db_table not in MADE_ANEW
    )


@cache
def undoable_columns() -> tuple[tuple[type[Model], str], ...]:
    """Model and column of all that a merge changes or deletes and its undo puts back. No queries."""
    return tuple((model, str(column.column)) for model, column in _columns() if model._meta.db_table not in MADE_ANEW)


@cache
def unique_columns() -> dict[str, str]:
    """By table that a merge moves, the column of which a paper has each value once. No queries."""
    return {relation.table: relation.unique_with for relation in moved_relations() if relation.unique_with}


def _columns() -> Iterator[tuple[type[Model], Field[Any, Any]]]:
    for model in apps.get_models(include_auto_created=True):
        for column in _foreign_keys(model):
            if column.related_model is Paper:
                yield model, column


def _foreign_keys(model: type[Model]) -> list[ForeignKey[Any, Any]]:
    return [column for column in model._meta.local_fields if isinstance(column, ForeignKey)]


def _unique_with(model: type[Model], column: Field[Any, Any]) -> str | None:
    others = [names - {column.name} for names in _unique_sets(model) if column.name in names]
    if not others:
        return None
    if len(others) > 1 or len(others[0]) != 1:
        raise TypeError(
            f"A merge of papers cannot move {model.__name__}: say in paper_relations.py what becomes of it."
        )
    return str(model._meta.get_field(others[0].pop()).column)  # type: ignore[union-attr]


def _unique_sets(model: type[Model]) -> Iterator[set[str]]:
    """Names of fields that together occur once."""
    yield {part.name for part in model._meta.pk_fields}
    yield from (set(names) for names in model._meta.unique_together)
    yield from ({part.name} for part in model._meta.local_fields if part.unique and not part.primary_key)
    for constraint in model._meta.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield set(constraint.fields)
