"""What pages of other apps ask of mail."""

from __future__ import annotations

from django import template

from digests.services.mail_setup import Mail, current_mail

register = template.Library()


@register.simple_tag
def mail_here() -> Mail:
    """Whether mail works here; one cached read."""
    return current_mail()
