"""Mails of accounts that allauth does not send by itself."""

from __future__ import annotations

from allauth.account.adapter import get_adapter

from papers.models import User
from papers.services.accounts.mail_allowance import MailKind
from papers.web.http import Request


def send_invitation(request: Request, email: str, link: str, *, by: User) -> None:
    """Send an invitation's link; at most three a day go to one address."""
    context = {"invitation_url": link, "invited_by": by.username, "mail_kind": MailKind.INVITATION}
    get_adapter(request).send_mail("account/email/invitation", email, context)


def notify_password_changed(request: Request, user: User) -> None:
    """Tell the owner of an account that its password was changed, should it not have been them."""
    get_adapter(request).send_notification_mail("account/email/password_changed", user)
