"""Views of a face for the student: cut out in slightly other ways, in other light, mixed with other faces.

The teacher sees the same view as the student, so no view has a wrong target: the aim is one function, not one vector
per person. Mixed faces stand in for the many persons the set does not have.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter

from models.face.align import align
from models.face.types import Floats, Rgb

MIXED = 0.5
"""Share of views in which two faces are blended; a quarter of them is put together from two halves instead."""


@dataclass(frozen=True, slots=True)
class Source:
    """A picture and the five points of its face, in pixels."""

    rgb: Rgb
    points: Floats


def plain(source: Source, *, mirrored: bool = False) -> Rgb | None:
    """The view as a station cuts it out, (128, 128, 3) RGB; None where it cannot be cut out."""
    picture = align(source.rgb, source.points)
    if picture is None:
        return None
    cut = np.asarray(picture)
    return np.ascontiguousarray(cut[:, ::-1]) if mirrored else cut


def view(source: Source, other: Source, random: Generator) -> Rgb | None:
    """One random view of a face, perhaps mixed with another one; (128, 128, 3) RGB."""
    face = _cut(source, random)
    if face is None:
        return None
    if random.random() < MIXED:
        second = _cut(other, random)
        if second is not None:
            face = _mixed(face, second, random)
    return _shown(face, random)


def _cut(source: Source, random: Generator) -> Floats | None:
    """A crop moved, turned, scaled and stretched a little, mirrored every other time; float32 0..255."""
    height, width = source.rgb.shape[:2]
    stretch = float(np.exp(random.normal(0, 0.05)))
    rgb, points = source.rgb, source.points.astype(np.float64)
    if random.random() < 0.5:
        size = (max(16, round(width * stretch)), height)
        rgb = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))
        points = points * (size[0] / width, 1.0)
    middle = points.mean(0)
    angle, scale = random.normal(0, 0.05), np.exp(random.normal(0, 0.05))
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    eyes = float(np.hypot(*(points[1] - points[0])))
    moved = (points - middle) @ turn.T + middle + random.normal(0, 0.04 * eyes, 2)
    cut = align(rgb, moved.astype(np.float32))
    if cut is None:
        return None
    pixels = np.asarray(cut, np.float32)
    return pixels[:, ::-1] if random.random() < 0.5 else pixels


def _mixed(one: Floats, other: Floats, random: Generator) -> Floats:
    if random.random() < 0.25:
        line = int(random.integers(48, 90))
        soft = np.clip((np.arange(one.shape[0]) - line) / 8 + 0.5, 0, 1).astype(np.float32)[:, None, None]
        return np.asarray(one * (1 - soft) + other * soft, np.float32)
    share = np.float32(random.uniform(0.2, 0.8))
    return np.asarray(one * (1 - share) + other * share, np.float32)


def _shown(face: Floats, random: Generator) -> Rgb:
    """Other light, colour, sharpness and compression."""
    gain = np.exp(random.normal(0, 0.12)) * np.exp(random.normal(0, 0.04, 3))
    middle = face.mean()
    lit = (face - middle) * np.exp(random.normal(0, 0.12)) + middle * gain
    if random.random() < 0.3:
        lit = 255 * (np.clip(lit, 0, 255) / 255) ** np.exp(random.normal(0, 0.3))
    if random.random() < 0.15:
        lit = np.repeat(lit @ np.array([[0.299], [0.587], [0.114]]), 3, axis=2)
    if random.random() < 0.2:
        lit = lit + random.normal(0, random.uniform(1, 10), lit.shape)
    pixels: Rgb = np.clip(lit + 0.5, 0, 255).astype(np.uint8)
    chance = random.random()
    if chance < 0.15:
        blurred = Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(float(random.uniform(0.5, 2.0))))
        pixels = np.asarray(blurred)
    elif chance < 0.3:
        packed = io.BytesIO()
        Image.fromarray(pixels).save(packed, "JPEG", quality=int(random.integers(25, 80)))
        with Image.open(packed) as opened:
            pixels = np.asarray(opened.convert("RGB"))
    return pixels
