"""Forms of journal clubs: the club itself, one meeting's time and place, minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from papers.forms.fields import find_time_zone
from papers.models import Club, ClubMeeting
from papers.services.clubs.meetings import MOST_MINUTES, MeetingChange
from papers.text.cleaning import safe_text, typed_line

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _ClubModelForm = forms.ModelForm[Club]
else:
    _ClubModelForm = forms.ModelForm

_WEEKDAYS = list(enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")))
_TIME = {"type": "time"}
_DATE = {"type": "date"}


def _web_address(address: str) -> str:
    if address and not address.startswith(("https://", "http://")):
        raise ValidationError("Give an address that begins with https://.")
    return address


class ClubForm(_ClubModelForm):
    """A club: when and where it meets, who sees it, when people are reminded."""

    weekday = forms.TypedChoiceField(label="Day", choices=_WEEKDAYS, coerce=int)
    time_zone = forms.CharField(
        label="Time zone",
        max_length=64,
        help_text="Type a city. Meetings keep their time by its clock in summer and winter.",
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
    )
    link = forms.URLField(
        label="Link", required=False, max_length=500, assume_scheme="https", help_text="Of a video call, for example."
    )

    class Meta:
        model = Club
        fields = (
            "name", "description", "repeats", "weekday", "local_time", "duration", "time_zone", "starts_on", "place",
            "link", "reminder_hours", "is_private",
        )  # fmt: skip
        labels = {
            "name": "Name",
            "description": "Description",
            "repeats": "Meets",
            "local_time": "Time",
            "duration": "Length in minutes",
            "starts_on": "From",
            "place": "Place",
            "reminder_hours": "Hours before a meeting at which members are reminded by e-mail",
            "is_private": "Only members of this club can see it",
        }
        help_texts = {
            "description": "Markdown.",
            "duration": "",
            "starts_on": "The first possible day. Every second week is counted from it.",
            "reminder_hours": "",
            "is_private": "",
        }
        widgets = {
            "description": forms.Textarea(attrs={"rows": 4}),
            "local_time": forms.TimeInput(attrs=_TIME, format="%H:%M"),
            "starts_on": forms.DateInput(attrs=_DATE, format="%Y-%m-%d"),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)

    def clean_name(self) -> str:
        name = typed_line(str(self.cleaned_data["name"]))
        if not name:
            raise ValidationError("Enter a name.")
        return name

    def clean_place(self) -> str:
        return typed_line(str(self.cleaned_data["place"]))

    def clean_description(self) -> str:
        return safe_text(str(self.cleaned_data["description"])).strip()

    def clean_time_zone(self) -> str:
        return find_time_zone(str(self.cleaned_data["time_zone"]))

    def clean_link(self) -> str:
        return _web_address(str(self.cleaned_data["link"]))

    def columns(self) -> dict[str, Any]:
        """What was typed, as columns of `Club`; after it was found valid."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}


class MeetingForm(forms.Form):
    """When and where one meeting takes place instead."""

    on = forms.DateField(label="Day", widget=forms.DateInput(attrs=_DATE, format="%Y-%m-%d"))
    at = forms.TimeField(label="Time", widget=forms.TimeInput(attrs=_TIME, format="%H:%M"))
    duration = forms.IntegerField(label="Length in minutes", min_value=5, max_value=720)
    place = forms.CharField(label="Place", required=False, max_length=200)
    link = forms.URLField(label="Link", required=False, max_length=500, assume_scheme="https")
    note = forms.CharField(label="Note for those who come", required=False, max_length=500)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})

    @staticmethod
    def initial_of(meeting: ClubMeeting) -> dict[str, Any]:
        """The meeting as it is, by its club's clock."""
        minutes = int((meeting.ends_at - meeting.starts_at).total_seconds()) // 60
        return {
            "on": meeting.local_day,
            "at": meeting.local_start.time(),
            "duration": minutes,
            "place": meeting.place,
            "link": meeting.link,
            "note": meeting.note,
        }

    def clean_link(self) -> str:
        return _web_address(str(self.cleaned_data["link"]))

    def change(self) -> MeetingChange:
        """What was typed, after it was found valid."""
        said = self.cleaned_data
        return MeetingChange(
            on=said["on"], local_time=said["at"], duration=said["duration"], place=typed_line(said["place"]),
            link=said["link"], note=typed_line(said["note"]),
        )  # fmt: skip


class MinutesForm(forms.Form):
    """What was said and decided, in Markdown."""

    minutes = forms.CharField(
        label="Minutes",
        required=False,
        max_length=MOST_MINUTES,
        help_text="Markdown and $formulas$ are supported.",
        widget=forms.Textarea(attrs={"rows": 14}),
    )
    decisions = forms.CharField(
        label="Decisions",
        required=False,
        max_length=MOST_MINUTES,
        help_text="What the club agreed on, if anything.",
        widget=forms.Textarea(attrs={"rows": 5}),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **options})

    def clean_minutes(self) -> str:
        return safe_text(str(self.cleaned_data["minutes"])).strip()

    def clean_decisions(self) -> str:
        return safe_text(str(self.cleaned_data["decisions"])).strip()
