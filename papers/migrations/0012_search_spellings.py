"""Search finds all spellings of a word: other functions for the search vector, and papers waiting to be read by them."""

from django.db import migrations, models

from papers.migrations._sql_files import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("papers", "0011_unread_days")]

    operations = [
        migrations.CreateModel(
            name="SearchReindex",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("below", models.BigIntegerField(help_text="Papers with keys below this have the words of before.")),
            ],
            options={"constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="search_reindex_once")]},
        ),
        run_sql_file("0008_spellings"),
        migrations.RunSQL(
            "INSERT INTO papers_searchreindex (id, below) SELECT 1, max(id) + 1 FROM papers_paper HAVING count(*) > 0",
            migrations.RunSQL.noop,
        ),
    ]
