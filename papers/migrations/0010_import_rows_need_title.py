"""Rows of an import whose id stands in a note are taken only where the paper's title agrees."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("papers", "0009_security_log")]

    operations = [
        migrations.AddField(
            model_name="libraryimportrow",
            name="needs_title",
            field=models.BooleanField(
                default=False, help_text="Its id stands in a note, so the paper’s title must agree before it is taken."
            ),
        ),
    ]
