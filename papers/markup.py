r"""What it knows: how text that other people wrote becomes safe HTML. Nothing else in the project makes HTML from it.

Takes text as `papers.text` cleans it (it is safe with any). Everything is escaped but two things it makes itself:
formulas become MathML, and http and https addresses in abstracts become links. The output is well-formed XML as well
as HTML, with no style or script in it, so a strict Content-Security-Policy holds and feeds can use it.
"""

import re
from functools import lru_cache

import nh3
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from papers import mathml, texmath
from papers.formulas import Formula, find_formulas
from papers.identifiers import normalise_url, trim_end
from papers.text import flatten_links, plain_formulas, safe_text

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


def inline(text: str) -> SafeString:
    """A title or a name as HTML: formulas drawn, all else escaped, no links."""
    if "$" not in text and "\\" not in text:
        return escape(safe_text(text))
    return mark_safe(_with_formulas(safe_text(text), links=False))  # noqa: S308  (escaped or sanitised part by part)


def paragraphs(text: str) -> SafeString:
    """An abstract as HTML: one `<p>` a paragraph, formulas drawn, addresses linked; empty for an empty text."""
    parts = _PARAGRAPHS.split(flatten_links(safe_text(text)).strip())
    return mark_safe("".join(f"<p>{_with_formulas(part, links=True)}</p>" for part in parts if part))  # noqa: S308


def plain(text: str) -> str:
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
        shown += len(texmath.to_unicode(formula.source))
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
        return escape(texmath.to_unicode(formula.source))
    return _math(formula.source, is_display=formula.is_display)


@lru_cache(maxsize=8_192)
def _math(source: str, *, is_display: bool) -> str:
    """A formula as MathML, or as its source where it cannot be drawn."""
    drawn = mathml.to_mathml(source, is_display=is_display)
    if drawn is None:
        return f'<code class="tex">{escape(source)}</code>'
    # The sanitiser writes HTML, where a hard space has a name that XML does not know.
    return _SANITISER.clean(drawn).replace("&nbsp;", "\xa0")


def _with_links(text: str) -> str:
    """`text` escaped, its addresses as links."""
    if "://" not in text:
        return escape(text)
    parts, position = [], 0
    for match in _URL.finditer(text):
        url = trim_end(match[0])
        if normalise_url(url) is None:
            continue
        link = f'<a href="{escape(url)}" rel="{LINK_REL}">{escape(url)}</a>'
        parts += [escape(text[position : match.start()]), link]
        position = match.start() + len(url)
    return "".join([*parts, escape(text[position:])])
