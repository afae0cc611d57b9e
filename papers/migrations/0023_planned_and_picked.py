"""Editions ahead, papers put into topics by hand, saved searches offered for all."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('papers', '0022_paper_edits'),
    ]

    operations = [
        migrations.CreateModel(
            name='PlannedListing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('publish_at', models.DateTimeField(help_text='The same for all of a day.')),
            ],
        ),
        migrations.CreateModel(
            name='TopicPick',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
        ),
        migrations.AddField(
            model_name='edition',
            name='publish_at',
            field=models.DateTimeField(blank=True, help_text='When what is planned for the day is published; empty: as the day begins.', null=True),
        ),
        migrations.AddField(
            model_name='topic',
            name='offered_at',
            field=models.DateTimeField(blank=True, help_text='Its reader offers it for all; until decided.', null=True),
        ),
        migrations.AddIndex(
            model_name='topic',
            index=models.Index(condition=models.Q(('offered_at__isnull', False)), fields=['-offered_at'], name='topic_offered'),
        ),
        migrations.AddField(
            model_name='plannedlisting',
            name='paper',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='planned', to='papers.paper'),
        ),
        migrations.AddField(
            model_name='plannedlisting',
            name='user',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='topicpick',
            name='paper',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='picks', to='papers.paper'),
        ),
        migrations.AddField(
            model_name='topicpick',
            name='topic',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='picks', to='papers.topic'),
        ),
        migrations.AddIndex(
            model_name='plannedlisting',
            index=models.Index(fields=['publish_at'], name='planned_due'),
        ),
        migrations.AddConstraint(
            model_name='plannedlisting',
            constraint=models.UniqueConstraint(fields=('day', 'paper'), name='planned_once_a_day'),
        ),
        migrations.AddConstraint(
            model_name='topicpick',
            constraint=models.UniqueConstraint(fields=('topic', 'paper'), name='topic_pick_once'),
        ),
    ]
