-- Workers write these rows, and pages note what they show, while readers, tags, topics and papers may be deleted by
-- somebody else. Django deletes only what it saw; so the database takes the rest along, or the delete would fail when its
-- transaction ends.
DO $$
DECLARE key record;
BEGIN
    FOR key IN
        SELECT conname, conrelid::regclass AS of_table, pg_get_constraintdef(oid) AS definition FROM pg_constraint
        WHERE contype = 'f' AND conrelid IN (
            'papers_authorclaim'::regclass,
            'papers_candidate'::regclass,
            'papers_duplicatecheck'::regclass,
            'papers_duplicatepair'::regclass,
            'papers_embeddingbacklog'::regclass,
            'papers_followedpaper'::regclass,
            'papers_papervector'::regclass,
            'papers_recommendation'::regclass,
            'papers_recommendationstate'::regclass,
            'papers_shownrecommendation'::regclass,
            'papers_topicbacklog'::regclass,
            'papers_topicweek'::regclass,
            'papers_wantedrecord'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s', key.of_table, key.conname, key.conname,
            replace(key.definition, ' DEFERRABLE', ' ON DELETE CASCADE DEFERRABLE'));
    END LOOP;
END $$;
