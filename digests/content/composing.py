"""The bytes of a mail from what it is made of: the same bytes for the same specification and parts. No queries.

A specification holds words as they are; parts stored before hold everything that templates, settings and papers gave.
Frames and papers are stored encoded for the wire; the small pieces are not, and encoded when they are filled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from typing import Any

from digests.content.fragments import Stored
from digests.templatetags.mails import wrapped
from digests.wire.mime import MARK, Size, assemble, encode, encode_open, fill, header, size_of

_NO_WORDS = {"why": "", "save": ""}

Pair = tuple[str, str]
"""In plain text and in HTML, encoded for the wire."""


def compose(spec: Mapping[str, Any], stored: Mapping[int, Stored]) -> bytes:
    """The mail. `spec` is of `messages.spec_of`, `stored` has all its parts."""
    pieces = {name: stored[pk] for name, pk in spec["pieces"].items()}
    words: dict[str, str] = spec["words"]
    whys = [why(pieces["why"], names) for names in spec["whys"]]
    saves = _saves(pieces["save"], words["reader"], spec["saves"]) or [("", "")] * len(spec["papers"])
    told = about(pieces["about"], tuple(map(tuple, spec["about"])), spec["about_more"])
    more = _more(pieces[spec["more_is"]], words["key"], spec["more"])
    halves = []
    for place in (0, 1):
        around = {name: encode(escape(word) if place else word) for name, word in words.items()}
        around["about"], around["more"] = told[place], more[place]
        around["items"] = "".join(
            fill(stored[pk].pieces[place], {"why": whys[reason][place], "save": saves[number][place]})
            for number, (pk, reason) in enumerate(spec["papers"])
        )
        around["versions"] = _versions(pieces["versions"], [stored[pk] for pk in spec["versions"]], place)
        halves.append(fill(pieces["frame"].pieces[place], around))
    head = fill(pieces["head"].pieces[0], {**words, "subject": header("Subject", words["title"])})
    return assemble(head, text=halves[0], html=halves[1], boundary=f"=_{words['key']}")


@lru_cache(maxsize=5_000)
def why(piece: Stored, names: str) -> Pair:
    """For what a paper is in the mail; nothing without names."""
    if not names:
        return "", ""
    text = fill(piece.pieces[0], {"names": names})
    return encode(f"{wrapped(text.strip(), '  ')}\n"), encode(fill(piece.pieces[1], {"names": escape(names)}))


@lru_cache(maxsize=5_000)
def size_of_why(piece: Stored, names: str) -> Size:
    """How much room that takes."""
    return size_of(*why(piece, names))


@lru_cache(maxsize=16)  # asked for twice a mail: how large it is, and what it says
def about(piece: Stored, rows: Sequence[tuple[str, str]], more: int) -> Pair:
    """What a mail is about: names, each with the key that ends it, and how many others there are."""
    text = [fill(piece.pieces[0], {"name": name, "key": key}) for name, key in rows]
    html = [fill(piece.pieces[1], {"name": escape(name), "key": key}).strip() for name, key in rows]
    if more:
        text.append(f"- and {more:,} more\n")
        html.append(f"and {more:,} more")
    return encode("".join(text)), encode(", ".join(html))


def _more(piece: Stored, key: str, count: int) -> Pair:
    if not count:
        return "", ""
    words = {"count": f"{count:,}", "key": key}
    return encode(fill(piece.pieces[0], words) + "\n"), encode(fill(piece.pieces[1], words))


def _saves(piece: Stored, reader: str, papers: Sequence[int]) -> list[Pair]:
    """For each of these papers the link that saves it."""
    words = {"reader": reader, "paper": f"{MARK}paper{MARK}"}
    text, html = (encode_open(fill(half, words).split(MARK)).split(MARK) for half in piece.pieces)
    return [(fill(text, {"paper": str(pk)}), fill(html, {"paper": str(pk)})) for pk in papers]


def _versions(piece: Stored, found: Sequence[Stored], place: int) -> str:
    """The new versions, with what stands around them."""
    if not found:
        return ""
    items = "".join(fill(one.pieces[place], _NO_WORDS) for one in found)
    return fill(encode_open(piece.pieces[place]).split(MARK), {"items": items})
