from django.db import migrations, models


class Migration(migrations.Migration):
    """The name of a site is longer than that of a kind of source. Postgres rewrites no row for it."""

    dependencies = [
        ("papers", "0017_thumbnails"),
    ]

    operations = [
        migrations.AlterField(
            model_name="paperexternalcounts",
            name="source",
            field=models.TextField(help_text="The kind of source, such as huggingface; of another Broadsheet, its host."),
        ),
    ]
