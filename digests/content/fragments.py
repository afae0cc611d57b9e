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
from typing import NamedTuple, TypeVar

from django.conf import settings
from django.db import connection

from digests.content import headers, rendering, urls
from digests.models import Fragment, MergedPaper
from digests.wire.mime import PLACEHOLDER, EncodedSize, quoted_printable_template, size_of
from papers.models import Paper, PaperVersion
from papers.services.reading.paper_versions import changes_of
from papers.text import html as markup

_Key = TypeVar("_Key")

AskedPaper = tuple[int, bool]
"""A paper, and whether it is to be shown in brief."""
OPENING_CHARS = 140


class Lead(NamedTuple):
    """What subject and preview say of a paper, in plain words."""

    title: str
    opening: str
    """The beginning of its abstract."""


@dataclass(frozen=True, eq=False)
class StoredFragment:
    """A part with words still to be filled in: encoded for the wire, or a piece that is encoded once it is filled."""

    id: int
    text: str
    html: str

    @cached_property
    def pieces(self) -> tuple[list[str], list[str]]:
        """Text and HTML cut at their placeholders, as `mime.fill_placeholders` takes them."""
        return self.text.split(PLACEHOLDER), self.html.split(PLACEHOLDER)

    @cached_property
    def size(self) -> EncodedSize:
        """How long it is in a mail, as encoded; worked out once."""
        return size_of(self.text, self.html)


class FragmentCache:
    """The parts that one run of sending uses. Each is rendered once, or read once."""

    def __init__(self, *, group: str, now: datetime) -> None:
        self.group = group
        self._now = now
        self._renderer = rendering.MailRenderer(origin=settings.SITE.origin, group_name=group, this_year=now.year)
        self._leads: dict[int, Lead] = {}
        self._version_leads: dict[int, Lead] = {}
        self._current: dict[int, int] = {}
        self._frame_pieces: dict[str, Mapping[str, StoredFragment]] = {}
        self._papers: dict[AskedPaper, StoredFragment | None] = {}
        self._versions: dict[int, StoredFragment | None] = {}
        self._stored: dict[int, StoredFragment] = {}

    def papers(self, asked: Iterable[AskedPaper]) -> Mapping[AskedPaper, StoredFragment | None]:
        """What was asked for, and what was before; None for papers that are gone, hidden or withdrawn.

        A merged paper is the one it went into.
        """
        wanted = {one for one in asked if one not in self._papers}
        if wanted:
            self._papers |= dict.fromkeys(wanted)
            kept = MergedPaper.objects.current_ids({pk for pk, _ in wanted})
            self._current |= kept
            now = {(kept[pk], is_brief) for pk, is_brief in wanted}
            found = Paper.objects.visible().for_cards().filter(pk__in=set(kept.values()), withdrawn_at=None)
            shown = {paper.pk: paper for paper in found}
            self._leads |= {pk: _lead(paper) for pk, paper in shown.items() if pk not in self._leads}
            rendered = {
                (pk, is_brief): _encoded(self._renderer.paper(shown[pk], is_brief=is_brief))
                for pk, is_brief in now
                if pk in shown
            }
            parts = self._store(rendered)
            self._papers |= {(pk, is_brief): parts.get((kept[pk], is_brief)) for pk, is_brief in wanted}
        return self._papers

    def current_id(self, paper_id: int) -> int:
        """The paper that one is now which was asked for before."""
        return self._current[paper_id]

    def lead(self, paper_id: int) -> Lead:
        """What subject and preview say of a paper that was asked for before and is shown."""
        return self._leads[self._current[paper_id]]

    def versions(self, ids: Iterable[int]) -> Mapping[int, StoredFragment | None]:
        """By id of a new version: its fragment; None where its paper is gone, hidden or withdrawn."""
        wanted = {pk for pk in ids if pk not in self._versions}
        if wanted:
            self._versions |= dict.fromkeys(wanted)
            found = PaperVersion.objects.filter(pk__in=wanted, paper__hidden_at=None, paper__withdrawn_at=None)
            shown = list(found.select_related("paper"))
            changes = changes_of(shown)
            rendered = {
                one.pk: _encoded(
                    self._renderer.version(one.paper, version=one.version, changes=changes.get(one.pk, ()))
                )
                for one in shown
            }
            self._version_leads |= {version.pk: _lead(version.paper) for version in shown}
            self._versions |= self._store(rendered)
        return self._versions

    def version_lead(self, version_id: int) -> Lead:
        """The same of a new version."""
        return self._version_leads[version_id]

    def frame_pieces(self, frequency: str) -> Mapping[str, StoredFragment]:
        """What stands around the papers of a mail of this frequency: headers, frame, and the small pieces.

        Each mail fills them with words of its own.
        """
        if frequency not in self._frame_pieces:
            frame = self._renderer.frame(frequency=frequency).filled(_links_of_frame())
            rendered = {"frame": _encoded(frame), "head": (headers.digest_headers(frequency, group=self.group), "")}
            rendered |= {name: (_marked(piece.text), _marked(piece.html)) for name, piece in _pieces()}
            self._frame_pieces[frequency] = self._store(rendered)
        return self._frame_pieces[frequency]

    def stored(self, ids: Iterable[int]) -> Mapping[int, StoredFragment]:
        """Fragments by id, as far as they are still kept: those that a mail was made of before."""
        wanted = {pk for pk in ids if pk not in self._stored}
        if wanted:
            self._stored |= {
                part.pk: StoredFragment(part.pk, part.text, part.html)
                for part in Fragment.objects.filter(pk__in=wanted)
            }
        return self._stored

    def _store(self, rendered: Mapping[_Key, tuple[str, str]]) -> dict[_Key, StoredFragment]:
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
        parts = {digest: StoredFragment(ids[digest], *rows[digest]) for digest in rows}
        self._stored |= {part.id: part for part in parts.values()}
        return {key: parts[digest] for key, digest in digests.items()}


_STORE = """
    INSERT INTO digests_fragment (digest, text, html, used_at)
    SELECT digest, text, html, %s::timestamptz FROM unnest(%s::text[], %s::text[], %s::text[])
        AS part (digest, text, html)
    ON CONFLICT (digest) DO UPDATE SET used_at = excluded.used_at
    RETURNING digest, id
"""


def _lead(paper: Paper) -> Lead:
    return Lead(
        markup.plain_text(paper.title), markup.plain_text(paper.line or markup.excerpt(paper.abstract, OPENING_CHARS))
    )


def _digest(text: str, html: str) -> str:
    return hashlib.sha256(f"{text}\x00{html}".encode()).hexdigest()


def _encoded(part: rendering.RenderedPart) -> tuple[str, str]:
    return quoted_printable_template(rendering.split_at_placeholders(part.text)), quoted_printable_template(
        rendering.split_at_placeholders(part.html)
    )


def _links_of_frame() -> dict[str, str]:
    """Links to where a mail's keys will lead, with placeholders for the keys."""
    key, reader, schedule = (
        rendering.placeholder("key"),
        rendering.placeholder("reader"),
        rendering.placeholder("schedule"),
    )
    return {
        "view_url": urls.mail_page_url(key),
        "preferences_url": urls.preferences_url(reader),
        "unsubscribe_url": urls.unsubscribe_url(schedule),
        "leave_url": urls.unsubscribe_url(reader),
    }


def _pieces() -> list[tuple[str, rendering.RenderedPart]]:
    """The small pieces, of which `cut` says what `more` says where papers that were chosen have no room."""
    key, reader, paper = (rendering.placeholder(name) for name in ("key", "reader", "paper"))
    acts = {f"{act}_url": urls.paper_act_url(reader, paper, act) for act in ("vote", "save", "seen", "more", "less")}
    judging = {name: acts.pop(name) for name in ("more_url", "less_url")}
    links = {
        "about": {"url": urls.unsubscribe_url(key)},
        "save": acts,
        "like": judging,
        "more": {"url": urls.mail_more_url(key)},
        "above": {"url": urls.mail_more_url(key)},
        "below": {"url": urls.mail_below_url(key)},
        "weekly": {"url": urls.weekly_url(reader)},
    }
    linked = [(name, rendering.render_snippet(name).filled(leads_to)) for name, leads_to in links.items()]
    cut = rendering.render_snippet("more").filled({"url": urls.mail_page_url(key)})
    return [
        *linked,
        ("cut", cut),
        ("why", rendering.render_snippet("why")),
        ("opened", rendering.render_snippet("opened")),
        ("versions", rendering.render_snippet("versions")),
    ]


def _marked(source: str) -> str:
    """Not encoded, with the placeholders that `mime.fill_placeholders` knows."""
    return PLACEHOLDER.join(rendering.split_at_placeholders(source))


def delete_expired_fragments(*, before: datetime) -> int:
    """Delete fragments that no mail was made of since `before`, and that no mail on its way needs; returns how many."""
    return Fragment.objects.filter(used_at__lt=before).delete()[0]
