"""Reads pages as a reader does: the cards on them, and what each says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.test import Client
from lxml import html as parser

from tests.support.people import stranger


@dataclass(frozen=True)
class Card:
    """A card by its parts, white space collapsed."""

    title: str
    byline: str
    excerpt: str
    votes: int
    facts: list[str]
    is_pressed: bool


def tree(path: str, client: Client | None = None, *, status: int = 200) -> Any:
    """The page as elements."""
    response = (client or stranger()).get(path)
    assert response.status_code == status, f"{path} answered {response.status_code}"
    return elements(response.content.decode())


def elements(html: str) -> Any:
    return parser.document_fromstring(html)


def page_text(path: str, client: Client | None = None, *, status: int = 200) -> str:
    return words(tree(path, client, status=status))


def cards(path: str, client: Client | None = None) -> list[Card]:
    return [card_of(found) for found in tree(path, client).find_class("card")]


def titles(path: str, client: Client | None = None) -> list[str]:
    return [card.title for card in cards(path, client)]


def card_of(found: Any) -> Card:
    return Card(
        title=text(found, "card-title"),
        byline=text(found, "byline"),
        excerpt=text(found, "excerpt"),
        votes=int(text(found, "number")),
        facts=[words(fact) for facts in found.find_class("facts") for fact in facts],
        is_pressed=found.find_class("vote")[0].get("aria-pressed") == "true",
    )


def text(found: Any, name: str) -> str:
    """What stands in the first element of a class; empty where there is none."""
    return next((words(element) for element in found.find_class(name)), "")


def words(element: Any) -> str:
    return " ".join(element.text_content().split())


def more(path: str, client: Client | None = None) -> str | None:
    """Where "More papers" leads, None on the last page."""
    links = [link for place in tree(path, client).find_class("more") for link in place.iter("a")]
    return path.split("?")[0] + links[0].get("href") if links else None


def all_titles(path: str) -> list[str]:
    """The titles of all pages of a list, by pressing "More papers"."""
    found: list[str] = []
    here: str | None = path
    while here:
        found += titles(here)
        here = more(here)
    return found
