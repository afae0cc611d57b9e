r"""How text that other people wrote becomes safe HTML. Nothing else in the project makes HTML from it.

Takes text as `papers.text.cleaning` cleans it (it is safe with any). Everything is escaped except for two things that
it makes itself: formulas become MathML, and http and https addresses in abstracts become links. What readers write is
Markdown, a subset without pictures, headings, tables and HTML. The output is well-formed XML as well as HTML, with no
style or script in it, so a strict Content-Security-Policy holds and feeds can use it.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import Self
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from papers.text import mathml, tex_math
from papers.text.cleaning import flatten_links, plain_formulas, safe_text
from papers.text.formulas import Formula, find_formulas, formula_at
from papers.text.urls import normalise_url, strip_trailing_punctuation

LINK_REL = "nofollow ugc noopener"

_PARAGRAPHS = re.compile(r"\n\s*\n")
_URL = re.compile(r"https?://[^\s<>\"{}|\\^`$]+", re.I)
# Formulas that are one line of characters anyway: "$10 \times 10$", "$\sim 90\%$". As text they break, copy and read
# aloud like the words around them. What latex2mathml would add is space around a lone operator.
_CHARACTERS = re.compile(
    r"(?:[\d.,:;%()+\-=<>/\s~]|\\(?:[%,;!&# ]|(?:sim|times|pm|mp|approx|leq?|geq?|ll|gg|lesssim|gtrsim|simeq|to|"
    r"rightarrow|leftarrow|leftrightarrow|Rightarrow|uparrow|downarrow|cdot|ast|star|bullet|checkmark|dagger|ddagger|infty|neq?|"
    r"propto|equiv|cdots|l?dots)(?![a-zA-Z]))){1,60}"
)
_SANITISER = nh3.Cleaner(
    tags=set(mathml.ELEMENTS),
    attributes={element: set(names) for element, names in mathml.ATTRIBUTES.items()},
    link_rel=None,
)
# What Markdown may become. Links keep to http and https, and say that a reader of the site set them.
_MARKDOWN_SANITISER = nh3.Cleaner(
    tags={"p", "br", "em", "strong", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "span"}
    | set(mathml.ELEMENTS),
    attributes={element: set(names) for element, names in mathml.ATTRIBUTES.items()}
    | {"a": {"href"}, "ol": {"start"}, "*": set()},
    allowed_classes={"code": {"tex"}, "span": {"mention"}},
    url_schemes={"http", "https"},
    link_rel=LINK_REL,
)
_MENTION = re.compile(r"@([A-Za-z0-9][A-Za-z0-9_.-]{0,28}[A-Za-z0-9_-])")
_MOST_NESTED = 12


class SafeHtml(str):
    """HTML that is escaped or sanitised in all its parts; templates and `format_html` know it by `__html__`."""

    __slots__ = ()

    def __html__(self) -> Self:
        return self


def inline(text: str) -> SafeHtml:
    """A title or a name as HTML: formulas drawn, all else escaped, no links."""
    if "$" not in text and "\\" not in text:
        return SafeHtml(escape(safe_text(text)))
    return SafeHtml(_with_formulas(safe_text(text), links=False))


def paragraphs(text: str) -> SafeHtml:
    """An abstract as HTML: one `<p>` a paragraph, formulas drawn, addresses linked; empty for an empty text."""
    parts = _PARAGRAPHS.split(flatten_links(safe_text(text)).strip())
    return SafeHtml("".join(f"<p>{_with_formulas(part, links=True)}</p>" for part in parts if part))


def plain_text(text: str) -> str:
    r"""`text` for where no HTML can be: mail subjects, `<title>`, feed titles. `$\alpha_1$` reads α₁."""
    return plain_formulas(text)


def excerpt(text: str, chars: int) -> str:
    """The beginning of `text` in one paragraph, about `chars` characters as shown; still to be given to `inline`.

    Ends with a sentence where one ends in the last third, else behind a word with "…"; never inside a formula.
    """
    text = _PARAGRAPHS.sub(" ", text.strip())
    end = _end_of_excerpt(text, chars)
    if end >= len(text):
        return text
    formulas = [(formula.start, formula.end) for formula in find_formulas(text)]
    stops = (match.end() for match in re.finditer(r"[.!?](?=\s)", text[: end + 1]))
    sentence = max((stop for stop in stops if not _is_inside(stop, formulas)), default=0)
    if sentence > end * 2 // 3:
        return text[:sentence]
    spaces = (match.start() for match in re.finditer(r"\s", text[: end + 1]))
    word = max((space for space in spaces if not _is_inside(space, formulas)), default=0)
    return text[: word or end].rstrip(" ,;:–—-(") + "…"


def _end_of_excerpt(text: str, chars: int) -> int:
    """Where in `text` as many characters as will be shown have passed; at the start of a formula that does not fit."""
    shown = position = 0
    for formula in find_formulas(text):
        shown += formula.start - position
        if shown > chars:
            return formula.start - (shown - chars)
        shown += len(tex_math.to_unicode(formula.source))
        if shown > chars:
            return formula.start
        position = formula.end
    return position + chars - shown


def _is_inside(position: int, spans: list[tuple[int, int]]) -> bool:
    return any(start < position < end for start, end in spans)


def _with_formulas(text: str, *, links: bool) -> str:
    """`text` as HTML without block elements."""
    escaped = _with_links if links else escape
    parts, position = [], 0
    for formula in find_formulas(text):
        parts += [escaped(_text(text[position : formula.start])), _formula_html(formula)]
        position = formula.end
    return "".join([*parts, escaped(_text(text[position:]))])


def _text(text: str) -> str:
    return text.replace(r"\$", "$")


def _formula_html(formula: Formula) -> str:
    if _CHARACTERS.fullmatch(formula.source):
        return escape(tex_math.to_unicode(formula.source))
    return _math(formula.source, is_display=formula.is_display)


@lru_cache(maxsize=8_192)
def _math(source: str, *, is_display: bool) -> str:
    """A formula as MathML, or as its source where it cannot be drawn."""
    drawn = mathml.to_mathml(source, is_display=is_display)
    if drawn is None:
        return f'<code class="tex">{escape(source)}</code>'
    return _as_xml(_SANITISER.clean(drawn))


def _with_links(text: str) -> str:
    """`text` escaped, its addresses as links."""
    if "://" not in text:
        return escape(text)
    parts, position = [], 0
    for match in _URL.finditer(text):
        url = strip_trailing_punctuation(match[0])
        if normalise_url(url) is None:
            continue
        link = f'<a href="{escape(url)}" rel="{LINK_REL}">{escape(url)}</a>'
        parts += [escape(text[position : match.start()]), link]
        position = match.start() + len(url)
    return "".join([*parts, escape(text[position:])])


@lru_cache(maxsize=2_048)
def markdown(text: str, mentions: frozenset[str] = frozenset()) -> SafeHtml:
    """What a reader wrote as HTML: a subset of CommonMark, formulas drawn, addresses linked.

    `mentions` are the usernames, in lower case, that `@` may mark; another @word stays as it is.
    """
    rendered = _MARKDOWN.render(safe_text(text), {"mentions": mentions})
    return SafeHtml(_as_xml(_MARKDOWN_SANITISER.clean(rendered)).strip())


def find_mentions(text: str) -> list[str]:
    """The @names in what a reader wrote, in lower case, each once; those in code and links don't count."""
    found: dict[str, None] = {}
    for token in _MARKDOWN.parse(safe_text(text), {"mentions": None}):
        for part in token.children or ():
            if part.type == "mention":
                found.setdefault(part.content.lower())
    return list(found)


def _as_xml(html: str) -> str:
    """The sanitiser writes HTML, which has names for hard spaces and elements without an end."""
    return html.replace("&nbsp;", "\xa0").replace("<br>", "<br/>")


def _math_rule(state: StateInline, silent: bool) -> bool:
    """A formula; before Markdown reads its underscores and asterisks."""
    if state.src[state.pos] not in "$\\":
        return False
    formula = formula_at(state.src, state.pos)
    if formula is None or formula.end > state.posMax:
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.meta = {"formula": formula}
    state.pos = formula.end
    return True


def _mention_rule(state: StateInline, silent: bool) -> bool:
    """`@name`, not in the middle of a word or an address."""
    if state.src[state.pos] != "@" or (state.pos and (state.src[state.pos - 1].isalnum() or state.linkLevel)):
        return False
    match = _MENTION.match(state.src, state.pos, state.posMax)
    known: frozenset[str] | None = state.env["mentions"]
    if match is None or (known is not None and match[1].lower() not in known):
        return False
    if not silent:
        state.push("mention", "", 0).content = match[1]
    state.pos = match.end()
    return True


def _render_formula(_renderer: object, tokens: Sequence[Token], at: int, *_more: object) -> str:
    return _formula_html(tokens[at].meta["formula"])


def _render_mention(_renderer: object, tokens: Sequence[Token], at: int, *_more: object) -> str:
    return f'<span class="mention">@{escape(tokens[at].content)}</span>'


def _is_link(url: str) -> bool:
    """Whether a reader's link is one: to an address that says http or https, or to a page of this site.

    `//host` is neither: it looks like a page of this site and leads to another.
    """
    if url.startswith("/"):
        return not url.startswith(("//", "/\\"))
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _markdown_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True, "maxNesting": _MOST_NESTED})
    parser.enable(["linkify", "strikethrough"])
    parser.disable(["image", "heading", "lheading", "hr", "reference", "html_block", "html_inline"])
    if parser.linkify is not None:
        parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False})
    parser.inline.ruler.before("escape", "formula", _math_rule)
    parser.inline.ruler.before("autolink", "mention", _mention_rule)
    parser.validateLink = _is_link  # type: ignore[method-assign]
    parser.add_render_rule("formula", _render_formula)
    parser.add_render_rule("mention", _render_mention)
    return parser


_MARKDOWN = _markdown_parser()
