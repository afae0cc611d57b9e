"""Search knows venue, journal, comment and source, and what formulas name: a trigger writes the search vector from here on.

The model still says that the column is generated: Django neither writes it nor needs to know by what it is made. Papers
that are there wait to be read again.
"""

from django.db import migrations

from papers.migrations._sql_files import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("papers", "0022_webhook_security_events")]

    operations = [
        run_sql_file("0010_search_fields"),
        migrations.RunSQL(
            "INSERT INTO papers_searchreindex (id, below) SELECT 1, max(id) + 1 FROM papers_paper HAVING count(*) > 0 "
            "ON CONFLICT (id) DO UPDATE SET below = excluded.below",
            migrations.RunSQL.noop,
        ),
    ]
