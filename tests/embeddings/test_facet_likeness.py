"""Papers like one in its subject, method or results: on its page, in the search and in the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from papers.models import SHIPPED_MODEL, EmbeddingModel, Paper, PaperVector
from papers.services.embeddings import model_switch
from papers.services.embeddings.facet_likeness import similar_in
from papers.services.reading.muted_queries import MutingError, mute_query
from papers.services.roles.fill_roles import fill_batch
from papers.services.topics.topic_editor import TopicDraft, TopicError, create_topic
from papers.text.abstract_roles import LikenessFacet
from tests.support import factories

pytestmark = pytest.mark.django_db

SUBJECT, METHOD, RESULT = LikenessFacet


def stored(title: str, subject: str, method: str, result: str, *, angle: float = 0.1, **fields: Any) -> Paper:
    """A paper of three sentences with their roles, and a vector that is so far from the first axis."""
    abstract, letters = "", []
    for letter, sentence in zip("bmr", (subject, method, result), strict=True):
        abstract = f"{abstract} {sentence}".strip()
        letters.append(f"{letter}{len(abstract)}")
    paper = factories.paper(title=title, abstract=abstract, **{"sentence_roles": " ".join(letters), **fields})
    PaperVector.objects.create(paper=paper, model=SHIPPED_MODEL, vector=[1.0, angle] + [0.0] * 382)
    return paper


@pytest.fixture
def tides() -> Paper:
    row = model_switch.ensure_target_model(model_switch.target_model())
    assert row is not None
    EmbeddingModel.objects.update(vector_count=9)
    model_switch.invalidate_current_model()
    asked = stored("Tides", "Tides move the sea.", "We train wavelet networks.", "Harbours flood less.", angle=0.0)
    stored("Old sea", "Tides of the sea are old.", "We count shells.", "There are many.")
    stored("Bread", "Bread rises slowly.", "Wavelet networks are trained.", "Crusts are brown.")
    stored("Roads", "Roads are long.", "We ask drivers.", "Harbours flood less.")
    stored("Hidden", "None.", "We train wavelet networks.", "None.", hidden_at=factories.NOW)
    stored("Withdrawn", "None.", "We train wavelet networks.", "None.", withdrawn_at=factories.NOW)
    return asked


def titles(paper: Paper, facet: LikenessFacet | None) -> list[str]:
    return [each.paper.title for each in similar_in(paper, facet).items]


def test_the_papers_like_it_in_each_facet_lead(tides: Paper) -> None:
    assert titles(tides, SUBJECT)[0] == "Old sea"
    assert titles(tides, METHOD)[0] == "Bread"
    assert titles(tides, RESULT)[0] == "Roads"
    assert set(titles(tides, METHOD)) == set(titles(tides, None)) == {"Old sea", "Bread", "Roads"}


def test_each_says_the_sentence_that_matched(tides: Paper) -> None:
    first = similar_in(tides, METHOD).items[0]
    assert first.sentence == "Wavelet networks are trained."


def test_what_is_found_is_kept(tides: Paper, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(8):  # three of them set up a transaction
        similar_in(tides, METHOD)
    with django_assert_max_num_queries(1):
        similar_in(tides, METHOD)
    Paper.objects.filter(pk=tides.pk).update(abstract="We count shells.")  # which takes the roles away
    Paper.objects.filter(pk=tides.pk).update(sentence_roles="m16")
    tides.refresh_from_db()
    assert titles(tides, METHOD)[0] == "Old sea"


@pytest.mark.parametrize(
    ("roles", "word"), [(None, "is not known yet"), ("b1000000", "No sentence"), ("b19 b46 r67", "No sentence")]
)
def test_where_the_facet_is_unknown_they_are_similar_overall_and_it_says_so(
    tides: Paper, roles: str | None, word: str
) -> None:
    Paper.objects.filter(pk=tides.pk).update(sentence_roles=roles)
    tides.refresh_from_db()
    found = similar_in(tides, METHOD)
    assert found.facet is None
    assert word in found.note
    assert len(found.items) == 3


def test_without_a_model_there_are_none(tides: Paper, settings: Any) -> None:
    settings.EMBEDDINGS = False
    assert similar_in(tides, METHOD).items == []


def test_the_page_has_a_link_for_each_facet(tides: Paper, client: Client) -> None:
    address = tides.get_absolute_url()
    plain = client.get(address).content.decode()
    for facet in ("subject", "method", "result"):
        assert f'href="?similar={facet}#similar"' in plain
    page = client.get(address, {"similar": "method"}).content.decode()
    assert page.index("Bread") < page.index("Old sea")
    assert "Wavelet networks are trained." in page
    assert f"?q=like:{tides.public_id}+method" in page
    part = client.get(address, {"similar": "method"}, headers={"HX-Request": "true"})
    assert part.content.decode().lstrip().startswith('<section id="similar"')
    assert "HX-Request" in part["Vary"]
    assert client.get(address, {"similar": "\0x"}).status_code == 200


def test_a_paper_that_has_no_vector_has_no_section(tides: Paper, client: Client) -> None:
    lonely = factories.paper(abstract="We do it.", sentence_roles="m9")
    assert "Similar papers" not in client.get(lonely.get_absolute_url()).content.decode()


def test_a_search_for_papers_like_it_in_a_facet(tides: Paper, client: Client) -> None:
    for facet, first in (("subject", "Old sea"), ("method", "Bread"), ("result", "Roads")):
        page = client.get("/papers", {"q": f"like:{tides.public_id} {facet}"}).content.decode()
        assert f"in {facet}" in page
        others = {"Old sea", "Bread", "Roads"} - {first}
        assert all(page.index(f">{first}</a>") < page.index(f">{other}</a>") for other in others)


def test_a_search_says_where_a_facet_is_unknown(tides: Paper, client: Client) -> None:
    Paper.objects.filter(pk=tides.pk).update(sentence_roles=None)
    page = client.get("/papers", {"q": f"like:{tides.public_id} method"}).content.decode()
    assert "Which sentences tell of the method is not known yet" in page


def test_more_like_a_result_keeps_the_facets(tides: Paper, client: Client) -> None:
    page = client.get("/papers", {"q": f"like:{tides.public_id} method"}).content.decode()
    assert f"like%3A{tides.public_id}+method+like%3A" in page


def test_topics_and_mutes_say_that_they_cannot(tides: Paper) -> None:
    with pytest.raises(TopicError, match="as a whole"):
        create_topic(TopicDraft("Waves", f"like:{tides.public_id} method"), owner=None, now=factories.NOW)
    create_topic(TopicDraft("Waves", f"like:{tides.public_id}"), owner=None, now=factories.NOW)
    for text in (f"like:{tides.public_id} method", f"bread like:{tides.public_id}"):
        with pytest.raises(MutingError, match="muted"):
            mute_query(user=factories.user(), text=text)


def test_the_api_has_the_facet_and_the_sentences(tides: Paper, client: Client) -> None:
    found = client.get(f"/api/v1/papers/{tides.public_id}/similar", {"facet": "method", "limit": "2"}).json()
    assert found["facet"] == "method"
    assert found["items"][0]["title"] == "Bread"
    assert found["sentences"][0] == "Wavelet networks are trained."
    assert len(found["items"]) == len(found["sentences"]) == 2
    plain = client.get(f"/api/v1/papers/{tides.public_id}/similar").json()
    assert (plain["facet"], plain["sentences"]) == ("", ["", "", ""])
    assert client.get(f"/api/v1/papers/{tides.public_id}/similar", {"facet": "colour"}).status_code == 422


def test_roles_of_the_classifier_serve(tides: Paper) -> None:
    Paper.objects.update(sentence_roles=None)
    while fill_batch(now=factories.NOW):
        pass
    tides.refresh_from_db()
    assert similar_in(tides, METHOD).items
