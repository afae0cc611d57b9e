"""Submitting a paper."""

from __future__ import annotations

from typing import Any

from django import forms

from papers.forms.fields import TagsField


class SubmitForm(forms.Form):
    """A paper that a reader names, and what to do with it in the same step."""

    given = forms.CharField(
        label="arXiv id, DOI or address",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        help_text="For example 2401.01234, 10.1000/xyz, or the address of a paper’s page.",
    )
    saves_to_library = forms.BooleanField(label="Save to my library, to read", required=False)
    tags = TagsField(label="Tags")
    only = forms.BooleanField(required=False, widget=forms.HiddenInput)
    """Fetch it without putting it on an edition."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})
