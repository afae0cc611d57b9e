"""What pages of other apps ask of mail."""

from __future__ import annotations

from django import template

from digests.services.mail_setup import MailSetup, current_mail_setup

register = template.Library()


@register.simple_tag
def get_mail_setup() -> MailSetup:
    """Whether mail works here; one cached read."""
    return current_mail_setup()
