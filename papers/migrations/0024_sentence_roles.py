"""What each sentence of an abstract is for, and what a reader wants to see of it on lists."""

from django.db import migrations, models

from papers.migrations._sql_files import run_sql_file


class Migration(migrations.Migration):

    dependencies = [
        ('papers', '0023_search_fields'),
    ]

    operations = [
        migrations.AddField(
            model_name='paper',
            name='sentence_roles',
            field=models.TextField(blank=True, help_text='What each sentence of the abstract is for (papers/text/abstract_roles.py); null: not known yet.', null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='card_lead',
            field=models.CharField(choices=[('line', 'What the paper does: its aim and its result'), ('beginning', 'The first lines of the abstract')], db_default='line', default='line', help_text='What a list shows of an abstract.', max_length=12),
        ),
        migrations.AddIndex(
            model_name='paper',
            index=models.Index(models.OrderBy(models.F('listed_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('sentence_roles', None)), name='paper_without_roles'),
        ),
        run_sql_file("0011_sentence_roles"),
    ]
