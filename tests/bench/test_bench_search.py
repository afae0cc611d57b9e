"""The questions that searches are timed with: each of them is asked of a small catalogue, the hostile ones, too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db.models import F
from django.test import Client
from django.utils import timezone

from bench import search_questions
from bench.catalogue import fill
from bench.vector_fill import fill_vectors
from papers.models import Listing, Paper, PaperVector, PendingChange
from papers.services.embeddings import model_switch
from papers.services.embeddings.nearest import nearest_papers
from papers.services.search.word_statistics import count_words

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def catalogue() -> Iterator[None]:
    fill(120, readers=0, different=100)
    fill_vectors("")
    count_words(now=timezone.now())
    search_questions._kept.clear()
    yield
    search_questions._kept.clear()


def test_every_question_is_answered_and_vectors_have_neighbours(catalogue: None) -> None:
    client = Client()
    assert PaperVector.objects.count() == 120
    asked = {kind: search_questions.questions(kind, 3) for kind in search_questions.QUESTION_KINDS}
    for kind, paths in (asked | search_questions.hostile(1)).items():
        cache.clear()
        for path in paths:
            assert client.get(path).status_code == 200, f"{kind}: {path[:200]}"
    model_switch.ensure_target_model(model_switch.TargetModel(name="all-MiniLM-L6-v2-int8", endpoint=""))
    model_switch.recount_vectors()
    model_switch.invalidate_current_model()
    assert nearest_papers([PaperVector.objects.values_list("paper_id", flat=True)[0]], limit=5)


def test_repeated_papers_are_as_if_each_had_been_written_by_itself() -> None:
    fill(130, readers=0, different=40)
    written = dict(Paper.objects.values_list("pk", "search_vector"))
    assert len(written) == 130
    Paper.objects.update(title=F("title"))
    assert dict(Paper.objects.values_list("pk", "search_vector")) == written
    assert not Paper.objects.filter(sentence_roles=None).exists()
    assert PendingChange.objects.values("paper_id").distinct().count() == 130
    assert Listing.objects.count() == 65
