"""What curators changed about papers, beside what the sources say."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("papers", "0021_suggestions"),
    ]

    operations = [
        migrations.CreateModel(
            name='PaperEdit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(help_text='As in services/ingest/edits.py.', max_length=20)),
                ('value', models.JSONField(null=True)),
                ('source_value', models.JSONField(help_text='What the sources say, as of their last record.', null=True)),
                ('edited_at', models.DateTimeField()),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='edits', to='papers.paper')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('paper', 'field'), name='paper_edit_once')],
            },
        ),
    ]
