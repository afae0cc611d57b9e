"""The digests app: subscribers and the mail they asked for."""

from django.apps import AppConfig


class DigestsConfig(AppConfig):
    name = "digests"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from digests.services.delivery_statistics import mail_figures, mail_queues
        from digests.services.health import troubles
        from digests.services.mail_export import export_mail
        from digests.services.merged_papers import TRACES, follow_merge
        from papers import hooks

        hooks.account_exported.follow(export_mail)
        hooks.papers_merged.follow(follow_merge)
        for table, condition in TRACES.items():
            hooks.merge_traces.follow(table, condition)
        hooks.troubles.follow(troubles)
        hooks.queues.follow(mail_queues)
        hooks.figures.follow(mail_figures)
