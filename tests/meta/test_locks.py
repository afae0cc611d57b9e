"""Advisory locks: each its own numbers, held as long as it says."""

from __future__ import annotations

import re

import pytest
from django.db import connection, transaction

from papers.locks import AdvisoryLock, lock_numbers, lock_transaction, try_lock_transaction, try_session_lock
from tests.meta.source_files import ROOT
from tests.support.locks import held_elsewhere


def test_no_two_locks_have_the_same_numbers() -> None:
    numbers = [lock_numbers(lock) for lock in AdvisoryLock]
    numbers += [lock_numbers(lock, key) for lock in AdvisoryLock for key in ("a", "b", "paper 1")]
    assert len(set(numbers)) == len(numbers)
    assert all(-(2**31) <= number < 2**31 for pair in numbers for number in pair)


def test_nothing_else_takes_advisory_locks() -> None:
    files = [path for app in ("papers", "digests", "config") for path in (ROOT / app).rglob("*.py")]
    taking = {str(path.relative_to(ROOT)) for path in files if re.search(r"pg_\w*advisory", path.read_text("utf-8"))}
    assert taking == {"papers/locks.py"}


@pytest.mark.django_db(transaction=True)
class TestHolding:
    def test_one_that_another_holds_is_not_had(self) -> None:
        with held_elsewhere(AdvisoryLock.LIST_RULES):
            with transaction.atomic():
                assert not try_lock_transaction(AdvisoryLock.LIST_RULES)
                assert try_lock_transaction(AdvisoryLock.WORD_COUNTS)
            with try_session_lock(AdvisoryLock.LIST_RULES) as is_ours:
                assert not is_ours
        with transaction.atomic():
            assert try_lock_transaction(AdvisoryLock.LIST_RULES)

    def test_a_transaction_s_lock_goes_with_it_and_a_session_s_with_its_block(self) -> None:
        with transaction.atomic():
            lock_transaction(AdvisoryLock.CURATION_SUBJECT, "paper 1")
        with try_session_lock(AdvisoryLock.RECOMMENDATIONS) as is_ours:
            assert is_ours
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
                assert cursor.fetchone() == (1,)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            assert cursor.fetchone() == (0,)
