"""The shape of what people type: signing in, a password of one's own, the first-run page, a reader's own words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from papers.catalogue.categories import CategoryArchive, CategoryGroup, aliases_of, expand_pattern, taxonomy
from papers.models import LibraryItem, Paper, Role, Topic, User
from papers.models.email_fields import AddressFormField
from papers.models.topic import DEFAULT_CLOSENESS
from papers.query.parser import parse
from papers.services.reading.comments import MAX_COMMENT_LENGTH
from papers.services.reading.library import MAX_NOTE_LENGTH
from papers.services.reading.tags import TagError, parse_tag_name, parse_tag_names
from papers.services.topics.topic_editor import TopicDraft
from papers.text.cleaning import safe_text

MAX_SELECTED_PAPERS = 500
"""Papers ticked at once; no page shows more."""

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _ProfileForm = forms.ModelForm[User]
else:
    _ProfileForm = forms.ModelForm


class SignInForm(AuthenticationForm):
    """E-mail address and password. Its error is the same whatever was wrong, so it tells nobody who has an account."""

    error_messages = {
        "invalid_login": "This address and password don't belong together. Mind upper and lower case in the password.",
        "inactive": "This address and password don't belong together. Mind upper and lower case in the password.",
    }

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        self.fields["username"].label = "E-mail address"
        self.fields["username"].widget = forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
        self.fields["password"].label = "Password"


class InvitationForm(forms.Form):
    """Whom to invite."""

    email = AddressFormField(
        label="E-mail address",
        required=False,
        max_length=254,
        help_text="Empty: the link is for whoever has it.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.TypedChoiceField(label="They come as a", coerce=Role, required=False, empty_value=Role.READER)

    def __init__(self, *args: Any, roles: Sequence[Role], **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        self.fields["role"].choices = [(role.value, role.label) for role in roles]  # type: ignore[attr-defined]
        if len(roles) == 1:
            del self.fields["role"]


class ProfileForm(_ProfileForm):
    """What others see of a reader, and the clock that pages go by."""

    class Meta:
        model = User
        fields = ("username", "time_zone")
        widgets = {
            "username": forms.TextInput(attrs={"autocomplete": "nickname"}),
            "time_zone": forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
        }
        labels = {"username": "Name shown to others", "time_zone": "Time zone"}

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        self.fields["time_zone"].help_text = "Type a city. Empty: the group’s."

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError("This name is taken.")
        return name

    def clean_time_zone(self) -> str:
        typed = str(self.cleaned_data["time_zone"]).strip()
        return find_time_zone(typed) if typed else ""


class DeleteAccountForm(forms.Form):
    """The end of an account, said twice."""

    username = forms.CharField(label="Your name here", max_length=30, widget=forms.TextInput({"autocomplete": "off"}))

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        self.user = user
        self.fields["username"].help_text = f"Type {user.username} to show that you mean it."

    def clean_username(self) -> str:
        typed = str(self.cleaned_data["username"])
        if typed.strip().casefold() != self.user.username.casefold():
            raise ValidationError("This is not your name here.")
        return typed


@cache
def time_zones() -> tuple[str, ...]:
    """Names to choose from: UTC first, then the cities of each region. Old aliases such as `GB` are left out."""
    regions = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
    return ("UTC", *sorted(name for name in available_timezones() if name.startswith(tuple(f"{r}/" for r in regions))))


def find_time_zone(typed: str) -> str:
    """The name as `zoneinfo` writes it. Spaces and case don't matter, and a city will do.

    Raises:
        ValidationError: there is none, or more than one.
    """
    wanted = typed.strip().replace(" ", "_").lower()
    found = [name for name in available_timezones() if name.lower() == wanted]
    found = found or [name for name in time_zones() if name.lower().endswith(f"/{wanted}")]
    if len(found) != 1:
        raise ValidationError("There is no such time zone. Names look like Europe/Berlin, America/New_York or UTC.")
    return found[0]


@dataclass(frozen=True, slots=True)
class CategoryOption:
    """One category in the picker."""

    code: str
    name: str
    description: str
    aliases: tuple[str, ...]
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ArchiveOptions:
    """An archive in the picker, with its categories that take new papers."""

    name: str
    options: tuple[CategoryOption, ...]


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """A branch of science in the picker."""

    name: str
    archives: tuple[ArchiveOptions, ...]

    @property
    def options(self) -> tuple[CategoryOption, ...]:
        return tuple(option for archive in self.archives for option in archive.options)

    @property
    def chosen_count(self) -> int:
        return sum(option.is_chosen for option in self.options)


def category_choices() -> list[tuple[str, str]]:
    """The categories that take new papers, as a field's choices."""
    return [(option.code, option.name) for group in category_groups(()) for option in group.options]


def category_groups(chosen: Collection[str]) -> list[GroupOptions]:
    """The picker, in arXiv's order; of physics, the archives of a single category come together at the end."""
    return [_group_options(group, chosen) for group in taxonomy()]


def _group_options(group: CategoryGroup, chosen: Collection[str]) -> GroupOptions:
    archives = [ArchiveOptions(archive.name, _options(archive, chosen)) for archive in group.archives]
    if len(archives) == 1:
        return GroupOptions(group.name, tuple(archives))
    large = [archive for archive in archives if len(archive.options) > 1]
    small = tuple(option for archive in archives if len(archive.options) == 1 for option in archive.options)
    return GroupOptions(group.name, (*large, ArchiveOptions("Archives of their own", small)))


def _options(archive: CategoryArchive, chosen: Collection[str]) -> tuple[CategoryOption, ...]:
    return tuple(
        CategoryOption(
            code=category.code,
            name=category.name,
            description=category.description,
            aliases=aliases_of(category.code),
            is_chosen=category.code in chosen,
        )
        for category in archive.categories
        if category.is_active
    )


class SetupForm(forms.Form):
    """The first-run page. What the environment says is shown and can't be changed: such fields are disabled."""

    group_name = forms.CharField(
        label="Name of your group",
        max_length=120,
        required=False,
        help_text="Shown on top of every edition.",
        widget=forms.TextInput(attrs={"autocomplete": "organization", "placeholder": "Language Lab"}),
    )
    time_zone = forms.CharField(
        label="Time zone",
        max_length=64,
        help_text="Type a city. Times are shown in it, and the day changes with it.",
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
    )
    categories = forms.MultipleChoiceField(
        label="arXiv categories",
        required=False,
        choices=category_choices,
        help_text="All that arXiv announces in them, as new or cross-listed, is on the day’s page.",
    )
    huggingface = forms.BooleanField(label="Show Hugging Face's daily papers too", required=False)
    access = forms.ChoiceField(
        label="Who may read",
        choices=[("public", "Anyone who has the address"), ("members", "Members only: those who sign in")],
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, fixed: Mapping[str, str], **options: Any) -> None:
        """`fixed`: field → the variable of the environment that decides it."""
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)
        self.fixed = dict(fixed)
        for name in fixed:
            self.fields[name].disabled = True

    def clean_time_zone(self) -> str:
        """The name as `zoneinfo` writes it. Spaces and case don't matter, and a city will do."""
        return find_time_zone(str(self.cleaned_data["time_zone"]))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "categories" not in self.errors and not cleaned.get("categories") and not cleaned.get("huggingface"):
            self.add_error("categories", "Choose at least one category, or turn on Hugging Face's daily papers.")
        return cleaned

    def groups(self) -> list[GroupOptions]:
        """The picker, with what is chosen at the moment."""
        return category_groups(set(self["categories"].value() or ()))

    def chosen_categories(self) -> list[str]:
        """What is chosen at the moment, by code."""
        return sorted(self["categories"].value() or (), key=str.lower)


class TagsField(forms.CharField):
    """Tags in one line, separated by commas; cleaned, a list of names."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"required": False, "max_length": 1_000, "label": "Tags", **options})
        self.widget.attrs |= {"autocomplete": "off", "list": "own-tags", "placeholder": "separated by commas"}

    def clean(self, value: Any) -> list[str]:
        try:
            return parse_tag_names(super().clean(value))
        except TagError as error:
            raise ValidationError(str(error)) from error


class AnnotationsForm(forms.Form):
    """What a reader keeps of a paper."""

    state = forms.ChoiceField(
        label="On my list",
        required=False,
        choices=[("", "no"), *LibraryItem.State.choices],
        widget=forms.RadioSelect,
    )
    tags = TagsField()
    note = forms.CharField(required=False, max_length=MAX_NOTE_LENGTH, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, paper: Paper, **options: Any) -> None:
        """Several may stand on one page, so their ids differ by paper."""
        super().__init__(*args, **{"label_suffix": "", "auto_id": f"mine-{paper.pk}-%s", **options})
        self.datalist = self.fields["tags"].widget.attrs["list"] = f"own-tags-{paper.pk}"


class BulkActionForm(forms.Form):
    """What to do with the papers that are ticked."""

    state = forms.ChoiceField(
        label="Move to",
        required=False,
        choices=[("", "leave as it is"), *LibraryItem.State.choices, ("none", "off my list")],
    )
    tags = TagsField(label="Add tags")
    off = TagsField(label="Take tags off")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", "auto_id": "bulk-%s", **options})

    def papers(self) -> list[int]:
        """The keys of the papers that are ticked; what is no key is left out."""
        given = self.data.getlist("paper")  # type: ignore[attr-defined]  # a QueryDict
        return [
            int(value)
            for value in given[:MAX_SELECTED_PAPERS]
            if value.isascii() and value.isdigit() and len(value) < 19
        ]


class SubmitForm(forms.Form):
    """A paper that a reader names, and what to do with it in the same step."""

    given = forms.CharField(
        label="arXiv id, DOI or address",
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        help_text="Such as 2401.01234, 10.1000/xyz, or the address of a paper’s page.",
    )
    saves_to_library = forms.BooleanField(label="Save it to my library, to read", required=False)
    tags = TagsField(label="My tags for it")
    only = forms.BooleanField(required=False, widget=forms.HiddenInput)
    """Fetch it without putting it on an edition."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})


class TagForm(forms.Form):
    """A tag's name, and whether the group sees it."""

    name = forms.CharField(max_length=200)
    is_shared = forms.BooleanField(label="Share it with the group", required=False)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})

    def clean_name(self) -> str:
        try:
            return parse_tag_name(self.cleaned_data["name"])
        except TagError as error:
            raise ValidationError(str(error)) from error


if TYPE_CHECKING:  # Django's class takes a type argument only in its stubs
    _ReaderForm = forms.ModelForm[User]
else:
    _ReaderForm = forms.ModelForm


class ReadingPreferencesForm(_ReaderForm):
    """How a reader reads."""

    class Meta:
        model = User
        fields = ["votes_unnamed", "hides_seen", "uses_shortcuts", "mails_mentions"]
        labels = {
            "votes_unnamed": "Vote without my name",
            "hides_seen": "Hide what I have seen",
            "uses_shortcuts": "Use single keys",
            "mails_mentions": "Mail me when I am named in a comment",
        }
        help_texts = {
            "votes_unnamed": "Holds for new votes. Members see who voted; visitors see numbers alone.",
            "hides_seen": "Lists leave out papers that you opened, voted for, saved, put aside or were done with.",
            "uses_shortcuts": "j, k, v, s and so on; ? shows them all. Turn them off if they are in the way.",
            "mails_mentions": "To your confirmed address, some minutes later; not if you have read it here by then.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})


class CommentForm(forms.Form):
    """A comment, in Markdown."""

    body = forms.CharField(
        label="Comment",
        max_length=MAX_COMMENT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": "Write something first."},
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", "auto_id": "comment-%s", **options})

    def clean_body(self) -> str:
        body = safe_text(self.cleaned_data["body"]).strip()
        if not body:
            raise ValidationError("Write something first.")
        return body


class CommentReportForm(forms.Form):
    """Why a comment should not stand."""

    reason = forms.CharField(
        label="What is wrong with it?",
        required=False,
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})


class TopicForm(forms.Form):
    """A topic's wording. What it asks is judged by the service, which knows the papers."""

    name = forms.CharField(label="Name", max_length=120, widget=forms.TextInput({"autocomplete": "off"}))
    query = forms.CharField(
        label="Search",
        max_length=4000,
        required=False,
        help_text="As in the search box. With an example, such as like:2401.00001, also by meaning.",
        widget=forms.Textarea({"rows": 3, "spellcheck": "false"}),
    )
    categories = forms.CharField(
        label="Only in these arXiv categories",
        max_length=400,
        required=False,
        help_text="Such as cs.CL, cs.*. Empty: in all.",
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )
    closeness = forms.FloatField(
        label="How close to an example",
        min_value=0.1,
        max_value=0.99,
        required=False,
        help_text="Counts only where the search names examples. 0.4 lets much in, 0.7 little.",
        widget=forms.NumberInput({"step": "0.01"}),
    )
    for_all = forms.BooleanField(label="For all readers", required=False)

    def __init__(self, *args: Any, viewer: User, is_new: bool = True, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        options["initial"] = {"closeness": DEFAULT_CLOSENESS} | options.get("initial", {})
        super().__init__(*args, **options)
        if not (is_new and viewer.may_curate):
            del self.fields["for_all"]

    @staticmethod
    def initial_of(topic: Topic) -> dict[str, Any]:
        return {
            "name": topic.name,
            "query": topic.query,
            "categories": ", ".join(topic.categories),
            "closeness": round(topic.closeness, 2),
        }

    def clean_name(self) -> str:
        return safe_text(str(self.cleaned_data["name"]))

    def clean_query(self) -> str:
        return " ".join(safe_text(str(self.cleaned_data["query"])).split())

    def clean_categories(self) -> tuple[str, ...]:
        patterns = [pattern for pattern in re.split(r"[,;\s]+", str(self.cleaned_data["categories"])) if pattern]
        if unknown := [pattern for pattern in patterns if not expand_pattern(pattern)]:
            raise ValidationError(f"arXiv has no category {unknown[0][:40]}. They look like cs.CL or cs.*.")
        return tuple(dict.fromkeys(patterns))

    def wording(self) -> TopicDraft:
        """What was typed, once it is valid."""
        found = self.cleaned_data
        return TopicDraft(
            name=found.get("name", ""),
            query=found.get("query", ""),
            categories=found.get("categories", ()),
            closeness=found.get("closeness"),
        )

    def preview_wording(self) -> TopicDraft:
        """What can be tried of it: it needs no name yet."""
        if self.is_bound:
            self.is_valid()
            return self.wording()
        return TopicDraft(
            name="",
            query=safe_text(self.initial.get("query", "")),
            categories=tuple(pattern for pattern in self.initial.get("categories", "").split(", ") if pattern),
            closeness=self.initial.get("closeness"),
        )

    def problems(self) -> tuple[str, ...]:
        """What of the search was not understood."""
        return parse(self.preview_wording().query).problems
