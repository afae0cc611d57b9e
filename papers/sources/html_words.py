"""The words of a piece of HTML from a stranger, in one pass: no character is looked at more than a few times. Pure.

Why not `html.parser`: it looks at the rest anew for each `<!--` or `<?` that is not closed, and fails on `<![`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin

_BLOCKS = frozenset({"article", "aside", "blockquote", "dd", "div", "dl", "dt", "figure", "li", "ol", "p", "pre"})
_BLOCKS |= {"section", "table", "tr", "ul", "h1", "h2", "h3", "h4", "h5", "h6"}
_SILENT = frozenset({"script", "style", "template"})
_RAW = {name: re.compile(rf"</{name}(?=[\s/>])", re.I) for name in ("script", "style")}
"""Elements in which nothing but their own end is a tag."""

_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]*+)")
_QUOTE_OR_END = re.compile(r"[\"'>]")
_HREF = re.compile(r"(?<=[\s\"'/])href\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++))", re.I)
# With as many digits as a character can have: Python refuses to read very long numbers.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};?)")
_SPACE = re.compile(r"\s+")


def html_text(html: str, *, base: str = "") -> str:
    """The words of a piece of HTML: paragraphs separated by a blank line, addresses of links in brackets behind them.

    `base` is the address that links are relative to. Comments, scripts and a tag that is not closed are left out. Never
    fails.
    """
    reader = _Reader(base)
    for text, closes, tag, attributes in _pieces(html):
        reader.text(text)
        if closes:
            reader.end(tag)
        elif tag:
            reader.start(tag, attributes)
    return reader.words()


def _pieces(html: str) -> Iterator[tuple[str, bool, str, str]]:
    """Each tag with the text before it: the text, whether the tag closes, its name in lower case, its attributes."""
    position = start = 0
    while (start := html.find("<", start)) >= 0:
        tag = _TAG.match(html, start)
        if tag is None and html[start + 1 : start + 2] not in ("!", "?", "/"):
            start += 1  # a sign of its own
            continue
        end = _end_of_tag(html, tag.end()) if tag else _end_of_other(html, start)
        name = tag[2].lower() if tag else ""
        attributes = html[tag.end() : end] if tag else ""
        yield html[position:start], bool(tag and tag[1]), name, attributes
        if name in _RAW and tag and not tag[1]:
            last = _RAW[name].search(html, end)
            end = last.start() if last else len(html)
        position = start = end
    yield html[position:], False, "", ""


def _end_of_tag(html: str, position: int) -> int:
    """Behind the `>` that ends a tag, which is not one in quotation marks; the end of all where there is none."""
    unpaired = ""
    while match := _QUOTE_OR_END.search(html, position):
        position = match.end()
        if match[0] == ">":
            return position
        if match[0] not in unpaired:
            closing = html.find(match[0], position)
            unpaired += match[0] if closing < 0 else ""
            position = position if closing < 0 else closing + 1
    return len(html)


def _end_of_other(html: str, start: int) -> int:
    """Behind a comment, a declaration or an instruction; the end of all where it has none."""
    closing = "-->" if html.startswith("<!--", start) else "]]>" if html.startswith("<![CDATA[", start) else ">"
    end = html.find(closing, start + 2)
    return end + len(closing) if end >= 0 else len(html)


class _Reader:
    """Gathers the words."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._parts: list[str] = []
        self._silent = 0
        self._link: tuple[str, int] | None = None
        """Where the open link leads, and with which part it began; links are not nested."""

    def words(self) -> str:
        """All that was read, its white space collapsed."""
        paragraphs = "".join(self._parts).split("\n\n")
        return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs if paragraph.strip())

    def start(self, tag: str, attributes: str) -> None:
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BLOCKS:
            self._parts.append("\n\n")
        elif tag == "br":
            self._parts.append(" ")
        elif tag == "a":
            found = _HREF.search(attributes)
            href = next(filter(None, found.groups()), "") if found else ""
            self._link = (self._whole(_unescaped(href).strip()), len(self._parts))

    def end(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(self._silent - 1, 0)
        elif tag in _BLOCKS:
            self._parts.append("\n\n")
        elif tag == "a" and self._link:
            (href, start), self._link = self._link, None
            if href.startswith(("http://", "https://")) and href not in "".join(self._parts[start:]):
                self._parts.append(f" ({href})")

    def _whole(self, href: str) -> str:
        try:
            return urljoin(self._base, href) if self._base and href else href
        except ValueError:
            return href

    def text(self, text: str) -> None:
        if text and not self._silent:
            self._parts.append(_SPACE.sub(" ", _unescaped(text)))


def _unescaped(text: str) -> str:
    return _ENTITY.sub(lambda match: unescape(match[0]), text) if "&" in text else text
