"""Where Django keeps its messages, which a page shows once: in a cookie with a name of ours, else in the session."""

from __future__ import annotations

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpRequest, HttpResponse

WITHOUT_UNDO = "-"
"""The extra tag of a message about an act that can't be undone. Of others it is the token that undoes it; messages
without an extra tag are not about an act."""


class MessageCookieStorage(CookieStorage):
    """Django's cookie, whose name and path it leaves no setting for."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.cookie_name = f"{settings.SITE.cookie_prefix}broadsheet_notes"

    def _update_cookie(self, encoded_data: str, response: HttpResponse) -> None:
        super()._update_cookie(encoded_data, response)  # type: ignore[misc]
        if self.cookie_name in response.cookies:
            response.cookies[self.cookie_name]["path"] = settings.SESSION_COOKIE_PATH


class MessageStorage(FallbackStorage):
    """In the cookie; what does not fit there, in the session."""

    storage_classes = (MessageCookieStorage, SessionStorage)
