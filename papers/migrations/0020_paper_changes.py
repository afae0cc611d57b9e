from django.db import migrations, models

from papers.migrations._sql_files import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("papers", "0019_api_tokens")]

    operations = [
        migrations.CreateModel(
            name="ChangedPaper",
            fields=[
                ("paper_id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("public_id", models.TextField(help_text="As it was last known.")),
                (
                    "position",
                    models.BigIntegerField(
                        help_text="Grows in the order of commits; moves at each change.", unique=True
                    ),
                ),
                ("changed_at", models.DateTimeField(help_text="When the change was given its position.")),
            ],
        ),
        migrations.CreateModel(
            name="PendingChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("paper_id", models.BigIntegerField()),
            ],
        ),
        run_sql_file("0009_changes"),
    ]
