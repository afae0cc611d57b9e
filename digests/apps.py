"""The digests app: subscribers and the mail they asked for."""

from django.apps import AppConfig


class DigestsConfig(AppConfig):
    name = "digests"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from digests.services import outbox
        from digests.services.delivery_statistics import mail_charts, mail_queues
        from digests.services.health import mail_problems
        from digests.services.mail_export import export_mail
        from digests.services.merged_papers import UNDO_CONDITIONS, record_merges
        from digests.services.privacy import channel_services, mail_kept
        from papers import hooks

        hooks.account_exported.register(export_mail)
        hooks.papers_merged.register(record_merges)
        for table, condition in UNDO_CONDITIONS.items():
            hooks.merge_undo_tables.register(table, condition)
        hooks.waiting_columns += [column for column in outbox.WAITS if column not in hooks.waiting_columns]
        hooks.problems.register(mail_problems)
        hooks.privacy_kept.register(mail_kept)
        hooks.privacy_services.register(channel_services)
        hooks.statistics_queues.register(mail_queues)
        hooks.statistics_charts.register(mail_charts)
