"""Where a paper's code and project page are and where it was accepted, from its abstract and comment.

All of it is found, not declared: a page says so beside it. A link to somebody else's repository ("we build on …")
cannot be told from the paper's own when it is the only one.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from papers.text.cleaning import fold
from papers.text.tex_tables import word_set
from papers.text.urls import normalise_url, strip_trailing_punctuation
from papers.text.venues import find_venue, find_venue_in_abstract

LinkOrigin = Literal["abstract", "comment"]


@dataclass(frozen=True, slots=True)
class FoundLinks:
    """What was found, and for each of `code`, `project` and `accepted_at` in which text."""

    code: str | None = None
    project: str | None = None
    accepted_at: str | None = None
    where: dict[str, LinkOrigin] = field(default_factory=dict)


class _Link(NamedTuple):
    """A link in a text, and the words before it up to the link before."""

    url: str
    host: str
    path: str
    before: str


class _Candidate(NamedTuple):
    score: int
    url: str
    place: LinkOrigin


_URL = re.compile(
    r"(?<![\w.@-])(?P<scheme>https?://\s?)?(?P<host>(?:[a-z0-9-]{1,63}\.)+[a-z]{2,})"
    r"(?P<path>/(?:(?!https?://)[^\s<>\"{}|\\^`\[\]])*)?",
    re.I,
)
_URL_SIGNS = ("://", ".com/", ".io", ".org/", "hf.co/", ".co/")  # a text without any of them has no link
_REPOSITORY_HOSTS = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gitee.com"})
_NO_OWNERS = word_set("features topics orgs about pricing marketplace sponsors settings search explore")
_HUB_HOSTS = frozenset({"huggingface.co", "hf.co"})
_HUB_PAGES = word_set("papers blog docs collections join login models datasets spaces learn posts organizations tasks")
_PROJECT_HOST = re.compile(r".+\.github\.io|.+\.gitlab\.io|.+\.pages\.dev|.+\.netlify\.app|.+\.vercel\.app")

_CODE_WORDS = re.compile(
    r"\b(?:source[- ]?codes?|codes?|codebase|implementation|repository|repo|github|software|open[- ]sourced?|package|"
    r"toolkit)\b",
    re.I,
)
_PROJECT_WORDS = re.compile(
    r"\b(?:project(?:'s)?[- ]?(?:web)?[- ]?(?:page|site|website|homepage|url|link)?|home[- ]?page|"
    r"web[- ]?(?:page|site)|videos?|demos?|visit|more (?:results|details)|supplementary)\b[^.]*$",
    re.I,
)
_OTHERS_WORDS = re.compile(
    r"\b(?:based on|built? (?:up)?on|derived from|adapted from|provided by|developed by|using|courtesy of|baseline)\b"
    r"[^.]*$",
    re.I,
)
# Hosts of papers, videos and data of everybody are no project's own.
_EVERYBODYS_HOST = re.compile(
    r"arxiv\.org|doi\.org|youtu|huggingface|hf\.co|zenodo|drive\.google|openreview|wikipedia|acm\.org|ieee\.org|springer"
)
_CONTEXT = 110  # characters before a link that tell what it is


def find_links(title: str, abstract: str, comment: str) -> FoundLinks:
    """Code, project page and venue of a paper, from its cleaned title, abstract and comment."""
    found: dict[str, tuple[str, LinkOrigin]] = {}
    texts: tuple[tuple[LinkOrigin, str], ...] = (("abstract", abstract), ("comment", comment))
    if any(sign in text for _, text in texts for sign in _URL_SIGNS):
        found = _best_links(title, texts)
    if venue := find_venue(comment):
        found["accepted_at"] = (venue, "comment")
    elif venue := find_venue_in_abstract(abstract):
        found["accepted_at"] = (venue, "abstract")
    values = {name: value for name, (value, _) in found.items()}
    return FoundLinks(**values, where={name: place for name, (_, place) in found.items()})


def _best_links(title: str, texts: Iterable[tuple[LinkOrigin, str]]) -> dict[str, tuple[str, LinkOrigin]]:
    """The link most likely to be the code's, and the one most likely to be the project page's."""
    candidates: dict[str, list[_Candidate]] = {"code": [], "project": []}
    folded_title = fold(title)
    for place, text in texts:
        for link in _links(text):
            if score := _code_score(link, folded_title):
                candidates["code"].append(_Candidate(score, link.url, place))
            elif score := _project_score(link):
                candidates["project"].append(_Candidate(score, link.url, place))
    best = {name: max(found, key=lambda candidate: candidate.score) for name, found in candidates.items() if found}
    return {name: (candidate.url, candidate.place) for name, candidate in best.items()}


def _links(text: str) -> Iterator[_Link]:
    last = 0
    for match in _URL.finditer(text):
        host = match["host"].lower().removeprefix("www.")
        is_known = host in _REPOSITORY_HOSTS or host in _HUB_HOSTS or _PROJECT_HOST.fullmatch(host)
        if not match["scheme"] and not is_known:
            continue
        written = strip_trailing_punctuation(match[0].removeprefix(match["scheme"] or ""))
        scheme = "https://" if host == "github.com" or not match["scheme"] else match["scheme"].strip().lower()
        if url := normalise_url(scheme + written):
            before = text[max(last, match.start() - _CONTEXT) : match.start()]
            yield _Link(url, host, "/" + written.partition("/")[2], before)
        last = match.end()


def _code_score(link: _Link, title: str) -> int:
    """How likely a link is the paper's code; 0 when it is no place for code."""
    parts = [part for part in re.split(r"[?#]", link.path)[0].split("/") if part]
    if link.host == "anonymous.4open.science":
        return 1
    if link.host in _REPOSITORY_HOSTS and len(parts) > 1 and parts[0].lower() not in _NO_OWNERS:
        score = 6
    elif link.host in _HUB_HOSTS and len(parts) > 1 and (len(parts) > 2 or parts[0] not in _HUB_PAGES):
        score = 2 if parts[0] not in _HUB_PAGES or parts[0] in ("datasets", "spaces") else 0
    else:
        score = 0
    if not score:
        return 0
    name = fold(parts[-1].removesuffix(".git"))
    score += 4 * bool(_CODE_WORDS.search(link.before)) - 3 * bool(_OTHERS_WORDS.search(link.before))
    return max(1, score + 2 * (len(name) > 2 and name in title))


def _project_score(link: _Link) -> int:
    """How likely a link is the paper's own page; 0 when nothing speaks for it."""
    is_announced = bool(_PROJECT_WORDS.search(link.before))
    if _PROJECT_HOST.fullmatch(link.host) or (link.host == "sites.google.com" and len(link.path) > 1):
        return 4 if is_announced else 2
    is_own = link.host not in _REPOSITORY_HOSTS and not _EVERYBODYS_HOST.search(link.host)
    return 3 if is_announced and is_own else 0
