"""Parts of mails, each rendered and encoded for the wire once, and then used in all the mails that it belongs to.

A paper is such a part, and so is the frame around the papers. They are stored by their content: a mail that must be
made again is made of the same parts, whatever has happened to the paper or to the templates meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from django.conf import settings
from django.db import connection

from digests.content import headers, rendering, urls
from digests.models import Fragment, MergedPaper
from digests.wire.mime import MARK, Size, encode_open, size_of
from papers.models import Paper, PaperVersion
from papers.text import html as markup

_Key = TypeVar("_Key")


@dataclass(frozen=True, eq=False)
class Stored:
    """A part with words still to be filled in: encoded for the wire, or a piece that is encoded once it is filled."""

    id: int
    text: str
    html: str

    @cached_property
    def pieces(self) -> tuple[list[str], list[str]]:
        """Text and HTML cut at their marks, as `mime.fill` takes them."""
        return self.text.split(MARK), self.html.split(MARK)

    @cached_property
    def size(self) -> Size:
        """As `size_of`."""
        return size_of(self.text, self.html)


class Parts:
    """The parts that one run of sending uses. Each is rendered once, or read once."""

    def __init__(self, *, group: str, now: datetime) -> None:
        self.group = group
        self._now = now
        self._look = rendering.Look(origin=settings.SITE.origin, group_name=group, this_year=now.year)
        self._titles: dict[int, str] = {}
        self._around: dict[str, Mapping[str, Stored]] = {}
        self._papers: dict[int, Stored | None] = {}
        self._versions: dict[int, Stored | None] = {}
        self._stored: dict[int, Stored] = {}

    def papers(self, ids: Iterable[int]) -> Mapping[int, Stored | None]:
        """By id; None for papers that are gone, hidden or withdrawn. A merged paper is the one it went into."""
        wanted = {pk for pk in ids if pk not in self._papers}
        if wanted:
            self._papers |= dict.fromkeys(wanted)
            merged = dict(MergedPaper.objects.filter(gone_id__in=wanted).values_list("gone_id", "kept_id"))
            kept = {pk: merged.get(pk, pk) for pk in wanted}
            shown = list(Paper.objects.visible().for_cards().filter(pk__in=set(kept.values()), withdrawn_at=None))
            rendered = {paper.pk: _encoded(self._look.paper(paper)) for paper in shown}
            titles = {paper.pk: markup.plain(paper.title) for paper in shown}
            self._titles |= {pk: titles[into] for pk, into in kept.items() if into in titles}
            parts = self._store(rendered)
            self._papers |= {pk: parts.get(into) for pk, into in kept.items()}
        return self._papers

    def versions(self, ids: Iterable[int]) -> Mapping[int, Stored | None]:
        """The same for new versions of papers."""
        wanted = {pk for pk in ids if pk not in self._versions}
        if wanted:
            self._versions |= dict.fromkeys(wanted)
            found = PaperVersion.objects.filter(pk__in=wanted, paper__hidden_at=None, paper__withdrawn_at=None)
            rendered = {
                version.pk: _encoded(self._look.version(version.paper, version=version.version))
                for version in found.select_related("paper")
            }
            self._versions |= self._store(rendered)
        return self._versions

    def preheader(self, paper_ids: Iterable[int]) -> str:
        """What mail programs show beside the subject; of papers that were asked for before."""
        return rendering.preheader(self._titles[pk] for pk in list(paper_ids)[:3])

    def around(self, frequency: str) -> Mapping[str, Stored]:
        """All that stands around the papers: head, frame, and the pieces that each mail fills with words of its own."""
        if frequency not in self._around:
            frame = self._look.frame(frequency=frequency).filled(_links_of_frame())
            rendered = {"frame": _encoded(frame), "head": (headers.head(frequency, group=self.group), "")}
            rendered |= {name: (_marked(piece.text), _marked(piece.html)) for name, piece in _pieces()}
            self._around[frequency] = self._store(rendered)
        return self._around[frequency]

    def stored(self, ids: Iterable[int]) -> Mapping[int, Stored]:
        """Those that a mail was made of before."""
        wanted = {pk for pk in ids if pk not in self._stored}
        if wanted:
            self._stored |= {
                part.pk: Stored(part.pk, part.text, part.html) for part in Fragment.objects.filter(pk__in=wanted)
            }
        return self._stored

    def _store(self, rendered: Mapping[_Key, tuple[str, str]]) -> dict[_Key, Stored]:
        """Keep parts by their content; one statement for all."""
        if not rendered:
            return {}
        digests = {key: _digest(*parts) for key, parts in rendered.items()}
        rows = {digest: rendered[key] for key, digest in digests.items()}
        with connection.cursor() as cursor:
            cursor.execute(
                _STORE,
                [
                    self._now,
                    list(rows),
                    [text for text, _ in rows.values()],
                    [html for _, html in rows.values()],
                ],
            )
            ids = dict(cursor.fetchall())
        parts = {digest: Stored(ids[digest], *rows[digest]) for digest in rows}
        self._stored |= {part.id: part for part in parts.values()}
        return {key: parts[digest] for key, digest in digests.items()}


_STORE = """
    INSERT INTO digests_fragment (digest, text, html, used_at)
    SELECT digest, text, html, %s::timestamptz FROM unnest(%s::text[], %s::text[], %s::text[])
        AS part (digest, text, html)
    ON CONFLICT (digest) DO UPDATE SET used_at = excluded.used_at
    RETURNING digest, id
"""


def _digest(text: str, html: str) -> str:
    return hashlib.sha256(f"{text}\x00{html}".encode()).hexdigest()


def _encoded(part: rendering.Part) -> tuple[str, str]:
    return encode_open(rendering.pieces(part.text)), encode_open(rendering.pieces(part.html))


def _links_of_frame() -> dict[str, str]:
    """Links to where a mail's keys will lead, with marks for the keys."""
    key, reader, schedule = rendering.mark("key"), rendering.mark("reader"), rendering.mark("schedule")
    return {
        "view_url": urls.in_browser(key),
        "preferences_url": urls.preferences(reader),
        "unsubscribe_url": urls.unsubscribe(schedule),
        "leave_url": urls.unsubscribe(reader),
    }


def _pieces() -> list[tuple[str, rendering.Part]]:
    """The small pieces, of which `cut` says what `more` says where papers that were chosen have no room."""
    key = rendering.mark("key")
    links = {
        "about": urls.unsubscribe(key),
        "save": urls.save(rendering.mark("reader"), rendering.mark("paper")),
        "more": urls.the_rest(key),
    }
    linked = [(name, rendering.piece(name).filled({"url": url})) for name, url in links.items()]
    cut = rendering.piece("more").filled({"url": urls.in_browser(key)})
    return [*linked, ("cut", cut), ("why", rendering.piece("why")), ("versions", rendering.piece("versions"))]


def _marked(source: str) -> str:
    """Not encoded, with the marks that `mime.fill` knows."""
    return MARK.join(rendering.pieces(source))


def forget_parts(*, before: datetime) -> int:
    """Forget parts that no mail was made of since `before`, and that no mail on its way needs; how many."""
    return Fragment.objects.filter(used_at__lt=before).delete()[0]
