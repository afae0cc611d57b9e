"""Addresses and tokens of channels are stored encrypted from now on; what is there is encrypted."""

from typing import Any

from django.db import migrations

from papers.models.encrypted import renewed

COLUMNS = ("address", "secret")


def encrypt_channels(apps: Any, schema_editor: Any) -> None:
    channels = apps.get_model("digests", "Channel").objects
    for row in channels.values("pk", *COLUMNS):
        changed = {name: text for name in COLUMNS if (text := renewed(row[name])) is not None}
        if changed:
            channels.filter(pk=row["pk"]).update(**changed)


class Migration(migrations.Migration):
    dependencies = [("digests", "0001_first_release")]

    operations = [migrations.RunPython(encrypt_channels, migrations.RunPython.noop)]
