"""Every table of the first release. Functions that a column needs are made first."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.utils.timezone
import papers.models.paper
import pgvector.django
import pgvector.django.halfvec
import pgvector.django.indexes
from django.conf import settings
from django.db import migrations, models

from papers.migrations._sql_files import run_sql_file


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        pgvector.django.VectorExtension(),
        run_sql_file("0001_releases"),
        run_sql_file("0002_search_words"),
        run_sql_file("0003_search_vector"),
        migrations.CreateModel(
            name='AnnouncedList',
            fields=[
                ('pk', models.CompositePrimaryKey('day', 'query', blank=True, editable=False, primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('query', models.TextField(help_text='As in Announcement.query.')),
                ('id_count', models.PositiveIntegerField()),
                ('is_whole', models.BooleanField(help_text='The answer was not cut and did not reach its cap.')),
                ('note', models.TextField(blank=True, help_text="Why it is not whole, in a reader's words.")),
                ('read_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Announcement',
            fields=[
                ('pk', models.CompositePrimaryKey('day', 'arxiv_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('day', models.DateField()),
                ('arxiv_id', models.TextField()),
                ('kind', models.CharField(help_text='new or cross.', max_length=20)),
                ('query', models.TextField(help_text='The feed that named it, such as cs.CL+cs.LG.')),
                ('first_seen_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['arxiv_id'], name='announcement_of_paper')],
            },
        ),
        migrations.CreateModel(
            name='Author',
            fields=[
                ('key', models.TextField(help_text='Words of the address: a name as in Paper.author_keys.', primary_key=True, serialize=False)),
                ('name', models.TextField(help_text='As it is shown.')),
                ('orcid', models.CharField(blank=True, help_text='0000-0000-0000-0000; empty where none is known.', max_length=19)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='Edition',
            fields=[
                ('day', models.DateField(primary_key=True, serialize=False)),
                ('note', models.TextField(blank=True, help_text='Markdown, shown on top of the day.')),
                ('publish_at', models.DateTimeField(blank=True, help_text='When what is planned for the day is published; empty: as the day begins.', null=True)),
                ('listed_count', models.PositiveIntegerField(default=0, help_text='Visible listings; kept by the services that write them.')),
                ('is_sample', models.BooleanField(default=False)),
                ('announced_count', models.PositiveIntegerField(blank=True, null=True)),
                ('stored_count', models.PositiveIntegerField(blank=True, null=True)),
                ('missing', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, help_text='Announced and not stored; the first 100.', size=None)),
                ('checked_at', models.DateTimeField(blank=True, null=True)),
                ('check_note', models.TextField(blank=True, help_text="Why the count is unknown or in doubt, in a reader's words.")),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('listed_count__gt', 0)), fields=['day'], name='edition_with_papers')],
            },
        ),
        migrations.CreateModel(
            name='EmbeddingModel',
            fields=[
                ('name', models.CharField(max_length=80, primary_key=True, serialize=False)),
                ('endpoint', models.TextField(blank=True, help_text='Where it is asked; empty for the shipped one.')),
                ('dimensions', models.PositiveSmallIntegerField(blank=True, help_text='Null until it has answered.', null=True)),
                ('serves', models.BooleanField(default=False, help_text='Search uses it.')),
                ('is_target', models.BooleanField(default=False, help_text='The settings name it; papers are embedded with it.')),
                ('vector_count', models.PositiveIntegerField(default=0, help_text='Vectors; kept as they come, counted anew at night.')),
                ('last_error', models.TextField(blank=True)),
                ('last_error_at', models.DateTimeField(blank=True, null=True)),
                ('last_embedded_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('serves', True)), fields=('serves',), name='one_model_serves'), models.UniqueConstraint(condition=models.Q(('is_target', True)), fields=('is_target',), name='one_model_target')],
            },
        ),
        migrations.CreateModel(
            name='Followed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('author', 'author'), ('organization', 'organization')], max_length=12)),
                ('key', models.TextField(help_text="An author's as in Author, else in Paper.author_keys; an organization's words.")),
                ('name', models.TextField(help_text='As it is shown.')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('kind', 'key'), name='followed_once')],
            },
        ),
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('name', models.CharField(max_length=40, primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='HostSlot',
            fields=[
                ('group', models.TextField(primary_key=True, serialize=False)),
                ('holder', models.UUIDField(blank=True, null=True)),
                ('until', models.DateTimeField(blank=True, null=True)),
                ('not_before', models.DateTimeField()),
                ('refusal_count', models.PositiveSmallIntegerField(default=0, help_text='Answers in a row that asked for fewer requests.')),
            ],
        ),
        migrations.CreateModel(
            name='ImportedPart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file', models.CharField(help_text='Digest of the file and of what was asked for.', max_length=64)),
                ('number', models.PositiveIntegerField()),
                ('last_place', models.BigIntegerField(help_text='Line of its last row, so that a part cut otherwise is none.')),
                ('new', models.PositiveIntegerField(default=0)),
                ('updated', models.PositiveIntegerField(default=0)),
                ('unchanged', models.PositiveIntegerField(default=0)),
                ('listed', models.PositiveIntegerField(default=0)),
                ('rejected', models.JSONField(default=list, help_text='Line, identifier, reason and text of each rejected row.')),
                ('stored_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('file', 'number'), name='imported_part_once')],
            },
        ),
        migrations.CreateModel(
            name='Installation',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('group_name', models.CharField(blank=True, max_length=120)),
                ('time_zone', models.CharField(blank=True, max_length=64)),
                ('access', models.CharField(choices=[('public', 'anyone'), ('members', 'members only')], default='public', max_length=8)),
                ('set_up_at', models.DateTimeField(blank=True, help_text='When the first-run page was answered or skipped.', null=True)),
                ('sample_removed_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='one_installation')],
            },
        ),
        migrations.CreateModel(
            name='Paper',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.TextField(help_text='The arXiv id; else doi/<doi>; else p- and ten letters. Its place in the address.')),
                ('title', models.TextField()),
                ('title_raw', models.TextField(blank=True, help_text='As the source sent it.')),
                ('abstract', models.TextField(blank=True)),
                ('abstract_raw', models.TextField(blank=True)),
                ('authors', models.JSONField(default=list)),
                ('author_count', models.PositiveIntegerField(default=0)),
                ('author_keys', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('organization', models.TextField(blank=True)),
                ('categories', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('primary_category', models.TextField(blank=True)),
                ('published_at', models.DateTimeField(blank=True, help_text='When version 1 appeared.', null=True)),
                ('announced_on', models.DateField(blank=True, help_text="arXiv's announcement date, US Eastern.", null=True)),
                ('listed_at', models.DateTimeField(help_text='Announced, else published, else first seen: the order of New.')),
                ('updated_at', models.DateTimeField(blank=True, help_text='When the source made this version.', null=True)),
                ('version', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('doi', models.TextField(blank=True)),
                ('journal_ref', models.TextField(blank=True)),
                ('comment', models.TextField(blank=True, help_text="The authors' comment, as on arXiv.")),
                ('venue', models.TextField(blank=True, help_text='Where it was accepted, as read from "Accepted at …".')),
                ('license', models.TextField(blank=True)),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                ('hidden_at', models.DateTimeField(blank=True, null=True)),
                ('links', models.JSONField(default=dict)),
                ('is_sample', models.BooleanField(default=False, help_text='From the sample catalogue; cleared when a source sends it.')),
                ('record_rank', models.PositiveSmallIntegerField(default=0, help_text='How good the source of the text was.')),
                ('vote_count', models.PositiveIntegerField(default=0)),
                ('comment_count', models.PositiveIntegerField(default=0)),
                ('trending_score', models.FloatField(blank=True, help_text='See papers/ranking/trending.py; null without any signal.', null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(help_text='When anything a card shows changed here; names the cached card.')),
                ('search_vector', models.GeneratedField(db_persist=True, expression=models.Func(models.Func(models.F('title'), function='papers_words', output_field=models.TextField()), models.Func(models.F('abstract'), function='papers_words', output_field=models.TextField()), models.F('author_keys'), models.Func(models.F('organization'), function='papers_words', output_field=models.TextField()), models.F('categories'), models.F('listed_at'), function='papers_search_vector'), output_field=django.contrib.postgres.search.SearchVectorField())),
            ],
            options={
                'indexes': [models.Index(models.OrderBy(models.F('listed_at'), descending=True), models.OrderBy(models.F('id'), descending=True), name='paper_newest'), models.Index(models.OrderBy(models.F('trending_score'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('trending_score__isnull', False)), name='paper_trending'), models.Index(models.OrderBy(models.F('listed_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('vote_count__gt', 0)), name='paper_voted'), django.contrib.postgres.indexes.GinIndex(fastupdate=True, fields=['author_keys'], gin_pending_list_limit=1024, name='paper_author_keys'), django.contrib.postgres.indexes.GinIndex(fastupdate=True, fields=['search_vector'], gin_pending_list_limit=1024, name='paper_search'), models.Index(models.OrderBy(models.F('listed_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('links__has_key', 'code')), name='paper_with_code'), models.Index(models.OrderBy(models.F('listed_at'), descending=True), models.OrderBy(models.F('id'), descending=True), condition=models.Q(('links__has_key', 'project')), name='paper_with_project'), models.Index(papers.models.paper.TitleKey('title'), name='paper_title'), models.Index(condition=models.Q(('is_sample', True)), fields=['id'], name='paper_sample')],
                'constraints': [models.UniqueConstraint(fields=('public_id',), name='paper_public_id_once'), models.CheckConstraint(condition=models.Q(('public_id', ''), _negated=True), name='paper_public_id_given')],
            },
        ),
        migrations.CreateModel(
            name='SearchStatistics',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('papers', models.PositiveIntegerField()),
                ('average_length', models.FloatField(help_text='Different words of a paper, marks too.')),
                ('least', models.PositiveIntegerField(help_text='Words that were not counted are in fewer papers than this.')),
                ('counted_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='search_statistics_once')],
            },
        ),
        migrations.CreateModel(
            name='Source',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(help_text='A kind of `sources/registry.py`, which knows all else of it.', max_length=20)),
                ('name', models.CharField(max_length=120)),
                ('base_url', models.TextField(blank=True, help_text="Empty: the service's own address. For a feed: its address.")),
                ('categories', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, help_text='arXiv categories, such as cs.CL.', size=None)),
                ('query', models.TextField(blank=True, help_text='For arXiv search: a query in its own language.')),
                ('lists', models.CharField(choices=[('nothing', 'nothing'), ('all', 'everything announced'), ('at_most', 'at most N a day')], default='nothing', help_text='What it puts on the edition.', max_length=8)),
                ('list_limit', models.PositiveIntegerField(default=0, help_text='N, for at most N a day.')),
                ('list_categories', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, help_text='Only papers in these; empty: all it brings.', size=None)),
                ('is_enabled', models.BooleanField(default=True, verbose_name='fetch on schedule')),
                ('interval_seconds', models.PositiveIntegerField(default=3600)),
                ('next_fetch_at', models.DateTimeField(blank=True, null=True)),
                ('cursor', models.JSONField(blank=True, default=dict)),
                ('etag', models.TextField(blank=True)),
                ('last_modified', models.TextField(blank=True)),
                ('last_success_at', models.DateTimeField(blank=True, null=True)),
                ('error_count', models.PositiveIntegerField(default=0, help_text='Failures in a row.')),
                ('last_error', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('is_enabled', True)), fields=['next_fetch_at'], name='source_due')],
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('email', models.EmailField(max_length=254, unique=True, verbose_name='e-mail address')),
                ('username', models.CharField(help_text='Shown beside comments and submissions.', max_length=30, validators=[django.core.validators.RegexValidator('^[A-Za-z0-9][A-Za-z0-9_.-]{1,29}$', '2 to 30 letters, digits, dots, hyphens or underscores.')])),
                ('time_zone', models.CharField(blank=True, help_text="Empty: the group's time zone.", max_length=64)),
                ('votes_unnamed', models.BooleanField(default=False, help_text="New votes don't show the reader's name.")),
                ('uses_shortcuts', models.BooleanField(default=True, help_text='Single keys act on pages.')),
                ('hides_seen', models.BooleanField(default=False, help_text='Lists leave out what the reader has seen.')),
                ('mails_mentions', models.BooleanField(default=False, help_text='A mail says where the reader was named.')),
                ('unread_mentions', models.PositiveIntegerField(default=0, help_text='Copy of what Mention says.')),
                ('visited_at', models.DateTimeField(blank=True, null=True)),
                ('visited_release', models.BigIntegerField(blank=True, null=True)),
                ('previous_visit_at', models.DateTimeField(blank=True, null=True)),
                ('previous_visit_release', models.BigIntegerField(blank=True, null=True)),
                ('is_curator', models.BooleanField(default=False, verbose_name='curator')),
                ('is_staff', models.BooleanField(default=False, verbose_name='may enter the admin')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('suspended_at', models.DateTimeField(blank=True, null=True)),
                ('suspended_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('suspension_reason', models.TextField(blank=True, verbose_name='reason')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), name='user_email_once', violation_error_message='There is an account with this address.'), models.UniqueConstraint(django.db.models.functions.text.Lower('username'), name='user_username_once', violation_error_message='This name is taken.')],
            },
        ),
        migrations.CreateModel(
            name='WordCount',
            fields=[
                ('word', models.TextField(primary_key=True, serialize=False)),
                ('papers', models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='AuthorClaim',
            fields=[
                ('pk', models.CompositePrimaryKey('paper_id', 'name', blank=True, editable=False, primary_key=True, serialize=False)),
                ('paper', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='author_claims', to='papers.paper')),
                ('name', models.TextField(help_text='As in Paper.author_keys.')),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='claims', to='papers.author')),
            ],
        ),
        migrations.CreateModel(
            name='AuthorName',
            fields=[
                ('name', models.TextField(help_text='As in Paper.author_keys.', primary_key=True, serialize=False)),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='names', to='papers.author')),
            ],
        ),
        migrations.CreateModel(
            name='Comment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comments', to='papers.paper')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='comments', to=settings.AUTH_USER_MODEL)),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='answers', to='papers.comment')),
                ('body', models.TextField(help_text='Markdown.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('edited_at', models.DateTimeField(blank=True, null=True)),
                ('deleted_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['paper', 'id'], name='comment_of_paper')],
            },
        ),
        migrations.CreateModel(
            name='CurationEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('actor', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='curation_events', to=settings.AUTH_USER_MODEL)),
                ('action', models.CharField(max_length=40)),
                ('subject', models.TextField(blank=True, help_text='What was decided on, such as paper:12: two curators who decide on it take turns.')),
                ('paper', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='curation_events', to='papers.paper')),
                ('day', models.DateField(blank=True, null=True)),
                ('before', models.JSONField(default=dict, help_text='How it was, as the log may tell everybody.')),
                ('after', models.JSONField(default=dict, help_text='How it is since.')),
                ('reason', models.TextField(blank=True)),
                ('changes', models.JSONField(default=list, help_text='The rows it changed, for undo; never shown. Deleted after a while.')),
                ('batch', models.UUIDField(blank=True, help_text='The same for what was done with one press.', null=True)),
                ('undoes', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='papers.curationevent')),
                ('undone_at', models.DateTimeField(blank=True, null=True)),
                ('undone_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'indexes': [models.Index(fields=['-created_at'], name='curation_newest'), models.Index(fields=['subject', '-id'], name='curation_of_subject'), models.Index(fields=['action', '-id'], name='curation_of_kind'), models.Index(fields=['actor', '-id'], name='curation_of_curator'), models.Index(condition=models.Q(('day__isnull', False)), fields=['day', '-id'], name='curation_of_day'), models.Index(condition=models.Q(('batch__isnull', False)), fields=['batch'], name='curation_batch'), models.Index(condition=models.Q(('changes', []), _negated=True), fields=['created_at'], name='curation_undoable')],
            },
        ),
        migrations.CreateModel(
            name='DuplicateCheck',
            fields=[
                ('paper', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='papers.paper')),
                ('next_at', models.DateTimeField()),
                ('times', models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                'indexes': [models.Index(fields=['next_at'], name='duplicate_check_due')],
            },
        ),
        migrations.CreateModel(
            name='DuplicatePair',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('first', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='papers.paper')),
                ('second', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='papers.paper')),
                ('title_score', models.FloatField(help_text='How alike the titles are, 0 to 1.')),
                ('author_score', models.FloatField(help_text='How many of the authors they share, 0 to 1.')),
                ('vector_score', models.FloatField(blank=True, help_text='How close in meaning; empty without vectors.', null=True)),
                ('found_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('decided_at', None)), fields=['-found_at', '-id'], name='duplicate_open')],
                'constraints': [models.UniqueConstraint(fields=('first', 'second'), name='duplicate_pair_once'), models.CheckConstraint(condition=models.Q(('first__lt', models.F('second'))), name='duplicate_pair_in_order')],
            },
        ),
        migrations.CreateModel(
            name='EmbeddingBacklog',
            fields=[
                ('paper', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='papers.paper')),
                ('listed_at', models.DateTimeField(help_text="The paper's, so that the newest come first.")),
                ('lease', models.UUIDField(blank=True, null=True)),
                ('not_before', models.DateTimeField(help_text='Nobody takes it before this.')),
                ('failures', models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                'indexes': [models.Index(models.OrderBy(models.F('listed_at'), descending=True), models.OrderBy(models.F('paper'), descending=True), name='embedding_newest')],
            },
        ),
        migrations.CreateModel(
            name='FeedKey',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='feed_key', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('key', models.CharField(max_length=22, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name='FetchRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='papers.source')),
                ('state', models.CharField(choices=[('running', 'running'), ('done', 'done'), ('partial', 'done, with some records refused'), ('stale', 'the source served an old batch'), ('failed', 'failed'), ('abandoned', 'stopped in the middle')], default='running', max_length=10)),
                ('started_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('heartbeat_at', models.DateTimeField(help_text='Moved on while the run lives; a run that stopped moving is taken over.')),
                ('progress', models.TextField(blank=True, help_text='Such as: fetching cs.CL, 40 of 68.')),
                ('announced', models.PositiveIntegerField(blank=True, null=True)),
                ('fetched', models.PositiveIntegerField(default=0)),
                ('new', models.PositiveIntegerField(default=0)),
                ('updated', models.PositiveIntegerField(default=0)),
                ('listed', models.PositiveIntegerField(default=0)),
                ('failed', models.PositiveIntegerField(default=0, help_text='Records that could not be read.')),
                ('requests', models.JSONField(default=list)),
                ('error', models.TextField(blank=True)),
            ],
            options={
                'indexes': [models.Index(fields=['source', '-started_at'], name='run_of_source')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'running')), fields=('source',), name='one_run_a_source')],
            },
        ),
        migrations.CreateModel(
            name='Follow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='follows', to=settings.AUTH_USER_MODEL)),
                ('followed', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='follows', to='papers.followed')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'followed'), name='follow_once')],
            },
        ),
        migrations.CreateModel(
            name='FollowedPaper',
            fields=[
                ('pk', models.CompositePrimaryKey('followed_id', 'paper_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('followed', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='papers', to='papers.followed')),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='followed_as', to='papers.paper')),
                ('release', models.BigIntegerField(help_text="0: it was there before anybody followed, and is in nobody's mail.")),
                ('matched_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('listed_at', models.DateTimeField(help_text="The paper's, kept in line by the matching.")),
            ],
            options={
                'indexes': [models.Index(models.F('followed'), models.OrderBy(models.F('listed_at'), descending=True), models.OrderBy(models.F('paper'), descending=True), name='followed_paper_newest'), models.Index(condition=models.Q(('release__gt', 0)), fields=['followed', 'release'], name='followed_paper_release')],
            },
        ),
        migrations.CreateModel(
            name='FormerAddress',
            fields=[
                ('public_id', models.TextField(primary_key=True, serialize=False)),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='former_addresses', to='papers.paper')),
            ],
        ),
        migrations.CreateModel(
            name='Identifier',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scheme', models.CharField(choices=[('arxiv', 'arXiv'), ('doi', 'DOI'), ('openreview', 'OpenReview'), ('s2', 'Semantic Scholar'), ('pmid', 'PubMed'), ('acl', 'ACL Anthology'), ('url', 'address')], max_length=12)),
                ('value', models.TextField()),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='identifiers', to='papers.paper')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('scheme', 'value'), name='identifier_once')],
            },
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token_digest', models.CharField(max_length=64, unique=True)),
                ('email', models.EmailField(blank=True, help_text='Empty: whoever has the link.', max_length=254, verbose_name='e-mail address')),
                ('role', models.CharField(choices=[('reader', 'reader'), ('curator', 'curator'), ('administrator', 'administrator')], default='reader', max_length=13)),
                ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='invitations', to=settings.AUTH_USER_MODEL)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(blank=True, null=True)),
                ('used_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='LibraryImport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='library_imports', to=settings.AUTH_USER_MODEL)),
                ('name', models.TextField(blank=True, help_text='Of the file; empty for what was pasted.')),
                ('format', models.CharField(help_text='As in papers/references.', max_length=10)),
                ('notes', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, help_text='What was said of the file as a whole.', size=None)),
                ('state', models.CharField(blank=True, help_text='Of its papers in the library; empty: tags alone.', max_length=16)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, help_text='On every paper of it.', size=None)),
                ('uses_file_tags', models.BooleanField(default=False, help_text="The file's own keywords become tags.")),
                ('created_at', models.DateTimeField()),
                ('applied_at', models.DateTimeField(blank=True, help_text='Empty: a draft, of which nothing was stored.', null=True)),
                ('leased_until', models.DateTimeField(blank=True, help_text='A worker is at it until then.', null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['user', '-created_at'], name='library_import_of_reader')],
            },
        ),
        migrations.CreateModel(
            name='LibraryItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='library', to=settings.AUTH_USER_MODEL)),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='library_items', to='papers.paper')),
                ('state', models.CharField(choices=[('to_read', 'to read'), ('reading', 'reading'), ('read', 'read'), ('not_interested', 'not interested')], default='to_read', max_length=16)),
                ('note', models.TextField(blank=True, help_text='Markdown.')),
                ('version_seen', models.PositiveSmallIntegerField(blank=True, help_text='The version that the reader saw last; a newer one is said to be out.', null=True)),
                ('added_at', models.DateTimeField(auto_now_add=True)),
                ('opened_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['user', 'state', '-added_at'], name='library_item_of_reader')],
                'constraints': [models.UniqueConstraint(fields=('user', 'paper'), name='library_item_once'), models.CheckConstraint(condition=models.Q(('state__in', ['to_read', 'reading', 'read', 'not_interested'])), name='library_item_state')],
            },
        ),
        migrations.CreateModel(
            name='Listing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='listings', to='papers.paper')),
                ('by', models.CharField(choices=[('source', 'a source'), ('submission', 'a submission'), ('topic', "a topic's rule"), ('votes', 'a rule of votes'), ('curator', 'a curator')], max_length=12)),
                ('source', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='listings', to='papers.source')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='listings', to=settings.AUTH_USER_MODEL)),
                ('submitter', models.TextField(blank=True, help_text='Who submitted it at the source.')),
                ('kind', models.CharField(blank=True, help_text='new, cross, daily, …', max_length=12)),
                ('position', models.PositiveIntegerField(default=0, help_text="The source's own order within the day.")),
                ('pinned_at', models.DateTimeField(blank=True, null=True)),
                ('is_pinned', models.GeneratedField(db_persist=True, expression=models.ExpressionWrapper(models.Q(('pinned_at__isnull', False)), output_field=models.BooleanField()), output_field=models.BooleanField())),
                ('place', models.PositiveSmallIntegerField(db_default=0, default=0, help_text="The curators' order among what is pinned; 0 comes first, and is all that is not pinned.")),
                ('hidden_at', models.DateTimeField(blank=True, null=True)),
                ('vote_count', models.PositiveIntegerField(default=0, help_text="Copy of the paper's.")),
                ('source_votes', models.PositiveIntegerField(default=0, help_text='Copy of the most votes that one of its sources counts.')),
                ('week', models.GeneratedField(db_persist=True, expression=models.Func(models.F('day'), function='', template='(%(expressions)s - (extract(isodow from %(expressions)s)::int - 1))'), output_field=models.DateField())),
                ('month', models.GeneratedField(db_persist=True, expression=models.Func(models.F('day'), function='', template='(%(expressions)s - (extract(day from %(expressions)s)::int - 1))'), output_field=models.DateField())),
                ('release', models.BigIntegerField(help_text='Grows in commit order; digests read by it.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'indexes': [models.Index(models.F('day'), models.OrderBy(models.F('is_pinned'), descending=True), models.F('place'), models.OrderBy(models.F('vote_count'), descending=True), models.OrderBy(models.F('source_votes'), descending=True), models.F('position'), models.F('id'), condition=models.Q(('hidden_at', None)), name='listing_day'), models.Index(models.F('week'), models.OrderBy(models.F('vote_count'), descending=True), models.OrderBy(models.F('source_votes'), descending=True), models.OrderBy(models.F('paper'), descending=True), models.F('id'), condition=models.Q(('hidden_at', None)), name='listing_week'), models.Index(models.F('month'), models.OrderBy(models.F('vote_count'), descending=True), models.OrderBy(models.F('source_votes'), descending=True), models.OrderBy(models.F('paper'), descending=True), models.F('id'), condition=models.Q(('hidden_at', None)), name='listing_month'), models.Index(fields=['release'], name='listing_release')],
                'constraints': [models.UniqueConstraint(fields=('day', 'paper'), name='listing_once_a_day'), models.CheckConstraint(condition=models.Q(('place', 0), ('pinned_at__isnull', False), _connector='OR'), name='listing_place_is_pinned')],
            },
        ),
        migrations.CreateModel(
            name='LoginLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='login_links', to=settings.AUTH_USER_MODEL)),
                ('token_digest', models.CharField(max_length=64, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='MutedQuery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='muted_queries', to=settings.AUTH_USER_MODEL)),
                ('query', models.CharField(max_length=300)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'query'), name='muted_query_once')],
            },
        ),
        migrations.CreateModel(
            name='PaperCategory',
            fields=[
                ('pk', models.CompositePrimaryKey('category', 'listed_at', 'paper_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('category', models.TextField()),
                ('listed_at', models.DateTimeField()),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='category_rows', to='papers.paper')),
            ],
        ),
        migrations.CreateModel(
            name='PaperEdit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='edits', to='papers.paper')),
                ('field', models.CharField(help_text='As in services/ingest/curated_edits.py.', max_length=20)),
                ('value', models.JSONField(null=True)),
                ('source_value', models.JSONField(help_text='What the sources say, as of their last record.', null=True)),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('edited_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('paper', 'field'), name='paper_edit_once')],
            },
        ),
        migrations.CreateModel(
            name='PaperExternalCounts',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='external_counts', to='papers.paper')),
                ('source', models.CharField(help_text='The kind of source, such as huggingface.', max_length=20)),
                ('votes', models.PositiveIntegerField(default=0)),
                ('comments', models.PositiveIntegerField(default=0)),
                ('submitted_by', models.TextField(blank=True)),
                ('url', models.TextField(blank=True)),
                ('trending_score', models.FloatField(blank=True, help_text='Decayed sum of its votes; see papers/ranking/trending.py.', null=True)),
                ('updated_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('paper', 'source'), name='paper_external_counts_once')],
            },
        ),
        migrations.CreateModel(
            name='PaperVector',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='vectors', to='papers.paper')),
                ('model', models.CharField(max_length=80)),
                ('vector', pgvector.django.halfvec.HalfVectorField()),
            ],
            options={
                'indexes': [pgvector.django.indexes.HnswIndex(django.contrib.postgres.indexes.OpClass(django.db.models.functions.comparison.Cast('vector', pgvector.django.halfvec.HalfVectorField(dimensions=384)), name='halfvec_cosine_ops'), condition=models.Q(('model', 'all-MiniLM-L6-v2-int8')), name='paper_vector_shipped')],
                'constraints': [models.UniqueConstraint(fields=('paper', 'model'), name='paper_vector_once')],
            },
        ),
        migrations.CreateModel(
            name='PaperVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='papers.paper')),
                ('version', models.PositiveSmallIntegerField()),
                ('released_at', models.DateTimeField(blank=True, help_text='As the source dates it.', null=True)),
                ('seen_at', models.DateTimeField(help_text='When it was first stored here.')),
                ('title', models.TextField(blank=True)),
                ('abstract', models.TextField(blank=True)),
                ('comment', models.TextField(blank=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('paper', 'version'), name='paper_version_once')],
            },
        ),
        migrations.CreateModel(
            name='PlannedListing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='planned', to='papers.paper')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('publish_at', models.DateTimeField(help_text='The same for all of a day.')),
            ],
            options={
                'indexes': [models.Index(fields=['publish_at'], name='planned_due')],
                'constraints': [models.UniqueConstraint(fields=('day', 'paper'), name='planned_once_a_day')],
            },
        ),
        migrations.CreateModel(
            name='RecommendationState',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to=settings.AUTH_USER_MODEL)),
                ('stale_at', models.DateTimeField(blank=True, help_text='The reader did something then; empty: all is in.', null=True)),
                ('computed_at', models.DateTimeField(blank=True, null=True)),
                ('liked_count', models.PositiveIntegerField(default=0, help_text='Papers that the last computing learnt from.')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('stale_at__isnull', False)), fields=['stale_at'], name='recommendations_stale'), models.Index(fields=['computed_at'], name='recommendations_computed')],
            },
        ),
        migrations.CreateModel(
            name='RejectedRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rejected', to='papers.source')),
                ('source_kind', models.CharField(max_length=20)),
                ('identifier', models.TextField(blank=True, help_text='As far as it could be told.')),
                ('digest', models.CharField(help_text='Of source and payload: the same bad record is kept once.', max_length=64)),
                ('payload', models.TextField(help_text='As received, cut at 64 KB.')),
                ('error', models.TextField()),
                ('first_seen_at', models.DateTimeField()),
                ('last_seen_at', models.DateTimeField()),
                ('resolved_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('resolved_at', None)), fields=['-last_seen_at'], name='rejected_open')],
                'constraints': [models.UniqueConstraint(fields=('digest',), name='rejected_record_once')],
            },
        ),
        migrations.CreateModel(
            name='SeenPaper',
            fields=[
                ('pk', models.CompositePrimaryKey('user_id', 'paper_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='seen_papers', to=settings.AUTH_USER_MODEL)),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='seen_by', to='papers.paper')),
                ('seen_at', models.DateTimeField()),
                ('done_on', models.DateField(blank=True, help_text='The day whose "Done with this day" alone made it seen; undone with it.', null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('done_on__isnull', False)), fields=['user', 'done_on'], name='seen_by_day')],
            },
        ),
        migrations.CreateModel(
            name='ShownRecommendation',
            fields=[
                ('pk', models.CompositePrimaryKey('user_id', 'paper_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='papers.paper')),
                ('shown_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='SourceDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='days', to='papers.source')),
                ('day', models.DateField(help_text="The list's own day; for a feed, the day on which it was read. In UTC.")),
                ('record_count', models.PositiveIntegerField(help_text='Records in it, those that could not be read too.')),
                ('stored', models.PositiveIntegerField()),
                ('read_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('source', 'day'), name='source_day_once')],
            },
        ),
        migrations.CreateModel(
            name='Submission',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='submissions', to=settings.AUTH_USER_MODEL)),
                ('reference', models.TextField(help_text='What the reader typed.')),
                ('scheme', models.CharField(blank=True, help_text='arxiv, doi or url.', max_length=12)),
                ('value', models.TextField(blank=True, help_text='What was typed, in its one form.')),
                ('is_for_edition', models.BooleanField(default=True, help_text='Whether it is to be on an edition, not only here.')),
                ('saves_to_library', models.BooleanField(default=False, help_text="Whether it goes into the reader's library, to be read.")),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, help_text="The reader's tags to put on it.", size=None)),
                ('paper', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='submissions', to='papers.paper')),
                ('state', models.CharField(choices=[('fetching', 'being fetched'), ('failed', 'could not be fetched'), ('waiting', 'waiting for a curator'), ('accepted', 'accepted'), ('rejected', 'rejected')], default='waiting', max_length=10)),
                ('reason', models.TextField(blank=True, help_text="Why it failed, waits or was rejected, in the reader's words.")),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField(blank=True, help_text='While a worker has it: when its lease ends.', null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['user', '-created_at'], name='submission_of_reader'), models.Index(fields=['scheme', 'value'], name='submission_about'), models.Index(condition=models.Q(('state', 'fetching')), fields=['next_attempt_at'], name='submission_due'), models.Index(condition=models.Q(('state', 'waiting')), fields=['created_at'], name='submission_waiting')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'fetching')), fields=('user', 'scheme', 'value'), name='submission_open_once')],
            },
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tags', to=settings.AUTH_USER_MODEL)),
                ('name', models.CharField(max_length=60)),
                ('shared_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(models.F('user'), django.db.models.functions.text.Lower('name'), name='tag_once')],
            },
        ),
        migrations.CreateModel(
            name='Topic',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(max_length=80, unique=True)),
                ('name', models.CharField(max_length=120)),
                ('description', models.TextField(blank=True)),
                ('categories', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, default=list, size=None)),
                ('query', models.TextField(blank=True)),
                ('closeness', models.FloatField(default=0.55, help_text='How close to an example its papers are: 1 the same meaning, 0 nothing in common.')),
                ('owner', models.ForeignKey(blank=True, help_text='Empty: curated, for all.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='topics', to=settings.AUTH_USER_MODEL)),
                ('version', models.PositiveIntegerField(default=1, help_text='Grows with every change of what it asks.')),
                ('pending_since', models.DateTimeField(blank=True, default=django.utils.timezone.now, help_text='It was made or changed then; empty once that is done.', null=True)),
                ('offered_at', models.DateTimeField(blank=True, help_text='Its reader offers it for all; until decided.', null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('examples', models.ManyToManyField(blank=True, related_name='example_of', to='papers.paper')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('pending_since__isnull', False)), fields=['pending_since'], name='topic_pending'), models.Index(condition=models.Q(('offered_at__isnull', False)), fields=['-offered_at'], name='topic_offered')],
            },
        ),
        migrations.CreateModel(
            name='TopicBacklog',
            fields=[
                ('paper', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='papers.paper')),
                ('changes', models.BigIntegerField(default=1)),
            ],
        ),
        migrations.CreateModel(
            name='Vote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='votes', to=settings.AUTH_USER_MODEL)),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='votes', to='papers.paper')),
                ('is_unnamed', models.BooleanField(default=False, help_text="The voter's name is not shown.")),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'indexes': [models.Index(fields=['paper', 'created_at'], name='vote_of_paper')],
                'constraints': [models.UniqueConstraint(fields=('user', 'paper'), name='vote_once')],
            },
        ),
        migrations.CreateModel(
            name='WantedRecord',
            fields=[
                ('paper', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='wanted_record', serialize=False, to='papers.paper')),
                ('scheme', models.CharField(help_text='arxiv or doi.', max_length=12)),
                ('value', models.TextField()),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField(blank=True, help_text='While a worker is at it: when its time is up. None: given up.', null=True)),
                ('reason', models.TextField(blank=True, help_text='Why the last try failed.')),
            ],
            options={
                'indexes': [models.Index(fields=['scheme', 'value'], name='record_wanted'), models.Index(condition=models.Q(('next_attempt_at__isnull', False)), fields=['next_attempt_at'], name='record_due')],
            },
        ),
        migrations.CreateModel(
            name='Candidate',
            fields=[
                ('paper', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='candidate', serialize=False, to='papers.paper')),
                ('topic', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='candidates', to='papers.topic')),
                ('score', models.FloatField(help_text='As in TopicMatch; of the topic that it fits best.')),
                ('found_at', models.DateTimeField()),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('decided_at', None)), fields=['-found_at', '-paper'], name='candidate_open')],
            },
        ),
        migrations.CreateModel(
            name='CommentReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('comment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reports', to='papers.comment')),
                ('user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='comment_reports', to=settings.AUTH_USER_MODEL)),
                ('reason', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('resolved_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('resolved_at', None)), fields=['created_at'], name='comment_report_open')],
                'constraints': [models.UniqueConstraint(fields=('comment', 'user'), name='comment_report_once')],
            },
        ),
        migrations.CreateModel(
            name='LibraryImportRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('library_import', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rows', to='papers.libraryimport')),
                ('position', models.PositiveIntegerField()),
                ('line', models.PositiveIntegerField()),
                ('title', models.TextField(blank=True)),
                ('reference', models.TextField(blank=True, help_text='As the file or list has it.')),
                ('scheme', models.CharField(blank=True, max_length=12)),
                ('value', models.TextField(blank=True)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None)),
                ('paper', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='library_import_rows', to='papers.paper')),
                ('state', models.CharField(choices=[('found', 'found'), ('wanted', 'will be fetched'), ('unclear', 'not understood'), ('twice', 'named before'), ('fetching', 'being fetched'), ('done', 'taken'), ('failed', 'could not be fetched')], max_length=10)),
                ('reason', models.TextField(blank=True, help_text="In the reader's words.")),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('next_attempt_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'fetching')), fields=['library_import', 'next_attempt_at'], name='library_import_row_due')],
                'constraints': [models.UniqueConstraint(fields=('library_import', 'position'), name='library_import_row_once')],
            },
        ),
        migrations.CreateModel(
            name='ListRule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('topic', models.ForeignKey(blank=True, help_text='Only its papers; empty: of any topic and none.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='rules', to='papers.topic')),
                ('min_votes', models.PositiveIntegerField(default=0, help_text='At least so many votes of the group.')),
                ('limit', models.PositiveSmallIntegerField(default=10, help_text='At most so many a day.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(200)])),
                ('is_enabled', models.BooleanField(default=True, verbose_name='in force')),
                ('made_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('topic__isnull', False), ('min_votes__gt', 0), _connector='OR'), name='list_rule_asks'), models.CheckConstraint(condition=models.Q(('limit__gte', 1), ('limit__lte', 200)), name='list_rule_limit')],
            },
        ),
        migrations.CreateModel(
            name='Mention',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('comment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mentions', to='papers.comment')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mentions', to=settings.AUTH_USER_MODEL)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('read_at', models.DateTimeField(blank=True, null=True)),
                ('mail_at', models.DateTimeField(blank=True, help_text='When a mail is to say so; empty: none is.', null=True)),
                ('mail_attempts', models.PositiveSmallIntegerField(default=0)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('mail_at__isnull', False)), fields=['mail_at'], name='mention_to_mail')],
                'constraints': [models.UniqueConstraint(fields=('comment', 'user'), name='mention_once')],
            },
        ),
        migrations.CreateModel(
            name='Recommendation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recommendations', to=settings.AUTH_USER_MODEL)),
                ('tag', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='papers.tag')),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='papers.paper')),
                ('rank', models.PositiveSmallIntegerField(help_text='On the list; 0 is the best.')),
                ('score', models.FloatField(help_text='Standard deviations above the middle of the recent papers.')),
                ('because_of', models.ForeignKey(help_text='The liked paper that speaks for it most.', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='papers.paper')),
                ('shared', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, help_text='What both papers speak of, as the liked one says it.', size=None)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'tag', 'paper'), name='recommended_once', nulls_distinct=False)],
            },
        ),
        migrations.CreateModel(
            name='TaggedPaper',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tag', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tagged', to='papers.tag')),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tagged', to='papers.paper')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tag', 'paper'), name='tagged_paper_once')],
            },
        ),
        migrations.CreateModel(
            name='TopicMatch',
            fields=[
                ('pk', models.CompositePrimaryKey('topic_id', 'paper_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('topic', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='matches', to='papers.topic')),
                ('paper', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='topic_matches', to='papers.paper')),
                ('score', models.FloatField(default=0, help_text='How well it fits, 0 to 1; compares papers of one topic.')),
                ('matched_at', models.DateTimeField(default=django.utils.timezone.now, help_text='When it was matched; of papers that were there before the topic, when they came.')),
                ('release', models.BigIntegerField()),
                ('listed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('vote_count', models.PositiveIntegerField(default=0)),
            ],
            options={
                'indexes': [models.Index(fields=['topic', 'release'], name='topic_match_release'), models.Index(fields=['topic', 'listed_at', 'paper'], name='topic_match_newest'), models.Index(condition=models.Q(('vote_count__gt', 0)), fields=['topic', 'vote_count', 'listed_at', 'paper'], name='topic_match_voted')],
            },
        ),
        migrations.CreateModel(
            name='TopicPick',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('topic', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='picks', to='papers.topic')),
                ('paper', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='picks', to='papers.paper')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('topic', 'paper'), name='topic_pick_once')],
            },
        ),
        migrations.CreateModel(
            name='TopicWeek',
            fields=[
                ('pk', models.CompositePrimaryKey('topic_id', 'week', blank=True, editable=False, primary_key=True, serialize=False)),
                ('topic', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='weeks', to='papers.topic')),
                ('week', models.DateField()),
                ('papers', models.PositiveIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='RuleListing',
            fields=[
                ('paper', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='papers.paper')),
                ('rule', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='papers', to='papers.listrule')),
                ('day', models.DateField()),
                ('listed_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['rule', 'day'], name='rule_listing_of_day')],
            },
        ),
        migrations.AddField(
            model_name='Tag',
            name='papers',
            field=models.ManyToManyField(related_name='tags', through='papers.TaggedPaper', to='papers.paper'),
        ),
    ]
