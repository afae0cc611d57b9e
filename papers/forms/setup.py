"""The first-run page: the group, its time zone, what it reads, who may read it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from papers.catalogue.categories import CategoryArchive, CategoryGroup, aliases_of, taxonomy
from papers.forms.fields import find_time_zone
from papers.text.cleaning import safe_text, typed_line


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
    return GroupOptions(group.name, (*large, ArchiveOptions("Other archives", small)))


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
        label="Group name",
        max_length=120,
        required=False,
        help_text="Shown at the top of every edition.",
        widget=forms.TextInput(attrs={"autocomplete": "organization", "placeholder": "Language Lab"}),
    )
    time_zone = forms.CharField(
        label="Time zone",
        max_length=64,
        help_text="Type a city. Used for times and for when a new day begins.",
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
    )
    categories = forms.MultipleChoiceField(
        label="arXiv categories",
        required=False,
        choices=category_choices,
        help_text="All new and cross-listed papers that arXiv announces in these categories are listed each day.",
    )
    huggingface = forms.BooleanField(label="Also show Hugging Face’s daily papers", required=False)
    access = forms.ChoiceField(
        label="Who can read",
        choices=[("public", "Anyone with the address"), ("members", "Members only (sign-in required)")],
        widget=forms.RadioSelect,
    )

    shows_thumbnails = forms.BooleanField(label="Show the first page of each paper as a small picture", required=False)
    privacy_text = forms.CharField(
        label="Privacy statement",
        max_length=10_000,
        required=False,
        help_text="Who runs this site and who to contact, in Markdown. Shown at the top of the privacy page.",
        widget=forms.Textarea(attrs={"rows": 5}),
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

    def clean_group_name(self) -> str:
        return typed_line(str(self.cleaned_data["group_name"]))

    def clean_privacy_text(self) -> str:
        return safe_text(str(self.cleaned_data["privacy_text"])).strip()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "categories" not in self.errors and not cleaned.get("categories") and not cleaned.get("huggingface"):
            self.add_error("categories", "Choose at least one category, or turn on Hugging Face’s daily papers.")
        return cleaned

    def groups(self) -> list[GroupOptions]:
        """The picker, with what is chosen at the moment."""
        return category_groups(set(self["categories"].value() or ()))

    def chosen_categories(self) -> list[str]:
        """What is chosen at the moment, by code."""
        return sorted(self["categories"].value() or (), key=str.lower)
