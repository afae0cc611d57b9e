"""The tables, each with its QuerySet above its model."""

from digests.models.channel import Channel, ChannelList, Notice
from digests.models.club_mail import ClubMail
from digests.models.delivery import Delivery, Fragment, MailDay, MergedPaper
from digests.models.mail_keys import FormerKey
from digests.models.send_limits import RateLimitBucket, SendingPause
from digests.models.signup import MailTest, SignUp
from digests.models.subscriber import Schedule, Subscriber, Subscription, Suppression

__all__ = [
    "Channel",
    "ChannelList",
    "ClubMail",
    "Delivery",
    "FormerKey",
    "Fragment",
    "MailDay",
    "MailTest",
    "MergedPaper",
    "Notice",
    "RateLimitBucket",
    "Schedule",
    "SendingPause",
    "SignUp",
    "Subscriber",
    "Subscription",
    "Suppression",
]
