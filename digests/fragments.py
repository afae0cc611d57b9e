"""Parts of mails, each rendered and encoded for the wire once, and then used in all the mails that it belongs to.

A paper is such a part, and so is the frame around the papers. They are stored by their content: a mail that must be
made again is made of the same parts, whatever has happened to the paper or to the templates meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from digests import look
from digests.mime import encode_open
from digests.models import Fragment, MergedPaper
from papers.models import Paper, PaperVersion


@dataclass(frozen=True, slots=True)
class Stored:
    """A part as it is on the wire, with words still to be filled in."""

    id: int
    text: str
    html: str


class Parts:
    """The parts that one run of sending uses. Each is rendered once, or read once."""

    def __init__(self, *, group: str, now: datetime) -> None:
        self.group = group
        self._now = now
        self._look = look.Look(origin=settings.SITE.origin, group_name=group, this_year=now.year)
        self._titles: dict[int, str] = {}
        self._frames: dict[str, Stored] = {}
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
            titles = {paper.pk: paper.title for paper in shown}
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
        return look.preheader(self._titles[pk] for pk in list(paper_ids)[:3])

    def frame(self, frequency: str) -> Stored:
        """What stands around the papers."""
        if frequency not in self._frames:
            self._frames[frequency] = self._store({0: _encoded(self._look.frame(frequency=frequency))})[0]
        return self._frames[frequency]

    def stored(self, ids: Iterable[int]) -> Mapping[int, Stored]:
        """Those that a mail was made of before."""
        wanted = {pk for pk in ids if pk not in self._stored}
        if wanted:
            self._stored |= {
                part.pk: Stored(part.pk, part.text, part.html) for part in Fragment.objects.filter(pk__in=wanted)
            }
        return self._stored

    def _store(self, rendered: Mapping[int, tuple[str, str]]) -> dict[int, Stored]:
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


def _encoded(part: look.Part) -> tuple[str, str]:
    return encode_open(look.pieces(part.text)), encode_open(look.pieces(part.html))


def forget_parts(*, before: datetime) -> int:
    """Forget parts that no mail was made of since `before`, and that no mail on its way needs; how many."""
    return Fragment.objects.filter(used_at__lt=before).delete()[0]
