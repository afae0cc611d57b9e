"""The shape of export.arxiv.org/api/query: an Atom feed of what a query or a list of ids finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from tests.support.fake_upstream.answer import Answer, Known, UpstreamState, apply_faults, escape, quoteattr
from tests.support.fake_upstream.behaviour import Behaviour

_ID = re.compile(r"(?P<id>\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7})(v(?P<version>\d+))?")
_TERM = re.compile(r'(?:(?P<prefix>[a-zA-Z]+):)?(?P<value>"[^"]*"|\[[^\]]*\]|[^\s()]+)')
_FEED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" \
xmlns="http://www.w3.org/2005/Atom">
  <id>{id}</id>
  <title>{title}</title>
  <updated>{updated}</updated>
  <opensearch:itemsPerPage>{size}</opensearch:itemsPerPage>
  <opensearch:totalResults>{total}</opensearch:totalResults>
  <opensearch:startIndex>{start}</opensearch:startIndex>
{entries}</feed>
"""


def answer(state: UpstreamState, params: Mapping[str, str], behaviour: Behaviour) -> Answer:
    """Answer a query; a wrong one with status 400 and a feed of one entry titled Error."""
    if behaviour.error is not None:
        return _error(state, behaviour.error)
    start, size = params.get("start", "0"), params.get("max_results", "10")
    if not (start.isdigit() and size.isdigit()):
        return _error(state, "start and max_results must be whole numbers")
    if int(size) > 2000 or int(start) + int(size) > 30_000:
        return _error(state, "max_results is too large")
    ids = [text.strip() for text in params.get("id_list", "").split(",") if text.strip()]
    if wrong := [text for text in ids if not _ID.fullmatch(text)]:
        return _error(state, f"incorrect id format for {wrong[0]}")
    found = [paper for paper in _by_ids(state, ids) if _matches(params.get("search_query", ""), paper)]
    if not ids:
        found = sorted(found, key=lambda known: known[1].released_at, reverse=params.get("sortOrder") != "ascending")
    page = [(paper.arxiv_id, (paper, version)) for paper, version in found[int(start) : int(start) + int(size)]]
    title = f"arXiv Query: search_query={params.get('search_query', '')}&id_list={params.get('id_list', '')}"
    entries = "".join(_entry(known, behaviour) for known in apply_faults(page, behaviour))
    feed = _feed(state, "https://arxiv.org/api/fake", title, entries, total=len(found), start=start, size=size)
    return Answer(feed, "application/atom+xml; charset=utf-8")


def _by_ids(state: UpstreamState, ids: list[str]) -> list[Known]:
    """The asked papers in the asked order, each in the asked version; unknown ids are silently absent."""
    known = {paper.arxiv_id: (paper, version) for paper, version in state.catalogue.known(state.today)}
    if not ids:
        return list(known.values())
    found: list[Known] = []
    for text in ids:
        match = _ID.fullmatch(text)
        if match is None or match["id"] not in known:
            continue
        paper, version = known[match["id"]]
        wanted = int(match["version"] or version.number)
        found += [(paper, version) for version in paper.versions if version.number == wanted]
    return found


def _matches(query: str, known: Known) -> bool:
    """A query in the language of arXiv's, from left to right: brackets are not heeded, words that follow mean OR."""
    result: bool | None = None
    operator = "OR"
    for match in _TERM.finditer(query):
        if match["prefix"] is None and match["value"] in ("AND", "OR", "ANDNOT"):
            operator = match["value"]
            continue
        hit = _FIELDS.get((match["prefix"] or "all").lower(), _in_text)(match["value"].strip('"'), known)
        hit = hit != (operator == "ANDNOT")
        result = hit if result is None else (result or hit) if operator == "OR" else (result and hit)
        operator = "OR"
    return True if result is None else result


def _in_text(value: str, known: Known) -> bool:
    paper, version = known
    text = " ".join((version.title, paper.abstract, *paper.authors, *paper.categories)).lower()
    return value.lower() in text


def _submitted(value: str, known: Known) -> bool:
    low, _, high = value.strip("[]").partition(" TO ")
    return low <= f"{known[1].released_at:%Y%m%d%H%M}" <= high


_FIELDS: Mapping[str, Callable[[str, Known], bool]] = {
    "cat": lambda value, known: value in known[0].categories,
    "ti": lambda value, known: value.lower() in known[1].title.lower(),
    "au": lambda value, known: value.replace("_", " ").lower() in " ".join(known[0].authors).lower(),
    "abs": lambda value, known: value.lower() in known[0].abstract.lower(),
    "id": lambda value, known: value == known[0].arxiv_id,
    "submitteddate": _submitted,
}


def _entry(known: Known, behaviour: Behaviour) -> str:
    paper, version = known
    name = f"{paper.arxiv_id}v{version.number}"
    if paper.arxiv_id in behaviour.spoil_ids:
        return f"  <entry>\n    <id>http://arxiv.org/abs/{name}</id>\n    <published>soon</published>\n  </entry>\n"
    lines = [
        f"<id>http://arxiv.org/abs/{name}</id>",
        f"<title>{escape(version.title)}</title>",
        f"<updated>{version.released_at:%Y-%m-%dT%H:%M:%SZ}</updated>",
        f'<link href="https://arxiv.org/abs/{name}" rel="alternate" type="text/html"/>',
        f'<link href="https://arxiv.org/pdf/{name}" rel="related" type="application/pdf" title="pdf"/>',
        f"<summary>{escape(paper.abstract)}</summary>",
        *(f'<category term="{term}" scheme="http://arxiv.org/schemas/atom"/>' for term in paper.categories),
        f"<published>{paper.versions[0].released_at:%Y-%m-%dT%H:%M:%SZ}</published>",
    ]
    if paper.doi:
        lines.append(f'<link rel="related" href={quoteattr("https://doi.org/" + paper.doi)} title="doi"/>')
    for tag, value in (("comment", paper.comment), ("journal_ref", paper.journal_ref), ("doi", paper.doi)):
        if value:
            lines.append(f"<arxiv:{tag}>{escape(value)}</arxiv:{tag}>")
    lines.append(f'<arxiv:primary_category term="{paper.categories[0]}"/>')
    lines += [f"<author>\n      <name>{escape(name)}</name>\n    </author>" for name in paper.authors]
    return "  <entry>\n" + "".join(f"    {line}\n" for line in lines) + "  </entry>\n"


def _error(state: UpstreamState, text: str) -> Answer:
    address = "https://arxiv.org/api/errors#" + text.replace(" ", "_")
    entry = (
        f"  <entry>\n    <id>{escape(address)}</id>\n    <title>Error</title>\n"
        f"    <updated>{state.today}T00:00:00Z</updated>\n    <summary>{escape(text)}</summary>\n"
        "    <author>\n      <name>arXiv api core</name>\n    </author>\n  </entry>\n"
    )
    feed = _feed(state, "https://arxiv.org/", "arXiv Search Results", entry, total=1, start="0", size="1")
    return Answer(feed, "application/atom+xml; charset=utf-8", status=400)


def _feed(state: UpstreamState, address: str, title: str, entries: str, *, total: int, start: str, size: str) -> str:
    return _FEED.format(
        id=address,
        title=escape(title),
        updated=f"{state.today}T22:09:26Z",
        size=size,
        total=total,
        start=start,
        entries=entries,
    )
