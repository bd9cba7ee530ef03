"""Times of the face path beside the bare model invocations, in one run: `python -m benchmarks.face`.

Prints medians on one portrait placed in a frame, with one thread and with two, the memory of a process with nothing
else, and the peers that a package registry offers, where they are installed; asserts nothing. Needs the models.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.demo_portrait import demo_portrait
from models.errors import ModelError
from models.face import background, detect, geometry, landmarks, pipeline, quality
from models.face.pipeline import EMBEDDING, FacePipeline
from models.face.types import Face
from models.policy import valid_on
from models.runtime import Runtime, TfliteInterpreter, default_runtime, load
from models.store import ModelFile, ModelStore
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
    """Milliseconds of the work and of the bare invocations in it: medians, the best round, and processor time.

    On a machine that is shared, processor time is what other work disturbs least.
    """

    work: float
    bare: float
    best_work: float
    best_bare: float
    cpu_work: float
    cpu_bare: float

    def __str__(self) -> str:
        ratio = f"ratio {self.work / self.bare:.2f} (best rounds {self.best_work / self.best_bare:.2f})"
        cpu = f"processor {self.cpu_work:.2f} / {self.cpu_bare:.2f} ms, ratio {self.cpu_work / self.cpu_bare:.2f}"
        return f"{self.work:7.2f} ms   bare {self.bare:6.2f} ms   {ratio}   {cpu}"


def side_by_side(work: Callable[[], object], bare: Callable[[], object], rounds: int) -> Times:
    """Two calls that take turns, so that both meet the same caches and the same load."""
    wall: tuple[list[float], list[float]] = ([], [])
    processor: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 3):
        for one, kept, used in zip((work, bare), wall, processor, strict=True):
            start, start_cpu = time.perf_counter(), time.thread_time()
            one()
            spent, spent_cpu = time.perf_counter() - start, time.thread_time() - start_cpu
            if number >= 3:
                kept.append(spent * 1000)
                used.append(spent_cpu * 1000)
    medians, cpu = ([statistics.median(kept) for kept in both] for both in (wall, processor))
    return Times(medians[0], medians[1], min(wall[0]), min(wall[1]), cpu[0], cpu[1])


class Bare:
    """The model invocations of the pipeline and nothing else."""

    def __init__(self, store: ModelStore, runtime: Runtime) -> None:
        ids = (pipeline.DETECTOR, pipeline.LANDMARKS, pipeline.EMBEDDING)
        self.models = [load(store, model_id, runtime) for model_id in ids]
        segmenter = background.open_model(store, runtime)
        self.models += [segmenter] if segmenter is not None else []
        self.tensors = [np.full(model.entry.input.shape, 0.25, np.float32) for model in self.models]

    def frame(self) -> None:
        """What one live frame invokes: the detector twice, the landmarks once."""
        for number in (0, 0, 1):
            self.models[number].run(self.tensors[number])

    def still(self) -> None:
        """What a still invokes: as a live frame, and the background model where there is one."""
        for number in (0, 0, 1, *range(3, len(self.models))):
            self.models[number].run(self.tensors[number])

    def embedding(self) -> None:
        """The embedding model once."""
        self.models[2].run(self.tensors[2])

    def frame_and_embedding(self) -> None:
        """A live frame and its embedding."""
        self.frame()
        self.embedding()

    def still_and_embedding(self) -> None:
        """A still and its embedding."""
        self.still()
        self.embedding()


def report(runtime: Runtime, rounds: int) -> list[str]:
    """The lines of the table for one runtime."""
    policy = valid_on(date(2026, 11, 21))
    store = ModelStore.standard()
    start = time.perf_counter()
    faces = FacePipeline.open(store, runtime)
    opened = (time.perf_counter() - start) * 1000
    frame = _example(faces)
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

        together = bare.still_and_embedding if size == MAIN else bare.frame_and_embedding
        for step, work, alone in (
            ("analyse", analyse, bare.still if size == MAIN else bare.frame),
            ("analyse and embed", with_embedding, together),
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


class Threaded(TfliteInterpreter):
    """A model with another number of threads; stations always use one."""

    def __init__(self, model: ModelFile, runtime: Runtime, threads: int) -> None:
        super().__init__(model, runtime)
        library = import_module({"tflite-runtime": "tflite_runtime", "ai-edge-litert": "ai_edge_litert"}[runtime])
        interpreter = import_module(f"{library.__name__}.interpreter").Interpreter
        self._interpreter = interpreter(model_content=model.content, num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input, self._outputs = self._checked()


DEADLINE_S = 8.0


def threads_report(runtime: Runtime, rounds: int) -> list[str]:
    """Frames per second of guidance with one thread and with two, taking turns."""
    policy, store = valid_on(date(2026, 11, 21)), ModelStore.standard()
    ids = (pipeline.DETECTOR, pipeline.LANDMARKS, EMBEDDING)
    both = [FacePipeline(*(Threaded(store.read(name), runtime, count) for name in ids)) for count in (1, 2)]
    rgb = np.asarray(_example(both[0]).resize(LORES, Image.Resampling.BOX))
    spent: tuple[list[float], list[float]] = ([], [])
    end = time.monotonic() + DEADLINE_S
    for number in range(rounds + 3):
        for faces, kept in zip(both, spent, strict=True):
            start = time.perf_counter()
            faces.analyse(rgb, policy, scale=MAIN[0] / LORES[0])
            if number >= 3:
                kept.append(time.perf_counter() - start)
        if number > 4 and time.monotonic() > end:
            break
    cells = [
        f"{count}: {1 / statistics.median(kept):.0f} (best {1 / min(kept):.0f}, worst {1 / max(kept):.1f})"
        for count, kept in zip((1, 2), spent, strict=True)
    ]
    return [f"  guidance frames per second by threads   {'   '.join(cells)}   ({len(spent[0])} rounds)"]


def _example(faces: FacePipeline) -> Image.Image:
    with tempfile.TemporaryDirectory() as folder:
        return scene(demo_portrait(Path(folder)), faces)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def memory(runtime: Runtime) -> None:
    """Prints what a process with nothing but the face path holds: guiding, and after a portrait with its template."""
    policy = valid_on(date(2026, 11, 21))
    faces = FacePipeline.open(ModelStore.standard(), runtime)
    frame = _example(faces)
    small, full = np.asarray(frame.resize(LORES, Image.Resampling.BOX)), np.asarray(frame)
    before = _resident_mb()
    for _ in range(20):
        faces.analyse(small, policy, scale=MAIN[0] / LORES[0])
    guiding = _resident_mb()
    face = faces.analyse(full, policy).face
    if face is None:
        raise SystemExit("no face in the frame")
    faces.portrait(full, face, policy)
    faces.embed(full, face)
    print(f"  RSS of a process of its own: loaded {before:.0f} MB, guiding {guiding:.0f} MB, ", end="")
    print(f"after a portrait {_resident_mb():.0f} MB (a frame of {full.nbytes / 2**20:.0f} MB included)")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--runtime", choices=("tflite-runtime", "ai-edge-litert"), default=default_runtime())
    parser.add_argument("--memory", action="store_true", help="print the memory of this process alone")
    chosen, _ = parser.parse_known_args()
    try:
        if chosen.memory:
            memory(chosen.runtime)
            return
        print("\n".join(report(chosen.runtime, chosen.rounds)))
        print("\n".join(threads_report(chosen.runtime, chosen.rounds)), flush=True)
    except ModelError as error:
        raise SystemExit(texts().of_error(error).en) from None
    alone = [sys.executable, __file__, "--memory", "--runtime", chosen.runtime]
    subprocess.run(alone, check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
