"""Keys in mails are derived, and only their digests stored; those in mails that were sent before go on to work.

The column becomes what it holds the digest of in one rewrite of its table, which leaves no copy of the keys in it.
"""

import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


def to_digest(
    model: str, column: str, constraint: str, help_text: str, *, more: str = ""
) -> migrations.SeparateDatabaseAndState:
    table = f"digests_{model}"
    return migrations.SeparateDatabaseAndState(
        database_operations=[
            migrations.RunSQL(f"ALTER TABLE {table} RENAME COLUMN {column} TO key_digest"),
            migrations.RunSQL(
                f"ALTER TABLE {table} ALTER COLUMN key_digest TYPE bytea "
                f"USING sha256(convert_to(key_digest, 'UTF8')), ALTER COLUMN key_digest DROP NOT NULL{more}"
            ),
        ],
        state_operations=[
            migrations.RemoveConstraint(model, constraint),
            migrations.RemoveField(model, column),
            migrations.AddField(
                model,
                "key_digest",
                models.BinaryField(editable=False, help_text=help_text, max_length=32, null=True),
            ),
            migrations.AddConstraint(model, models.UniqueConstraint(fields=("key_digest",), name=constraint)),
        ],
    )


class Migration(migrations.Migration):
    dependencies = [("digests", "0002_encrypt_channels")]

    operations = [
        to_digest("subscriber", "key", "subscriber_key", "Of the key to the page of preferences."),
        to_digest("schedule", "unsub_key", "schedule_unsub_key", "Of the key in the one-click header."),
        to_digest("subscription", "unsub_key", "subscription_unsub_key", "Of the key in the mail's link to its end."),
        # What waiting mails were made of holds their keys, too: they are made anew.
        to_digest(
            "delivery", "key", "delivery_key", "Of the key to its page.",
            more=", ALTER COLUMN content_spec TYPE text USING ''",
        ),  # fmt: skip
        migrations.AlterField(
            "delivery",
            "content_spec",
            models.TextField(blank=True, help_text="Parts and words of the mail, as JSON, without its keys."),
        ),
        migrations.AddField(
            "subscriber",
            "key_nonce",
            models.UUIDField(
                db_default=django.contrib.postgres.functions.RandomUUID(),
                editable=False,
                help_text="Part of what the reader's keys are derived from.",
            ),
        ),
        migrations.CreateModel(
            name="FormerKey",
            fields=[
                ("digest", models.BinaryField(primary_key=True, serialize=False)),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("reader", "a reader's preferences and the way out of all mail"),
                            ("schedule", "the way out of one regular mail"),
                            ("subscription", "the way out of one of its subjects"),
                            ("mail", "a mail as a page"),
                        ],
                        max_length=12,
                    ),
                ),
                ("row_id", models.BigIntegerField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "subscriber",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="former_keys",
                        to="digests.subscriber",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("purpose", "mail")), fields=["created_at"], name="former_key_of_mail"
                    )
                ],
            },
        ),
    ]
