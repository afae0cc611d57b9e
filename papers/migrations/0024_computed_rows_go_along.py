from django.db import migrations

# What is computed is stored while readers, tags, topics and papers may be deleted by others; so the database takes it
# along. In a migration of its own, because Django makes a table's foreign keys at the end of the one that makes it.
CASCADE = """
DO $$
DECLARE key record;
BEGIN
    FOR key IN
        SELECT conname, conrelid::regclass AS of_table, pg_get_constraintdef(oid) AS definition FROM pg_constraint
        WHERE contype = 'f'
            AND conrelid IN ('papers_recommendation'::regclass, 'papers_taste'::regclass, 'papers_topicweek'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s', key.of_table, key.conname,
            key.conname, replace(key.definition, ' DEFERRABLE', ' ON DELETE CASCADE DEFERRABLE'));
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [("papers", "0023_planned_and_picked")]

    operations = [migrations.RunSQL(CASCADE, migrations.RunSQL.noop)]
