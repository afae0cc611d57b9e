"""What is typed about shared lists: a name and who sees it, who is named, notes, papers by their ids."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from papers.models import ListRole, ListVisibility, SharedList, User
from papers.models.shared_list import MAX_LIST_NAME
from papers.services.shared_lists.entries import MAX_NOTE
from papers.services.shared_lists.pasted import MAX_CHARACTERS
from papers.services.shared_lists.settings import MAX_DESCRIPTION, ListDraft

_SEEN_BY = {
    ListVisibility.NAMED: "Only the people named on it",
    ListVisibility.MEMBERS: "All members of this site",
    ListVisibility.EVERYBODY: "Everyone, also without an account",
}


class ListForm(forms.Form):
    """A list's name, its description, and who sees it."""

    name = forms.CharField(label="Name", max_length=MAX_LIST_NAME, widget=forms.TextInput({"autocomplete": "off"}))
    description = forms.CharField(
        label="Description",
        max_length=MAX_DESCRIPTION,
        required=False,
        help_text="What the list is for. Markdown and $formulas$ are supported.",
        widget=forms.Textarea({"rows": 4}),
    )
    visibility = forms.ChoiceField(label="Who can see it")

    def __init__(self, *args: Any, members_only: bool, **options: Any) -> None:
        """On a members-only site nobody else sees a list, whatever it says."""
        super().__init__(*args, **{"label_suffix": "", **options})
        offered = {
            value: label for value, label in _SEEN_BY.items() if not members_only or value != ListVisibility.EVERYBODY
        }
        self.fields["visibility"].choices = list(offered.items())  # type: ignore[attr-defined]  # a ChoiceField

    @staticmethod
    def initial_of(shared_list: SharedList, *, members_only: bool) -> dict[str, Any]:
        visibility = shared_list.visibility
        if members_only and visibility == ListVisibility.EVERYBODY:
            visibility = ListVisibility.MEMBERS
        return {"name": shared_list.name, "description": shared_list.description, "visibility": visibility}

    def draft(self) -> ListDraft:
        """What a valid form says."""
        return ListDraft(**self.cleaned_data)


class ListMemberForm(forms.Form):
    """Somebody who is to be named on a list."""

    username = forms.CharField(label="Username", max_length=30, widget=forms.TextInput({"autocomplete": "off"}))
    role = forms.ChoiceField(label="May", choices=[(ListRole.EDITOR, "edit"), (ListRole.READER, "read")])

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})

    def clean_username(self) -> User:
        """The account with this name."""
        typed = str(self.cleaned_data["username"]).strip().removeprefix("@")
        found = User.people.filter(username__iexact=typed, is_active=True).first()
        if found is None:
            raise ValidationError("There is no member with this username.")
        return found


class ListNoteForm(forms.Form):
    """Why a paper is on a list."""

    note = forms.CharField(
        label="Why it is here",
        required=False,
        max_length=MAX_NOTE,
        help_text="Everyone who can see the list can read it. Markdown and $formulas$ are supported.",
        widget=forms.Textarea({"rows": 3}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})


class PasteForm(forms.Form):
    """Papers by what names them."""

    papers = forms.CharField(
        label="arXiv ids, DOIs, links or BibTeX",
        max_length=MAX_CHARACTERS,
        help_text="One or more, with or without other words. Only papers that are on this site are added.",
        widget=forms.Textarea({"rows": 8, "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})


class PaperListsForm(forms.Form):
    """On which of somebody's lists a paper is to be, and perhaps on a new one."""

    lists = forms.MultipleChoiceField(label="Lists", required=False, widget=forms.CheckboxSelectMultiple)
    was = forms.MultipleChoiceField(required=False, widget=forms.MultipleHiddenInput)
    new = forms.CharField(
        label="New list", required=False, max_length=MAX_LIST_NAME, widget=forms.TextInput({"autocomplete": "off"})
    )

    def __init__(self, *args: Any, lists: list[SharedList], paper_id: int, on: set[int], **options: Any) -> None:
        """Several may stand on one page, so their ids differ by paper. `on`: the lists that have it."""
        options["initial"] = {"lists": [str(pk) for pk in on], "was": [str(pk) for pk in on]}
        super().__init__(*args, **{"label_suffix": "", "auto_id": f"lists-{paper_id}-%s", **options})
        choices = [(str(one.pk), one.name) for one in lists]
        for name in ("lists", "was"):
            self.fields[name].choices = choices  # type: ignore[attr-defined]  # a MultipleChoiceField

    def coming(self) -> list[int]:
        """Lists that were ticked since the form was shown: what others did meanwhile stays."""
        return [int(pk) for pk in self.cleaned_data["lists"] if pk not in self.cleaned_data["was"]]

    def going(self) -> list[int]:
        """Lists whose tick was taken away."""
        return [int(pk) for pk in self.cleaned_data["was"] if pk not in self.cleaned_data["lists"]]
