"""Papers on a shared list wait for topics when the list changes."""

from django.db import migrations

from papers.migrations._sql_files import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("papers", "0028_recommendation_feedback")]

    operations = [run_sql_file("0012_lists_in_topics")]
