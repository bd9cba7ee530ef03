"""Verification through the whole pipeline: templates of a set, and how well they tell persons apart.

A face that is not found counts as an error on both sides: a genuine pair with it is rejected, an impostor pair
accepted.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.accuracy import plot, sets, statistics
from models.accuracy.statistics import Scores
from models.face.pipeline import FacePipeline
from models.policy import FacePolicy, match_for
from models.train.split import HELD_OUT_FOLDS, person, split

DIMENSION = 256
FAR_LEVELS = (1e-2, 1e-3)
CROSS_LEVELS = (1e-2, 1e-3, 1e-4, 1e-5)


@dataclass(frozen=True, slots=True)
class Templates:
    """One row per picture; a row of NaN where no face was found."""

    names: tuple[str, ...]
    vectors: NDArray[np.float32]

    @property
    def missed(self) -> int:
        """Pictures without a face."""
        return int(np.isnan(self.vectors[:, 0]).sum())

    def scores(self, left: list[int], right: list[int], same: NDArray[np.bool_]) -> Scores:
        """Cosines of pairs of rows; a missed face is the error of its kind of pair."""
        cosines = np.einsum("ij,ij->i", self.vectors[left], self.vectors[right]).astype(np.float64)
        return np.where(np.isnan(cosines), np.where(same, -1.0, 1.0), cosines)


def templates(faces: FacePipeline, policy: FacePolicy, paths: list[Path]) -> Templates:
    """Every picture through detection, landmarks, alignment and embedding."""
    vectors = np.full((len(paths), DIMENSION), np.nan, np.float32)
    for number, path in enumerate(paths):
        with Image.open(path) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        face = faces.analyse(rgb, policy).face
        if face is not None:
            vectors[number] = faces.embed(rgb, face).vector
        if number % 500 == 499:
            print(f"  {number + 1} of {len(paths)}", file=sys.stderr)
    return Templates(tuple(path.name for path in paths), vectors)


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """A Markdown table; the first row is its head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "|" + " --- |" * len(rows[0]), *lines[1:], ""]


def verification(name: str, genuine: Scores, impostor: Scores) -> tuple[str, ...]:
    """One row: pairs, EER, TAR at the FAR levels that the number of impostor pairs can tell apart."""
    cells = [name, f"{len(genuine):,} / {len(impostor):,}"]
    cells.append(str(statistics.equal_error_rate(genuine, impostor)) if len(impostor) < 50_000 else "-")
    for far in FAR_LEVELS:
        threshold = statistics.threshold_at(impostor, far)
        cells.append(f"{statistics.accept_rate(genuine, threshold)} at {threshold:.3f}")
    return tuple(cells)


HEAD = ("set", "genuine / impostor pairs", "EER", "TAR at FAR 1e-2", "TAR at FAR 1e-3")


def measure_lfw(faces: FacePipeline, policy: FacePolicy) -> tuple[list[str], tuple[str, ...], list[plot.Curve]]:
    """LFW View 2 and its cross-identity pairs."""
    pictures, pairs = sets.lfw()
    made = templates(faces, policy, pictures)
    rows = {name: row for row, name in enumerate(made.names)}
    same = np.array(pairs.same)
    scores = made.scores([rows[name] for name in pairs.left], [rows[name] for name in pairs.right], same)
    genuine, impostor = scores[same], scores[~same]
    mean, spread = statistics.fold_accuracy(scores, same, np.array(pairs.fold, np.intp))
    counts, total = cross_identity(made)
    lines = [
        (
            f"LFW View 2, 150 px crops: {len(pictures):,} pictures, {made.missed} without a face. "
            f"Ten-fold accuracy {100 * mean:.2f} % (deviation {100 * spread:.2f})."
        ),
        "",
        *_cross_table(counts, total, genuine),
    ]
    curves = [
        plot.Curve("LFW View 2, 3,000 / 3,000 pairs", *statistics.roc(genuine, impostor)),
        plot.Curve(f"LFW, 3,000 / {total:,} pairs", *_cross_roc(counts, total, genuine)),
    ]
    return lines, verification("LFW View 2", genuine, impostor), curves


def measure_held_out(faces: FacePipeline, policy: FacePolicy) -> tuple[list[str], tuple[str, ...], list[plot.Curve]]:
    """The folds of LFW View 2 whose persons the demo embedding was not trained on."""
    pictures, pairs = sets.lfw()
    known = split((path.name for path in pictures), pairs)
    made = templates(faces, policy, [pictures[0].parent / name for name in known.held_out])
    rows = {name: row for row, name in enumerate(made.names)}
    chosen = list(known.pairs)
    same = np.array(pairs.same)[chosen]
    left, right = ([rows[names[number]] for number in chosen] for names in (pairs.left, pairs.right))
    scores = made.scores(left, right, same)
    genuine, impostor = scores[same], scores[~same]
    counts, total = cross_identity(made)
    folds = " and ".join(str(fold + 1) for fold in HELD_OUT_FOLDS)
    people = len({person(name) for name in known.held_out})
    lines = [
        (
            f"LFW View 2, folds {folds}, whose {people} persons were held out of the training: {len(made.names):,} "
            f"pictures, {made.missed} without a face."
        ),
        "",
        *_cross_table(counts, total, genuine),
    ]
    name = f"{faces.embedding_id}, LFW held out"
    curves = [
        plot.Curve(f"{name}, {len(genuine)} / {len(impostor)} pairs", *statistics.roc(genuine, impostor)),
        plot.Curve(f"{name}, {len(genuine)} / {total:,} pairs", *_cross_roc(counts, total, genuine)),
    ]
    return lines, verification(name, genuine, impostor), curves


def _cross_table(counts: NDArray[np.int64], total: int, genuine: Scores) -> list[str]:
    return [
        f"The same {len(genuine):,} genuine pairs against all {total:,} pairs of different persons:",
        "",
        *table([("FAR", "threshold", "TAR"), *(_cross_row(far, counts, total, genuine) for far in CROSS_LEVELS)]),
    ]


BINS = 20_000


def cross_identity(made: Templates) -> tuple[NDArray[np.int64], int]:
    """Histogram of cosines -1..1 of all pairs of different persons, and how many there are."""
    people = np.unique([name.rsplit("_", 1)[0] for name in made.names], return_inverse=True)[1]
    counts = np.zeros(BINS, np.int64)
    vectors = np.nan_to_num(made.vectors)
    for start in range(0, len(vectors), 500):
        block = vectors[start : start + 500] @ vectors[start:].T
        rows = np.arange(block.shape[0])[:, None]
        different = (people[start : start + 500, None] != people[None, start:]) & (np.arange(block.shape[1]) > rows)
        places = np.clip(((block[different] + 1) * (BINS / 2)).astype(np.intp), 0, BINS - 1)
        counts += np.bincount(places, minlength=BINS)
    return counts, int(counts.sum())


def _cross_row(far: float, counts: NDArray[np.int64], total: int, genuine: Scores) -> tuple[str, ...]:
    above = np.cumsum(counts[::-1])[::-1]
    first = int(np.argmax(above <= far * total))
    threshold = -1 + first * 2 / BINS
    return (f"{far:.0e}", f"{threshold:.3f}", str(statistics.accept_rate(genuine, threshold)))


def _cross_roc(counts: NDArray[np.int64], total: int, genuine: Scores) -> tuple[Scores, Scores]:
    """False and true accept rates at every edge of the histogram, both rising."""
    far = np.cumsum(counts[::-1]) / total
    edges = -1 + np.arange(BINS - 1, -1, -1) * 2 / BINS
    tar = 1 - np.searchsorted(np.sort(genuine), edges, side="left") / len(genuine)
    return far, tar


def measure_frll(faces: FacePipeline, policy: FacePolicy) -> tuple[list[str], tuple[str, ...], plot.Curve]:
    """FRLL, neutral against smiling, with impostor scores within groups."""
    neutral, smiling, groups = sets.frll()
    made = templates(faces, policy, neutral + smiling)
    count = len(neutral)
    accept = match_for(policy, faces.embedding_id)[1].accept
    one, two = np.triu_indices(2 * count, 1)
    same = (one % count) == (two % count)
    scores = made.scores(list(one), list(two), same)
    genuine, impostor = scores[same], scores[~same]
    group = np.array([groups.get(name[:3], "") for name in made.names])
    rows: list[tuple[str, ...]] = [("group", "persons", "lowest genuine", "99 % of impostors", "impostors >= accept")]
    for name in ("white", "black", "east_asian", "west_asian"):
        inside = (group[one] == name) & (group[two] == name)
        within = scores[inside & ~same]
        if within.size:
            accepted = statistics.accept_rate(within, accept)
            lowest = scores[inside & same].min()
            people = str(int((group == name).sum()) // 2)
            rows.append((name, people, f"{lowest:.3f}", f"{np.percentile(within, 99):.3f}", str(accepted)))
    lines = [
        (
            f"FRLL, neutral against smiling, same session: {2 * count} pictures, {made.missed} without a face; "
            f"genuine scores from {genuine.min():.3f}, impostor scores up to {impostor.max():.3f}."
        ),
        "",
        "Within groups (self-described; small samples, so only a warning sign):",
        "",
        *table(rows),
    ]
    curve = plot.Curve("FRLL, 102 / 20,604 pairs", *statistics.roc(genuine, impostor))
    return lines, verification("FRLL", genuine, impostor), curve
