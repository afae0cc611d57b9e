"""What a mail server's answer means: for this mail, for its address, or for all of ours. Pure.

Refusals are read by their enhanced status (RFC 3463), because the number alone doesn't say whose fault it is: Gmail
answers 550 5.7.26 when the *sender's* SPF or DKIM fails, and taking that for a missing mailbox would strike off every
reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")
# Status codes of the class 5 by what they are about. The first two numbers stand for all that are not listed whole.
_GONE = {"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}
_SENDER = {"5.1.7", "5.1.8"}
_FULL_OR_PASSING = ("5.2.2", "5.3.0", "5.3.1", "5.3.2", "5.3.5", "5.4.", "5.5.")
# 5.7 is policy, and mostly about who sends. These are about one mailbox: mailing lists, changed owners (RFC 7293), and
# Exchange's restrictions of single recipients.
_MAILBOX_POLICY = re.compile(r"5\.7\.(?:2|17|18|12\d|13[0-6])")
_RELAY = re.compile(r"relay", re.I)


class SmtpStep(StrEnum):
    """At which step the server answered."""

    CONNECT = "connect"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    END_OF_DATA = "the end of the mail"


class SmtpOutcome(StrEnum):
    """What an answer means for a mail, and for those behind it."""

    SENT = "sent"
    RETRY = "retry"
    PAUSE_DOMAIN = "pause the domain"
    """Try again later, and leave this domain alone meanwhile."""
    REFUSED = "refused"
    """This mail is not wanted; the next one may be."""
    GONE = "gone"
    """There is no such mailbox: nothing is sent there any more."""
    STOP = "stop"
    """Our own fault: it would be the same with every mail."""


@dataclass(frozen=True, slots=True)
class SmtpReply:
    """What a server answered: three digits and a text (RFC 5321, 4.2)."""

    code: int
    text: str = ""

    @property
    def enhanced(self) -> str:
        """Such as 5.1.1; empty where the server gave none."""
        found = _ENHANCED.match(self.text)
        return found[1] if found else ""

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()[:500]


def classify_reply(reply: SmtpReply, step: SmtpStep) -> SmtpOutcome:
    """What to do after the answer at `step`."""
    if reply.code // 100 in (2, 3):
        return SmtpOutcome.SENT
    if reply.code // 100 != 5:
        is_about_domain = step is SmtpStep.RCPT and (reply.code == 421 or reply.enhanced.startswith("4.7."))
        return SmtpOutcome.PAUSE_DOMAIN if is_about_domain else SmtpOutcome.RETRY
    enhanced = reply.enhanced
    # 530, 534, 535, 538: it wants to know who we are. What is refused before the reader is named is about us.
    if reply.code in (530, 534, 535, 538) or (
        step in (SmtpStep.CONNECT, SmtpStep.MAIL) and not enhanced.startswith("5.3.4")
    ):
        return SmtpOutcome.STOP
    return _judge_enhanced(enhanced, step) if enhanced else _judge_code(reply, step)


def _judge_enhanced(enhanced: str, step: SmtpStep) -> SmtpOutcome:
    if enhanced in _SENDER:
        return SmtpOutcome.STOP
    if enhanced in _GONE:
        return SmtpOutcome.GONE
    if enhanced.startswith("5.7."):
        return SmtpOutcome.REFUSED if _MAILBOX_POLICY.fullmatch(enhanced) else SmtpOutcome.STOP
    return SmtpOutcome.RETRY if enhanced.startswith(_FULL_OR_PASSING) else SmtpOutcome.REFUSED


def _judge_code(reply: SmtpReply, step: SmtpStep) -> SmtpOutcome:
    if _RELAY.search(reply.text):
        return SmtpOutcome.STOP
    if step is SmtpStep.RCPT and reply.code in (550, 551, 553):
        return SmtpOutcome.GONE
    return SmtpOutcome.RETRY if step is SmtpStep.RCPT and reply.code == 552 else SmtpOutcome.REFUSED
