"""The shape of what curators press and type at their desk."""

from __future__ import annotations

from datetime import date, datetime

from django import forms

from papers.models import User
from papers.services.curation.recording import MAX_REASON, CurationError, Deciding


class DecisionForm(forms.Form):
    """A curator's press: which act, on what was seen, and why."""

    act = forms.CharField(max_length=20, required=False)
    seen = forms.IntegerField(min_value=0, max_value=2**63 - 1)
    reason = forms.CharField(max_length=MAX_REASON, required=False)
    given = forms.CharField(max_length=MAX_REASON, required=False)
    """A reason that is one press away; where one is typed, that counts."""

    def act_name(self) -> str:
        return str(self.cleaned_data["act"])

    def deciding(self, curator: User, now: datetime) -> Deciding:
        """Who decides, and on what they saw; of a form that is valid."""
        data = self.cleaned_data
        reason = data["reason"] or data["given"]
        return Deciding(curator=curator, now=now, seen=data["seen"], reason=reason)


class PlaceForm(DecisionForm):
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
        """The day that it goes to; none that is still to come.

        Raises:
            CurationError: none is given, or it is to come.
        """
        return self._date("to")

    def _date(self, name: str) -> date:
        found: date | None = self.cleaned_data[name]
        if found is None:
            raise CurationError("Say which day.")
        return found
