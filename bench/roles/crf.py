"""A linear-chain conditional random field (Lafferty, McCallum, Pereira 2001) in numpy: training by L-BFGS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
Features = Sequence[Sequence[Sequence[int]]]
"""Of each abstract, of each sentence, the buckets."""


class Weights(NamedTuple):
    """What is learned: of each bucket and role, and of each role after another."""

    emission: Array
    transition: Array


class _Data(NamedTuple):
    indices: Array
    rows: Array
    values: Array
    gold: Array
    place: Array
    mask: Array
    columns: Array


def scores(features: Sequence[Sequence[int]], emission: Array) -> Array:
    """How much speaks for each role of each sentence of an abstract."""
    return np.array([emission[list(found)].sum(axis=0) / np.sqrt(len(found)) for found in features])


def train(features: Features, labels: Sequence[Sequence[int]], *, buckets: int, roles: int, decay: float) -> Weights:
    """The weights with which the labels are likeliest, less `decay` times their squares; always the same."""
    data = _arranged(features, labels)
    size = len(data.columns)

    def loss(flat: Array) -> tuple[float, Array]:
        emission, transition = flat[: size * roles].reshape(size, roles), flat[size * roles :].reshape(roles, roles)
        value, of_emission, of_transition = _likelihood(data, emission, transition)
        gradient = np.concatenate([of_emission.ravel(), of_transition.ravel()])
        return -value + decay * float(flat @ flat) / 2, decay * flat - gradient

    flat = minimise(loss, np.zeros(size * roles + roles * roles))
    emission = np.zeros((buckets, roles))
    emission[data.columns] = flat[: size * roles].reshape(size, roles)
    return Weights(emission, flat[size * roles :].reshape(roles, roles))


def _arranged(features: Features, labels: Sequence[Sequence[int]]) -> _Data:
    flat = [found for abstract in features for found in abstract]
    lengths = np.array([len(found) for found in flat])
    buckets = np.concatenate([np.asarray(found) for found in flat])
    columns, indices = np.unique(buckets, return_inverse=True)
    longest = max(map(len, features))
    place = np.zeros((len(features), longest), dtype=int)
    mask = np.zeros((len(features), longest), dtype=bool)
    number = 0
    for row, abstract in enumerate(features):
        place[row, : len(abstract)] = range(number, number + len(abstract))
        mask[row, : len(abstract)] = True
        number += len(abstract)
    rows = np.repeat(np.arange(len(flat)), lengths)
    values = np.repeat(1 / np.sqrt(lengths), lengths)
    return _Data(indices, rows, values, np.concatenate([np.asarray(found) for found in labels]), place, mask, columns)


def _likelihood(data: _Data, emission: Array, transition: Array) -> tuple[float, Array, Array]:
    """The logarithm of the labels' likelihood, and its gradients."""
    sentences, roles = len(data.gold), emission.shape[1]
    score = np.stack(
        [np.bincount(data.rows, emission[data.indices, role] * data.values, sentences) for role in range(roles)], axis=1
    )
    marginal, pairs, partition = _forward_backward(score[data.place], transition, data.mask)
    expected = np.zeros_like(score)
    expected[data.place[data.mask]] = marginal[data.mask]
    gold = np.eye(roles)[data.gold]
    follows = data.mask[:, 1:]
    before, after = data.gold[data.place[:, :-1][follows]], data.gold[data.place[:, 1:][follows]]
    counted = np.zeros((roles, roles))
    np.add.at(counted, (before, after), 1)
    value = float((score * gold).sum() + (counted * transition).sum() - partition.sum())
    error = (gold - expected)[data.rows] * data.values[:, None]
    of_emission = np.stack(
        [np.bincount(data.indices, error[:, role], len(data.columns)) for role in range(roles)], axis=1
    )
    return value, of_emission, counted - pairs


def _forward_backward(score: Array, transition: Array, mask: Array) -> tuple[Array, Array, Array]:
    """Each sentence's probabilities, the expected pairs of roles, and the logarithm of the partition function."""
    _count, longest, roles = score.shape
    forward, backward = np.zeros_like(score), np.zeros_like(score)
    forward[:, 0] = score[:, 0]
    for step in range(1, longest):
        new = _log_sum(forward[:, step - 1, :, None] + transition, 1) + score[:, step]
        forward[:, step] = np.where(mask[:, step, None], new, forward[:, step - 1])
    for step in range(longest - 2, -1, -1):
        new = _log_sum(transition + (score[:, step + 1] + backward[:, step + 1])[:, None, :], 2)
        backward[:, step] = np.where(mask[:, step + 1, None], new, 0)
    partition = _log_sum(forward[:, -1], 1)
    marginal = np.exp(forward + backward - partition[:, None, None])
    pairs = np.zeros((roles, roles))
    for step in range(1, longest):
        joint = forward[:, step - 1, :, None] + transition + (score[:, step] + backward[:, step])[:, None, :]
        pairs += np.exp(joint - partition[:, None, None])[mask[:, step]].sum(axis=0)
    return marginal, pairs, partition


def _log_sum(values: Array, axis: int) -> Array:
    highest = values.max(axis=axis, keepdims=True)
    summed: Array = np.log(np.exp(values - highest).sum(axis=axis)) + highest.squeeze(axis)
    return summed


def minimise(loss: Callable[[Array], tuple[float, Array]], at: Array, *, rounds: int = 60, kept: int = 8) -> Array:
    """Where `loss` is least: limited-memory BFGS (Nocedal, Wright, Numerical Optimization, 7.2), backtracking."""
    value, gradient = loss(at)
    steps: list[tuple[Array, Array, float]] = []
    for _ in range(rounds):
        direction = -_two_loop(gradient, steps)
        slope = float(direction @ gradient)
        stride = 1.0 if steps else 1 / max(1.0, float(np.abs(gradient).sum()))
        while True:
            there = at + stride * direction
            new_value, new_gradient = loss(there)
            if new_value <= value + 1e-4 * stride * slope or stride < 1e-10:
                break
            stride /= 2
        moved, turned = there - at, new_gradient - gradient
        if (curvature := float(moved @ turned)) > 1e-10:
            steps = [*steps, (moved, turned, 1 / curvature)][-kept:]
        is_done = abs(value - new_value) < 1e-5 * max(1.0, abs(value))
        at, value, gradient = there, new_value, new_gradient
        if is_done:
            break
    return at


def _two_loop(gradient: Array, steps: Sequence[tuple[Array, Array, float]]) -> Array:
    found = gradient.copy()
    shares = []
    for moved, turned, inverse in reversed(steps):
        share = inverse * float(moved @ found)
        shares.append(share)
        found -= share * turned
    if steps:
        moved, turned, inverse = steps[-1]
        found /= inverse * float(turned @ turned)
    for (moved, turned, inverse), share in zip(steps, reversed(shares), strict=True):
        found += (share - inverse * float(turned @ found)) * moved
    return found
