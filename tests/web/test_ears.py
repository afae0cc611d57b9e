"""What is said of a list to those who hear it: names, places and the same words in a mail's two halves."""

from __future__ import annotations

from typing import Any

import pytest

from papers.models import Paper
from papers.services.reading.seen import mark_seen
from tests.support import factories
from tests.support.factories import TODAY
from tests.support.pages import get_page, next_page_url, parse_html, text_of
from tests.support.people import anonymous_client, client_of, reader

pytestmark = pytest.mark.django_db

DAY = f"/papers/date/{TODAY}"


def name_of(element: Any) -> str:
    """The accessible name that `aria-labelledby` gives (accname 1.2), on one line."""
    page = element.getroottree().getroot()
    parts = [page.get_element_by_id(key) for key in element.get("aria-labelledby").split()]
    return " ".join(text_of(part) for part in parts)


def edition(count: int) -> None:
    for place in range(count):
        factories.listing(factories.paper(title=f"Paper on ice {place}"), position=place)
    factories.edition(listed_count=count)


class TestCards:
    def test_each_is_an_article_named_by_its_title(self) -> None:
        edition(2)
        for card in get_page(DAY).find_class("card"):
            assert card.tag == "article"
            assert name_of(card) == text_of(card.find_class("card-title")[0])

    def test_a_reader_s_buttons_are_named_by_what_they_do_and_the_title(self) -> None:
        factories.listing(factories.paper(title="Ice"))
        (card,) = get_page(DAY, client_of(reader())).find_class("card")
        assert [name_of(card.find_class(name)[0]) for name in ("vote", "save", "own-link")] == [
            "Vote for Ice – now at 0", "Save to read: Ice", "Tags, state and note: Ice",
        ]  # fmt: skip

    def test_a_box_that_chooses_it_too(self) -> None:
        factories.listing(factories.paper(title="Ice"))
        (box,) = get_page(f"{DAY}?pick=1", client_of(reader())).xpath("//input[@type='checkbox' and @name='paper']")
        assert name_of(box) == "Select this paper: Ice"

    def test_a_visitor_s_vote_too(self) -> None:
        factories.listing(factories.paper(title="Ice"))
        (card,) = get_page(DAY).find_class("card")
        assert name_of(card.find_class("vote")[0]) == "Sign in to vote for Ice – now at 0"

    def test_what_is_seen_of_a_button_is_in_its_name(self) -> None:
        """WCAG 2.5.3, also where the number is written with a comma."""
        factories.listing(factories.paper(title="Ice"))
        page = get_page(DAY, client_of(reader()))
        for name in ("vote", "save"):
            button = page.find_class(name)[0]
            seen = "".join(button.xpath(".//text()[not(ancestor::*[@class='unseen'])]")).strip()
            assert seen in name_of(button)

    def test_a_button_that_htmx_swaps_keeps_its_name(self) -> None:
        paper = factories.paper(title="Ice")
        factories.listing(paper)
        browser = client_of(reader())
        answer = browser.post(f"/papers/{paper.public_id}/vote", {"on": "1"}, headers={"HX-Request": "true"})
        button = parse_html(answer.content.decode()).find_class("vote")[0]
        assert button.get("aria-labelledby").split()[1] == f"title-{paper.pk}"
        assert button.get("aria-pressed") == "true"

    def test_the_paper_s_own_page_names_them_alike(self) -> None:
        paper = factories.paper(title="Ice")
        page = get_page(f"/papers/{paper.public_id}", client_of(reader()))
        assert name_of(page.find_class("vote")[0]) == "Vote for Ice – now at 0"
        assert name_of(page.find_class("save")[0]) == "Save to read: Ice"


class TestPlaces:
    def places(self, path: str, **more: Any) -> list[tuple[str | None, str | None, str]]:
        cards = get_page(path, **more).find_class("card")
        return [
            (card.get("aria-posinset"), card.get("aria-setsize"), text_of(card.xpath("./p[@id]")[0])) for card in cards
        ]

    def test_each_card_says_which_it_is_of_how_many(self) -> None:
        edition(3)
        assert self.places(DAY) == [("1", "3", "1 of 3"), ("2", "3", "2 of 3"), ("3", "3", "3 of 3")]

    def test_the_title_s_link_is_described_by_it(self) -> None:
        edition(1)
        (link,) = get_page(DAY).xpath("//h2[@class='card-title']/a")
        described = link.getroottree().getroot().get_element_by_id(link.get("aria-describedby"))
        assert text_of(described) == "1 of 1"

    def test_the_next_page_goes_on_counting(self) -> None:
        edition(52)
        following = next_page_url(DAY)
        assert following is not None
        assert self.places(following) == [("51", "52", "51 of 52"), ("52", "52", "52 of 52")]

    def test_where_nobody_counted_the_list_it_says_the_number_alone(self) -> None:
        edition(2)
        assert self.places("/papers/new") == [("1", "-1", "Paper 1"), ("2", "-1", "Paper 2")]
        assert [said for *_, said in self.places("/papers?q=ice")] == ["Paper 1", "Paper 2"]

    def test_nothing_is_said_behind_an_address_that_does_not_say_what_stands_before(self) -> None:
        edition(52)
        following = next_page_url(DAY)
        assert following is not None
        for count in ("", ".", ".x", ".-1", ".99999999999"):
            path = following.rpartition(".")[0] + count
            assert self.places(path) == [(None, None, ""), (None, None, "")]

    def test_who_hides_what_was_seen_is_told_how_many_are_left(self) -> None:
        edition(3)
        rita = reader(hides_seen=True)
        mark_seen(user=rita, paper_ids=[Paper.objects.latest("pk").pk])
        assert self.places(DAY, client=client_of(rita)) == [("1", "2", "1 of 2"), ("2", "2", "2 of 2")]


def test_each_formula_can_be_spoken() -> None:
    abstract = r"We show $x^2 + \frac{1}{2}$ and $\mathcal{O}(n \log n)$ and $\weirdmacro{x}_2$."
    factories.listing(factories.paper(title=r"On $\alpha_1$", abstract=abstract))
    page = get_page(DAY)
    formulas = page.xpath("//math")
    assert len(formulas) >= 3
    assert all(formula.get("alttext") and text_of(formula) for formula in formulas)
    assert all(text_of(source) for source in page.find_class("tex"))


class TestThePage:
    def test_it_has_a_place_where_what_loads_is_said(self) -> None:
        (spoken,) = get_page("/").xpath("//*[@id='spoken']")
        assert spoken.get("role") == "status"

    @pytest.mark.parametrize("is_signed_in", [False, True])
    def test_each_key_is_a_button(self, is_signed_in: bool) -> None:
        page = get_page("/", client_of(reader()) if is_signed_in else anonymous_client())
        (keys,) = page.xpath("//dialog[@id='keys']")
        pressed = {button.get("data-press") for button in keys.xpath(".//button[@data-press]")}
        everybody = {"j", "k", "o", "a", "v", "u", "g d", "ArrowLeft", "ArrowRight", "/"}
        assert pressed == everybody | ({"s", "r", "x", "t", "c", "n", "A", "z", "g l"} if is_signed_in else set())
        assert all(len(text_of(button)) > 3 for button in keys.iter("button"))
