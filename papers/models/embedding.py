"""What search by meaning knows of papers: vectors, the models that made them, and the papers that still wait."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Cast
from pgvector.django import HalfVectorField, HnswIndex

from papers.models.paper import Paper

SHIPPED_MODEL = "all-MiniLM-L6-v2-int8"
"""The name, in `PaperVector.model`, of the model that comes with Broadsheet."""

SHIPPED_DIMENSIONS = 384


class PaperVector(models.Model):
    """An embedding of a paper, by model, so that a model can be changed while the old one still serves.

    The column takes vectors of any length, an index only those of one. So each model has an index of its own, on
    `(vector::halfvec(<dimensions>))`, and a query must say the same to be served by it. The shipped model's is below;
    `services/embeddings/model_switch.py` makes that of any other.
    """

    paper = models.ForeignKey(Paper, on_delete=models.CASCADE, related_name="vectors")
    model = models.CharField(max_length=80)
    vector: Any = HalfVectorField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["paper", "model"], name="paper_vector_once")]
        indexes = [
            HnswIndex(
                OpClass(Cast("vector", HalfVectorField(dimensions=SHIPPED_DIMENSIONS)), name="halfvec_cosine_ops"),
                name="paper_vector_shipped",
                condition=Q(model=SHIPPED_MODEL),
            )
        ]

    def __str__(self) -> str:
        return f"{self.model} of {self.paper_id}"


class EmbeddingModel(models.Model):
    """A model that has made vectors or is to: at most one serves search, at most one is the target of the settings."""

    name = models.CharField(max_length=80, primary_key=True)
    endpoint = models.TextField(blank=True, help_text="Where it is asked; empty for the shipped one.")
    dimensions = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Null until it has answered.")
    serves = models.BooleanField(default=False, help_text="Search uses it.")
    is_target = models.BooleanField(default=False, help_text="The settings name it; papers are embedded with it.")
    vector_count = models.PositiveIntegerField(
        default=0, help_text="Vectors; kept as they come, counted anew at night."
    )
    last_error = models.TextField(blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    last_embedded_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["serves"], condition=Q(serves=True), name="one_model_serves"),
            models.UniqueConstraint(fields=["is_target"], condition=Q(is_target=True), name="one_model_target"),
        ]

    def __str__(self) -> str:
        return self.name


class EmbeddingBacklog(models.Model):
    """A paper whose vector of the target model is missing or is of an older text.

    A table of its own, because "papers without a vector" is a comparison of two tables of a million rows, and it is
    asked every few seconds. Ingest adds to it; a worker leases some rows (`lease`, until `not_before`) and deletes them
    with the vectors it stores, unless a newer text has come in between, which takes the lease away.
    """

    paper = models.OneToOneField(Paper, on_delete=models.CASCADE, primary_key=True, related_name="+")
    listed_at = models.DateTimeField(help_text="The paper's, so that the newest come first.")
    lease = models.UUIDField(null=True, blank=True)
    not_before = models.DateTimeField(help_text="Nobody takes it before this.")
    failures = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(F("listed_at").desc(), F("paper").desc(), name="embedding_newest")]

    def __str__(self) -> str:
        return str(self.paper_id)
