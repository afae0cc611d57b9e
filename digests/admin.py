"""The admin: readers' subscriptions and the mail on its way. To look at; what writes it is in `digests.services`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.db.models.functions import Lower

from digests.models import Delivery, Schedule, SendingPause, Subscriber, Subscription, Suppression
from papers.admin import BoundedListMixin, ExactSearchMixin, ReadOnlyMixin

if TYPE_CHECKING:  # Django's classes take type arguments only in its stubs
    _SubscriberAdmin = admin.ModelAdmin[Subscriber]
    _ScheduleAdmin = admin.ModelAdmin[Schedule]
    _DeliveryAdmin = admin.ModelAdmin[Delivery]
    _SuppressionAdmin = admin.ModelAdmin[Suppression]
    _BrakeAdmin = admin.ModelAdmin[SendingPause]
    _ScheduleInline = admin.TabularInline[Schedule, Subscriber]
    _SubscriptionInline = admin.TabularInline[Subscription, Schedule]
else:
    _SubscriberAdmin = _ScheduleAdmin = _DeliveryAdmin = _SuppressionAdmin = _BrakeAdmin = admin.ModelAdmin
    _ScheduleInline = _SubscriptionInline = admin.TabularInline

# What a reader's keys are found by and derived from: of use to nobody who looks at them.
_KEYS = ("key_digest", "key_nonce")


def _subscribers(words: str) -> QuerySet[Subscriber]:
    return Subscriber.objects.annotate(lower=Lower("email")).filter(lower=words.lower())


class _AddressSearch(ExactSearchMixin):
    """A search by a whole address, along the index of addresses."""

    search_help_text: Any = "An e-mail address, whole."

    def exact_matches(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        return rows.filter(subscriber__in=_subscribers(words))


class ScheduleInline(ReadOnlyMixin, _ScheduleInline):
    model = Schedule
    extra = 0
    can_delete = False
    show_change_link = True
    fields = ("frequency", "local_time", "time_zone", "max_papers", "next_due_at", "paused_until", "ended_at")


class SubscriptionInline(ReadOnlyMixin, _SubscriptionInline):
    model = Subscription
    extra = 0
    can_delete = False
    exclude = _KEYS


@admin.register(Subscriber)
class SubscriberAdmin(_AddressSearch, ReadOnlyMixin, _SubscriberAdmin):
    list_display = ("email", "user", "confirmed_at", "created_at")
    list_filter = (("confirmed_at", admin.EmptyFieldListFilter),)
    list_select_related = ("user",)
    ordering = ("-pk",)
    exclude = _KEYS
    inlines = (ScheduleInline,)

    def exact_matches(self, rows: QuerySet[Any], words: str) -> QuerySet[Any]:
        return rows.filter(pk__in=_subscribers(words))


@admin.register(Schedule)
class ScheduleAdmin(_AddressSearch, ReadOnlyMixin, _ScheduleAdmin):
    list_display = ("subscriber", "frequency", "local_time", "time_zone", "next_due_at", "paused_until", "ended_at")
    list_filter = ("frequency", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("subscriber",)
    ordering = ("-pk",)
    exclude = _KEYS
    inlines = (SubscriptionInline,)


@admin.register(Delivery)
class DeliveryAdmin(_AddressSearch, ReadOnlyMixin, _DeliveryAdmin):
    list_display = ("pk", "subscriber", "period_on", "due_at", "state", "paper_count", "attempts", "sent_at", "reason")
    list_filter = ("state",)
    list_select_related = ("subscriber",)
    ordering = ("-pk",)
    exclude = ("key_digest", "content_spec", "owner")

    @admin.display(description="papers")
    def paper_count(self, delivery: Delivery) -> int:
        return len(delivery.paper_ids)


@admin.register(Suppression)
class SuppressionAdmin(BoundedListMixin, _SuppressionAdmin):
    """Who lifts one by deleting it must have been asked to by the person whose address it is."""

    list_display = ("address", "reason", "created_at", "detail")
    list_filter = ("reason",)
    search_fields = ("address",)
    readonly_fields = ("created_at",)
    ordering = ("-pk",)

    def has_change_permission(self, request: object, obj: models.Model | None = None) -> bool:
        return False


@admin.register(SendingPause)
class SendingPauseAdmin(ReadOnlyMixin, _BrakeAdmin):
    list_display = ("__str__", "until", "reason")
