"""Synthetic fingerprints: a master print per finger, and impressions of it. Deterministic per seed; numpy only.

Method (Cappelli, Maltoni, "On the spatial distribution of fingerprint singularities" and "SFinGe", in Handbook of
Fingerprint Recognition, chapter 6): an orientation field by the zero-pole model of Sherlock and Monro (1993) with cores
and deltas, one ridge period per finger, and ridges that grow out of noise under repeated Gabor filters along the field,
from which minutiae emerge. The filters run in the frequency domain at half resolution. Impressions add rotation,
translation, skin distortion, pressure, moisture and a limited contact area.

These prints exercise the pipeline. They prove nothing about recognition accuracy on people.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

MASTER_WIDTH_PX = 384
MASTER_HEIGHT_PX = 432
_HALF = 2
_DIRECTIONS = 12
_ROUNDS = 7

Field2D = NDArray[np.float32]
Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Touch:
    """How a finger lies on the sensor.

    Attributes:
        seed: of everything that is random in this impression.
        pressure: 0 light .. 1 hard; 0.5 is normal. Sets ridge width and contact area.
        moisture: 0 dry .. 1 wet; 0.5 is normal. Dry breaks ridges, wet fills valleys.
        dx_px, dy_px: offset of the finger's centre from the sensor's.
        rotation_deg: counter-clockwise.
        area: 0..1 scale of the contact area; below 1 only part of the finger touches.
    """

    seed: int
    pressure: float = 0.5
    moisture: float = 0.5
    dx_px: float = 0.0
    dy_px: float = 0.0
    rotation_deg: float = 0.0
    area: float = 1.0


def natural_touch(seed: int) -> Touch:
    """An ordinary press: small offset and rotation, normal skin."""
    rng = np.random.default_rng(seed)
    dx, dy = rng.normal(0, 7, 2).clip(-14, 14)
    return Touch(
        seed=seed,
        pressure=float(rng.uniform(0.4, 0.6)),
        moisture=float(rng.uniform(0.4, 0.6)),
        dx_px=float(dx),
        dy_px=float(dy),
        rotation_deg=float(np.clip(rng.normal(0, 4), -9, 9)),
    )


def seed_of(*parts: object) -> int:
    """A 63-bit seed from any parts, the same in every process."""
    digest = hashlib.sha256("\0".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@lru_cache(maxsize=64)
def master(seed: int, person: str, finger: str) -> Field2D:
    """Ridge field of one finger, (MASTER_HEIGHT_PX, MASTER_WIDTH_PX), -1 valley .. 1 ridge, read-only."""
    rng = np.random.default_rng(seed_of("master", seed, person, finger))
    height, width = MASTER_HEIGHT_PX // _HALF, MASTER_WIDTH_PX // _HALF
    angle = _orientation(rng, height, width)
    period = rng.uniform(8.4, 10.2) / _HALF
    ridges = _grown(rng, angle, period)
    whole = _doubled(ridges)
    whole.setflags(write=False)
    return whole


def impression(ridges: Field2D, touch: Touch, width_px: int, height_px: int) -> Grey:
    """What a sensor of that size sees, 8-bit grey with only the upper four bits in use (value = nibble * 17)."""
    rng = np.random.default_rng(touch.seed)
    rows, columns = np.mgrid[0:height_px, 0:width_px].astype(np.float32)
    x, y = columns - width_px / 2 - touch.dx_px, rows - height_px / 2 - touch.dy_px
    turn = np.deg2rad(touch.rotation_deg)
    u = np.cos(turn) * x - np.sin(turn) * y
    v = np.sin(turn) * x + np.cos(turn) * y
    bend = rng.normal(0, 1.2, 4)
    u_bent = u + bend[0] * np.sin(v / 60 + bend[1])
    v_bent = v + bend[2] * np.sin(u / 60 + bend[3])
    print_here = _sampled(ridges, u_bent + MASTER_WIDTH_PX / 2, v_bent + MASTER_HEIGHT_PX / 2)
    contact = _contact(u, v, touch, rng)
    ink = _ink(print_here, touch, rng)
    paper = 0.96 + rng.normal(0, 0.015, print_here.shape)
    grey = paper - contact * ink * 0.85
    return (np.clip(grey * 15 + 0.5, 0, 15).astype(np.uint8) * 17).astype(np.uint8)


def _orientation(rng: np.random.Generator, height: int, width: int) -> Field2D:
    """Ridge direction in radians by the zero-pole model, or the arch model of the same chapter."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    x = (columns - width / 2) * _HALF
    y = (rows - height / 2) * _HALF
    kind = rng.choice(["left", "right", "whorl", "arch"], p=[0.32, 0.32, 0.28, 0.08])
    jitter = rng.normal(0, 8, 8)
    if kind == "arch":
        lift = rng.uniform(0.7, 1.1)
        bow = np.exp(-((y - jitter[0]) ** 2) / (2 * 90.0**2))
        arch: Field2D = np.arctan(lift * bow * np.sin(np.pi * (x - jitter[1]) / 170.0)).astype(np.float32)
        return arch
    side = {"left": -1.0, "right": 1.0, "whorl": 0.0}[str(kind)]
    if kind == "whorl":
        gap = rng.uniform(12, 40)
        cores = [(jitter[0], -20 - gap / 2 + jitter[1]), (jitter[2], -20 + gap / 2 + jitter[1])]
        deltas = [(-95 + jitter[3], 110 + jitter[4]), (95 + jitter[5], 110 + jitter[6])]
    else:
        cores = [(jitter[0], -25 + jitter[1])]
        deltas = [(-side * (75 + jitter[2]), 100 + jitter[3])]
    double = np.zeros_like(x)
    for cx, cy in cores:
        double += np.arctan2(-(y - cy), x - cx)
    for dx, dy in deltas:
        double -= np.arctan2(-(y - dy), x - dx)
    angle: Field2D = (-double / 2).astype(np.float32)
    return angle


def _grown(rng: np.random.Generator, angle: Field2D, period_px: float) -> Field2D:
    """Ridges from noise: oriented filters in the frequency domain, blended per pixel, saturated, repeated."""
    height, width = angle.shape
    filters = _filters(height, width, period_px)
    position = np.mod(angle, np.pi) / np.pi * _DIRECTIONS
    lower = np.floor(position).astype(np.int64) % _DIRECTIONS
    share = (position - np.floor(position)).astype(np.float32)
    weights = [
        np.where(lower == k, 1 - share, 0) + np.where((lower + 1) % _DIRECTIONS == k, share, 0)
        for k in range(_DIRECTIONS)
    ]
    field = rng.normal(0, 1, (height, width)).astype(np.float32)
    for _ in range(_ROUNDS):
        spectrum = np.fft.rfft2(field)
        grown = np.zeros((height, width), np.float64)
        for weight, band in zip(weights, filters, strict=True):
            grown += weight * np.fft.irfft2(spectrum * band, s=(height, width))
        scale = float(np.sqrt(np.mean(grown * grown))) or 1.0
        field = np.tanh(1.6 * grown / scale).astype(np.float32)
    return field


def _filters(height: int, width: int, period_px: float) -> list[NDArray[np.float64]]:
    """Gabor-like bands: a ring at 1/period, narrowed to the direction across the ridges."""
    fy = np.fft.fftfreq(height)[:, None]
    fx = np.fft.rfftfreq(width)[None, :]
    radius = np.hypot(fx, fy)
    ring = np.exp(-((radius - 1 / period_px) ** 2) / (2 * (0.18 / period_px) ** 2))
    direction = np.arctan2(fy, fx)
    bands = []
    for k in range(_DIRECTIONS):
        across = k * np.pi / _DIRECTIONS + np.pi / 2
        apart = np.angle(np.exp(2j * (direction - across))) / 2
        bands.append(ring * np.exp(-(apart**2) / (2 * 0.26**2)))
    return bands


def _doubled(field: Field2D) -> Field2D:
    """Twice the size by zero-padding the spectrum; ridges are band-limited, so nothing is invented."""
    height, width = field.shape
    spectrum = np.fft.fftshift(np.fft.fft2(field))
    padded = np.zeros((height * 2, width * 2), complex)
    padded[height // 2 : height // 2 + height, width // 2 : width // 2 + width] = spectrum
    whole: Field2D = (np.fft.ifft2(np.fft.ifftshift(padded)).real * 4).astype(np.float32)
    return np.clip(whole, -1, 1)


def _sampled(field: Field2D, x: Field2D, y: Field2D) -> Field2D:
    """Bilinear; outside the master the edge repeats (it lies outside the contact area)."""
    height, width = field.shape
    x = np.clip(x, 0, width - 1.001)
    y = np.clip(y, 0, height - 1.001)
    left, top = x.astype(np.int32), y.astype(np.int32)
    fx, fy = x - left, y - top
    flat = field.ravel()
    at = top * width + left
    upper = flat[at] * (1 - fx) + flat[at + 1] * fx
    lower = flat[at + width] * (1 - fx) + flat[at + width + 1] * fx
    sampled: Field2D = upper * (1 - fy) + lower * fy
    return sampled


def _contact(u: Field2D, v: Field2D, touch: Touch, rng: np.random.Generator) -> Field2D:
    """An ellipse with a soft, uneven rim, 1 inside."""
    scale = touch.area * (0.85 + 0.3 * touch.pressure)
    radius = np.hypot(u / (135 * scale), v / (165 * scale))
    uneven = 0.04 * np.sin(3 * np.arctan2(v, u) + rng.uniform(0, 6.3))
    soft: Field2D = 1 / (1 + np.exp((radius + uneven - 1) * 30))
    return soft


def _ink(ridges: Field2D, touch: Touch, rng: np.random.Generator) -> Field2D:
    """Darkness 0..1: pressure widens ridges, wet skin fills valleys, dry skin breaks ridges into grains."""
    bias = 0.9 * (touch.pressure - 0.5) + 1.1 * max(0.0, touch.moisture - 0.6)
    steep = 4.5 - 5.0 * max(0.0, touch.moisture - 0.6)
    ink = 1 / (1 + np.exp(-steep * (ridges + bias)))
    grains = rng.normal(0, 1, ridges.shape)
    grains = (grains + np.roll(grains, 1, 0) + np.roll(grains, 1, 1) + np.roll(grains, (1, 1), (0, 1))) / 2
    dryness = max(0.0, 0.45 - touch.moisture)
    ink = ink * np.clip(1 - dryness * (1.2 + 1.6 * grains), 0, 1)
    inked: Field2D = np.clip(ink + 0.04 * grains, 0, 1)
    smeared = max(0.0, touch.moisture - 0.7) / 0.3
    return _smeared(inked, smeared * (0.6 + 0.4 * touch.pressure), rng) if smeared else inked


def _smeared(ink: Field2D, amount: float, rng: np.random.Generator) -> Field2D:
    """Sweat runs together: dark blotches hide the ridges below them."""
    height, width = ink.shape
    coarse = rng.normal(0, 1, (height // 12 + 3, width // 12 + 3)).astype(np.float32)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    blotch = 1 / (1 + np.exp(-6 * (_sampled(coarse, columns / 12, rows / 12) + 1.8 * amount - 1.1)))
    cover = (amount * blotch).astype(np.float32)
    smeared: Field2D = ink * (1 - cover) + cover
    return smeared
