"""How many papers each topic has of each week, kept by the database itself."""

import django.db.models.deletion
from django.db import migrations, models

# Once a statement, not once a row: a day's matching stores a hundred thousand rows at a time. The order of the keys
# keeps two writers from waiting for each other.
COUNT = """
CREATE FUNCTION papers_count_topic_weeks() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO papers_topicweek (topic_id, week, papers)
        SELECT topic_id, date_trunc('week', listed_at AT TIME ZONE 'UTC')::date, count(*)
        FROM added GROUP BY 1, 2 ORDER BY 1, 2
        ON CONFLICT (topic_id, week) DO UPDATE SET papers = papers_topicweek.papers + excluded.papers;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE papers_topicweek counted SET papers = greatest(0, counted.papers - change.papers)
        FROM (
            SELECT topic_id, date_trunc('week', listed_at AT TIME ZONE 'UTC')::date AS week, count(*) AS papers
            FROM removed GROUP BY 1, 2
        ) change
        WHERE counted.topic_id = change.topic_id AND counted.week = change.week;
    ELSE
        INSERT INTO papers_topicweek (topic_id, week, papers)
        SELECT topic_id, week, greatest(0, sum(change)) FROM (
            SELECT topic_id, date_trunc('week', listed_at AT TIME ZONE 'UTC')::date AS week, 1 AS change FROM added
            UNION ALL
            SELECT topic_id, date_trunc('week', listed_at AT TIME ZONE 'UTC')::date, -1 FROM removed
        ) moved GROUP BY 1, 2 HAVING sum(change) > 0 ORDER BY 1, 2
        ON CONFLICT (topic_id, week) DO UPDATE SET papers = papers_topicweek.papers + excluded.papers;
        UPDATE papers_topicweek counted SET papers = greatest(0, counted.papers + change.papers)
        FROM (
            SELECT topic_id, week, sum(change) AS papers FROM (
                SELECT topic_id, date_trunc('week', listed_at AT TIME ZONE 'UTC')::date AS week, 1 AS change FROM added
                UNION ALL
                SELECT topic_id, date_trunc('week', listed_at AT TIME ZONE 'UTC')::date, -1 FROM removed
            ) moved GROUP BY 1, 2 HAVING sum(change) < 0
        ) change
        WHERE counted.topic_id = change.topic_id AND counted.week = change.week;
    END IF;
    RETURN NULL;
END
$function$;
CREATE TRIGGER topic_weeks_added AFTER INSERT ON papers_topicmatch
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION papers_count_topic_weeks();
CREATE TRIGGER topic_weeks_removed AFTER DELETE ON papers_topicmatch
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION papers_count_topic_weeks();
CREATE TRIGGER topic_weeks_moved AFTER UPDATE ON papers_topicmatch
    REFERENCING NEW TABLE AS added OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION papers_count_topic_weeks();
INSERT INTO papers_topicweek (topic_id, week, papers)
    SELECT topic_id, date_trunc('week', listed_at AT TIME ZONE 'UTC')::date, count(*) FROM papers_topicmatch GROUP BY 1, 2;
"""
UNCOUNT = """
DROP TRIGGER topic_weeks_moved ON papers_topicmatch;
DROP TRIGGER topic_weeks_removed ON papers_topicmatch;
DROP TRIGGER topic_weeks_added ON papers_topicmatch;
DROP FUNCTION papers_count_topic_weeks();
"""


class Migration(migrations.Migration):
    dependencies = [("papers", "0014_topic_match_keys")]

    operations = [
        migrations.CreateModel(
            name="TopicWeek",
            fields=[
                ("pk", models.CompositePrimaryKey("topic_id", "week", blank=True, editable=False, primary_key=True, serialize=False)),
                ("week", models.DateField()),
                ("papers", models.PositiveIntegerField()),
                ("topic", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="weeks", to="papers.topic")),
            ],
        ),
        migrations.RunSQL(COUNT, UNCOUNT),
    ]
