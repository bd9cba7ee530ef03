"""Drawn lines of OCR-B characters as a camera might see them, with the place of every character known.

Each sheet is one line of random characters, printed thick or thin, in uneven light, seen at an angle, blurred, noisy
and compressed. Deterministic for a seed. Must never be used to measure a reader: what is measured is drawn elsewhere.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from models.document import cells
from models.document.cells import Floats, Points
from models.document.glyphs import CLASSES

PER_SHEET = 36
PITCH = 40
EM_PER_PITCH = 1 / 0.723
"""OCR-B size 1: ten characters an inch at ten points to 72 per cent of the body (ISO 1073-2 via the font's metrics)."""
CAP_CENTRE = 0.49
"""Height of the middle of a capital above the baseline, pitches."""
_MARGIN = 2
_FILLER_SHARE = 0.08


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture and its characters: grey (height, width) float32, centres, across and down (n, 2), labels (n,)."""

    grey: Floats
    centre: Points
    across: Points
    down: Points
    labels: NDArray[np.int64]


def sheet(rng: np.random.Generator, fonts: list[Path]) -> Sheet:
    """One random line."""
    text = _text(rng)
    paper = _printed(rng, text, fonts[int(rng.integers(len(fonts)))])
    pitch = float(np.exp(rng.uniform(np.log(9.0), np.log(34.0))))
    picture, matrix = _seen(rng, paper, pitch)
    grey = _degraded(rng, picture, pitch)
    places = np.array([[(_MARGIN + i + 0.5) * PITCH, paper.height / 2] for i in range(PER_SHEET)])
    right, below = np.array([PITCH / 2, 0]), np.array([0, PITCH / 2])
    centre = _mapped(matrix, places)
    across = _mapped(matrix, places + right) - _mapped(matrix, places - right)
    down = _mapped(matrix, places + below) - _mapped(matrix, places - below)
    return Sheet(grey, centre, across, down, np.array([CLASSES.index(char) for char in text]))


def samples(rng: np.random.Generator, fonts: list[Path], sheets: int) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """(n, ROWS * COLUMNS) cells in 1/32 and (n,) labels, cut as inexactly as a reader finds its lines."""
    found, labels = [], []
    for _ in range(sheets):
        one = sheet(rng, fonts)
        cut = cells.sample(one.grey, *_inexact(rng, one))
        found.append(np.clip(np.rint(cut * 32), -127, 127).astype(np.int8))
        labels.append(one.labels)
    return np.concatenate(found), np.concatenate(labels)


def _inexact(rng: np.random.Generator, one: Sheet) -> tuple[Points, Points, Points]:
    count = len(one.labels)
    shift = rng.normal(0, 0.035, 2) + rng.normal(0, 0.02, (count, 2))
    centre = one.centre + one.across * shift[:, :1] + one.down * shift[:, 1:]
    lean_a, lean_d = rng.normal(0, 0.02, 2)
    wide, high = rng.normal(1, 0.02), rng.uniform(0.9, 1.1)
    across = (one.across + one.down * lean_a) * wide
    down = (one.down + one.across * lean_d) * high
    return centre, across, down


def _text(rng: np.random.Generator) -> str:
    filler = rng.random(PER_SHEET) < _FILLER_SHARE
    classes = rng.integers(0, len(CLASSES), PER_SHEET)
    return "".join(CLASSES[0] if fill else CLASSES[index] for fill, index in zip(filler, classes, strict=True))


def _printed(rng: np.random.Generator, text: str, font: Path) -> Image.Image:
    """Paper and ink as they are, before light and lens."""
    width, height = (PER_SHEET + 2 * _MARGIN) * PITCH, 4 * PITCH
    face = ImageFont.truetype(str(font), PITCH * EM_PER_PITCH)
    ink = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(ink)
    for i, char in enumerate(text):
        x = (_MARGIN + i) * PITCH
        draw.text((x, height / 2 + CAP_CENTRE * PITCH), char, font=face, fill=255, anchor="ls")
    soft = np.asarray(ink.filter(ImageFilter.GaussianBlur(rng.uniform(1.0, 2.4))), np.float32) / 255
    # A lower level makes strokes thicker, a higher one thinner.
    level = rng.uniform(0.25, 0.68)
    share = np.clip((soft - level) * rng.uniform(2.5, 8) + 0.5, 0, 1) * rng.uniform(0.6, 1.0)
    return Image.fromarray(
        np.rint(_paper(rng, width, height) * (1 - share) + rng.uniform(5, 70) * share).astype(np.uint8)
    )


def _paper(rng: np.random.Generator, width: int, height: int) -> Floats:
    """Tinted paper with the fine wavy lines of security print."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    paper = np.full((height, width), rng.uniform(140, 245), np.float32)
    for _ in range(int(rng.integers(0, 4))):
        angle, wave = rng.uniform(0, math.pi), rng.uniform(6, 40)
        phase = (x * math.cos(angle) + y * math.sin(angle)) / wave + rng.uniform(0, 2) * np.sin(
            x / rng.uniform(20, 200)
        )
        paper += rng.uniform(2, 16) * np.sin(phase * 2 * math.pi)
    edge = rng.uniform(-0.5, 1.5) * width
    if rng.random() < 0.3:
        paper *= np.where(x > edge, rng.uniform(0.6, 1.0), 1.0)
    paper *= 1 + rng.uniform(-0.25, 0.25) * (x / width - 0.5) + rng.uniform(-0.15, 0.15) * (y / height - 0.5)
    return np.clip(paper, 40, 255)


def _seen(rng: np.random.Generator, paper: Image.Image, pitch: float) -> tuple[Image.Image, Points]:
    """The paper at an angle and its size in the picture, with the (3, 3) matrix from paper to picture."""
    angle = math.radians(rng.uniform(-17, 17))
    scale = pitch / PITCH
    stretch = rng.uniform(0.88, 1.0)
    turn = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    lean = np.array([[scale, scale * rng.uniform(-0.08, 0.08), 0], [0, scale * stretch, 0], [0, 0, 1]])
    tilt = np.array([[1, 0, 0], [0, 1, 0], [rng.uniform(-1, 1) * 1.2e-4, rng.uniform(-1, 1) * 1e-4, 1]])
    middle = np.array([[1, 0, -paper.width / 2], [0, 1, -paper.height / 2], [0, 0, 1]])
    matrix = turn @ lean @ tilt @ middle
    corners = _mapped(matrix, np.array([[0, 0], [paper.width, 0], [0, paper.height], [paper.width, paper.height]]))
    low, high = corners.min(axis=0) - rng.uniform(0, 1, 2), corners.max(axis=0)
    matrix = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]]) @ matrix
    size = (math.ceil(high[0] - low[0]), math.ceil(high[1] - low[1]))
    # A camera's pixel is an area: soften to the new pixel before sampling.
    softened = paper.filter(ImageFilter.GaussianBlur(0.35 / scale)) if scale < 1 else paper
    inverse = np.linalg.inv(matrix)
    inverse /= inverse[2, 2]
    fill = int(np.asarray(paper)[0, 0])
    coefficients = tuple(float(value) for value in inverse.ravel()[:8])
    method = Image.Transform.PERSPECTIVE
    return softened.transform(size, method, coefficients, Image.Resampling.BICUBIC, fillcolor=fill), matrix


def _degraded(rng: np.random.Generator, picture: Image.Image, pitch: float) -> Floats:
    """Lens, movement, sensor noise and compression."""
    if rng.random() < 0.85:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, max(0.5, 0.10 * pitch))))
    grey = np.asarray(picture, np.float32)
    if rng.random() < 0.3:
        grey = _moved(rng, grey, pitch)
    grey = grey + rng.normal(0, rng.uniform(0.5, 13), grey.shape)
    picture = Image.fromarray(np.clip(np.rint(grey), 0, 255).astype(np.uint8))
    if rng.random() < 0.7:
        packed = io.BytesIO()
        picture.save(packed, "JPEG", quality=int(rng.integers(45, 96)))
        picture = Image.open(packed)
    return np.asarray(picture, np.float32)


def _moved(rng: np.random.Generator, grey: Floats, pitch: float) -> Floats:
    """Movement during the exposure, straight, up to a fifth of a pitch."""
    angle, reach = rng.uniform(0, math.pi), rng.uniform(0, 0.2) * pitch
    steps = max(2, math.ceil(reach) + 1)
    total = np.zeros_like(grey)
    for t in np.linspace(-0.5, 0.5, steps):
        shift = (round(t * reach * math.sin(angle)), round(t * reach * math.cos(angle)))
        total += np.roll(grey, shift, (0, 1))
    return total / steps


def _mapped(matrix: Points, points: Points) -> Points:
    whole = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(whole[:, :2] / whole[:, 2:], np.float64)
