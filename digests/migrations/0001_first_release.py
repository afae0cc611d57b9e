"""Every table of the first release."""

import datetime
import digests.models.subscriber
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('papers', '0002_triggers'),
    ]

    operations = [
        migrations.CreateModel(
            name='Channel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=80)),
                ('kind', models.CharField(choices=[('mail', 'Mail'), ('slack', 'Slack'), ('mattermost', 'Mattermost'), ('matrix', 'Matrix'), ('webhook', 'Webhook (JSON, signed)')], max_length=10)),
                ('address', models.TextField(help_text='Of a mailbox or a webhook; for Matrix that of the server.')),
                ('secret', models.TextField(blank=True, help_text='A token for Matrix; what signs our posts to a webhook.')),
                ('room', models.TextField(blank=True, help_text='For Matrix, such as !abc:example.org.')),
                ('notify_queue', models.BooleanField(default=True, verbose_name='something waits for a curator, once a day')),
                ('notify_edition', models.BooleanField(default=True, verbose_name='the day’s papers, once a day')),
                ('notify_stale', models.BooleanField(default=True, verbose_name='a source is stale or fails')),
                ('notify_late', models.BooleanField(default=True, verbose_name='mail is late')),
                ('edition_size', models.PositiveSmallIntegerField(default=10, help_text="So many of the day's papers.", validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(30)])),
                ('edition_at', models.TimeField(default=datetime.time(9, 0), help_text="Not before this, by the group's clock.")),
                ('is_enabled', models.BooleanField(default=True, verbose_name='on')),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='Fragment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(help_text='SHA-256 of the parts.', max_length=64, unique=True)),
                ('text', models.TextField(help_text='For the plain part, encoded for the wire.')),
                ('html', models.TextField(help_text='For the HTML part, encoded for the wire.')),
                ('used_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['used_at'], name='fragment_used')],
            },
        ),
        migrations.CreateModel(
            name='MailDay',
            fields=[
                ('day', models.DateField(primary_key=True, serialize=False)),
                ('sent', models.PositiveIntegerField(default=0)),
                ('skipped', models.PositiveIntegerField(default=0, help_text='There was nothing to send.')),
                ('failed', models.PositiveIntegerField(default=0, help_text='Refused for good, or perhaps sent.')),
                ('ended', models.PositiveIntegerField(default=0, help_text='Cancelled by the reader or overtaken by the next one.')),
                ('waiting', models.PositiveIntegerField(default=0)),
                ('counted_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='MailTest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tested_at', models.DateTimeField()),
                ('settings_digest', models.CharField(help_text='Digest of server, sender and site that it was tried with.', max_length=64)),
                ('succeeded', models.BooleanField()),
                ('result', models.TextField(help_text='The result, in words.')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='mail_trial_one_row')],
            },
        ),
        migrations.CreateModel(
            name='MergedPaper',
            fields=[
                ('gone_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('kept_id', models.BigIntegerField()),
                ('merged_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'indexes': [models.Index(fields=['kept_id'], name='merged_paper_kept')],
            },
        ),
        migrations.CreateModel(
            name='RateLimitBucket',
            fields=[
                ('name', models.CharField(max_length=20, primary_key=True, serialize=False)),
                ('tokens', models.FloatField()),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='SendingPause',
            fields=[
                ('name', models.CharField(help_text='A domain; empty: all mail.', max_length=255, primary_key=True, serialize=False)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField(blank=True, help_text='Empty: until somebody releases it.', null=True)),
                ('reason', models.TextField(help_text='What the server said, and what to do.')),
            ],
        ),
        migrations.CreateModel(
            name='Subscriber',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254, verbose_name='e-mail address')),
                ('user', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='subscriber', to=settings.AUTH_USER_MODEL)),
                ('confirmed_at', models.DateTimeField(blank=True, help_text='Empty: nothing is sent.', null=True)),
                ('consent', models.JSONField(blank=True, default=dict, help_text='When and how the reader agreed, and to what.')),
                ('key', models.CharField(default=digests.models.subscriber.new_key, help_text='Of the page of preferences.', max_length=22)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('confirmed_at', None)), fields=['created_at'], name='subscriber_pending')],
                'constraints': [models.UniqueConstraint(fields=('key',), name='subscriber_key'), models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='subscriber_once', violation_error_message='This address is subscribed.')],
            },
        ),
        migrations.CreateModel(
            name='Suppression',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address', models.EmailField(max_length=254, verbose_name='e-mail address')),
                ('reason', models.CharField(choices=[('unsubscribed', 'unsubscribed from everything'), ('bounced', 'the mailbox does not exist'), ('complained', 'marked our mail as spam')], max_length=12)),
                ('detail', models.TextField(blank=True, help_text='What the receiving server said.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('address'), name='suppression_once')],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='digests.channel')),
                ('key', models.CharField(help_text='What it is about and of which day, such as edition:2026-03-04.', max_length=80)),
                ('state', models.CharField(choices=[('waiting', 'waiting'), ('sending', 'being sent'), ('sent', 'sent'), ('failed', 'not sent'), ('unknown', 'perhaps sent')], default='waiting', max_length=8)),
                ('content', models.JSONField(default=dict, help_text='Title, lines and links; the same at each attempt.')),
                ('uid', models.CharField(help_text='The same at each attempt, for who gets it twice.', max_length=32, unique=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('not_before', models.DateTimeField(help_text='While a worker is at it: when its time is up.')),
                ('result', models.TextField(blank=True, help_text='What the other side said last, without its address.')),
                ('created_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state__in', ['waiting', 'sending'])), fields=['not_before', 'id'], name='notice_due'), models.Index(fields=['created_at'], name='notice_old')],
                'constraints': [models.UniqueConstraint(fields=('channel', 'key'), name='notice_once')],
            },
        ),
        migrations.CreateModel(
            name='Schedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subscriber', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='schedules', to='digests.subscriber')),
                ('frequency', models.CharField(help_text='A name in digests/schedule.py.', max_length=20)),
                ('time_zone', models.CharField(default='UTC', help_text='Such as Europe/Berlin.', max_length=64)),
                ('local_time', models.TimeField(default=datetime.time(7, 30))),
                ('weekday', models.PositiveSmallIntegerField(default=0, help_text='0 is Monday; for weekly mail.', validators=[django.core.validators.MaxValueValidator(6)])),
                ('month_day', models.PositiveSmallIntegerField(default=1, help_text='For monthly mail; the last day where a month has fewer.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(31)])),
                ('skips_weekends', models.BooleanField(default=False, help_text="For daily mail: Monday's brings the weekend's.")),
                ('max_papers', models.PositiveSmallIntegerField(default=20, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(40)])),
                ('paused_until', models.DateField(blank=True, help_text='The first day with mail again.', null=True)),
                ('ended_at', models.DateTimeField(blank=True, help_text='When the reader unsubscribed from all of it.', null=True)),
                ('next_on', models.DateField(blank=True, help_text='The local date that the next mail is meant for.', null=True)),
                ('next_due_at', models.DateTimeField(blank=True, help_text='When that is. Empty: nothing is planned.', null=True)),
                ('last_on', models.DateField(blank=True, help_text='The local date of the last mail planned.', null=True)),
                ('last_release', models.BigIntegerField(default=0, help_text='Releases up to this one were offered or passed over.')),
                ('covers_from', models.DateTimeField(help_text='Nothing released before it is news to this reader.')),
                ('unsub_key', models.CharField(default=digests.models.subscriber.new_key, help_text='Of the one-click header.', max_length=22)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('next_due_at__isnull', False)), fields=['next_due_at', 'id'], name='schedule_due')],
                'constraints': [models.UniqueConstraint(fields=('subscriber', 'frequency'), name='schedule_once'), models.UniqueConstraint(fields=('unsub_key',), name='schedule_unsub_key'), models.CheckConstraint(condition=models.Q(('weekday__lte', 6)), name='schedule_weekday'), models.CheckConstraint(condition=models.Q(('month_day__gte', 1), ('month_day__lte', 31)), name='schedule_month_day'), models.CheckConstraint(condition=models.Q(('max_papers__gte', 1), ('max_papers__lte', 40)), name='schedule_size'), models.CheckConstraint(condition=models.Q(models.Q(('next_due_at', None), ('next_on', None)), models.Q(('next_due_at__isnull', False), ('next_on__isnull', False)), _connector='OR'), name='schedule_slot_whole'), models.CheckConstraint(condition=models.Q(('ended_at', None), ('next_due_at', None), _connector='OR'), name='schedule_ended')],
            },
        ),
        migrations.CreateModel(
            name='SignUp',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.EmailField(max_length=254, verbose_name='e-mail address')),
                ('purpose', models.CharField(choices=[('subscribe', 'get mail'), ('move', 'get mail at another address')], default='subscribe', max_length=9)),
                ('subscriber', models.ForeignKey(blank=True, help_text="Whose mail is to go to this address; empty: nobody's yet.", null=True, on_delete=django.db.models.deletion.CASCADE, related_name='sign_ups', to='digests.subscriber')),
                ('topic', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='papers.topic')),
                ('asked_at', models.DateTimeField()),
                ('not_before', models.DateTimeField(blank=True, help_text='When to send the letter; empty: settled.', null=True)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('token_digest', models.CharField(blank=True, max_length=64, null=True, unique=True)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('used_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('not_before__isnull', False)), fields=['not_before'], name='signup_waiting'), models.Index(django.db.models.functions.text.Lower('email'), models.F('asked_at'), name='signup_of_address'), models.Index(fields=['asked_at'], name='signup_forgotten')],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('schedule', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='digests.schedule')),
                ('subscriber', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='digests.subscriber')),
                ('period_on', models.DateField(help_text='The local date that it was meant for.')),
                ('due_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('planned', 'planned'), ('leased', "in a worker's hands"), ('sending', 'being handed over'), ('sent', 'sent'), ('retry', 'to be tried again'), ('skipped', 'nothing to send'), ('cancelled', 'cancelled by the reader'), ('superseded', 'overtaken by the next one'), ('failed', 'refused for good'), ('unknown', 'perhaps sent')], default='planned', max_length=10)),
                ('reason', models.TextField(blank=True, help_text='Why it was skipped, put off or refused.')),
                ('paper_ids', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, help_text='In the order of the mail.', size=None)),
                ('causes', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, help_text='For each paper the subscriptions that it is there for: 12,15.', size=None)),
                ('more_ids', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, help_text='Offered behind “and 23 more”.', size=None)),
                ('version_ids', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, help_text='New versions of saved papers.', size=None)),
                ('edition_count', models.PositiveIntegerField(default=0, help_text='How many the daily papers had in that time.')),
                ('from_release', models.BigIntegerField(default=0)),
                ('to_release', models.BigIntegerField(default=0)),
                ('floor', models.DateTimeField(help_text='Nothing released before it was taken up.')),
                ('planned_at', models.DateTimeField()),
                ('key', models.CharField(default=digests.models.subscriber.new_key, help_text='Of its page and its Message-ID.', max_length=22)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('not_before', models.DateTimeField(help_text='Waiting lives here, never in a message of the queue.')),
                ('owner', models.CharField(blank=True, help_text='Whose lease it is.', max_length=32)),
                ('leased_until', models.DateTimeField(blank=True, null=True)),
                ('content_spec', models.TextField(blank=True, help_text='Parts and words of the mail, as JSON.')),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name_plural': 'deliveries',
                'indexes': [models.Index(condition=models.Q(('state__in', ('planned', 'retry'))), fields=['not_before', 'id'], name='delivery_waiting'), models.Index(condition=models.Q(('state__in', ('leased', 'sending'))), fields=['leased_until'], name='delivery_in_hand'), models.Index(condition=models.Q(('state__in', ('planned', 'retry', 'leased', 'sending'))), fields=['schedule', 'due_at'], name='delivery_open'), models.Index(fields=['subscriber', 'planned_at'], name='delivery_of_reader'), models.Index(condition=models.Q(('state__in', ['failed', 'unknown', 'retry'])), fields=['-planned_at'], name='delivery_trouble'), django.contrib.postgres.indexes.BrinIndex(fields=['planned_at'], name='delivery_by_day', pages_per_range=32), django.contrib.postgres.indexes.GinIndex(condition=models.Q(('version_ids', []), _negated=True), fields=['version_ids'], name='delivery_versions')],
                'constraints': [models.UniqueConstraint(fields=('schedule', 'period_on'), name='delivery_once_a_slot'), models.UniqueConstraint(fields=('key',), name='delivery_key'), models.CheckConstraint(condition=models.Q(('state__in', ['planned', 'leased', 'sending', 'sent', 'retry', 'skipped', 'cancelled', 'superseded', 'failed', 'unknown'])), name='delivery_state'), models.CheckConstraint(condition=models.Q(models.Q(('leased_until__isnull', False), ('state__in', ('leased', 'sending'))), models.Q(('state__in', ('leased', 'sending')), _negated=True), _connector='OR'), name='delivery_leased')],
            },
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('schedule', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='subscriptions', to='digests.schedule')),
                ('kind', models.CharField(choices=[('topic', 'a topic'), ('daily', 'the daily papers'), ('trending', 'trending papers'), ('top', 'the most voted of the day, week or month'), ('followed', 'authors and organizations you follow'), ('for_you', 'papers suggested to you'), ('versions', 'new versions of saved papers')], max_length=12)),
                ('topic', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='subscriptions', to='papers.topic')),
                ('paused_until', models.DateField(blank=True, help_text='The first day it counts again.', null=True)),
                ('unsub_key', models.CharField(default=digests.models.subscriber.new_key, help_text='Of the link in the mail.', max_length=22)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('schedule', 'kind', 'topic'), name='subscription_once', nulls_distinct=False), models.UniqueConstraint(fields=('unsub_key',), name='subscription_unsub_key'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'topic'), ('topic__isnull', False)), models.Q(models.Q(('kind', 'topic'), _negated=True), ('topic', None)), _connector='OR'), name='subscription_topic')],
            },
        ),
    ]
