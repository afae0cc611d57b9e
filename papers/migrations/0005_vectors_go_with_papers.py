from django.db import migrations

# Django deletes what hangs on a paper, then the paper. A vector that another process stores in between would make that
# fail when the transaction ends; so the database takes it along.
CASCADE = """
DO $$
DECLARE key record;
BEGIN
    FOR key IN
        SELECT conname, conrelid::regclass AS of_table FROM pg_constraint
        WHERE contype = 'f' AND confrelid = 'papers_paper'::regclass
        AND conrelid IN ('papers_papervector'::regclass, 'papers_embeddingbacklog'::regclass)
    LOOP
        EXECUTE format(
            'ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I FOREIGN KEY (paper_id) REFERENCES papers_paper (id) '
            'ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED', key.of_table, key.conname, key.conname);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('papers', '0004_embeddings'),
    ]

    operations = [migrations.RunSQL(CASCADE, migrations.RunSQL.noop)]
