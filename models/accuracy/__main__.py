"""Runs the whole measurement and writes `docs/accuracy.md` and `docs/roc.svg`.

Every picture goes through the whole pipeline; a face that is not found counts as an error on both sides: a genuine
pair with it is rejected, an impostor pair accepted.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.accuracy import plot, sets, statistics
from models.accuracy.statistics import Scores
from models.errors import ModelError
from models.face.landmarks import eyes
from models.face.pipeline import EMBEDDING, FacePipeline
from models.face.types import Assessment
from models.policy import FacePolicy, valid_on
from models.runtime import Runtime, default_runtime
from models.store import ModelStore
from wire.catalogue import bundled as texts

DIMENSION = 256
FAR_LEVELS = (1e-2, 1e-3)
CROSS_LEVELS = (1e-2, 1e-3, 1e-4, 1e-5)
FRAME = (2304, 1296)
INTER_EYE = 130
EYES_SHARE = 0.15
"""Eye distance of an FRLL portrait as a share of its width, about."""


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
        f"The same 3,000 genuine pairs against all {total:,} pairs of different persons:",
        "",
        *table([("FAR", "threshold", "TAR"), *(_cross_row(far, counts, total, genuine) for far in CROSS_LEVELS)]),
    ]
    curves = [
        plot.Curve("LFW View 2, 3,000 / 3,000 pairs", *statistics.roc(genuine, impostor)),
        plot.Curve(f"LFW, 3,000 / {total:,} pairs", *_cross_roc(counts, total, genuine)),
    ]
    return lines, verification("LFW View 2", genuine, impostor), curves


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
            accepted = statistics.accept_rate(within, policy.match.accept)
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


def measure_guidance(faces: FacePipeline, policy: FacePolicy) -> list[str]:
    """How often a good portrait is accepted, what is said otherwise, per group; and what smiling does."""
    neutral, smiling, groups = sets.frll()
    verdicts: dict[str, list[Assessment]] = {}
    for path in neutral:
        shown = faces.analyse(_frame(path, INTER_EYE), policy)
        verdicts.setdefault(groups.get(path.name[:3], ""), []).append(shown)
    everyone = [verdict for group in verdicts.values() for verdict in group]
    rows: list[tuple[str, ...]] = [("group", "accepted", "otherwise said")]
    for name, group in [("all", everyone), *sorted(verdicts.items())]:
        accepted = statistics.wilson(sum(verdict.acceptable for verdict in group), len(group))
        said = Counter(verdict.guide for verdict in group if verdict.guide)
        told = ", ".join(f"{guide} {count}" for guide, count in said.items())
        rows.append((name or "not stated", f"{accepted} of {len(group)}", told or "-"))
    smiles = [faces.analyse(_frame(path, INTER_EYE), policy) for path in smiling]
    lines = [
        (
            f"FRLL neutral portraits (all meant to be good), shown in a {FRAME[0]}x{FRAME[1]} frame with about "
            f"{INTER_EYE} px between the eyes:"
        ),
        "",
        *table(rows),
        (
            "Distribution over the neutral portraits, and how well a component tells neutral from smiling (area under "
            "the ROC; 0.5 is chance):"
        ),
        "",
    ]
    spread: list[tuple[str, ...]] = [("component", "5 %", "median", "95 %", "area neutral / smiling")]
    for component in everyone[0].components:
        here, there = (_raws(found, component.name) for found in (everyone, smiles))
        quantiles = (f"{value:.3f}" for value in np.percentile(here, (5, 50, 95)))
        spread.append((f"`{component.name}`", *quantiles, f"{_area(here, there):.2f}"))
    return lines + table(spread)


def _raws(found: list[Assessment], name: str) -> Scores:
    components = (assessment.component(name) for assessment in found)
    return np.array([component.raw for component in components if component is not None])


def _area(here: Scores, there: Scores) -> float:
    """Probability that a value of `there` is larger than one of `here`, equal ones counted half."""
    larger = (there[:, None] > here[None]).mean()
    return float(larger + 0.5 * (there[:, None] == here[None]).mean())


REACH = (40, 50, 60, 70, 80, 90, 100)


def measure_reach(faces: FacePipeline, policy: FacePolicy) -> list[str]:
    """How far away a face is still found, and how far the landmarks' eyes lie from the true pupils."""
    neutral, _, _ = sets.frll()
    rows: list[tuple[str, ...]] = [("pixels between the eyes in the full frame", *map(str, REACH))]
    for name, size in (("found in 2304x1296", FRAME), ("found in 640x360", (640, 360))):
        cells = []
        for distance in REACH:
            chosen = neutral[::2]
            found = [faces.analyse(_frame(path, distance, size), policy, scale=FRAME[0] / size[0]) for path in chosen]
            cells.append(f"{sum(one.faces > 0 for one in found)}/{len(chosen)}")
        rows.append((name, *cells))
    errors = []
    for path, truth in sets.pupils(neutral):
        with Image.open(path) as picture:
            face = faces.analyse(np.asarray(picture.convert("RGB")), policy).face
        if face is not None:
            true = np.array(truth)
            apart = float(np.hypot(*(true[1] - true[0])))
            errors.append(float(np.hypot(*(np.array(eyes(face)) - true).T).mean()) / apart)
    median, high = np.percentile(errors, (50, 95))
    return [
        *table(rows),
        (
            f"Eyes of the landmarks against true pupils on {len(errors)} portraits: median {100 * median:.1f} % of "
            f"the eye distance, 95 % below {100 * high:.1f} %."
        ),
        "",
    ]


def _frame(path: Path, distance: float, size: tuple[int, int] = FRAME) -> NDArray[np.uint8]:
    """The portrait in the middle of a frame, with about this eye distance in the full frame."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    share = distance / (picture.width * EYES_SHARE)
    picture = picture.resize((round(picture.width * share), round(picture.height * share)), Image.Resampling.BICUBIC)
    frame = Image.new("RGB", FRAME, (150, 155, 160))
    frame.paste(picture, ((FRAME[0] - picture.width) // 2, (FRAME[1] - picture.height) // 2))
    return np.asarray(frame if size == FRAME else frame.resize(size, Image.Resampling.BOX))


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m models.accuracy", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="directory for accuracy.md and roc.svg")
    parser.add_argument("--runtime", choices=("tflite-runtime", "ai-edge-litert"), default=default_runtime())
    chosen = parser.parse_args()
    runtime: Runtime = chosen.runtime
    policy = valid_on(date(2026, 11, 21))
    try:
        faces = FacePipeline.open(ModelStore.standard(), runtime)
    except ModelError as error:
        print(texts().of_error(error).en, file=sys.stderr)
        return 1
    start = time.monotonic()
    try:
        frll_lines, frll_row, frll_curve = measure_frll(faces, policy)
        guidance = measure_guidance(faces, policy)
        reach = measure_reach(faces, policy)
        lfw_lines, lfw_row, lfw_curves = measure_lfw(faces, policy)
    except sets.SetMissing as error:
        print(f"The evaluation set is not on this machine: {error}", file=sys.stderr)
        return 1
    weights = faces.model_ids[EMBEDDING]
    lines = [
        "# Accuracy",
        "",
        (
            "Written by `python -m models.accuracy`; every number was measured in one run of the whole pipeline "
            f"(`{EMBEDDING}`, weights {weights[:12]}, {runtime}, policy {policy.policy_id}). A face that is not found "
            "counts as an error on both sides. Intervals are 95 %: Wilson for rates, bootstrap over pairs for the EER."
        ),
        "",
        *table([HEAD, lfw_row, frll_row]),
        "![ROC](roc.svg)",
        "",
        *lfw_lines,
        *frll_lines,
        "## Detector and landmarks",
        "",
        *reach,
        "## Guidance",
        "",
        *guidance,
    ]
    chosen.out.mkdir(parents=True, exist_ok=True)
    (chosen.out / "accuracy.md").write_text("\n".join(lines).rstrip() + "\n", "utf-8")
    (chosen.out / "roc.svg").write_text(plot.svg([*lfw_curves, frll_curve], "Verification, whole pipeline"), "utf-8")
    print("\n".join(lines))
    print(f"measured in {time.monotonic() - start:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
