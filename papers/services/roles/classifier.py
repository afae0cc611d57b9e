"""The classifier of sentence roles: a linear-chain conditional random field over hashed words, in numpy.

`make train-roles` makes its weights from the labels in bench/roles. Imported where it is used: numpy takes memory that
web processes need not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from papers.text.abstract_roles import RoleSentence, SentenceRole, mark_line, write_roles
from papers.text.role_features import sentence_features
from papers.text.sentences import find_sentences

WEIGHTS = Path(__file__).resolve().parents[2] / "data" / "role_weights.npz"
MAX_SENTENCES = 60
"""Of an abstract; what follows has no role."""

_ROLES = tuple(SentenceRole)
Array = np.ndarray[Any, Any]


class RoleWeights(NamedTuple):
    """What speaks for each role: by bucket, in whole steps of `step`; and by the role of the sentence before."""

    emission: Array
    step: Array
    transition: Array


@cache
def load_weights(path: Path = WEIGHTS) -> RoleWeights:
    """The weights in a file, read once a process.

    Raises:
        OSError: it is not there.
    """
    with np.load(path, allow_pickle=False) as stored:
        return RoleWeights(stored["emission"], stored["step"], stored["transition"])


def sentence_probabilities(sentences: Sequence[str], weights: RoleWeights) -> Array:
    """The probability of each role, in the order of `SentenceRole`, of each sentence of an abstract."""
    score = np.empty((len(sentences), len(_ROLES)))
    for place, buckets in enumerate(sentence_features(sentences)):
        total = weights.emission[buckets].sum(axis=0, dtype=np.int64)
        score[place] = total * weights.step / np.sqrt(len(buckets))
    return marginals(score, weights.transition)


def marginals(score: Array, transition: Array) -> Array:
    """The probabilities of the roles of each sentence (forward-backward), by their scores and those of transitions."""
    steps = np.exp(transition - transition.max())
    local = np.exp(score - score.max(axis=1, keepdims=True))
    forward, backward = local.copy(), np.ones_like(local)
    forward[0] /= forward[0].sum()
    for place in range(1, len(score)):
        forward[place] *= forward[place - 1] @ steps
        forward[place] /= forward[place].sum()
    for place in range(len(score) - 2, -1, -1):
        backward[place] = steps @ (local[place + 1] * backward[place + 1])
        backward[place] /= backward[place].sum()
    product = forward * backward
    found: Array = product / product.sum(axis=1, keepdims=True)
    return found


def classify_abstract(abstract: str, weights: RoleWeights | None = None) -> str:
    """What is to be stored of the sentences of an abstract (papers/text/abstract_roles.py); empty for an empty one."""
    spans = find_sentences(abstract)[:MAX_SENTENCES]
    if not spans:
        return ""
    texts = [abstract[span.start : span.end] for span in spans]
    certainty = sentence_probabilities(texts, weights or load_weights())
    best = certainty.argmax(axis=1)
    sentences = [RoleSentence(span.start, span.end, _ROLES[role]) for span, role in zip(spans, best, strict=True)]
    return write_roles(mark_line(sentences, certainty.tolist()))
