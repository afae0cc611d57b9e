"""The curators' desk: what waits there, a log that can be undone, and an order among what is pinned."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


# Workers write these while papers may be deleted elsewhere: the database takes along what Django didn't see.
CASCADE = """
DO $$
DECLARE key record;
BEGIN
    FOR key IN
        SELECT conname, conrelid::regclass AS of_table, pg_get_constraintdef(oid) AS rule FROM pg_constraint
        WHERE contype = 'f' AND conrelid IN (
            'papers_candidate'::regclass, 'papers_duplicatepair'::regclass, 'papers_duplicatecheck'::regclass)
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s', key.of_table, key.conname, key.conname,
            replace(key.rule, ' DEFERRABLE', ' ON DELETE CASCADE DEFERRABLE'));
    END LOOP;
END $$;
"""
# What is stored already is compared once.
CHECK_ALL = """
INSERT INTO papers_duplicatecheck (paper_id, next_at, times)
SELECT id, now(), 0 FROM papers_paper WHERE (public_id LIKE 'p-%' OR public_id LIKE 'doi/%') AND NOT is_sample
"""


class Migration(migrations.Migration):

    dependencies = [
        ("papers", "0017_rules"),
    ]

    operations = [
        migrations.CreateModel(
            name='Candidate',
            fields=[
                ('paper', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='candidate', serialize=False, to='papers.paper')),
                ('score', models.FloatField(help_text='As in TopicMatch; of the topic that it fits best.')),
                ('found_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='DuplicateCheck',
            fields=[
                ('paper', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='papers.paper')),
                ('next_at', models.DateTimeField()),
                ('times', models.PositiveSmallIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='DuplicatePair',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title_score', models.FloatField(help_text='How alike the titles are, 0 to 1.')),
                ('author_score', models.FloatField(help_text='How many of the authors they share, 0 to 1.')),
                ('vector_score', models.FloatField(blank=True, help_text='How close in meaning; empty without vectors.', null=True)),
                ('found_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.RemoveIndex(
            model_name='listing',
            name='listing_day',
        ),
        migrations.AddField(
            model_name='curationevent',
            name='batch',
            field=models.UUIDField(blank=True, help_text='The same for what was done with one press.', null=True),
        ),
        migrations.AddField(
            model_name='curationevent',
            name='changes',
            field=models.JSONField(default=list, help_text='The rows it changed, for undo; never shown. Forgotten after a while.'),
        ),
        migrations.AddField(
            model_name='curationevent',
            name='subject',
            field=models.TextField(blank=True, help_text='What was decided on, such as paper:12: two curators who decide on it take turns.'),
        ),
        migrations.AddField(
            model_name='curationevent',
            name='undoes',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='papers.curationevent'),
        ),
        migrations.AddField(
            model_name='curationevent',
            name='undone_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='curationevent',
            name='undone_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='listing',
            name='place',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text="The curators' order among what is pinned; 0 comes first, and is all that is not pinned."),
        ),
        migrations.AlterField(
            model_name='curationevent',
            name='after',
            field=models.JSONField(default=dict, help_text='How it is since.'),
        ),
        migrations.AlterField(
            model_name='curationevent',
            name='before',
            field=models.JSONField(default=dict, help_text='How it was, as the log may tell everybody.'),
        ),
        migrations.AddIndex(
            model_name='curationevent',
            index=models.Index(fields=['subject', '-id'], name='curation_of_subject'),
        ),
        migrations.AddIndex(
            model_name='curationevent',
            index=models.Index(fields=['action', '-id'], name='curation_of_kind'),
        ),
        migrations.AddIndex(
            model_name='curationevent',
            index=models.Index(fields=['actor', '-id'], name='curation_of_curator'),
        ),
        migrations.AddIndex(
            model_name='curationevent',
            index=models.Index(condition=models.Q(('batch__isnull', False)), fields=['batch'], name='curation_batch'),
        ),
        migrations.AddIndex(
            model_name='curationevent',
            index=models.Index(condition=models.Q(('changes', []), _negated=True), fields=['created_at'], name='curation_undoable'),
        ),
        migrations.AddIndex(
            model_name='listing',
            index=models.Index(models.F('day'), models.OrderBy(models.F('is_pinned'), descending=True), models.F('place'), models.OrderBy(models.F('vote_count'), descending=True), models.OrderBy(models.F('source_votes'), descending=True), models.F('position'), models.F('id'), condition=models.Q(('hidden_at', None)), name='listing_day'),
        ),
        migrations.AddConstraint(
            model_name='listing',
            constraint=models.CheckConstraint(condition=models.Q(('place', 0), ('pinned_at__isnull', False), _connector='OR'), name='listing_place_is_pinned'),
        ),
        migrations.AddField(
            model_name='candidate',
            name='topic',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='candidates', to='papers.topic'),
        ),
        migrations.AddIndex(
            model_name='duplicatecheck',
            index=models.Index(fields=['next_at'], name='duplicate_check_due'),
        ),
        migrations.AddField(
            model_name='duplicatepair',
            name='first',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='papers.paper'),
        ),
        migrations.AddField(
            model_name='duplicatepair',
            name='second',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='papers.paper'),
        ),
        migrations.AddIndex(
            model_name='candidate',
            index=models.Index(condition=models.Q(('decided_at', None)), fields=['-found_at', '-paper'], name='candidate_open'),
        ),
        migrations.AddIndex(
            model_name='duplicatepair',
            index=models.Index(condition=models.Q(('decided_at', None)), fields=['-found_at', '-id'], name='duplicate_open'),
        ),
        migrations.AddConstraint(
            model_name='duplicatepair',
            constraint=models.UniqueConstraint(fields=('first', 'second'), name='duplicate_pair_once'),
        ),
        migrations.AddConstraint(
            model_name='duplicatepair',
            constraint=models.CheckConstraint(condition=models.Q(('first__lt', models.F('second'))), name='duplicate_pair_in_order'),
        ),
        migrations.RunSQL(CASCADE, migrations.RunSQL.noop),
        migrations.RunSQL(CHECK_ALL, migrations.RunSQL.noop),
    ]
