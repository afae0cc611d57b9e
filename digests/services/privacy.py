"""What /privacy says of mail and of channels."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from digests.models import Channel
from digests.models.delivery import DELIVERY_RETENTION
from digests.models.signup import UNCONFIRMED_RETENTION
from digests.services.notices import NOTICE_RETENTION
from papers.hooks import Kept, OutsideService

_BY_ADMINISTRATORS = "until an administrator deletes it"
_BY_ITS_OWNER = "until you press “Forget my address” in your e-mail preferences"


def mail_kept(_now: datetime) -> list[Kept]:
    """What is kept of mail, and how long."""
    return [
        Kept("Addresses that asked for e-mail and were not confirmed", UNCONFIRMED_RETENTION),
        Kept("Which e-mails you were sent, and which papers were in them", DELIVERY_RETENTION),
        Kept("Notices to curators", NOTICE_RETENTION),
        Kept("Which e-mails you subscribed to, when and how, with an account", None),
        Kept("The same for an address without an account, also after it has unsubscribed", None, _BY_ITS_OWNER),
        Kept("Addresses that want no e-mail, or refuse it, so that none is sent there", None, _BY_ADMINISTRATORS),
    ]


def channel_services(_now: datetime) -> list[OutsideService]:
    """The hosts that get notices for curators, each once; and that readers have webhooks. Two queries."""
    channels = Channel.objects.of_group().filter(is_enabled=True).exclude(kind=Channel.Kind.MAIL).order_by("pk")
    hosts = dict.fromkeys(_host(address) for address in channels.values_list("address", flat=True))
    found = [OutsideService(host, "notices for curators: the day’s papers, what waits and fails") for host in hosts]
    if Channel.objects.live().exclude(owner=None).exists():
        found.append(OutsideService("readers’ own webhooks", "new papers of the lists that each reader chose for one"))
    return found


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or "a webhook"
    except ValueError:
        return "a webhook"
