"""The tables, each with its QuerySet above its model."""

from digests.models.channel import Channel, Notice
from digests.models.delivery import Delivery, Fragment, MailDay, MergedPaper
from digests.models.send_limits import Allowance, Brake
from digests.models.signup import MailTrial, SignUp
from digests.models.subscriber import Schedule, Subscriber, Subscription, Suppression

__all__ = [
    "Allowance",
    "Brake",
    "Channel",
    "Delivery",
    "Fragment",
    "MailDay",
    "MailTrial",
    "MergedPaper",
    "Notice",
    "Schedule",
    "SignUp",
    "Subscriber",
    "Subscription",
    "Suppression",
]
