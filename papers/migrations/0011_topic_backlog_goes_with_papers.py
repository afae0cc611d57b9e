from django.db import migrations

# A paper may be deleted while the trigger of another transaction notes that it changed: the database takes the note
# along, as it does for vectors.
CASCADE = """
DO $$
DECLARE key record;
BEGIN
    FOR key IN
        SELECT conname FROM pg_constraint
        WHERE contype = 'f' AND confrelid = 'papers_paper'::regclass AND conrelid = 'papers_topicbacklog'::regclass
    LOOP
        EXECUTE format(
            'ALTER TABLE papers_topicbacklog DROP CONSTRAINT %I, ADD CONSTRAINT %I FOREIGN KEY (paper_id) '
            'REFERENCES papers_paper (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED', key.conname, key.conname);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('papers', '0010_topics'),
    ]

    operations = [migrations.RunSQL(CASCADE, migrations.RunSQL.noop)]
