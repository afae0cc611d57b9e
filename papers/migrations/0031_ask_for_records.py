from django.db import migrations

# Papers that an arXiv id or a DOI names and that have a third party's words (a file's, Hugging Face's, a feed's, a
# page's: below 50; 0 is the sample) so far: their own records are asked for.
ASK = """
INSERT INTO papers_recordwanted (paper_id, scheme, value, tries, next_try_at, reason)
SELECT id, CASE WHEN public_id LIKE 'doi/%' THEN 'doi' ELSE 'arxiv' END,
    CASE WHEN public_id LIKE 'doi/%' THEN substr(public_id, 5) ELSE public_id END, 0, now(), ''
FROM papers_paper WHERE record_rank BETWEEN 1 AND 49 AND NOT is_sample AND public_id NOT LIKE 'p-%'
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):

    dependencies = [("papers", "0030_record_wanted")]

    operations = [migrations.RunSQL(ASK, migrations.RunSQL.noop)]
