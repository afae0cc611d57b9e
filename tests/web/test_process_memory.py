"""The memory of a process is bounded, and loses first what was not asked for longest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.template import Context, Template
from django.urls import NoReverseMatch, get_script_prefix, reverse, set_script_prefix

from papers.models.addresses import address_of
from papers.process_memory import ProcessMemory, forget_everything


@pytest.fixture
def below_a_path() -> Iterator[None]:
    before = get_script_prefix()
    set_script_prefix("/below/")
    yield
    set_script_prefix(before)


class TestTheMemory:
    def test_what_was_asked_for_stays_and_the_rest_goes(self) -> None:
        memory: ProcessMemory[str, str] = ProcessMemory(30)
        for name in "abc":
            memory.put(name, name.upper(), 10)
        assert memory.get("a") == "A"
        memory.put("d", "D", 10)
        assert [memory.get(name) for name in "abcd"] == ["A", None, "C", "D"]

    def test_a_value_that_is_put_again_takes_its_room_once(self) -> None:
        memory: ProcessMemory[str, int] = ProcessMemory(30)
        for number in range(10):
            memory.put("a", number, 20)
        memory.put("b", 1, 10)
        assert (memory.get("a"), memory.get("b")) == (9, 1)

    def test_what_takes_all_the_room_is_not_kept_and_drives_nothing_out(self) -> None:
        memory: ProcessMemory[str, int] = ProcessMemory(30)
        memory.put("a", 1, 30)
        memory.put("b", 2, 31)
        assert (memory.get("a"), memory.get("b")) == (1, None)

    def test_everything_can_be_forgotten(self) -> None:
        memory: ProcessMemory[str, int] = ProcessMemory(30)
        memory.put("a", 1, 30)
        forget_everything()
        assert memory.get("a") is None
        memory.put("b", 2, 30)
        assert memory.get("b") == 2


class TestAddresses:
    @pytest.mark.parametrize("word", ["plain", "a b", "ü", "50%", "a;b,c", "x?y#z", "'\"<>", "..", "%41", "&amp;"])
    def test_are_those_that_django_makes(self, word: str) -> None:
        for _ in range(2):
            assert address_of("papers:tag", "rita", word) == reverse("papers:tag", args=["rita", word])
            assert address_of("papers:author", word) == reverse("papers:author", args=[word])

    def test_a_paper_s_has_slashes(self) -> None:
        address = "/papers/doi/10.1000/a%20b"
        assert (
            address_of("papers:paper", "doi/10.1000/a b")
            == reverse("papers:paper", args=["doi/10.1000/a b"])
            == address
        )

    def test_a_site_below_a_path_has_its_own(self, below_a_path: None) -> None:
        assert address_of("papers:author", "x") == "/below/authors/x"


class TestTheTag:
    @pytest.mark.parametrize("name", ["papers:today", "papers:feeds", "digests:subscriptions"])
    def test_writes_the_address(self, name: str) -> None:
        assert Template(f"{{% url '{name}' %}}").render(Context()) == reverse(name)

    def test_leaves_to_django_what_is_not_fixed(self) -> None:
        template = Template(
            "{% url 'papers:author' who %} {% url view %}{% url 'papers:author' as found %}[{{ found }}]"
        )
        context = Context({"who": "x&y", "view": "papers:feeds"})
        assert template.render(context) == "/authors/x&amp;y /feeds[]"

    def test_an_unknown_name_is_an_error(self) -> None:
        with pytest.raises(NoReverseMatch):
            Template("{% url 'papers:nowhere' %}").render(Context())

    def test_a_site_below_a_path_has_its_own(self, below_a_path: None) -> None:
        assert Template("{% url 'papers:feeds' %}").render(Context()) == "/below/feeds"
