"""Keys of feeds are found by a digest, and encrypted; what is there stays what it was."""

import hashlib
from typing import Any

from django.db import migrations, models

from papers.models.encrypted import decrypt_text, renewed


def digest_keys(apps: Any, schema_editor: Any) -> None:
    keys = apps.get_model("papers", "FeedKey").objects
    for pk, stored in keys.values_list("pk", "key").iterator():
        digest = hashlib.sha256(decrypt_text(stored).encode()).hexdigest()
        keys.filter(pk=pk).update(key=renewed(stored) or stored, key_digest=digest)


class Migration(migrations.Migration):
    dependencies = [("papers", "0005_encrypt_second_factors")]

    operations = [
        migrations.AlterField("feedkey", "key", models.TextField()),
        migrations.AddField("feedkey", "key_digest", models.CharField(max_length=64, null=True)),
        migrations.RunPython(digest_keys, migrations.RunPython.noop),
        migrations.AlterField("feedkey", "key_digest", models.CharField(max_length=64, unique=True)),
    ]
