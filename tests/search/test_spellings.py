"""A word is found in each of its spellings, by search, topics and mutes alike; no spelling counts more than another."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from django.db import connection

from papers import migrations
from papers.models import Paper, SearchReindex, TopicMatch
from papers.models.search_index import lexemes_of
from papers.query.parser import parse
from papers.query.spellings import MAX_VARIED
from papers.services.ingest.releases import RELEASE_WINDOW
from papers.services.operations import scheduler
from papers.services.reading.muted_queries import find_muted
from papers.services.search import word_statistics
from papers.services.search.hybrid_search import search_papers
from papers.services.search.reindexing import is_reindexing, reindex_batch, reindex_some
from papers.services.search.result_page import lexemes_to_highlight
from papers.services.topics.pending_work import catch_up
from papers.text.highlighting import highlight
from papers.web.search_highlights import highlight_words
from tests.support import factories
from tests.support.factories import NOW, TODAY

pytestmark = pytest.mark.django_db

SPELLINGS = (
    # What was asked, what it finds, and what it does not.
    ("qwen", ["Qwen2.5 report", "Qwen-2", "Qwen 3", "Qwen"], ["Queen"]),
    ("Qwen 2.5", ["Qwen2.5 report", "Qwen-2.5", "Qwen 2.5"], ["Qwen3"]),
    ("Qwen2.5", ["Qwen2.5 report", "Qwen-2.5", "Qwen 2.5"], ["Qwen3", "Qwen 2 and then 5 more"]),
    ("gpt4o", ["GPT-4o", "GPT4o", "GPT 4o", "GPT‑4o"], ["GPT-4", "4o", "GPT has 4 of o"]),
    ("GPT-4o", ["GPT-4o", "GPT4o", "GPT 4o"], ["GPT-4", "GPT"]),
    ("GPT 4", ["GPT4", "GPT-4", "GPT 4", "GPT-4o"], ["GPT"]),
    ("3D-GS", ["3D-GS", "3DGS", "3D GS"], ["3D", "GS"]),
    ("3DGS", ["3D-GS", "3DGS"], ["3D", "DGS"]),
    ("3D GS", ["3D-GS", "3DGS", "3D GS"], ["3D"]),
    ("llama3", ["LLaMA 3", "LLaMA-3", "LLaMA3", "LLaMA-3.1-8B"], ["LLaMA 2", "LLaMA with 3"]),
    ("LLaMA-3", ["LLaMA 3", "LLaMA-3", "LLaMA3"], ["LLaMA"]),
    ("UNet", ["U-Net", "UNet"], ["Net", "U turn"]),
    ("u-net", ["U-Net", "UNet", "U Net"], ["Net"]),
    ("u net", ["U-Net", "UNet", "U Net"], ["Net"]),
    ("colour", ["Colours", "coloured", "colors"], ["colon"]),
    ("generalisation", ["Generalisation", "generalization", "generalizing"], ["genera"]),
    ("generalization", ["Generalisations", "generalization"], ["genera"]),
    ('"behavior cloning"', ["Behaviour cloning", "Behavior cloning"], ["cloning of behaviour"]),
    ('title:"colour analyser"', ["Colour analyser", "Color analyzers"], ["analyzers of color"]),
    ("multi-modal", ["multimodal", "multi-modal", "Multi modal"], ["modal"]),
    ("multimodal", ["multimodal", "multi-modal", "Multi–modal", "multi modal"], ["modal"]),
    ("finetuning", ["fine-tuning", "finetuning", "Fine tuning", "fine-tuned"], ["tuning", "fine"]),
    ('"fine-tuning"', ["fine-tuning", "finetuning", "fine tuning"], ["tuning is fine"]),
    ('"pre training"', ["pre-training", "pretraining", "pre training", "pretrained"], ["training"]),
    ('"supervised pretraining of models"', ["Supervised pre-training of models", "Supervised pretraining of models"],
     ["Supervised pretraining of large models", "pretraining of models"]),
    ('"supervised pre-training of models"', ["Supervised pre-training of models", "Supervised pretraining of models"],
     ["Supervised training of models"]),
    ('"image net"', ["ImageNet", "image-net", "image net"], ["net of an image"]),
    ("image net", ["ImageNet", "image-net", "net of an image"], ["image"]),
    ("state-of-the-art", ["state-of-the-art", "state of the art", "stateoftheart"], ["art", "state"]),
    ("ResNet50", ["ResNet-50", "ResNet50", "ResNet 50"], ["ResNet-101", "ResNet"]),
    ("COVID19", ["COVID-19", "COVID19", "COVID 19"], ["COVID", "19"]),
    ("h2o", ["H2O", "H$_2$O", "H₂O"], ["H2", "O"]),
    ("e-mail", ["email", "e-mail", "E mail"], ["mail"]),
    ("email", ["email", "e-mail"], ["mail"]),
    ("beta-vae", ["β-VAE", "beta-VAE", "betaVAE", "β VAE"], ["VAE"]),
    ("tgfβ1", ["TGF-β1", "TGFβ1", "TGF-beta 1"], ["TGF"]),
    ("x−ray", ["x-ray", "X‐ray", "xray", "x ray"], ["ray"]),
    ("8b", ["8B", "LLaMA-3.1-8B-Instruct"], ["8", "b"]),
    ("T5", ["T5", "T-5", "FLAN-T5 base"], ["5", "T is 5"]),
    ("A100", ["A100", "A-100"], ["100", "a 100"]),
    ("word2vec", ["word2vec", "Word-2-Vec", "word 2 vec"], ["word", "vec"]),
    ("4-bit", ["4-bit", "4 bits", "4bit"], ["bit", "4"]),
    ("c++", ["C++20 in C++"], ["C", "C-plus"]),
    ("3.5", ["GPT-3.5", "a 3.5-fold gain"], ["35", "3 and 5"]),
    ("title:gpt4", ["GPT-4", "GPT4", "GPT 4 report"], ["GPT"]),
    ('title:"gpt-4 report"', ["GPT-4 report", "GPT4 report", "GPT 4 report"], ["GPT-4", "GPT-4o report"]),
    # What formulas name.
    ("H∞", [r"$H_\infty$ control", "H∞ control", "H-infinity control", r"$\mathcal{H}_{\infty}$", r"$H^\infty$",
            "H_∞"], ["H", "infinity", r"H is \infty"]),
    ("H-infinity", [r"$H_\infty$ control", "H∞", "H infinity"], ["infinity H"]),
    ("L1", [r"$\ell_1$-norm", "ℓ1", "ℓ_1", "ℓ₁", "L1", "L_1", "l_{1}", "$L^1$", "L-1", r"\ell^1"], ["1", "L", "ℓ_2"]),
    (r"$\ell_1$", ["L1", "ℓ_1", r"$\ell_1$", "L₁ norm"], ["1"]),
    ("ℓ_1", ["L1 norm", r"$\ell_{1}$"], ["ell 1"]),
    ("L∞", [r"$L^\infty$", r"$\ell_\infty$", "L-infinity"], ["L1"]),
    ("Lp", ["$L^p$ spaces", "L_p", r"$\ell_p$", "Lp"], ["p", "L"]),
    ("SU(3)", ["SU(3)", "$SU(3)$", r"$\mathrm{SU}(3)$", "SU3", "SU(3)_L"], ["SU(2)", "3", "SU of 3"]),
    ("su3", ["SU(3)", "SU3"], ["SU(2)"]),
    ("U(1)", ["U(1)", "$U(1)_Y$", "U1"], ["SU(1)", "1"]),
    ("Sp(2n,R)", ["Sp(2n,R)", "$Sp(2n,R)$", r"$\mathrm{Sp}(2n, \mathbb{R})$"], ["Sp", "2n", "Sp(4,R)"]),
    ("β-VAE", ["β-VAE", r"$\beta$-VAE", "beta-VAE", "beta VAE"], ["VAE", "β"]),
    ("C*-algebra", ["C*-algebra", "$C^*$-algebra", "C$^*$-algebras", r"$C^\ast$-algebras", "C∗-algebra",
                    "C^{*}-algebra"], ["C-algebra", "algebra", "C++ algebra"]),
    ("C*", ["C*-algebras", "$C^*$"], ["C"]),
    ("A*", ["A* search", "A$^*$"], ["A search"]),
    ("p-adic", ["p-adic", "$p$-adic", "p−adic", "padic"], ["adic"]),
    ("k-means", ["k-means", "$k$-means", "K-Means", "k means"], ["means"]),
    ("F#", ["F#", "F# code"], ["F"]),
    ("AdS/CFT", ["AdS/CFT", "AdS-CFT", "AdS CFT"], ["AdS", "CFT of AdS"]),
    ("Z2", [r"$\mathbb{Z}_2$", "Z_2", "Z2"], ["Z", "2"]),
    ("CO2", ["CO$_2$", "CO_2", "$CO_{2}$", "CO₂", "CO2"], ["CO"]),
    ("TGF-β", [r"TGF-$\beta$", "TGF-β", "TGFbeta"], ["TGF"]),
    ("αβ", [r"$\alpha\beta$", "α β"], ["α"]),
    ("-pretraining model", ["model"], ["model pretraining", "model pre-training"]),
    ('"attention layers"', ["self-attention layers", "attention layers"], ["attention-like layers"]),
    ('"language models"', ["language models", "large-language models"], ["language-vision models"]),
)  # fmt: skip


def made(titles: Iterable[str]) -> dict[str, int]:
    return {title: factories.paper(title=title, abstract="Something.").pk for title in titles}


def found_by_search(text: str) -> set[int]:
    return set(Paper.objects.matching(parse(text), viewer=None, today=TODAY).values_list("pk", flat=True))


def found_everywhere(text: str) -> set[int]:
    """What search lists; topics and mutes must have the same."""
    found = found_by_search(text)
    topic = factories.topic("asked", query=text, pending_since=None)
    catch_up(now=NOW)
    in_topic = set(TopicMatch.objects.filter(topic=topic).values_list("paper_id", flat=True))
    topic.delete()
    muted = find_muted(Paper.objects.values_list("pk", flat=True), user=factories.user(), queries=[text], today=TODAY)
    new = set(Paper.objects.filter(pk__in=found, listed_at__gte=NOW - RELEASE_WINDOW).values_list("pk", flat=True))
    assert muted == found
    assert in_topic == new  # topics take nothing that is old
    return found


@pytest.mark.parametrize(("asked", "finds", "leaves"), SPELLINGS)
def test_search_topics_and_mutes_find_each_spelling(asked: str, finds: list[str], leaves: list[str]) -> None:
    papers = made([*finds, *leaves])
    found = found_everywhere(asked)
    assert {title for title, key in papers.items() if key in found} == set(finds)


@pytest.mark.parametrize(("asked", "finds", "leaves"), [row for row in SPELLINGS if row[0][0].isalnum()])
def test_what_is_found_is_ranked_too(asked: str, finds: list[str], leaves: list[str]) -> None:
    papers = made([*finds, *leaves])
    word_statistics.count_words(now=NOW)
    ranked = {hit.paper_id for hit in search_papers(parse(asked), viewer=None, today=TODAY, now=NOW).ranked}
    assert {papers[title] for title in finds} <= ranked


@pytest.mark.parametrize(
    ("asked", "spellings"),
    [
        ("pretraining", ["pretraining", "pre-training", "pre training"]),
        ("pre-training", ["pretraining", "pre-training", "pre training"]),
        ("fine-tuning networks", ["finetuning", "fine-tuning", "fine tuning"]),
        ("gpt4", ["GPT4", "GPT-4"]),
        ("colour", ["colour", "color"]),
        ("optimization", ["optimization", "optimisation"]),
        ("GPT-4 networks", ["GPT4", "GPT-4"]),
    ],
)
def test_no_spelling_counts_more_than_another(asked: str, spellings: list[str]) -> None:
    """Each paper has the word twice; what it scores may differ by the length of the paper only."""
    for number in range(30):
        factories.paper(title=f"Other {number}", abstract=f"networks of other matters {number}" * 30)
    filler = " ".join(f"filler{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(90))
    papers = [
        factories.paper(title="A", abstract=f"{word} for networks, {word} again, {filler}").pk for word in spellings
    ]
    word_statistics.count_words(now=NOW)
    found = search_papers(parse(asked), viewer=None, today=TODAY, now=NOW)
    scores = {result.paper_id: result.score for result in found.ranked}
    assert max(scores[key] for key in papers) < 1.06 * min(scores[key] for key in papers)


def test_a_hyphen_wins_nothing_over_a_paper_that_says_more() -> None:
    for number in range(30):
        factories.paper(title=f"Other {number}", abstract="Other matters.")
    more = factories.paper(title="A", abstract="pretraining pretraining pretraining networks").pk
    factories.paper(title="B", abstract="pre-training of some networks")
    word_statistics.count_words(now=NOW)
    for asked in ("pretraining networks", "pre-training networks"):
        found = search_papers(parse(asked), viewer=None, today=TODAY, now=NOW)
        assert found.ranked[0].paper_id == more


# --- What is shown --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "shown", "marked"),
    [
        ("gpt4o", "GPT-4o has 4 or o", "<mark>GPT-4o</mark> has 4 or o"),
        ("qwen", "Qwen2 and 2", "<mark>Qwen2</mark> and 2"),
        ("finetuning", "Fine-tuning is a fine thing", "<mark>Fine-tuning</mark> is a fine thing"),
        ("multi-modal", "Multimodal", "<mark>Multimodal</mark>"),
        ("3d", "3D and 3, d", "<mark>3D</mark> and 3, d"),
        ("llama3", "LLaMA 3", "<mark>LLaMA</mark> 3"),
        ("image net", "ImageNet", "<mark>ImageNet</mark>"),
    ],
)
def test_each_spelling_is_marked_on_cards(asked: str, shown: str, marked: str) -> None:
    from django.utils.safestring import mark_safe

    card = '<h2 class="card-title">%s</h2>'
    cards = highlight_words(mark_safe(card % shown), lexemes_to_highlight(parse(asked)))  # noqa: S308
    assert cards == card % marked


def test_the_longest_word_is_marked_whole() -> None:
    assert highlight("fine-tuning", {"fine", "fine-tuning"}) == "<mark>fine-tuning</mark>"


# --- What somebody may send -----------------------------------------------------------------------------------------

HOSTILE = {
    "letters and digits by turns": "a1" * 2_500,
    "letters and digits, all different": "".join(f"{chr(97 + n % 26)}{n}" for n in range(1_200)),
    "hyphens": "-".join("a" * 2_000),
    "pairs": " ".join(f"a{n}-b{n}-c{n}-d{n}" for n in range(700)),
    "prefixes": "fine " * 1_200,
    "only hyphens": "a" + "-" * 5_000 + "b",
    "formulas": r"$\ell_{1}^*\alpha" * 300,
    "backslashes": "\\" * 5_000,
    "stars and infinity": "a*a∞" * 1_200,
    "open brackets": "a(1" * 1_600,
    "below and below": "a_{" * 1_600,
    "one word": "pre-" + "x" * 5_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_makes_the_index_large_or_slow(text: str) -> None:
    started = time.perf_counter()
    paper = factories.paper(title="A", abstract=text)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_column_size(search_vector), length(search_vector) FROM papers_paper WHERE id = %s",
                       [paper.pk])  # fmt: skip
        size, _ = cursor.fetchone()
    assert size < 8 * len(text) + 2_000
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_question_is_slow(text: str) -> None:
    paper = factories.paper(title="A", abstract=text)
    word_statistics.count_words(now=NOW)
    query = parse(text)
    started = time.perf_counter()
    found = found_by_search(text)
    search_papers(query, viewer=None, today=TODAY, now=NOW)
    assert time.perf_counter() - started < 4
    assert found <= {paper.pk}


def test_a_text_has_few_rows_whatever_it_is() -> None:
    texts = [
        "a1-b2 " * 40,
        "image net " * 20,
        " ".join(["pre-training"] * MAX_VARIED),
        "one two three four five six seven",
    ]
    assert max(len(forms.rows) for forms in lexemes_of(texts).values()) <= 4 * MAX_VARIED


# --- Papers that an older version stored ----------------------------------------------------------------------------

_SQL = Path(migrations.__file__).parent / "sql"


def _run(name: str) -> None:
    text = (_SQL / f"{name}.sql").read_text(encoding="utf-8")
    text = text.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    with connection.cursor() as cursor:
        cursor.execute(text, None)


@pytest.fixture
def old_papers() -> dict[str, int]:
    """Papers whose words were made as before there were spellings; they wait to be made anew."""
    for name in ("0002_search_words", "0003_search_vector"):
        _run(name)
    papers = made(["GPT-4o", "GPT4o", "pre-training", "pretraining", "U-Net", "C++", "Qwen2.5"])
    _run("0008_spellings")
    SearchReindex.objects.create(below=max(papers.values()) + 1)
    return papers


@pytest.mark.parametrize(
    ("asked", "finds"),
    [
        ("gpt-4o", ["GPT-4o"]), ("gpt4o", ["GPT4o"]), ("pretraining", ["pretraining"]),
        ("pre-training", ["pre-training"]), ("u-net", ["U-Net"]), ("c++", ["C++"]), ("qwen2.5", ["Qwen2.5"]),
    ],
)  # fmt: skip
def test_until_they_are_made_anew_they_are_found_as_before(
    old_papers: dict[str, int], asked: str, finds: list[str]
) -> None:
    found = found_everywhere(asked)
    assert {old_papers[title] for title in finds} <= found


def test_they_are_made_anew_the_newest_first_in_batches(old_papers: dict[str, int]) -> None:
    assert scheduler.collect_due_work(now=NOW).reindexing
    assert reindex_batch(now=NOW, size=2) == 2
    assert found_by_search("qwen") == {old_papers["Qwen2.5"]}  # the last that was stored
    assert found_by_search("multimodal") == set()
    kept = factories.paper(title="Unet").pk
    assert reindex_some(now=NOW) == len(old_papers) - 2
    assert not is_reindexing()
    assert not scheduler.collect_due_work(now=NOW).reindexing
    assert reindex_batch(now=NOW) == 0
    assert found_by_search("unet") == {old_papers["U-Net"], kept}
    assert found_by_search("gpt4o") == {old_papers["GPT-4o"], old_papers["GPT4o"]}


def test_topics_are_asked_again_once_all_papers_are_made_anew(old_papers: dict[str, int]) -> None:
    topic = factories.topic("unet", query="unet", pending_since=None)
    catch_up(now=NOW)
    assert not TopicMatch.objects.filter(topic=topic).exists()
    reindex_some(now=NOW)
    catch_up(now=NOW)
    assert list(TopicMatch.objects.filter(topic=topic).values_list("paper_id", flat=True)) == [old_papers["U-Net"]]
