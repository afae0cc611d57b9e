"""How papers get the roles of their sentences: after they were stored, anew when the abstract changes, once each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from papers.models import Paper
from papers.services.operations.scheduler import collect_due_work
from papers.services.roles import classifier, fill_roles
from papers.text.abstract_roles import (
    RoleSentence,
    SentenceRole,
    leading_line,
    mark_line,
    read_roles,
    role_runs,
    write_roles,
)
from tests.support.factories import paper

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
ABSTRACT = (
    "Tides in shallow seas have long been a challenge. In this paper, we propose a new model of tides. "
    "It is trained on 300 gauges of two coasts. We show that it outperforms all others by 12 %. "
    "Our code is available at https://example.org/tides."
)
ROLES = ["background", "aim", "method", "result", "resource"]


@pytest.mark.django_db
class TestFilling:
    def test_a_stored_paper_gets_them(self) -> None:
        made = paper(abstract=ABSTRACT)
        assert made.sentence_roles is None
        assert fill_roles.is_role_filling_due()
        assert fill_roles.fill_roles(now=NOW) == 1
        made.refresh_from_db()
        assert [each.role for each in read_roles(ABSTRACT, made.sentence_roles)] == ROLES
        assert made.line == (
            "In this paper, we propose a new model of tides. We show that it outperforms all others by 12 %."
        )
        assert made.changed_at == NOW  # its card is made anew
        assert not fill_roles.is_role_filling_due()

    def test_a_changed_abstract_is_looked_at_anew(self) -> None:
        made = paper(abstract=ABSTRACT)
        fill_roles.fill_roles(now=NOW)
        Paper.objects.filter(pk=made.pk).update(title="Another title")
        made.refresh_from_db()
        assert made.sentence_roles
        Paper.objects.filter(pk=made.pk).update(abstract="We show that tides rise.")
        made.refresh_from_db()
        assert made.sentence_roles is None
        assert made.line == ""
        fill_roles.fill_roles(now=NOW)
        made.refresh_from_db()
        assert made.line == "We show that tides rise."

    def test_without_an_abstract_there_is_nothing_to_do_again(self) -> None:
        made = paper(abstract="")
        before = made.changed_at
        assert fill_roles.fill_roles(now=NOW) == 1
        assert fill_roles.fill_roles(now=NOW) == 0
        made.refresh_from_db()
        assert (made.sentence_roles, made.changed_at) == ("", before)

    def test_the_newest_come_first_and_the_rest_later(self) -> None:
        old, new = (paper(abstract=ABSTRACT, listed_at=NOW - timedelta(days=days)) for days in (9, 1))
        assert fill_roles.fill_batch(now=NOW, size=1) == 1
        found = dict(Paper.objects.values_list("pk", "sentence_roles"))
        assert found[old.pk] is None
        assert found[new.pk] is not None

    def test_an_abstract_that_changes_meanwhile_waits_for_the_next_batch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        made = paper(abstract=ABSTRACT)

        def classify(_abstract: str) -> str:
            Paper.objects.filter(pk=made.pk).update(abstract="Another one.")
            return "A12"

        # Our own edge: what happens while the classifier works.
        monkeypatch.setattr(classifier, "classify_abstract", classify)
        fill_roles.fill_batch(now=NOW)
        made.refresh_from_db()
        assert made.sentence_roles is None

    def test_the_scheduler_finds_them(self) -> None:
        assert not collect_due_work(now=NOW).roles
        paper(abstract=ABSTRACT)
        assert collect_due_work(now=NOW).roles


class TestStoredForm:
    def test_it_is_read_as_it_was_written(self) -> None:
        sentences = read_roles(ABSTRACT, classifier.classify_abstract(ABSTRACT))
        assert read_roles(ABSTRACT, write_roles(sentences)) == sentences
        assert " ".join(ABSTRACT[each.start : each.end] for each in sentences) == ABSTRACT

    @pytest.mark.parametrize("stored", [None, "", "A999", "A20 b10", "nonsense"])
    def test_what_does_not_fit_the_text_is_nothing(self, stored: str | None) -> None:
        assert read_roles("A short abstract.", stored) == []
        assert leading_line("A short abstract.", stored) == ""
        assert role_runs("A short abstract.", stored) == []

    def test_a_heading_is_no_part_of_the_line(self) -> None:
        text = "Aims. We look at stars. Results. They shine."
        assert leading_line(text, "A23 R44") == "We look at stars. They shine."
        assert leading_line("Results show that it shines.", "R28") == "Results show that it shines."

    def test_a_long_line_ends_at_a_word(self) -> None:
        text = "We look at stars " + "of all sizes " * 40 + "here. They shine."
        line = leading_line(text, f"A{text.index(' They')} R{len(text)}", 100)
        assert line.endswith("…")
        assert len(line) <= 101
        assert text.startswith(line[:-1] + " ")

    def test_runs_have_the_whole_abstract(self) -> None:
        text = "One is known. Two is known.\n\nWe study three. It is four."
        runs = role_runs(text, "b13 b27 A44 r56")
        assert [(run.role.value, run.text) for run in runs] == [
            ("background", "One is known. Two is known."),
            ("aim", "We study three."),
            ("result", "It is four."),
        ]


class TestChoosing:
    @staticmethod
    def chosen(*roles: tuple[str, float]) -> list[int]:
        names = list(SentenceRole)
        sentences = [RoleSentence(place, place + 1, SentenceRole(role)) for place, (role, _) in enumerate(roles)]
        certainty = [[sure if name == role else 0.0 for name in names] for role, sure in roles]
        return [place for place, each in enumerate(mark_line(sentences, certainty)) if each.leads]

    def test_it_is_an_aim_and_the_result_behind_it(self) -> None:
        assert self.chosen(("background", 1), ("result", 0.9), ("aim", 0.9), ("method", 1), ("result", 0.8)) == [2, 4]

    def test_the_first_of_those_that_are_nearly_as_sure(self) -> None:
        assert self.chosen(("aim", 0.7), ("aim", 0.9), ("result", 0.7), ("result", 0.95)) == [0, 2]
        assert self.chosen(("aim", 0.4), ("aim", 0.9)) == [1]

    def test_a_doubtful_result_is_left_out_beside_an_aim(self) -> None:
        assert self.chosen(("aim", 0.9), ("result", 0.5)) == [0]
        assert self.chosen(("background", 0.9), ("result", 0.5)) == [1]

    def test_there_may_be_none(self) -> None:
        assert self.chosen(("background", 1), ("method", 1)) == []


def test_the_weights_are_small_and_sound() -> None:
    weights = classifier.load_weights()
    assert classifier.WEIGHTS.stat().st_size < 2_000_000
    assert SimpleNamespace(emission=weights.emission.dtype.name, step=weights.step.shape) == SimpleNamespace(
        emission="int8", step=(5,)
    )
    assert classifier.sentence_probabilities(["We show it.", "It is so."], weights).sum(axis=1) == pytest.approx(1)
