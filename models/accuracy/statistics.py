"""Verification statistics over scores: ROC, equal error rate, true accept rate at a false accept rate, intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval, all 0..1."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.value:.2f} % [{100 * self.low:.2f}, {100 * self.high:.2f}]"


def wilson(hits: int, total: int) -> Rate:
    """Share of hits with Wilson's interval (Wilson 1927). Raises ValueError for an empty sample."""
    if total < 1 or not 0 <= hits <= total:
        raise ValueError("a rate needs a sample")
    share = hits / total
    bottom = 1 + Z95**2 / total
    middle = (share + Z95**2 / (2 * total)) / bottom
    half = Z95 * math.sqrt(share * (1 - share) / total + Z95**2 / (4 * total**2)) / bottom
    return Rate(share, max(0.0, middle - half), min(1.0, middle + half))


def threshold_at(impostor: Scores, far: float) -> float:
    """The lowest threshold at which at most a share `far` of the impostor scores are accepted (score >= threshold)."""
    ordered = np.sort(impostor)[::-1]
    allowed = math.floor(far * len(ordered) + 1e-9)
    if allowed >= len(ordered):
        return -math.inf
    return float(np.nextafter(ordered[allowed], math.inf))


def accept_rate(scores: Scores, threshold: float) -> Rate:
    """Share of scores at or above a threshold."""
    return wilson(int((scores >= threshold).sum()), len(scores))


def roc(genuine: Scores, impostor: Scores) -> tuple[Scores, Scores]:
    """False and true accept rates at every threshold that changes them, both rising from 0 to 1."""
    thresholds = np.unique(np.concatenate((genuine, impostor)))[::-1]
    far = 1 - np.searchsorted(np.sort(impostor), thresholds, side="left") / len(impostor)
    tar = 1 - np.searchsorted(np.sort(genuine), thresholds, side="left") / len(genuine)
    return np.concatenate(([0.0], far)), np.concatenate(([0.0], tar))


def equal_error(genuine: Scores, impostor: Scores) -> float:
    """Where false accepts and false rejects are equally frequent, read between the two nearest thresholds."""
    far, tar = roc(genuine, impostor)
    gap = far - (1 - tar)
    after = int(np.argmax(gap >= 0))
    if after == 0:
        return float(far[0])
    before = after - 1
    share = -gap[before] / (gap[after] - gap[before])
    return float(far[before] + share * (far[after] - far[before]))


def equal_error_rate(genuine: Scores, impostor: Scores, *, seed: int = 1, rounds: int = 400) -> Rate:
    """Equal error rate with a percentile bootstrap over pairs; without any error, Wilson's upper end for none."""
    random = np.random.default_rng(seed)
    drawn = [
        equal_error(random.choice(genuine, len(genuine)), random.choice(impostor, len(impostor))) for _ in range(rounds)
    ]
    low, high = np.percentile(drawn, (2.5, 97.5))
    value = equal_error(genuine, impostor)
    if value == 0.0:
        high = wilson(0, min(len(genuine), len(impostor))).high
    return Rate(value, float(low), float(high))


def fold_accuracy(scores: Scores, same: NDArray[np.bool_], folds: NDArray[np.intp]) -> tuple[float, float]:
    """Mean and standard deviation over folds of accuracy at the threshold that was best on all other folds."""
    shares = []
    for fold in np.unique(folds):
        inside = folds == fold
        threshold = _best(scores[~inside], same[~inside])
        shares.append(float(((scores[inside] >= threshold) == same[inside]).mean()))
    return float(np.mean(shares)), float(np.std(shares, ddof=1))


def _best(scores: Scores, same: NDArray[np.bool_]) -> float:
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(np.where(same[order], 1, -1))
    return float(scores[order][int(np.argmax(hits))])
