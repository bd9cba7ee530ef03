"""What the student learns from: files of views and of the teacher's vectors.

A shard has one view of every training picture. Views are kept at half size, which is what the student's first layer
makes of them. Written whole or not at all; the numbers in a shard depend on the seed and its own number only.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.face.landmarks import five_points
from models.face.pipeline import FacePipeline
from models.face.types import Floats, Rgb
from models.policy import FacePolicy
from models.runtime import TfliteInterpreter
from models.train.views import Source, plain, view

HALF = 64


@dataclass(frozen=True, slots=True)
class Shard:
    """Views (n, 64, 64, 3) uint8 in the channel order of the model's input, and unit vectors (n, 256) float32."""

    views: NDArray[np.uint8]
    vectors: Floats


def sources(faces: FacePipeline, policy: FacePolicy, paths: list[Path]) -> list[Source | None]:
    """Every picture with the points of its face; None where no face is found."""
    found: list[Source | None] = []
    for path in paths:
        with Image.open(path) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        face = faces.analyse(rgb, policy).face
        found.append(Source(rgb, five_points(face)) if face is not None else None)
    return found


def random_views(known: list[Source], seed: int, number: int) -> Iterator[Rgb]:
    """One view of every source, in a random order."""
    random = np.random.default_rng((seed, number))
    for index in random.permutation(len(known)):
        made = view(known[index], known[int(random.integers(len(known)))], random)
        if made is not None:
            yield made


def plain_views(known: list[Source | None], *, mirrored: bool = False) -> Iterator[Rgb]:
    """The view of every source as a station cuts it out."""
    for source in known:
        made = plain(source, mirrored=mirrored) if source is not None else None
        if made is not None:
            yield made


def taught(teacher: TfliteInterpreter, views: Iterator[Rgb]) -> Shard:
    """The teacher's vector of every view."""
    halves, vectors = [], []
    for rgb in views:
        bgr = np.ascontiguousarray(rgb[:, :, ::-1])
        (vector,) = teacher.run(bgr.astype(np.float32)[None])
        vectors.append(vector[0] / np.linalg.norm(vector[0]))
        halves.append(half(bgr))
    return Shard(np.stack(halves), np.stack(vectors).astype(np.float32))


def half(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mean of every two by two pixels, (128, 128, 3) to (64, 64, 3)."""
    sums: NDArray[np.uint16] = pixels.reshape(HALF, 2, HALF, 2, 3).sum((1, 3), dtype=np.uint16)
    return ((sums + 2) >> 2).astype(np.uint8)


def path_of(folder: Path, name: str) -> Path:
    """The file of a shard."""
    return folder / f"{name}.npz"


def save(folder: Path, name: str, shard: Shard) -> None:
    """Writes a shard; it gets its name when it is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{name}.{os.getpid()}"
    with unfinished.open("wb") as out:
        np.savez(out, views=shard.views, vectors=shard.vectors)
    os.replace(unfinished, path_of(folder, name))


def load(folder: Path, name: str, timeout_s: float = 0.0) -> Shard:
    """Reads a shard, waiting for it up to the deadline. Raises FileNotFoundError."""
    path = path_of(folder, name)
    deadline = time.monotonic() + timeout_s
    while not path.is_file() and time.monotonic() < deadline:
        time.sleep(1.0)
    with np.load(path) as opened:
        return Shard(opened["views"], opened["vectors"])
