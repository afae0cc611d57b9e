"""The papers app: everything about papers, from fetching to pages."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.core.mail import message

from papers.text.mailboxes import ascii_domain


class PapersConfig(AppConfig):
    name = "papers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from papers import hooks
        from papers.accounts import security_signals
        from papers.web import visitor_acts
        from papers.web.page_cache import invalidate_page_cache

        security_signals.connect()
        visitor_acts.connect()
        hooks.lists_changed.register(invalidate_page_cache)
        # All mail goes to the domain that was meant, by whichever backend it is sent: Django writes domains by Python's
        # codec, IDNA 2003, with which `straße.example` is the name of somebody else.
        message.punycode = _punycode  # type: ignore[attr-defined]  # the stubs don't know what it imports


def _punycode(domain: str) -> str:
    return ascii_domain(domain) if domain else domain


class SecondFactorAdminConfig(AdminConfig):
    """Django's admin behind our second factor."""

    default_site = "papers.admin_site.SecondFactorAdminSite"
    default = False
