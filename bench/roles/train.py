"""Makes the weights of the classifier of sentence roles, and says how good it is on papers that it has not seen.

    make train-roles [JSON=result.json] [ARGS="--only-measure"]

Five folds over papers: each is labelled by weights of the other four. Intervals are of 95 %, by 1,000 draws of papers
with replacement. The weights that are kept are made from all labels, each in a byte (bench/roles/README.md has the
labels' rules). The same labels give the same file.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench.roles import crf
from papers.services.roles.classifier import WEIGHTS, RoleWeights, sentence_probabilities
from papers.text.abstract_roles import SentenceRole
from papers.text.role_features import BUCKETS, sentence_features

LABELS = Path(__file__).with_name("labels.jsonl")
FOLDS = 5
SEED = 5
DECAY = 0.15
"""Chosen among 0.05 to 1 on the folds."""

ROLES = tuple(SentenceRole)
Array = np.ndarray[Any, Any]


class LabelledAbstract(NamedTuple):
    """An abstract's sentences with the place of each one's role in `ROLES`."""

    arxiv_id: str
    sentences: list[str]
    roles: list[int]


class Quality(NamedTuple):
    """How good predictions are: accuracy, the mean of the F1 of the roles, and each role's."""

    accuracy: float
    macro_f1: float
    f1: tuple[float, ...]


def read_labels(path: Path = LABELS) -> list[LabelledAbstract]:
    """The labelled abstracts, in the file's order."""
    with path.open(encoding="utf-8") as lines:
        return [_labelled(json.loads(line)) for line in lines]


def _labelled(row: dict[str, Any]) -> LabelledAbstract:
    texts = [text for _, text in row["sentences"]]
    return LabelledAbstract(row["arxiv_id"], texts, [ROLES.index(SentenceRole(role)) for role, _ in row["sentences"]])


def learn(abstracts: Sequence[LabelledAbstract]) -> RoleWeights:
    """The weights made from these labels, emission weights in bytes."""
    features = [sentence_features(each.sentences) for each in abstracts]
    found = crf.train(features, [each.roles for each in abstracts], buckets=BUCKETS, roles=len(ROLES), decay=DECAY)
    step = np.maximum(np.abs(found.emission).max(axis=0), 1e-9) / 127
    emission = np.rint(found.emission / step).astype(np.int8)
    return RoleWeights(emission, step.astype(np.float32), found.transition.astype(np.float32))


def predict(abstracts: Sequence[LabelledAbstract], weights: RoleWeights) -> list[list[int]]:
    """The likeliest role of each sentence."""
    return [sentence_probabilities(each.sentences, weights).argmax(axis=1).tolist() for each in abstracts]


def predict_by_folds(abstracts: Sequence[LabelledAbstract]) -> list[list[int]]:
    """The role of each sentence by weights that have not seen its paper."""
    order = np.random.default_rng(SEED).permutation(len(abstracts))
    found: list[list[int]] = [[] for _ in abstracts]
    for fold in range(FOLDS):
        held = sorted(order[fold::FOLDS].tolist())
        rest = sorted(set(range(len(abstracts))) - set(held))
        predicted = predict([abstracts[place] for place in held], learn([abstracts[place] for place in rest]))
        for place, roles in zip(held, predicted, strict=True):
            found[place] = roles
    return found


def confusion(gold: Sequence[Sequence[int]], predicted: Sequence[Sequence[int]]) -> Array:
    """For each paper, how often a role (rows) was taken for another (columns)."""
    found = np.zeros((len(gold), len(ROLES), len(ROLES)), dtype=int)
    for place, (right, said) in enumerate(zip(gold, predicted, strict=True)):
        np.add.at(found[place], (right, said), 1)
    return found


def quality(counts: Array) -> Quality:
    """Of a table of roles by predicted roles."""
    hits = counts.diagonal()
    f1 = 2 * hits / np.maximum(counts.sum(axis=0) + counts.sum(axis=1), 1)
    return Quality(float(hits.sum() / counts.sum()), float(f1.mean()), tuple(f1.tolist()))


def intervals(by_paper: Array, *, draws: int = 1_000) -> tuple[tuple[float, float], tuple[float, float]]:
    """Of accuracy and macro-F1: between what values 95 % of draws of papers with replacement lie."""
    rng = np.random.default_rng(SEED)
    drawn = [quality(by_paper[rng.integers(0, len(by_paper), len(by_paper))].sum(axis=0)) for _ in range(draws)]
    accuracy = np.percentile([each.accuracy for each in drawn], [2.5, 97.5])
    macro = np.percentile([each.macro_f1 for each in drawn], [2.5, 97.5])
    return (float(accuracy[0]), float(accuracy[1])), (float(macro[0]), float(macro[1]))


def report(by_paper: Array) -> dict[str, Any]:
    """What is printed and kept."""
    counts = by_paper.sum(axis=0)
    found = quality(counts)
    of_accuracy, of_macro = intervals(by_paper)
    return {
        "papers": len(by_paper),
        "sentences": int(counts.sum()),
        "accuracy": round(found.accuracy, 4),
        "accuracy_95": [round(value, 4) for value in of_accuracy],
        "macro_f1": round(found.macro_f1, 4),
        "macro_f1_95": [round(value, 4) for value in of_macro],
        "f1": {role.value: round(value, 4) for role, value in zip(ROLES, found.f1, strict=True)},
        "labels": {role.value: int(count) for role, count in zip(ROLES, counts.sum(axis=1), strict=True)},
        "confusion": counts.tolist(),
    }


def write_weights(weights: RoleWeights, path: Path = WEIGHTS) -> None:
    """Write them so that the same weights are the same bytes."""
    with path.open("wb") as out:
        np.savez_compressed(out, **weights._asdict())


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the weights of the classifier of sentence roles.")
    parser.add_argument("--json", type=Path, help="keep what was measured")
    parser.add_argument("--only-measure", action="store_true", help="write no weights")
    parser.add_argument("--only-train", action="store_true", help="measure nothing")
    options = parser.parse_args()
    began = time.process_time()
    abstracts = read_labels()
    if not options.only_measure:
        write_weights(learn(abstracts))
        print(
            f"{WEIGHTS.name}: {WEIGHTS.stat().st_size:,} bytes, after {time.process_time() - began:.0f} s of processor"
        )
    if not options.only_train:
        found = report(confusion([each.roles for each in abstracts], predict_by_folds(abstracts)))
        print(json.dumps(found, indent=1))
        if options.json:
            options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
