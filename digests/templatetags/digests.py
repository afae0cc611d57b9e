"""What pages of other apps ask of mail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django import template

from digests.schedule import FREQUENCIES
from digests.services.mail_setup import MailSetup, current_mail_setup
from digests.services.preferences import list_frequency
from papers.models import SharedList, User

register = template.Library()


class ListMail(NamedTuple):
    """How often a list may be mailed, and how often it is."""

    frequencies: Sequence[str]
    often: str


@register.simple_tag
def get_list_mail(shared_list: SharedList, user: User) -> ListMail:
    """What a reader chose for a shared list. One query."""
    return ListMail(list(FREQUENCIES), list_frequency(user, shared_list))


@register.simple_tag
def get_mail_setup() -> MailSetup:
    """Whether mail works here; one cached read."""
    return current_mail_setup()
