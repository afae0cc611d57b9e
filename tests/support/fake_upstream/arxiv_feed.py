"""The shape of rss.arxiv.org: what was announced today, as RSS 2.0 (/rss/<query>) and as Atom (/atom/<query>)."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from tests.support.fake_upstream.answer import Answer, Known, UpstreamState, apply_faults, escape
from tests.support.fake_upstream.behaviour import Behaviour

EASTERN = ZoneInfo("America/New_York")
_ARCHIVES = {"astro-ph", "cond-mat", "cs", "econ", "eess", "gr-qc", "hep-th", "math", "physics", "q-bio", "quant-ph"}
_ARCHIVES |= {"hep-ex", "hep-lat", "hep-ph", "math-ph", "nlin", "nucl-th", "q-fin", "stat"}
_NAMESPACES = 'xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"'
_ATOM = """<?xml version='1.0' encoding='UTF-8'?>
<feed {namespaces} xmlns="http://www.w3.org/2005/Atom" xml:lang="en-us">
  <id>http://rss.arxiv.org/atom/{query}</id>
  <title>{title}</title>
  <updated>{built:%Y-%m-%dT%H:%M:%S+00:00}</updated>
  <link href="http://rss.arxiv.org/atom/{query}" rel="self" type="application/atom+xml"/>
  <subtitle>{title}</subtitle>
{items}</feed>
"""
_RSS = """<?xml version='1.0' encoding='UTF-8'?>
<rss {namespaces} xmlns:atom="http://www.w3.org/2005/Atom" version="2.0">
  <channel>
    <title>{title}</title>
    <link>http://rss.arxiv.org/rss/{query}</link>
    <description>{title}</description>
    <language>en-us</language>
    <lastBuildDate>{built:%a, %d %b %Y %H:%M:%S +0000}</lastBuildDate>
    <pubDate>{day:%a, %d %b %Y %H:%M:%S %z}</pubDate>
    <skipDays><day>Sunday</day><day>Saturday</day></skipDays>
{items}  </channel>
</rss>
"""


def answer(state: UpstreamState, kind: str, query: str, behaviour: Behaviour) -> Answer:
    """Answer `/rss/…` or `/atom/…`, `kind` being one of the two words."""
    parts = query.split("+")
    if not all(re.fullmatch(r"[a-z-]+(\.[A-Za-z-]+)?", part) and part.partition(".")[0] in _ARCHIVES for part in parts):
        body = _page(state, kind, query, f"Feed error for query: {query}", state.today, "")
        return Answer(body, "application/xml; charset=utf-8", status=400)
    day = state.last_day if behaviour.is_stale else state.today
    items = [
        (known[0].arxiv_id, (known, kind_of))
        for known in state.catalogue.announced(day)
        if (kind_of := announce_type(known, parts))
    ]
    render = _atom_item if kind == "atom" else _rss_item
    shown = apply_faults(items[: state.feed_cap], behaviour)
    # The feed's day is that of the request, also where the batch is an old one.
    entries = "".join(render(known, kind_of, state.today, behaviour) for known, kind_of in shown)
    body = _page(state, kind, query, f"{query} updates on arXiv.org", state.today, entries)
    headers = {"ETag": f'"{hashlib.sha256(body.encode()).hexdigest()}"', "Cache-Control": "max-age=3600"}
    return Answer(body, "application/xml; charset=utf-8", headers=headers)


def announce_type(known: Known, query: list[str]) -> str | None:
    """new or replace in the feed of the primary category, cross or replace-cross in others', None elsewhere."""
    paper, version = known

    def has(category: str) -> bool:
        return any(category == part or category.startswith(f"{part}.") for part in query)

    is_primary = has(paper.categories[0])
    if not is_primary and not any(has(category) for category in paper.categories):
        return None
    if version.number == 1:
        return "new" if is_primary else "cross"
    return "replace" if is_primary else "replace-cross"


def _page(state: UpstreamState, kind: str, query: str, title: str, day: date, items: str) -> str:
    state.built += 1
    return (_ATOM if kind == "atom" else _RSS).format(
        namespaces=_NAMESPACES,
        query=escape(query),
        title=escape(title),
        built=datetime.combine(day, time(5, state.built // 60 % 60, state.built % 60)),
        day=_midnight(day),
        items=items,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), EASTERN)


def _parts(known: Known, kind_of: str, behaviour: Behaviour) -> dict[str, str]:
    paper, version = known
    is_spoilt = paper.arxiv_id in behaviour.spoil_ids
    name = f"{paper.arxiv_id}v{version.number}"
    return {
        "title": "" if is_spoilt else f"    <title>{escape(version.title)}</title>\n",
        "guid": "oai:nothing" if is_spoilt else f"oai:arXiv.org:{name}",
        "link": f"https://arxiv.org/abs/{paper.arxiv_id}",
        "text": escape(f"arXiv:{name} Announce Type: {kind_of} \nAbstract: {paper.abstract}"),
        "type": kind_of,
        "extra": f"    <arxiv:announce_type>{kind_of}</arxiv:announce_type>\n"
        f"    <dc:rights>{escape(paper.license)}</dc:rights>\n"
        f"    <dc:creator>{escape(', '.join(paper.authors))}</dc:creator>\n"
        + (f"    <arxiv:DOI>{escape(paper.doi)}</arxiv:DOI>\n" if paper.doi else ""),
    }


def _atom_item(known: Known, kind_of: str, day: date, behaviour: Behaviour) -> str:
    parts = _parts(known, kind_of, behaviour)
    categories = "".join(f'    <category term="{term}"/>\n' for term in known[0].categories)
    moment = _midnight(day).isoformat()
    return (
        f"  <entry>\n    <id>{parts['guid']}</id>\n{parts['title']}    <updated>{day}T05:00:19+00:00</updated>\n"
        f'    <link href="{parts["link"]}" rel="alternate" type="text/html"/>\n'
        f"    <summary>{parts['text']}</summary>\n{categories}    <published>{moment}</published>\n"
        f"{parts['extra']}  </entry>\n"
    )


def _rss_item(known: Known, kind_of: str, day: date, behaviour: Behaviour) -> str:
    parts = _parts(known, kind_of, behaviour)
    categories = "".join(f"    <category>{term}</category>\n" for term in known[0].categories)
    return (
        f"  <item>\n{parts['title']}    <link>{parts['link']}</link>\n    <description>{parts['text']}</description>\n"
        f'    <guid isPermaLink="false">{parts["guid"]}</guid>\n{categories}'
        f"    <pubDate>{_midnight(day):%a, %d %b %Y %H:%M:%S %z}</pubDate>\n{parts['extra']}  </item>\n"
    )
