"""After a test that commits there is nothing left of it, and all of what Django itself put there."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

from papers.services.reading.votes import set_vote
from tests.support import factories
from tests.support.empty_tables import MADE_BY_DJANGO, empty_tables, empty_used_tables

pytestmark = pytest.mark.django_db(transaction=True)


def used_tables() -> set[str]:
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"(SELECT '{name}' FROM \"{name}\" LIMIT 1)" for name in names))
        return {name for (name,) in cursor.fetchall()}


def fill() -> None:
    paper = factories.paper()
    with transaction.atomic():
        factories.listing(paper)
    set_vote(user=factories.user(), paper_id=paper.pk, on=True)


def test_rows_go_and_what_django_made_stays() -> None:
    fill()
    assert len(used_tables()) > 5 + len(MADE_BY_DJANGO)
    kinds, permissions = set(ContentType.objects.values_list()), set(Permission.objects.values_list())
    assert empty_used_tables()
    assert used_tables() == MADE_BY_DJANGO
    assert set(ContentType.objects.values_list()) == kinds
    assert set(Permission.objects.values_list()) == permissions


def test_where_a_test_changed_what_django_made_it_is_made_again() -> None:
    fill()
    many = Permission.objects.count()
    Permission.objects.all()[:1].get().delete()
    assert not empty_used_tables()
    empty_tables()
    assert used_tables() == MADE_BY_DJANGO
    assert Permission.objects.count() == many
