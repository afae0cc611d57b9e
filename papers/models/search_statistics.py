"""How common the words of the papers are: what tells a rare word of a question from one that every paper has."""

from __future__ import annotations

from django.db import models


class WordCount(models.Model):
    """In how many papers a word of the search index is, marks such as `c:cs.CL` too. Words of one paper are left out.

    Counted anew now and then by `services/search/statistics.py`, from a sample where there are many papers.
    """

    word = models.TextField(primary_key=True)
    papers = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.word}: {self.papers}"


class SearchStatistics(models.Model):
    """What the words were counted in. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    papers = models.PositiveIntegerField()
    average_length = models.FloatField(help_text="Different words of a paper, marks too.")
    least = models.PositiveIntegerField(help_text="Words that were not counted are in fewer papers than this.")
    counted_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="search_statistics_once")]

    def __str__(self) -> str:
        return f"{self.papers} papers"
