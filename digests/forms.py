"""The shape of what people type about mail: an address, what comes how often, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from digests.models import Schedule, Subscriber, Subscription
from digests.models.subscriber import MAX_PAPERS, Frequency
from papers.forms.fields import find_time_zone
from papers.models import Topic
from papers.models.email_fields import AddressFormField

_OFTEN = [("", "no mail"), *Frequency.choices]
_WEEKDAYS = list(enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")))
_HOURS = [(f"{hour:02}:{minute:02}", f"{hour:02}:{minute:02}") for hour in range(24) for minute in (0, 30)]
_SIZES = [(count, f"{count} papers") for count in (5, 10, 20, 30, MAX_PAPERS)]
_MONTH_DAYS = [*((day, str(day)) for day in range(1, 29)), (31, "last")]
_KINDS = {
    Subscription.Kind.TRENDING: ("Trending papers", "What readers vote for now."),
    Subscription.Kind.TOP: ("Most voted papers", "Of the day, week or month that has just ended."),
    Subscription.Kind.DAILY: ("Today’s edition", "Everything on the daily page since your last mail."),
    Subscription.Kind.FOR_YOU: ("For you", "The best new papers like those you vote for, save and tag."),
    Subscription.Kind.FOLLOWED: ("Who you follow", "New papers of the authors and organizations you follow."),
    Subscription.Kind.VERSIONS: ("New versions", "When a paper that you saved or tagged gets a new version."),
}
# What has a library, and who follows: nothing for an address alone.
_OF_AN_ACCOUNT = (Subscription.Kind.FOR_YOU, Subscription.Kind.FOLLOWED, Subscription.Kind.VERSIONS)
_TOPIC = "topic-"


class AddressForm(forms.Form):
    """The strip on top of lists: one address, and a field that only programs fill in."""

    email = AddressFormField(
        label="E-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "placeholder": "you@example.org"}),
    )
    website = forms.CharField(required=False, max_length=500)
    topic = forms.SlugField(required=False, max_length=80, widget=forms.HiddenInput())

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)


class AddressChangeForm(forms.Form):
    """Another address for a reader's mail."""

    email = AddressFormField(
        label="Another address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("label_suffix", "")
        super().__init__(*args, **options)


@dataclass(frozen=True, slots=True)
class ChosenPreferences:
    """What a reader wants: what comes how often, and when."""

    kinds: Mapping[str, Sequence[str]]
    """Frequency → kinds."""
    topics: Mapping[str, Sequence[int]]
    """Frequency → topics."""
    when: Mapping[str, Any]
    """As `save_schedule` takes it."""
    paused_until: date | None
    keeps_papers: bool


class PreferencesForm(forms.Form):
    """One line for each thing that can come by mail, and the hour for all of them."""

    local_time = forms.ChoiceField(label="At", choices=_HOURS)
    time_zone = forms.CharField(
        label="Time zone",
        max_length=64,
        widget=forms.TextInput(attrs={"list": "time-zones", "autocomplete": "off", "spellcheck": "false"}),
    )
    weekday = forms.TypedChoiceField(label="Weekly mail on", choices=_WEEKDAYS, coerce=int)
    month_day = forms.TypedChoiceField(label="Monthly mail on day", choices=_MONTH_DAYS, coerce=int)
    skips_weekends = forms.BooleanField(label="No daily mail on weekends; Monday’s brings the rest", required=False)
    max_papers = forms.TypedChoiceField(label="At most", choices=_SIZES, coerce=int)
    paused_until = forms.DateField(
        label="No mail before",
        required=False,
        help_text="Empty: no pause.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    keeps_papers = forms.BooleanField(label="Then bring the best of what came meanwhile", required=False, initial=True)

    def __init__(
        self, *args: Any, subscriber: Subscriber, topics: Iterable[Topic], today: date, time_zone: str, **options: Any
    ) -> None:
        """`topics`: those that can be chosen; `time_zone`: where the reader has none yet."""
        options.setdefault("label_suffix", "")
        schedules = list(subscriber.schedules.prefetch_related("subscriptions").order_by("pk"))
        options["initial"] = _initial(schedules, time_zone)
        super().__init__(*args, **options)
        self.today = today
        kinds = [kind for kind in _KINDS if kind not in _OF_AN_ACCOUNT or subscriber.user_id is not None]
        for kind in kinds:
            self.fields[kind] = _often(*_KINDS[kind])
        for topic in topics:
            self.fields[f"{_TOPIC}{topic.pk}"] = _often(topic.name, topic.description)

    def subjects(self) -> list[forms.BoundField]:
        """The lines for what can come, topics behind the rest."""
        return [self[name] for name in self.fields if name in _KINDS or name.startswith(_TOPIC)]

    def clean_time_zone(self) -> str:
        return find_time_zone(str(self.cleaned_data["time_zone"]))

    def clean_paused_until(self) -> date | None:
        """A day to come; one that has passed is no pause."""
        until: date | None = self.cleaned_data["paused_until"]
        if until is not None and (until - self.today).days > 366 * 2:
            raise ValidationError("That is more than two years away. Unsubscribe instead, or choose an earlier day.")
        return until if until is not None and until > self.today else None

    def chosen(self) -> ChosenPreferences:
        """What a valid form says."""
        said = self.cleaned_data
        kinds: dict[str, list[str]] = {}
        topics: dict[str, list[int]] = {}
        for name, often in said.items():
            if often and name in _KINDS:
                kinds.setdefault(often, []).append(name)
            elif often and name.startswith(_TOPIC):
                topics.setdefault(often, []).append(int(name.removeprefix(_TOPIC)))
        when = {name: said[name] for name in ("time_zone", "weekday", "month_day", "skips_weekends", "max_papers")}
        when["local_time"] = time.fromisoformat(said["local_time"])
        return ChosenPreferences(kinds, topics, when, said["paused_until"], said["keeps_papers"])


def _often(label: str, help_text: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, help_text=help_text, choices=_OFTEN, required=False)


def _initial(schedules: Sequence[Schedule], time_zone: str) -> dict[str, Any]:
    """What is chosen at the moment. Of hours that differ the first counts."""
    going = [schedule for schedule in schedules if schedule.ended_at is None]
    found: dict[str, Any] = {}
    for schedule in going:
        for one in schedule.subscriptions.all():
            name = one.kind if one.topic_id is None else f"{_TOPIC}{one.topic_id}"
            found.setdefault(name, schedule.frequency)
    model = next(iter([*going, *schedules]), None) or Schedule(time_zone=time_zone)
    day = next((one.month_day for one in going if one.frequency == Frequency.MONTHLY), model.month_day)
    weekday = next((one.weekday for one in going if one.frequency == Frequency.WEEKLY), model.weekday)
    daily = next((one for one in going if one.frequency == Frequency.DAILY), model)
    return {
        **found,
        "local_time": f"{model.local_time:%H}:{'30' if model.local_time.minute >= 30 else '00'}",
        "time_zone": model.time_zone,
        "weekday": weekday,
        "month_day": day if day <= 28 else 31,
        "skips_weekends": daily.skips_weekends,
        "max_papers": min((size for size, _ in _SIZES), key=lambda size: abs(size - model.max_papers)),
        "paused_until": model.paused_until,
        "keeps_papers": True,
    }
