"""Reads pages as a reader does: the cards on them, and what each says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.test import Client
from lxml import html as parser

from tests.support.people import anonymous_client


@dataclass(frozen=True)
class Card:
    """A card by its parts, white space collapsed."""

    title: str
    byline: str
    excerpt: str
    votes: int
    facts: list[str]
    is_pressed: bool


def get_page(path: str, client: Client | None = None, *, status: int = 200) -> Any:
    """The page as elements."""
    response = (client or anonymous_client()).get(path)
    assert response.status_code == status, f"{path} answered {response.status_code}"
    return parse_html(response.content.decode())


def parse_html(html: str) -> Any:
    return parser.document_fromstring(html)


def page_text(path: str, client: Client | None = None, *, status: int = 200) -> str:
    return text_of(get_page(path, client, status=status))


def cards_on(path: str, client: Client | None = None) -> list[Card]:
    return [parse_card(found) for found in get_page(path, client).find_class("card")]


def titles_on(path: str, client: Client | None = None) -> list[str]:
    return [card.title for card in cards_on(path, client)]


def parse_card(found: Any) -> Card:
    return Card(
        title=text_of_class(found, "card-title"),
        byline=text_of_class(found, "byline"),
        excerpt=text_of_class(found, "excerpt"),
        votes=int(text_of_class(found, "number")),
        facts=[text_of(fact) for facts in found.find_class("facts") for fact in facts],
        is_pressed=found.find_class("vote")[0].get("aria-pressed") == "true",
    )


def text_of_class(found: Any, name: str) -> str:
    """What stands in the first element of a class; empty where there is none."""
    return next((text_of(element) for element in found.find_class(name)), "")


def text_of(element: Any) -> str:
    return " ".join(element.text_content().split())


def next_page_url(path: str, client: Client | None = None) -> str | None:
    """Where "More papers" leads, None on the last page."""
    links = [link for place in get_page(path, client).find_class("more") for link in place.iter("a")]
    return path.split("?")[0] + links[0].get("href") if links else None


def titles_on_all_pages(path: str) -> list[str]:
    """The titles of all pages of a list, by pressing "More papers"."""
    found: list[str] = []
    here: str | None = path
    while here:
        found += titles_on(here)
        here = next_page_url(here)
    return found
