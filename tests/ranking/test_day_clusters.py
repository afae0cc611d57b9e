"""Which papers of a day are about the same, and what they are called."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papers.ranking.cluster_names import PaperText, comparable, name_cluster
from papers.ranking.day_clusters import find_clusters


def vectors(*angles: float) -> np.ndarray:
    return np.array([[np.cos(angle), np.sin(angle), 0.0] for angle in angles], dtype=np.float32)


MIDDLE = np.zeros(3, dtype=np.float32)


def groups(found: np.ndarray, closeness: float = 0.9) -> list[list[int]]:
    return [rows for rows, _ in find_clusters(found, MIDDLE, closeness=closeness)]


def test_what_is_close_on_the_mean_is_one_cluster() -> None:
    assert groups(vectors(0.0, 1.5, 0.1, 1.6, 3.0)) == [[0, 2], [1, 3]]


def test_a_chain_of_neighbours_is_no_cluster() -> None:
    found = groups(vectors(*(step * 0.4 for step in range(6))))
    assert all(len(rows) < 4 for rows in found)


def test_each_tells_how_close_its_pairs_are() -> None:
    ((rows, closeness),) = find_clusters(vectors(0.0, 0.1), MIDDLE, closeness=0.9)
    assert rows == [0, 1]
    assert closeness == pytest.approx(np.cos(0.1), abs=1e-4)


def test_what_all_have_in_common_counts_for_nothing() -> None:
    found = np.array([[10.0, 1, 0], [10, -1, 0], [10, 1, 0.1], [10, 0, 1]], dtype=np.float32)
    middle = found.mean(axis=0)
    assert [rows for rows, _ in find_clusters(found, middle, closeness=0.6)] == [[0, 2]]


def test_few_papers_have_none() -> None:
    assert groups(vectors()) == groups(vectors(1.0)) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=3), max_size=30))
def test_no_paper_is_in_two(rows: list[list[float]]) -> None:
    found = find_clusters(np.array(rows, dtype=np.float32).reshape(-1, 3), MIDDLE)
    members = [row for cluster, _ in found for row in cluster]
    assert len(members) == len(set(members))
    assert all(len(cluster) > 1 for cluster, _ in found)


def name(*papers: tuple[str, str], elsewhere: tuple[str, ...] = ()) -> str:
    texts = [PaperText.of(title, abstract) for title, abstract in papers]
    others = [comparable(title) for title in elsewhere]

    def share(key: str) -> float:
        return sum(f" {key} " in title for title in others) / max(len(others), 1)

    return name_cluster(texts, share, abstracts=[abstract for _, abstract in papers])


class TestNames:
    def test_words_that_both_titles_share(self) -> None:
        assert (
            name(
                ("Faster Speculative Decoding on Phones", "We study speculative decoding."),
                ("Trees for Speculative Decoding", "In speculative decoding, drafts are made."),
            )
            == "speculative decoding"
        )

    def test_the_longest_and_a_word_with_hyphens_whole(self) -> None:
        assert (
            name(
                ("Cross-View Geo-Localization for Drones", "Geo-localization finds places."),
                ("Drone-View Geo-Localization", "We do geo-localization."),
            )
            == "geo-localization"
        )
        assert (
            name(
                ("Markov Chain Monte Carlo for Light", "By Markov chain Monte Carlo, we draw."),
                ("Rao-Blackwellized Markov Chain Monte Carlo", "A Markov chain Monte Carlo method."),
            )
            == "Markov chain Monte Carlo"
        )

    def test_names_keep_their_capitals_and_others_lose_them(self) -> None:
        assert name(("Video MLLMs", "The video MLLM is one."), ("Better Video MLLMs", "A video MLLM.")) == "video MLLM"

    def test_a_title_in_two_papers_may_be_in_the_text_of_a_third(self) -> None:
        assert (
            name(
                ("Tidal Locking of Moons", "On tidal locking."),
                ("Tidal Locking", "With tidal locking."),
                ("Why Moons Show One Face", "It is tidal locking."),
            )
            == "tidal locking"
        )

    @pytest.mark.parametrize(
        "shared",
        ["Efficient", "Large Language Models", "A Novel Framework", "Towards Robust", "Deep Learning", "Multi-Agent",
         "via", "2025", "Improving", "Hand"],
    )  # fmt: skip
    def test_nothing_is_better_than_a_silly_name(self, shared: str) -> None:
        assert name((f"{shared} Owls", f"{shared} owls."), (f"{shared} Cats", f"{shared} cats.")) == ""

    def test_what_many_titles_have_is_no_name(self) -> None:
        papers = (("Image Editing of Owls", "Image editing."), ("Image Editing of Cats", "Image editing."))
        assert name(*papers, elsewhere=("Image Editing", *(f"Paper {n}" for n in range(99)))) == "image editing"
        assert name(*papers, elsewhere=("Image Editing", *(f"Paper {n}" for n in range(9)))) == ""

    @given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=80)), min_size=2, max_size=4))
    def test_any_texts(self, papers: list[tuple[str, str]]) -> None:
        assert len(name(*papers)) <= 80
