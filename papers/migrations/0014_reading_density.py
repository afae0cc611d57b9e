"""How a reader reads: compact or comfortable lists, and the size of text."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("papers", "0013_search_typing_help")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="density",
            field=models.CharField(
                choices=[
                    ("comfortable", "Comfortable: the beginning of each abstract"),
                    ("compact", "Compact: title, authors and one line of facts"),
                ],
                db_default="comfortable",
                default="comfortable",
                help_text="How much of each paper a list shows.",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="text_size",
            field=models.CharField(
                choices=[("normal", "Normal"), ("large", "Large"), ("larger", "Larger")],
                db_default="normal",
                default="normal",
                help_text="Beside what the browser is set to.",
                max_length=12,
            ),
        ),
    ]
