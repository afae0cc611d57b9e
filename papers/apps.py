"""The papers app: everything about papers, from fetching to pages."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class PapersConfig(AppConfig):
    name = "papers"
    default_auto_field = "django.db.models.BigAutoField"


class SecondFactorAdminConfig(AdminConfig):
    """Django's admin, with a door of ours."""

    default_site = "papers.admin_site.SecondFactorSite"
    default = False
