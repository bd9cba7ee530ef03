"""Times of the face path beside the bare model invocations, in one run: `python -m benchmarks.face`.

Prints medians of single-threaded runs on one portrait placed in a frame; asserts nothing. Needs the models.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.demo_portrait import demo_portrait
from models.errors import ModelError
from models.face import detect, geometry, landmarks, pipeline, quality
from models.face.pipeline import FacePipeline
from models.face.types import Face
from models.policy import valid_on
from models.runtime import Runtime, default_runtime, load
from models.store import ModelStore
from wire.catalogue import bundled as texts

MAIN, LORES = (2304, 1296), (640, 360)
INTER_EYE = 130


def median_ms(work: Callable[[], object], rounds: int) -> float:
    """Median wall time of a call, ms, after three warm-up calls."""
    for _ in range(3):
        work()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def scene(portrait: Path, faces: FacePipeline) -> Image.Image:
    """The portrait in the middle of a full frame, at a usual distance."""
    policy = valid_on(date(2026, 11, 21))
    with Image.open(portrait) as opened:
        picture = opened.convert("RGB")
    found = faces.analyse(np.asarray(picture), policy).face
    if found is None:
        raise SystemExit("no face in the portrait")
    scale = INTER_EYE / geometry.inter_eye(found)
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC)
    frame = Image.new("RGB", MAIN, (150, 155, 160))
    frame.paste(picture, ((MAIN[0] - picture.width) // 2, (MAIN[1] - picture.height) // 2))
    return frame


def stages(store: ModelStore, runtime: Runtime, rgb: NDArray[np.uint8], scale: float, rounds: int) -> dict[str, float]:
    """Medians of the steps of `analyse`, ms."""
    policy = valid_on(date(2026, 11, 21))
    detector, mesh = load(store, pipeline.DETECTOR, runtime), load(store, pipeline.LANDMARKS, runtime)
    small = np.zeros((1, detect.INPUT, detect.INPUT, 3), np.float32)
    medium = np.zeros((1, landmarks.INPUT, landmarks.INPUT, 3), np.float32)
    found = detect.detect(detector, rgb, small)
    face, crop, square = landmarks.landmarks(mesh, rgb, found[0], medium, live=scale > 1)
    if face is None:
        raise SystemExit("no face in the frame")
    view = quality.View(rgb, face, crop, square, scale, ())
    return {
        "detect": median_ms(lambda: detect.detect(detector, rgb, small), rounds),
        "landmarks": median_ms(lambda: landmarks.landmarks(mesh, rgb, found[0], medium, live=scale > 1), rounds),
        "quality": median_ms(lambda: quality.assess(view, policy), rounds),
    }


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of the work and of the bare invocations in it: medians, and the best of all rounds."""

    work: float
    bare: float
    best_work: float
    best_bare: float

    def __str__(self) -> str:
        ratio = f"ratio {self.work / self.bare:.2f} (best rounds {self.best_work / self.best_bare:.2f})"
        return f"{self.work:7.2f} ms   bare {self.bare:6.2f} ms   {ratio}"


def side_by_side(work: Callable[[], object], bare: Callable[[], object], rounds: int) -> Times:
    """Two calls that take turns, so that both meet the same caches and the same load."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 3):
        for one, kept in zip((work, bare), times, strict=True):
            start = time.perf_counter()
            one()
            if number >= 3:
                kept.append(time.perf_counter() - start)
    medians = [statistics.median(kept) * 1000 for kept in times]
    return Times(medians[0], medians[1], min(times[0]) * 1000, min(times[1]) * 1000)


class Bare:
    """The model invocations of the pipeline and nothing else."""

    def __init__(self, store: ModelStore, runtime: Runtime) -> None:
        ids = (pipeline.DETECTOR, pipeline.LANDMARKS, pipeline.EMBEDDING)
        self.models = [load(store, model_id, runtime) for model_id in ids]
        self.tensors = [np.full(model.entry.input.shape, 0.25, np.float32) for model in self.models]

    def frame(self) -> None:
        """What one live frame invokes: the detector twice, the landmarks once."""
        for number in (0, 0, 1):
            self.models[number].run(self.tensors[number])

    def embedding(self) -> None:
        """The embedding model once."""
        self.models[2].run(self.tensors[2])

    def both(self) -> None:
        """A frame and its embedding."""
        self.frame()
        self.embedding()


def report(runtime: Runtime, rounds: int) -> list[str]:
    """The lines of the table for one runtime."""
    policy = valid_on(date(2026, 11, 21))
    store = ModelStore.standard()
    start = time.perf_counter()
    faces = FacePipeline.open(store, runtime)
    opened = (time.perf_counter() - start) * 1000
    with tempfile.TemporaryDirectory() as folder:
        frame = scene(demo_portrait(Path(folder)), faces)
    bare = Bare(store, runtime)
    lines = [f"{runtime}, one thread: models verified and loaded in {opened:.0f} ms"]
    for model, tensor in zip(bare.models, bare.tensors, strict=True):
        spent = median_ms(partial(model.run, tensor), rounds)
        lines.append(f"  bare invocation  {model.entry.id:34s} {spent:7.2f} ms")
    for name, size in (("guidance", LORES), ("portrait", MAIN)):
        rgb = np.asarray(frame.resize(size, Image.Resampling.BOX))
        scale = MAIN[0] / size[0]
        face = faces.analyse(rgb, policy, scale=scale).face
        if face is None:
            raise SystemExit("no face in the frame")
        lines.append(f"  {name} {size[0]}x{size[1]}")
        for step, spent in stages(store, runtime, rgb, scale, rounds).items():
            lines.append(f"    {step:25s} {spent:7.2f} ms")

        def analyse(rgb: NDArray[np.uint8] = rgb, scale: float = scale) -> None:
            faces.analyse(rgb, policy, scale=scale)

        def with_embedding(rgb: NDArray[np.uint8] = rgb, face: Face = face, scale: float = scale) -> None:
            faces.analyse(rgb, policy, scale=scale)
            faces.embed(rgb, face)

        for step, work, alone in (
            ("analyse", analyse, bare.frame),
            ("analyse and embed", with_embedding, bare.both),
        ):
            times = side_by_side(work, alone, rounds)
            lines.append(f"    {step:25s} {times}")
            if size == LORES and step == "analyse":
                lines.append(
                    f"    {'frames per second':25s} {1000 / times.work:7.0f}    (best {1000 / times.best_work:.0f})"
                )
        if size == MAIN:
            spent = median_ms(partial(faces.portrait, rgb, face, policy), max(5, rounds // 10))
            lines.append(f"    {'crop and JPEG':25s} {spent:7.2f} ms")
    return lines


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--runtime", choices=("tflite-runtime", "ai-edge-litert"), default=default_runtime())
    chosen, _ = parser.parse_known_args()
    try:
        print("\n".join(report(chosen.runtime, chosen.rounds)))
    except ModelError as error:
        raise SystemExit(texts().of_error(error).en) from None
    print(f"  peak RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
