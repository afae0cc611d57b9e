"""What is counted so that nobody guesses a password, and no mailbox is filled by strangers."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class AttemptCount(models.Model):
    """How often something was tried of late that a limit holds for. Kept here, not in the cache, which may be lost."""

    # A digest of the limit's name and of who tries: addresses of people are nothing to keep.
    key_digest = models.CharField(max_length=64, primary_key=True)
    attempts = models.PositiveIntegerField()
    ends_at = models.DateTimeField(help_text="When counting begins anew.")

    class Meta:
        indexes = [models.Index(fields=["ends_at"], name="attempt_count_old")]

    def __str__(self) -> str:
        return f"{self.attempts} until {self.ends_at}"


class MailAllowance(models.Model):
    """When the forms that ask nobody to sign in last sent mail to one mailbox."""

    # A digest with the site's key: the table tells nobody whose address was typed here.
    mailbox_digest = models.CharField(max_length=64, primary_key=True)
    sent_at = ArrayField(models.DateTimeField())
    last_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["last_at"], name="mail_allowance_old")]

    def __str__(self) -> str:
        return f"{len(self.sent_at)} mails"
