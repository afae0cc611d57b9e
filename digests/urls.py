"""The addresses of mail: subscribing, leaving, a mail as a page, and setting mail up. Those in mails are for ever."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter

from digests.views import (
    channels,
    list_mail,
    mail_page,
    mail_setup,
    outbox,
    paper_link,
    preferences,
    subscribe,
    subscription,
    unsubscribe,
    webhooks,
)


class KeyConverter:
    """What a key may look like; anything else is no address of ours."""

    regex = "[A-Za-z0-9_-]{1,64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(KeyConverter, "key")
app_name = "digests"
urlpatterns: list[URLPattern] = [
    path("subscribe", subscribe.subscribe, name="subscribe"),
    path("subscribe/confirm/<str:token>", subscribe.confirm_address, name="confirm"),
    path("subscriptions", preferences.subscriptions, name="subscriptions"),
    path("subscriptions/move", preferences.move, name="move"),
    path("subscriptions/sent", preferences.my_sent, name="my-sent"),
    path("subscriptions/of/<row:pk>", subscription.own_subscription, name="own-subscription"),
    path("subscriptions/weekly", subscription.own_weekly, name="own-weekly"),
    path("subscriptions/<key:key>", preferences.preferences, name="preferences"),
    path("subscriptions/<key:key>/sent", preferences.sent, name="sent"),
    path("subscriptions/<key:key>/forget", preferences.forget, name="forget"),
    path("subscriptions/<key:key>/unfollow", preferences.unfollow, name="unfollow"),
    path("subscriptions/<key:key>/of/<row:pk>", subscription.subscription, name="subscription"),
    path("subscriptions/<key:key>/weekly", subscription.weekly, name="weekly"),
    path("s/<key:key>/<int:paper_id>", paper_link.save, name="save"),
    path("s/<key:key>/<int:paper_id>/vote", paper_link.vote, name="vote"),
    path("s/<key:key>/<int:paper_id>/seen", paper_link.seen, name="seen"),
    path("s/<key:key>/<int:paper_id>/more", paper_link.more, name="more"),
    path("s/<key:key>/<int:paper_id>/less", paper_link.less, name="less"),
    path("u/<str:key>", unsubscribe.unsubscribe, name="unsubscribe"),
    path("mail/<key:key>", mail_page.mail, name="mail"),
    path("mail/<key:key>/more", mail_page.more, name="mail-more"),
    path("mail/<key:key>/below", mail_page.below, name="mail-below"),
    path("setup/mail", mail_setup.mail_setup, name="mail-setup"),
    path("setup/mail/test", mail_setup.send_test_message, name="mail-test"),
    path("setup/mail/resume", mail_setup.resume, name="mail-resume"),
    path("curate/channels", channels.channels, name="channels"),
    path("curate/channels/new", channels.new_channel, name="channel-new"),
    path("curate/channels/<int:pk>", channels.edit_channel, name="channel-edit"),
    path("curate/channels/<int:pk>/test", channels.test_channel, name="channel-test"),
    path("curate/channels/<int:pk>/remove", channels.remove_channel, name="channel-remove"),
    path("curate/notices/<int:pk>/again", channels.repeat_notice, name="notice-repeat"),
    path("account/webhooks", webhooks.webhooks, name="webhooks"),
    path("account/webhooks/new", webhooks.new_webhook, name="webhook-new"),
    path("account/webhooks/<row:pk>", webhooks.edit_webhook, name="webhook-edit"),
    path("account/webhooks/<row:pk>/test", webhooks.test_webhook, name="webhook-test"),
    path("account/webhooks/<row:pk>/remove", webhooks.remove_webhook, name="webhook-remove"),
    path("account/webhooks/deliveries/<row:pk>/again", webhooks.repeat_delivery, name="webhook-repeat"),
    path("lists/<slug:slug>/mail", list_mail.subscribe_list, name="list-mail"),
    path("outbox", outbox.outbox, name="outbox"),
    path("outbox/<str:name>", outbox.outbox_mail, name="outbox-mail"),
    path("outbox/<str:name>/source", outbox.outbox_mail_source, name="outbox-mail-source"),
    path("outbox/<str:name>/html", outbox.outbox_mail_html, name="outbox-mail-html"),
]
