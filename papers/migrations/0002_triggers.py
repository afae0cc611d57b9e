"""What the database does by itself when rows come and go.

In a migration of its own, because Django makes a table's foreign keys at the end of the one that makes the table.
"""

from django.db import migrations

from papers.migrations._sql_files import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("papers", "0001_first_release")]

    operations = [
        run_sql_file("0004_topic_backlog"),
        run_sql_file("0005_topic_match_keys"),
        run_sql_file("0006_topic_weeks"),
        run_sql_file("0007_cascades"),
    ]
