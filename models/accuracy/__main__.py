"""Runs the whole measurement and writes `docs/accuracy.md`, `docs/guidance.md` and the ROC plots.

Every picture goes through the whole pipeline; a face that is not found counts as an error on both sides: a genuine
pair with it is rejected, an impostor pair accepted.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.accuracy import attack, backgrounds, guidance, plot, sets, statistics
from models.accuracy.statistics import Scores
from models.accuracy.verification import HEAD, measure_frll, measure_held_out, measure_lfw, table
from models.errors import ModelError
from models.face.landmarks import eyes
from models.face.pipeline import EMBEDDING, FacePipeline
from models.face.types import Assessment
from models.policy import FacePolicy, match_for, valid_on
from models.runtime import Runtime, default_runtime
from models.store import ModelStore
from wire.catalogue import bundled as texts

FRAME = (2304, 1296)
INTER_EYE = 130
EYES_SHARE = 0.15
"""Eye distance of an FRLL portrait as a share of its width, about."""


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


def measure_backgrounds(policy: FacePolicy) -> list[str]:
    """The background section."""
    return [
        (
            "Backgrounds (51 persons of the half on which the limit was not chosen; still, ai-edge-litert, advice to "
            "the officer only; `models/accuracy/backgrounds.py`):"
        ),
        "",
        *backgrounds.measure(policy),
    ]


def measure_judgement(faces: FacePipeline, policy: FacePolicy, runtime: Runtime) -> list[str]:
    """`docs/guidance.md`: what is said about good portraits, about faults, and what was tried against attacks."""
    return [
        "# Guidance and quality, measured",
        "",
        (
            f"Written by `python -m models.accuracy` (`--guidance-only` for this part), {runtime}, policy "
            f"{policy.policy_id}. Intervals are 95 %, Wilson."
        ),
        "",
        "## Good portraits",
        "",
        *measure_guidance(faces, policy),
        *guidance.report(faces, policy),
        *measure_backgrounds(policy),
        *measure_attacks(faces, policy),
    ]


def measure_attacks(faces: FacePipeline, policy: FacePolicy) -> list[str]:
    """The section on presentation attacks."""
    return [
        "## Presentation attacks: tried, not used",
        "",
        (
            f"Passive measures on simulated re-captures of {attack.PEOPLE} portraits (`models/accuracy/attack.py`); "
            f"limit at {100 * attack.ALLOWED_BPCER:.0f} % rejected bona fide portraits of other persons. No real "
            "attack was available, and a simulation shows what was simulated: nothing of this is an error rate of a "
            "presentation attack detection, and a station uses none of it."
        ),
        "",
        *attack.measure(faces, policy),
    ]


DEMO = "demo-embedding"


def measure_demo(policy: FacePolicy, runtime: Runtime) -> tuple[list[str], list[plot.Curve]]:
    """The embedding that stands in for demo and tests: on persons it was not trained on."""
    faces = FacePipeline.open(ModelStore.standard(demo=True), runtime, embedding=DEMO)
    frll_lines, frll_row, _ = measure_frll(faces, policy)
    lfw_lines, lfw_row, curves = measure_held_out(faces, policy)
    policy_id, match = match_for(policy, DEMO)
    lines = [
        f"## {DEMO}",
        "",
        (
            f"For demo and tests only (weights {faces.model_ids[DEMO][:12]}, accept {match.accept:.2f} and review "
            f"{match.review:.2f} from {policy_id}); measured on persons it was not trained on."
        ),
        "",
        *table([HEAD, lfw_row, (f"{DEMO}, FRLL", *frll_row[1:])]),
        "![ROC](roc-demo.svg)",
        "",
        *lfw_lines,
        *frll_lines,
    ]
    return lines, curves


def _frame(path: Path, distance: float, size: tuple[int, int] = FRAME) -> NDArray[np.uint8]:
    """The portrait in the middle of a frame, with about this eye distance in the full frame."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    share = distance / (picture.width * EYES_SHARE)
    picture = picture.resize((round(picture.width * share), round(picture.height * share)), Image.Resampling.BICUBIC)
    frame = Image.new("RGB", FRAME, (150, 155, 160))
    frame.paste(picture, ((FRAME[0] - picture.width) // 2, (FRAME[1] - picture.height) // 2))
    return np.asarray(frame if size == FRAME else frame.resize(size, Image.Resampling.BOX))


def _write(folder: Path, name: str, lines: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(lines).rstrip() + "\n", "utf-8")
    print("\n".join(lines))


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m models.accuracy", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="directory for accuracy.md and roc.svg")
    parser.add_argument("--guidance-only", action="store_true", help="measure and write guidance.md alone")
    parser.add_argument("--verification-only", action="store_true", help="measure and write accuracy.md alone")
    parser.add_argument("--demo-only", action="store_true", help=f"print the numbers of {DEMO} and write nothing")
    parser.add_argument("--runtime", choices=("tflite-runtime", "ai-edge-litert"), default=default_runtime())
    chosen = parser.parse_args()
    runtime: Runtime = chosen.runtime
    policy = valid_on(date(2026, 11, 21))
    if chosen.demo_only:
        print("\n".join(measure_demo(policy, runtime)[0]))
        return 0
    try:
        faces = FacePipeline.open(ModelStore.standard(), runtime)
    except ModelError as error:
        print(texts().of_error(error).en, file=sys.stderr)
        return 1
    start = time.monotonic()
    try:
        judged = [] if chosen.verification_only else measure_judgement(faces, policy, runtime)
        if chosen.guidance_only:
            _write(chosen.out, "guidance.md", judged)
            return 0
        frll_lines, frll_row, frll_curve = measure_frll(faces, policy)
        reach = measure_reach(faces, policy)
        lfw_lines, lfw_row, lfw_curves = measure_lfw(faces, policy)
        demo_lines, demo_curves = measure_demo(policy, runtime)
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
        "What the guidance says about good and bad pictures: [guidance.md](guidance.md).",
        "",
        *demo_lines,
    ]
    if judged:
        _write(chosen.out, "guidance.md", judged)
    _write(chosen.out, "accuracy.md", lines)
    (chosen.out / "roc.svg").write_text(plot.svg([*lfw_curves, frll_curve], "Verification, whole pipeline"), "utf-8")
    (chosen.out / "roc-demo.svg").write_text(plot.svg(demo_curves, DEMO, 0.0), "utf-8")
    print(f"measured in {time.monotonic() - start:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
