"""The shape of what curators press and type at their desk."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from django import forms
from django.http import QueryDict

from papers.models import Paper, User
from papers.services.curation.audit_log import MAX_REASON_LENGTH, Actor, CurationError
from papers.services.ingest.clean_record import MAX_ABSTRACT, MAX_TITLE
from papers.text.cleaning import clean_abstract, clean_line, clean_title
from papers.text.names import clean_name

MAX_SELECTED_ITEMS = 200
_ITEM = re.compile(r"([a-z]{1,20}):([0-9]{1,18}):([0-9]{1,18})")


class DecisionForm(forms.Form):
    """A curator's press: which act, on what was seen, and why."""

    act = forms.CharField(max_length=20, required=False)
    seen = forms.IntegerField(min_value=0, max_value=2**63 - 1)
    reason = forms.CharField(max_length=MAX_REASON_LENGTH, required=False)
    given = forms.CharField(max_length=MAX_REASON_LENGTH, required=False)
    """A reason that is one press away; where one is typed, that counts."""

    def action_name(self) -> str:
        return str(self.cleaned_data["act"])

    def actor(self, curator: User, now: datetime) -> Actor:
        """Who decides, and on what they saw; of a form that is valid."""
        data = self.cleaned_data
        reason = data["reason"] or data["given"]
        return Actor(curator=curator, now=now, last_event_id=data["seen"], reason=reason)


class BulkDecisionForm(forms.Form):
    """One act on many things: each `kind:key:seen`."""

    act = forms.ChoiceField(choices=[("accept", "yes"), ("reject", "no")])
    reason = forms.CharField(max_length=MAX_REASON_LENGTH, required=False)
    item = forms.CharField(required=False)

    def clean(self) -> dict[str, Any]:
        if not self.items():
            raise forms.ValidationError("Select at least one item first.")
        return self.cleaned_data

    def items(self) -> list[tuple[str, int, int]]:
        """The selected items that could be read."""
        selected = self.data.getlist("item") if isinstance(self.data, QueryDict) else []
        return [
            (found[1], int(found[2]), int(found[3]))
            for text in selected[:MAX_SELECTED_ITEMS]
            if (found := _ITEM.fullmatch(text))
        ]


class PlacementForm(DecisionForm):
    """Where a paper is to stand."""

    on = forms.DateField(required=False)
    to = forms.DateField(required=False)

    def day(self) -> date:
        """The day that the act is about.

        Raises:
            CurationError: none is given.
        """
        return self._date("on")

    def target(self) -> date:
        """The day that it goes to.

        Raises:
            CurationError: none is given.
        """
        return self._date("to")

    def _date(self, name: str) -> date:
        found: date | None = self.cleaned_data[name]
        if found is None:
            raise CurationError("Choose a day.")
        return found


class PaperEditForm(DecisionForm):
    """What a paper says, as a curator has it. Authors stand one a line, with `|` before where they work."""

    title = forms.CharField(max_length=MAX_TITLE)
    abstract = forms.CharField(max_length=MAX_ABSTRACT, required=False, widget=forms.Textarea({"rows": 8}))
    authors = forms.CharField(max_length=200_000, required=False, widget=forms.Textarea({"rows": 5}))
    organization = forms.CharField(max_length=200, required=False)
    code = forms.URLField(label="Code", max_length=500, required=False, assume_scheme="https")
    is_withdrawn = forms.BooleanField(label="Withdrawn", required=False)

    def clean_code(self) -> str:
        address = str(self.cleaned_data["code"])
        if address and not address.startswith(("http://", "https://")):
            raise forms.ValidationError("Enter an address that begins with https://.")
        return address

    @classmethod
    def initial_of(cls, paper: Paper) -> dict[str, Any]:
        """What stands in the form before anything is typed."""
        lines = (" | ".join(filter(None, (row["name"], row.get("affiliation")))) for row in paper.authors)
        return {
            "title": paper.title,
            "abstract": paper.abstract,
            "authors": "\n".join(lines),
            "organization": paper.organization,
            "code": paper.links.get("code", {}).get("url", ""),
            "is_withdrawn": paper.withdrawn_at is not None,
        }

    def values(self, paper: Paper, now: datetime) -> dict[str, Any]:
        """What was changed, as services/curation/edit_paper.py takes it."""
        before, typed = self.initial_of(paper), self.cleaned_data
        found: dict[str, Any] = {}
        if typed["title"] != before["title"]:
            found["title"] = clean_title(typed["title"])
        if _lines(typed["abstract"]) != _lines(before["abstract"]):
            found["abstract"] = clean_abstract(typed["abstract"])
        if _lines(typed["authors"]) != _lines(before["authors"]):
            found["authors"] = [_author(line) for line in typed["authors"].splitlines() if line.strip()]
        if typed["organization"] != before["organization"]:
            found["organization"] = clean_line(typed["organization"])
        if typed["code"] != before["code"]:
            found["code"] = {"url": typed["code"], "found": "curator"} if typed["code"] else None
        if typed["is_withdrawn"] != before["is_withdrawn"]:
            found["withdrawn_at"] = now.isoformat() if typed["is_withdrawn"] else None
        return found


class DayNoteForm(DecisionForm):
    """The note of a day."""

    note = forms.CharField(max_length=5_000, required=False, widget=forms.Textarea({"rows": 6}))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _author(line: str) -> dict[str, str]:
    name, _, place = line.partition("|")
    place = clean_line(place)
    return {"name": clean_name(name), **({"affiliation": place} if place else {})}


class TopicAssignmentForm(DecisionForm):
    """A topic for all that a paper is to be in, or not."""

    topic = forms.CharField(max_length=200)


class PublicationForm(DecisionForm):
    """When what is planned for a day is published; empty: as the day begins."""

    at = forms.DateTimeField(required=False)
