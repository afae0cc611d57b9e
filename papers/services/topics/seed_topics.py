"""The topics that a new site begins with: the categories the group reads, and some useful questions.

Made once, at the first start. Whatever is deleted stays deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction

from papers.catalogue.categories import expand_pattern, find_category
from papers.models import Heartbeat, Topic
from papers.services.operations.heartbeat import record_heartbeat

_SEEDED = "topics-seeded"

SEED_TOPICS: tuple[tuple[str, str, str, str], ...] = (
    (
        "language-models", "Language models", "What they can do and how they are made.",
        'title:"language model" OR title:llm OR title:llms',
    ),
    (
        "agents", "Agents", "Models that act: with tools, browsers, code.",
        'title:agent OR title:agents OR title:agentic OR "tool use" OR "computer use"',
    ),
    (
        "reasoning", "Reasoning", "Thinking step by step, and models trained to.",
        'title:reasoning OR "chain of thought" OR "test-time compute"',
    ),
    (
        "retrieval", "Retrieval", "Search, and answers built on what is found.",
        'title:retrieval OR "retrieval augmented" OR title:reranking',
    ),
    (
        "diffusion-and-flow", "Diffusion and flow matching", "Generating by removing noise.",
        'title:diffusion OR title:"flow matching" OR title:"score matching"',
    ),
    (
        "video-generation", "Video generation", "",
        'title:video (generation OR generating OR diffusion OR synthesis)',
    ),
    (
        "vision-language", "Vision and language", "Models that see and speak.",
        '"vision language" OR title:multimodal OR title:vlm',
    ),
    (
        "reinforcement-learning", "Reinforcement learning", "",
        'title:"reinforcement learning" OR title:rlhf OR title:grpo OR "policy gradient"',
    ),
    (
        "safety-and-alignment", "Safety and alignment", "",
        'title:alignment OR title:jailbreak OR title:safety OR "red teaming"',
    ),
    (
        "interpretability", "Interpretability", "What happens inside.",
        'title:interpretability OR title:interpretable OR "sparse autoencoder" OR "mechanistic interpretability"',
    ),
    (
        "efficient-models", "Smaller and faster models", "Quantization, pruning, distillation, serving.",
        'title:quantization OR title:pruning OR title:distillation OR "speculative decoding" OR "kv cache"',
    ),
    (
        "robotics", "Robots that learn", "",
        'title:robot OR title:robotic OR title:manipulation OR "vision language action"',
    ),
    (
        "benchmarks-and-data", "Benchmarks and data sets", "",
        "title:benchmark OR title:benchmarking OR title:dataset",
    ),
    ("with-code", "With code", "Papers that say where their code is.", "has:code"),
)  # fmt: skip


def seed_topics(*, now: datetime, categories: Iterable[str] | None = None) -> int:
    """Create the first topics, unless that was done before; returns how many. Idempotent, also for two at once."""
    codes = settings.ARXIV_CATEGORIES if categories is None else categories
    with transaction.atomic():
        if Heartbeat.objects.filter(name=_SEEDED).exists():
            return 0
        record_heartbeat(now=now, name=_SEEDED)
        rows = [
            *(Topic(slug=slug, name=name, description=text, query=query) for slug, name, text, query in SEED_TOPICS),
            *(_of_category(code) for pattern in codes for code in expand_pattern(pattern)),
        ]
        for row in rows:
            row.pending_since = now
        return len(Topic.objects.bulk_create(rows, ignore_conflicts=True))


def _of_category(code: str) -> Topic:
    category = find_category(code)
    name = category.name if category else code
    return Topic(slug=code.lower().replace(".", "-"), name=f"{name} ({code})", categories=[code])
