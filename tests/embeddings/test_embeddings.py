"""Vectors of papers and queries: what waits, who takes it, what is stored, what is close."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection

from papers.models import SHIPPED_MODEL, EmbeddingBacklog, EmbeddingModel, Paper, PaperVector
from papers.services.embeddings import backlog, model_switch, query_vectors, worker
from papers.services.embeddings.embedder import EmbeddingError, prefixed
from papers.services.embeddings.embedding_status import read_embedding_status
from papers.services.embeddings.model_switch import current_model
from papers.services.embeddings.nearest import nearest_papers, similar_papers
from papers.services.embeddings.query_vectors import query_vector
from papers.services.embeddings.shipped import ShippedEmbedder
from papers.services.ingest.paper_store import store_papers
from tests.support import factories
from tests.support.letter_model import LetterModel, embed_all

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
VECTOR = LetterModel().embed(["frog"])[0]


@pytest.fixture
def shipped() -> EmbeddingModel:
    row = model_switch.ensure_target_model(model_switch.target_model())
    assert row is not None
    return row


def claim(at_most: int = 9, *, now: datetime = factories.NOW) -> backlog.LeasedPapers:
    claimed = backlog.lease_papers(at_most, now=now)
    assert claimed is not None
    return claimed


def waiting() -> list[int]:
    return list(EmbeddingBacklog.objects.order_by("-listed_at", "-paper").values_list("paper", flat=True))


# --- what waits -----------------------------------------------------------------------------------------------------


def test_a_paper_waits_when_it_is_new_and_when_its_text_changes(shipped):
    store_papers(
        [factories.raw_paper(arxiv_id="2603.00001", title="Frogs", abstract="They jump.")],
        now=factories.NOW,
        kind="feed",
    )
    paper = Paper.objects.get()
    assert waiting() == [paper.pk]
    embed_all()
    assert waiting() == []
    store_papers([factories.raw_paper(arxiv_id="2603.00001", title="Frogs", abstract="They jump.", comment="9 pages")],
                 now=factories.NOW, kind="feed")  # fmt: skip
    assert waiting() == []
    record = factories.raw_paper(arxiv_id="2603.00001", title="Frogs", abstract="They leap.", updated_at=factories.NOW)
    store_papers([record], now=factories.NOW, kind="feed")
    assert waiting() == [paper.pk]


def test_a_model_that_is_wanted_for_the_first_time_has_all_papers_waiting_newest_first():
    old = factories.paper(listed_at=factories.NOW - timedelta(days=9))
    new = factories.paper(listed_at=factories.NOW)
    assert waiting() == []
    model_switch.ensure_target_model(model_switch.target_model())
    assert waiting() == [new.pk, old.pk]
    assert [list(claim(1).texts) for _ in range(2)] == [[new.pk], [old.pk]]
    assert backlog.lease_papers(1, now=factories.NOW) is None


def test_what_a_killed_worker_had_is_taken_by_others_after_its_lease(shipped):
    paper = factories.paper()
    backlog.enqueue_missing(shipped.name)
    assert backlog.lease_papers(9, now=factories.NOW) is not None
    assert backlog.lease_papers(9, now=factories.NOW + backlog.LEASE - timedelta(seconds=1)) is None
    assert list(claim(now=factories.NOW + backlog.LEASE).texts) == [paper.pk]


def test_a_text_that_changes_while_it_is_embedded_is_embedded_again(shipped):
    store_papers([factories.raw_paper(arxiv_id="2603.00001", abstract="They jump.")], now=factories.NOW, kind="feed")
    paper = Paper.objects.get()
    claimed = claim()
    store_papers(
        [factories.raw_paper(arxiv_id="2603.00001", abstract="They leap.", updated_at=factories.NOW)],
        now=factories.NOW,
        kind="feed",
    )
    assert backlog.store_vectors(claimed, shipped.name, {paper.pk: VECTOR}) == 0
    assert not PaperVector.objects.exists()
    assert list(claim().texts.values()) == [(paper.title, "They leap.")]


def test_a_paper_deleted_while_it_is_embedded_is_left_out(shipped):
    gone, kept = factories.paper(), factories.paper()
    backlog.enqueue_missing(shipped.name)
    claimed = claim()
    gone.delete()
    assert backlog.store_vectors(claimed, shipped.name, dict.fromkeys(claimed.texts, VECTOR)) == 1
    assert list(PaperVector.objects.values_list("paper", flat=True)) == [kept.pk]


def test_the_database_takes_vectors_and_waiting_papers_along_with_a_paper(shipped):
    paper = factories.paper()
    backlog.enqueue_missing(shipped.name)
    PaperVector.objects.create(paper=paper, model=shipped.name, vector=VECTOR)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM papers_identifier; DELETE FROM papers_papercategory; DELETE FROM papers_paper")
    assert not PaperVector.objects.exists()
    assert not EmbeddingBacklog.objects.exists()


# --- a batch --------------------------------------------------------------------------------------------------------


def test_a_batch_stores_vectors_of_length_one_and_counts_them(shipped):
    factories.paper(title="aaab"), factories.paper()
    backlog.enqueue_missing(shipped.name)
    done = worker.embed_batch(LetterModel(), shipped.name, clock=lambda: factories.NOW)
    assert (done.embedded, done.taken, done.refused) == (2, 2, 0)
    assert worker.embed_batch(LetterModel(), shipped.name, clock=lambda: factories.NOW).taken == 0
    for row in PaperVector.objects.all():
        assert math.isclose(math.hypot(*row.vector), 1, abs_tol=0.01)
    shipped.refresh_from_db()
    assert (shipped.vector_count, shipped.last_embedded_at) == (2, factories.NOW)


def test_a_text_that_the_model_refuses_is_put_off_and_the_others_go_on(shipped):
    refused = factories.paper(title="poison")
    for _ in range(4):
        factories.paper()
    backlog.enqueue_missing(shipped.name)
    done = worker.embed_batch(LetterModel(refuses="poison"), shipped.name, clock=lambda: factories.NOW)
    assert (done.embedded, done.refused) == (4, 1)
    assert waiting() == [refused.pk]
    assert backlog.lease_papers(9, now=factories.NOW + timedelta(hours=23)) is None
    assert list(claim(now=factories.NOW + timedelta(hours=25)).texts) == [refused.pk]


def test_a_model_out_of_order_gives_its_papers_back_and_says_why(shipped):
    factories.paper()
    backlog.enqueue_missing(shipped.name)
    with pytest.raises(EmbeddingError):
        worker.embed_batch(LetterModel(is_broken=True), shipped.name, clock=lambda: factories.NOW)
    assert read_embedding_status(now=factories.NOW).last_error == "The letters are gone."
    assert embed_all() == 1
    assert read_embedding_status(now=factories.NOW).last_error == ""


# --- what is close --------------------------------------------------------------------------------------------------


@pytest.fixture
def animals(shipped) -> dict[str, Paper]:
    titles = ("frogs frogs", "frog ponds", "zebra zebra", "frogs hidden", "frogs withdrawn", "Frogs  frogs")
    papers = {title: factories.paper(title=title, abstract="") for title in titles}
    Paper.objects.filter(title="frogs hidden").update(hidden_at=factories.NOW)
    Paper.objects.filter(title="frogs withdrawn").update(withdrawn_at=factories.NOW)
    backlog.enqueue_missing(shipped.name)
    embed_all()
    return papers


def test_similar_papers_are_the_closest_without_itself_hidden_and_withdrawn_ones(animals):
    found = similar_papers(animals["frogs frogs"])
    assert [paper.title for paper in found] == ["frog ponds", "zebra zebra"]
    assert [paper.title for paper in similar_papers(animals["frogs frogs"], limit=1)] == ["frog ponds"]


def test_a_paper_without_a_vector_has_no_similar_ones(animals):
    assert similar_papers(factories.paper()) == []
    PaperVector.objects.all().delete()
    assert similar_papers(animals["frogs frogs"]) == []


def test_near_several_examples_leaves_them_and_others_out(animals):
    examples = [animals["frogs frogs"].pk, animals["frog ponds"].pk]
    assert [one.paper_id for one in nearest_papers(examples, limit=5, exclude_ids=[animals["Frogs  frogs"].pk])] == [
        animals["zebra zebra"].pk
    ]
    assert nearest_papers([], limit=5) == []


def test_the_closest_are_found_by_the_index(animals, django_assert_max_num_queries):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(
            "EXPLAIN SELECT paper_id FROM papers_papervector WHERE model = %s "
            "ORDER BY vector::halfvec(384) <=> (SELECT vector FROM papers_papervector LIMIT 1)::halfvec(384) LIMIT 5",
            [SHIPPED_MODEL],
        )
        assert "paper_vector_shipped" in "\n".join(row[0] for row in cursor.fetchall())
    current_model()
    with django_assert_max_num_queries(6):  # two of them open and close a transaction
        similar_papers(animals["frogs frogs"])
    with django_assert_max_num_queries(1):
        similar_papers(animals["frogs frogs"])


def test_the_page_of_a_paper_shows_similar_ones(animals, client):
    page = client.get(animals["frogs frogs"].get_absolute_url()).content.decode()
    assert "Similar papers" in page
    assert animals["frog ponds"].get_absolute_url() in page
    assert animals["frogs hidden"].get_absolute_url() not in page
    lonely = client.get(factories.paper().get_absolute_url()).content.decode()
    assert "Similar papers" not in lonely


# --- a query's vector -----------------------------------------------------------------------------------------------


def test_there_is_no_vector_of_a_query_before_there_is_one_of_a_paper(shipped, monkeypatch):
    monkeypatch.setattr(query_vectors, "call_embedder", lambda *args, **options: pytest.fail("asked"))
    assert current_model() is None
    assert query_vector("frogs") is None


def test_nobody_is_asked_twice_in_a_row_when_there_is_no_answer(animals, monkeypatch):
    asked = []

    def exchange(question, **options):
        asked.append(question)
        raise ConnectionRefusedError

    monkeypatch.setattr(query_vectors, "call_embedder", exchange)
    monkeypatch.setattr(query_vectors._Pause, "until", 0.0)
    assert query_vector("frogs") is None
    assert query_vector("ponds") is None
    assert asked == [{"model": SHIPPED_MODEL, "text": "frogs"}]


def test_turned_off_there_is_neither_a_model_nor_a_vector(animals, settings):
    assert current_model() is not None
    settings.EMBEDDINGS = False
    assert current_model() is None
    assert query_vector("frogs") is None
    assert similar_papers(animals["frogs frogs"]) == []
    assert "BROADSHEET_EMBEDDINGS" in read_embedding_status(now=factories.NOW).disabled_reason


# --- changing models ------------------------------------------------------------------------------------------------


def test_progress_counts_what_is_done_and_what_waits(shipped):
    for _ in range(3):
        factories.paper()
    backlog.enqueue_missing(shipped.name)
    worker.embed_batch(LetterModel(), shipped.name, clock=lambda: factories.NOW, limit=2)
    progress = read_embedding_status(now=factories.NOW)
    assert (progress.embedded, progress.waiting, progress.has_more_waiting) == (2, 1, False)
    assert (progress.serving, progress.target, progress.is_changing) == (SHIPPED_MODEL, SHIPPED_MODEL, False)


def test_the_counts_are_put_right_and_forgotten_papers_found(animals, shipped):
    EmbeddingModel.objects.update(vector_count=99)
    forgotten = factories.paper()
    model_switch.recount_vectors()
    assert read_embedding_status(now=factories.NOW).embedded == 6
    assert waiting() == [forgotten.pk]


def test_turning_back_to_a_model_keeps_its_vectors(animals, settings):
    settings.EMBEDDINGS_URL, settings.EMBEDDINGS_MODEL = "http://127.0.0.1:9/v1", "other"
    model_switch.ensure_target_model(model_switch.target_model())
    assert len(waiting()) == 6
    settings.EMBEDDINGS_URL = ""
    model_switch.ensure_target_model(model_switch.target_model())
    assert waiting() == []
    assert read_embedding_status(now=factories.NOW).embedded == 6


# --- the shipped model ----------------------------------------------------------------------------------------------


def test_the_shipped_model_tells_nobody_that_it_runs(tmp_path: Path) -> None:
    """onnxruntime keeps what it means to send to its maker in the home folder, unless `CI` is set."""
    text = "from papers.services.embeddings.shipped import ShippedEmbedder; ShippedEmbedder().embed(['a frog'])"
    environment = {"PATH": os.defpath, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", text], env=environment, cwd=ROOT, check=True)
    assert list(tmp_path.rglob("*")) == []


def test_the_shipped_model_knows_what_is_alike():
    frog, toad, tax = ShippedEmbedder().embed(
        ["A frog jumps into the pond.", "Toads leap into water.", "Quarterly corporate tax law."]
    )
    assert len(frog) == 384
    assert math.isclose(math.hypot(*frog), 1, abs_tol=1e-4)

    def alike(one: list[float], other: list[float]) -> float:
        return sum(a * b for a, b in zip(one, other, strict=True))

    assert alike(frog, toad) > 0.5 > 0.2 > alike(frog, tax)


def test_a_model_file_that_was_changed_is_not_run(monkeypatch, tmp_path):
    bad = tmp_path / "model.onnx"
    bad.write_bytes(b"something else")
    monkeypatch.setattr("papers.services.embeddings.shipped.model_file", lambda: bad)
    with pytest.raises(EmbeddingError, match="not the file that was published"):
        ShippedEmbedder()


def test_without_the_model_search_goes_by_words_and_says_so(monkeypatch):
    monkeypatch.setattr("papers.services.embeddings.shipped.model_file", lambda: None)
    assert model_switch.target_model() is None
    assert "is not installed" in read_embedding_status(now=factories.NOW).disabled_reason
    assert model_switch.ensure_target_model(None) is None
    assert current_model() is None
    cache.clear()


# --- what a model wants before a text -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "sent"),
    [
        ("", "frogs"),
        ("query:", "query: frogs"),
        ("Represent this sentence for searching relevant passages:", "Represent this sentence for searching relevant "
         "passages: frogs"),
        (r"Instruct: Find papers\nQuery:", "Instruct: Find papers\nQuery:frogs"),
    ],
)  # fmt: skip
def test_a_prefix_is_put_before_a_text_as_models_were_trained(prefix, sent):
    assert prefixed("frogs", prefix) == sent


def test_prefixes_are_for_the_model_of_an_endpoint_alone(settings, monkeypatch):
    settings.EMBEDDINGS_QUERY_PREFIX, settings.EMBEDDINGS_DOCUMENT_PREFIX = "query:", "passage:"
    assert worker.document_text(SHIPPED_MODEL, "Frogs", "They jump.") == "Frogs\nThey jump."
    assert worker.document_text("other", "Frogs", "They jump.") == "passage: Frogs\nThey jump."
    asked = []
    monkeypatch.setattr(query_vectors, "_ask", lambda model, text: asked.append((model, text)))
    for name in (SHIPPED_MODEL, "other"):
        monkeypatch.setattr(query_vectors, "current_model", lambda name=name: model_switch.CurrentModel(name, 384))
        query_vector("frogs")
    assert asked == [(SHIPPED_MODEL, "frogs"), ("other", "query: frogs")]
