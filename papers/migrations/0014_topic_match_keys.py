"""Topic matches: keys kept with one look for each statement instead of two for each row, and smaller indexes."""

import django.db.models.deletion
from django.db import migrations, models

# As a foreign key does, but for all rows that a statement writes together: what they point to must be there, and can't
# go before this transaction has ended. What goes takes its matches along.
KEEP = """
CREATE FUNCTION papers_topicmatch_keys() RETURNS trigger LANGUAGE plpgsql AS $function$
DECLARE found bigint;
BEGIN
    PERFORM FROM papers_topic WHERE id IN (SELECT topic_id FROM written) ORDER BY id FOR KEY SHARE;
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found < (SELECT count(*) FROM (SELECT DISTINCT topic_id FROM written) topics) THEN
        RAISE foreign_key_violation USING MESSAGE = 'papers_topicmatch names a topic that is not there';
    END IF;
    PERFORM FROM papers_paper WHERE id IN (SELECT paper_id FROM written) ORDER BY id FOR KEY SHARE;
    GET DIAGNOSTICS found = ROW_COUNT;
    IF found < (SELECT count(*) FROM (SELECT DISTINCT paper_id FROM written) papers) THEN
        RAISE foreign_key_violation USING MESSAGE = 'papers_topicmatch names a paper that is not there';
    END IF;
    RETURN NULL;
END
$function$;
CREATE TRIGGER topicmatch_keys_of_new AFTER INSERT ON papers_topicmatch
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION papers_topicmatch_keys();
CREATE TRIGGER topicmatch_keys_of_changed AFTER UPDATE ON papers_topicmatch
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION papers_topicmatch_keys();
CREATE FUNCTION papers_topicmatch_of_topic() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    DELETE FROM papers_topicmatch WHERE topic_id IN (SELECT id FROM gone);
    RETURN NULL;
END
$function$;
CREATE TRIGGER topic_takes_matches AFTER DELETE ON papers_topic
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION papers_topicmatch_of_topic();
CREATE FUNCTION papers_topicmatch_of_paper() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    DELETE FROM papers_topicmatch WHERE paper_id IN (SELECT id FROM gone);
    RETURN NULL;
END
$function$;
CREATE TRIGGER paper_takes_matches AFTER DELETE ON papers_paper
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION papers_topicmatch_of_paper();
"""
LEAVE = """
DROP TRIGGER paper_takes_matches ON papers_paper;
DROP TRIGGER topic_takes_matches ON papers_topic;
DROP TRIGGER topicmatch_keys_of_changed ON papers_topicmatch;
DROP TRIGGER topicmatch_keys_of_new ON papers_topicmatch;
DROP FUNCTION papers_topicmatch_of_paper();
DROP FUNCTION papers_topicmatch_of_topic();
DROP FUNCTION papers_topicmatch_keys();
"""


class Migration(migrations.Migration):
    dependencies = [("papers", "0013_papers_with_links")]

    operations = [
        migrations.AlterField("topicmatch", "topic", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="matches", to="papers.topic")),
        migrations.AlterField("topicmatch", "paper", models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name="topic_matches", to="papers.paper")),
        migrations.RunSQL(KEEP, LEAVE),
        migrations.RemoveIndex("topicmatch", "topic_match_newest"),
        migrations.RemoveIndex("topicmatch", "topic_match_voted"),
        migrations.AddIndex("topicmatch", models.Index(fields=["topic", "listed_at", "paper"], name="topic_match_newest")),
        migrations.AddIndex("topicmatch", models.Index(condition=models.Q(("vote_count__gt", 0)), fields=["topic", "vote_count", "listed_at", "paper"], name="topic_match_voted")),
    ]
