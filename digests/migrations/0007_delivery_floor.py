from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('digests', '0006_figures'),
    ]

    operations = [
        migrations.AddField('delivery', 'floor', models.DateTimeField(blank=True, help_text='Nothing released before it was taken up.', null=True)),
    ]
