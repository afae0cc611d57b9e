from django.db import migrations

# Noted while a page is shown, when the paper may be deleted or merged by somebody else: the database takes it along.
# In a migration of its own, because Django makes a table's foreign keys at the end of the one that makes it.
CASCADE = """
DO $$
DECLARE key record;
BEGIN
    FOR key IN
        SELECT conname, conrelid::regclass AS of_table, pg_get_constraintdef(oid) AS definition FROM pg_constraint
        WHERE contype = 'f' AND conrelid = 'papers_shownsuggestion'::regclass
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s', key.of_table, key.conname,
            key.conname, replace(key.definition, ' DEFERRABLE', ' ON DELETE CASCADE DEFERRABLE'));
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [("papers", "0026_shown_suggestions")]

    operations = [migrations.RunSQL(CASCADE, migrations.RunSQL.noop)]
