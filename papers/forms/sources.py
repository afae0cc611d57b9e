"""The form of a source that a curator adds."""

from __future__ import annotations

from typing import Any

from django import forms

from papers.services.fetching.source_suggestion import KINDS, problems_of, twin_of
from papers.sources.recognise import Suggestion
from papers.sources.registry import adapter_of, label_of

MAX_ADDRESS = 2_000
MAX_KEY = 200
HOW_OFTEN = (("3600", "every hour"), ("21600", "four times a day"), ("86400", "once a day"))
_QUERIES = {
    "biorxiv": ("Categories", "Separated by commas, for example: neuroscience, cell biology. Leave empty for all."),
    "medrxiv": ("Categories", "Separated by commas, for example: epidemiology, oncology. Leave empty for all."),
    "crossref": ("ISSN", ""),
    "openalex": ("Filter", "Conditions as on openalex.org, separated by commas, without dates."),
    "oai": ("Sets", "Set names of the repository, separated by spaces. Leave empty for all."),
}
"""By kind, what its question is called, and what is said of it. Others have none."""


class LookForm(forms.Form):
    """What somebody pastes."""

    address = forms.CharField(
        label="Address, ISSN or name",
        max_length=MAX_ADDRESS,
        help_text="Of a feed, of a journal’s page, of a repository (OAI-PMH), of what openalex.org knows, or of "
        "another Broadsheet, followed by /api/daily_papers; an ISSN; or bioRxiv or medRxiv.",
        error_messages={"required": "Enter an address, an ISSN or a name."},
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})
        self.fields["address"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false"}


class OpmlForm(forms.Form):
    """A list of feeds as feed readers export it."""

    file = forms.FileField(
        label="OPML file",
        help_text="As feed readers export it. Up to 2 MB; the first 500 feeds are shown.",
        error_messages={"required": "Choose a file."},
        widget=forms.FileInput(attrs={"accept": ".opml,.xml"}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})


class NewSourceForm(forms.Form):
    """What is chosen for a source once somebody has seen what it brings."""

    kind = forms.ChoiceField(choices=lambda: [(kind, label_of(kind)) for kind in KINDS], widget=forms.HiddenInput)
    base_url = forms.CharField(required=False, max_length=MAX_ADDRESS, widget=forms.HiddenInput)
    query = forms.CharField(required=False, max_length=MAX_ADDRESS)
    name = forms.CharField(max_length=120, label="Name")
    api_key = forms.CharField(
        required=False,
        max_length=MAX_KEY,
        label="Key",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Free at openalex.org/settings/api. Stored encrypted and never shown: re-enter it for each preview.",
    )
    often = forms.ChoiceField(choices=HOW_OFTEN, label="Check for new papers")
    lists_all = forms.BooleanField(required=False, label="List its papers in the daily edition")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})
        kind = self["kind"].value()
        label, help_text = _QUERIES.get(kind, ("", ""))
        field = self.fields["query"]
        field.label, field.help_text = label, help_text
        if not label:
            field.widget = forms.HiddenInput()
        if kind not in KINDS or not adapter_of(kind).takes_key:
            del self.fields["api_key"]

    @property
    def suggestion(self) -> Suggestion:
        """The source as the form has it, once it was found valid."""
        data = self.cleaned_data
        return Suggestion(data["kind"], data["base_url"], data["query"], data["name"], data.get("api_key", ""))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self.errors:
            return data
        data["query"] = " ".join(data["query"].split())
        if adapter_of(data["kind"]).default_base_url:  # a registry's records are believed: from no other address
            data["base_url"] = ""
        for field, message in problems_of(self.suggestion).items():
            # The address is not in sight, so what is wrong with it stands above the form.
            self.add_error(field if field == "query" else None, message)
        if not self.errors and (twin := twin_of(self.suggestion)):
            self.add_error(None, f"This source already exists: {twin.name}.")
        return data
