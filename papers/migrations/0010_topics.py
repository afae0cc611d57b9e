"""Topics that wait, matches with what their pages are sorted by, and the papers that are still to be matched."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# Whoever writes a paper, and however: what changes about it and may be asked for is noted in the same transaction.
QUEUE = """
CREATE FUNCTION papers_queue_for_topics() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    INSERT INTO papers_topicbacklog (paper_id, changes) VALUES (NEW.id, 1)
    ON CONFLICT (paper_id) DO UPDATE SET changes = papers_topicbacklog.changes + 1;
    RETURN NULL;
END
$function$;
CREATE TRIGGER paper_new_for_topics AFTER INSERT ON papers_paper
    FOR EACH ROW EXECUTE FUNCTION papers_queue_for_topics();
CREATE TRIGGER paper_changed_for_topics AFTER UPDATE OF
    title, abstract, author_keys, organization, categories, listed_at, links, withdrawn_at, vote_count ON papers_paper
    FOR EACH ROW WHEN (
        (OLD.vote_count, OLD.listed_at, OLD.withdrawn_at, OLD.links, OLD.title, OLD.abstract, OLD.author_keys,
            OLD.organization, OLD.categories)
        IS DISTINCT FROM
        (NEW.vote_count, NEW.listed_at, NEW.withdrawn_at, NEW.links, NEW.title, NEW.abstract, NEW.author_keys,
            NEW.organization, NEW.categories))
    EXECUTE FUNCTION papers_queue_for_topics();
-- A vector comes later than its paper. Only topics with examples ask for it.
CREATE FUNCTION papers_queue_vector_for_topics() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    IF EXISTS (SELECT FROM papers_topic_examples) THEN
        INSERT INTO papers_topicbacklog (paper_id, changes) VALUES (NEW.paper_id, 1)
        ON CONFLICT (paper_id) DO UPDATE SET changes = papers_topicbacklog.changes + 1;
    END IF;
    RETURN NULL;
END
$function$;
CREATE TRIGGER vector_for_topics AFTER INSERT OR UPDATE ON papers_papervector
    FOR EACH ROW EXECUTE FUNCTION papers_queue_vector_for_topics();
"""
UNQUEUE = """
DROP TRIGGER vector_for_topics ON papers_papervector;
DROP TRIGGER paper_changed_for_topics ON papers_paper;
DROP TRIGGER paper_new_for_topics ON papers_paper;
DROP FUNCTION papers_queue_vector_for_topics();
DROP FUNCTION papers_queue_for_topics();
"""
# Matches are stored while topics and papers may be deleted elsewhere: the database takes along what Django didn't see.
CASCADE = """
DO $$
DECLARE key record;
BEGIN
    FOR key IN
        SELECT conname, conrelid::regclass AS of_table, pg_get_constraintdef(oid) AS rule FROM pg_constraint
        WHERE contype = 'f' AND conrelid IN ('papers_topicmatch'::regclass, 'papers_topicbacklog'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s', key.of_table, key.conname, key.conname,
            replace(key.rule, ' DEFERRABLE', ' ON DELETE CASCADE DEFERRABLE'));
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("papers", "0009_submissions")]

    operations = [
        migrations.AddField("topic", "closeness", models.FloatField(default=0.55, help_text="How close to an example its papers are: 1 the same meaning, 0 nothing in common.")),
        migrations.AddField("topic", "version", models.PositiveIntegerField(default=1, help_text="Grows with every change of what it asks.")),
        migrations.AddField("topic", "pending_since", models.DateTimeField(blank=True, default=django.utils.timezone.now, help_text="It was made or changed then; empty once that is done.", null=True)),
        migrations.AddIndex("topic", models.Index(condition=models.Q(("pending_since__isnull", False)), fields=["pending_since"], name="topic_pending")),
        # Made anew, not altered: a key of two columns can't be given to a table that has another. Nothing has filled
        # it so far.
        migrations.DeleteModel("TopicMatch"),
        migrations.CreateModel(
            name="TopicMatch",
            fields=[
                ("pk", models.CompositePrimaryKey("topic_id", "paper_id", blank=True, editable=False, primary_key=True, serialize=False)),
                ("score", models.FloatField(default=0, help_text="How well it fits, 0 to 1; compares papers of one topic.")),
                ("matched_at", models.DateTimeField(default=django.utils.timezone.now, help_text="When it was matched; of papers that were there before the topic, when they came.")),
                ("release", models.BigIntegerField()),
                ("listed_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("vote_count", models.PositiveIntegerField(default=0)),
                ("paper", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="topic_matches", to="papers.paper")),
                ("topic", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="matches", to="papers.topic")),
            ],
            options={
                "indexes": [
                    models.Index(fields=["topic", "release"], name="topic_match_release"),
                    models.Index(models.F("topic"), models.OrderBy(models.F("listed_at"), descending=True), models.OrderBy(models.F("paper"), descending=True), name="topic_match_newest"),
                    models.Index(models.F("topic"), models.OrderBy(models.F("vote_count"), descending=True), models.OrderBy(models.F("listed_at"), descending=True), models.OrderBy(models.F("paper"), descending=True), name="topic_match_voted", condition=models.Q(("vote_count__gt", 0))),
                ],
            },
        ),
        migrations.CreateModel(
            name="TopicBacklog",
            fields=[
                ("paper", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="+", serialize=False, to="papers.paper")),
                ("changes", models.BigIntegerField(default=1)),
            ],
        ),
        migrations.RunSQL(CASCADE, migrations.RunSQL.noop),
        migrations.RunSQL(QUEUE, UNQUEUE),
        migrations.RunSQL("INSERT INTO papers_topicbacklog (paper_id, changes) SELECT id, 1 FROM papers_paper", migrations.RunSQL.noop),
    ]
