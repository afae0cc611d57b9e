"""Which papers of a day are about the same, and whether a reader has them folded."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("papers", "0026_journal_clubs")]

    operations = [
        migrations.CreateModel(
            name="EditionClusters",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                (
                    "clusters",
                    models.JSONField(
                        default=list, help_text="For each a name, which may be empty, and the keys of its papers."
                    ),
                ),
                ("listed_count", models.PositiveIntegerField(help_text="The edition's, when it was worked out.")),
                ("vector_count", models.PositiveIntegerField(help_text="Its papers that had a vector.")),
                (
                    "digest",
                    models.CharField(
                        help_text="Of the model and the vectors that it was worked out from.", max_length=64
                    ),
                ),
                ("computed_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="user",
            name="folds_related",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="A day shows papers on one theme as one line behind the first.",
            ),
        ),
    ]
