"""The bytes of a mail from what it is made of: the same bytes for the same specification and parts. No queries.

A specification holds words as they are; parts stored before hold everything that templates, settings and papers gave.
Frames and papers are stored encoded for the wire; the small pieces are not, and encoded when they are filled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from typing import Any

from digests.content.fragments import StoredFragment
from digests.content.keys import MailKeys
from digests.wire.mime import (
    PLACEHOLDER,
    EncodedSize,
    assemble,
    fill_placeholders,
    header,
    quoted_printable,
    quoted_printable_template,
    size_of,
    wrap_lines,
)

_NO_WORDS = {"why": "", "save": ""}
JUDGED_PAPERS = 12
"""So many papers of a mail have the links that ask for more or less like them: under forty they would take the room of
two papers."""
# No paper of ours has a longer one.
_LARGE_ID = 10**9

Pair = tuple[str, str]
"""In plain text and in HTML, encoded for the wire."""


def compose(spec: Mapping[str, Any], stored: Mapping[int, StoredFragment], keys: MailKeys) -> bytes:
    """The mail's bytes. `spec` is of `messages.build_spec`, `stored` has all its fragments; `keys` are never stored."""
    pieces = {name: stored[pk] for name, pk in spec["pieces"].items()}
    words: dict[str, str] = {**spec["words"], "key": keys.mail, "reader": keys.reader, "schedule": keys.schedule}
    topics = tuple((name, keys.subscriptions[pk]) for name, pk in spec["about"])
    whys = [why(pieces["why"], names) for names in spec["whys"]]
    saves = _acts(pieces, words["reader"], spec["saves"]) or [("", "")] * len(spec["papers"])
    subjects = about(pieces["about"], topics, spec["about_more"])
    more = _more(pieces[spec["more_is"]], words["key"], spec["more"])
    below = _if(spec["below"], pieces["below"], {"count": f"{spec['below']:,}", "key": words["key"]})
    weekly = _if(spec["weekly"], pieces["weekly"], {"reader": words["reader"]})
    count, total = spec["opened"]
    opened = _if(total, pieces["opened"], {"count": str(count), "total": str(total)})
    halves = []
    for place in (0, 1):
        around = {name: quoted_printable(escape(word) if place else word) for name, word in words.items()}
        around["about"], around["more"] = subjects[place], more[place]
        around["below"], around["weekly"], around["opened"] = below[place], weekly[place], opened[place]
        around["items"] = "".join(
            fill_placeholders(stored[pk].pieces[place], {"why": whys[reason][place], "save": saves[number][place]})
            for number, (pk, reason) in enumerate(spec["papers"])
        )
        around["versions"] = _versions(pieces["versions"], [stored[pk] for pk in spec["versions"]], place)
        halves.append(fill_placeholders(pieces["frame"].pieces[place], around))
    head = fill_placeholders(pieces["head"].pieces[0], {**words, "subject": header("Subject", words["title"])})
    return assemble(head, text=halves[0], html=halves[1], boundary=f"=_{words['name']}")


@lru_cache(maxsize=5_000)
def why(snippet: StoredFragment, names: str) -> Pair:
    """The line that says for which topics a paper is in the mail; empty without names."""
    if not names:
        return "", ""
    text = fill_placeholders(snippet.pieces[0], {"names": names})
    return quoted_printable(f"{wrap_lines(text.strip(), '  ')}\n"), quoted_printable(
        fill_placeholders(snippet.pieces[1], {"names": escape(names)})
    )


@lru_cache(maxsize=5_000)
def size_of_why(snippet: StoredFragment, names: str) -> EncodedSize:
    """How many bytes that line has."""
    return size_of(*why(snippet, names))


def size_of_acts(snippet: StoredFragment, reader: str) -> EncodedSize:
    """How many bytes such a piece has for one paper: the links that vote for it, save it and mark it as seen."""
    return size_of(*_links_of_papers(snippet, reader, [_LARGE_ID])[0])


@lru_cache(maxsize=16)  # asked for twice a mail: how large it is, and what it says
def about(snippet: StoredFragment, rows: Sequence[tuple[str, str]], more: int) -> Pair:
    """What a mail is about: names, each with the key that ends it, and how many others there are."""
    text = [fill_placeholders(snippet.pieces[0], {"name": name, "key": key}) for name, key in rows]
    html = [fill_placeholders(snippet.pieces[1], {"name": escape(name), "key": key}).strip() for name, key in rows]
    if more:
        text.append(f"- and {more:,} more\n")
        html.append(f"and {more:,} more")
    return quoted_printable("".join(text)), quoted_printable(", ".join(html))


def _more(snippet: StoredFragment, key: str, count: int) -> Pair:
    if not count:
        return "", ""
    words = {"count": f"{count:,}", "key": key}
    return quoted_printable(fill_placeholders(snippet.pieces[0], words) + "\n"), quoted_printable(
        fill_placeholders(snippet.pieces[1], words)
    )


def _if(is_there: object, snippet: StoredFragment, words: Mapping[str, str]) -> Pair:
    """A small piece with its words filled in, or nothing."""
    if not is_there:
        return "", ""
    text, html = (quoted_printable(fill_placeholders(half, words)) for half in snippet.pieces)
    return text, html


def _acts(pieces: Mapping[str, StoredFragment], reader: str, papers: Sequence[int]) -> list[Pair]:
    """For each of these papers its links; the first have those that ask for more or less like them, too."""
    saves = _links_of_papers(pieces["save"], reader, papers)
    judged = _links_of_papers(pieces["like"], reader, papers[:JUDGED_PAPERS])
    first = [(text + more, html + more_html) for (text, html), (more, more_html) in zip(saves, judged, strict=False)]
    return first + saves[JUDGED_PAPERS:]


def _links_of_papers(snippet: StoredFragment, reader: str, papers: Sequence[int]) -> list[Pair]:
    """A piece with links, for each of these papers."""
    words = {"reader": reader, "paper": f"{PLACEHOLDER}paper{PLACEHOLDER}"}
    text, html = (
        quoted_printable_template(fill_placeholders(half, words).split(PLACEHOLDER)).split(PLACEHOLDER)
        for half in snippet.pieces
    )
    return [(fill_placeholders(text, {"paper": str(pk)}), fill_placeholders(html, {"paper": str(pk)})) for pk in papers]


def _versions(snippet: StoredFragment, found: Sequence[StoredFragment], place: int) -> str:
    """The new versions, with what stands around them."""
    if not found:
        return ""
    items = "".join(fill_placeholders(one.pieces[place], _NO_WORDS) for one in found)
    return fill_placeholders(quoted_printable_template(snippet.pieces[place]).split(PLACEHOLDER), {"items": items})
