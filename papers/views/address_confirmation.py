"""Confirming an address by the link of a mail: never for an account that a stranger has the password of.

Anybody can sign up with, or change to, somebody else's address; then its owner gets the mail. So the link alone
confirms only in the browser that signed up, or is signed in to the account.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.views import ConfirmEmailView
from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.http import Http404, HttpResponse

from papers.accounts.forms import OwnPasswordForm
from papers.accounts.identity import signed_up_here
from papers.accounts.security_signals import note_password
from papers.models import User


class _First(StrEnum):
    """What has to be done before the link confirms."""

    NOTHING = ""
    CHOOSE = "choose"
    SIGN_IN = "sign-in"


class ConfirmAddress(ConfirmEmailView):
    """allauth's page; opening it changes nothing. Its form may ask for a password, which is the account's from then."""

    def get(self, *_args: Any, **_kwargs: Any) -> HttpResponse:
        try:
            self.object = self.get_object()
        except Http404:
            self.object = None
        return self._show(OwnPasswordForm(user=self._user) if self.object else None)

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        first = self._first()
        if first is _First.SIGN_IN:
            return self._show()
        with transaction.atomic():
            if first is _First.CHOOSE:
                form = OwnPasswordForm(self.request.POST, user=self._user)
                if not form.is_valid():
                    return self._show(form)
                self._take_over(form.cleaned_data["password"])
            answer: HttpResponse = super().post(*args, **kwargs)
        return answer

    @property
    def _user(self) -> User:
        user: User = self.object.email_address.user
        return user

    def _first(self) -> _First:
        if self.request.user.pk == self._user.pk or signed_up_here(self.request, self._user):
            return _First.NOTHING
        is_change = EmailAddress.objects.filter(user=self._user, verified=True).exists()
        return _First.SIGN_IN if is_change else _First.CHOOSE

    def _take_over(self, password: str) -> None:
        """Leave the owner of the address, who alone reads the link, as the only one who can sign in."""
        if self._user.check_password(password):
            return
        self._user.set_password(password)
        self._user.save(update_fields=["password"])
        SocialAccount.objects.filter(user=self._user).delete()
        note_password(self.request, self._user)

    def _show(self, form: OwnPasswordForm | None = None) -> HttpResponse:
        first = self._first() if self.object else _First.NOTHING
        answer: HttpResponse = self.render_to_response(self.get_context_data(form=form, first=first.value))
        return answer


confirm_address = ConfirmAddress.as_view()
