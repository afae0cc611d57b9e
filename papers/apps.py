"""The papers app: everything about papers, from fetching to pages."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.core.mail import message

from papers.text.mailboxes import ascii_domain


class PapersConfig(AppConfig):
    name = "papers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have all mail go to the domain that was meant, whoever sends it and by whichever backend.

        Django writes domains by Python's codec, IDNA 2003, with which `straße.example` is the name of somebody else.
        """
        message.punycode = _domain  # type: ignore[attr-defined]  # the stubs don't tell what it imports


def _domain(domain: str) -> str:
    return ascii_domain(domain) if domain else domain


class SecondFactorAdminConfig(AdminConfig):
    """Django's admin, with a door of ours."""

    default_site = "papers.admin_site.SecondFactorAdminSite"
    default = False
