"""Do two pictures show the same finger? For refusing a finger that was already taken, never for recognising a person.

Minutiae are the phase singularities of the ridge pattern (Larkin and Fletcher, "A coherent framework for fingerprint
analysis: are fingerprints holograms?", 2007): the band-passed image and its Riesz transform give the ridge phase, and
its winding number round a pixel is +-1 at a ridge ending or fork. Two sets are aligned by voting for rotation and
translation and scored by the share of paired minutiae.

Used where a device cannot compare fingers itself (`sbi`), and as the emulated sensor's own matcher. Tried on synthetic
prints alone: how often it errs on people is unknown, which is why SAME_FINGER asks for a clear likeness. Pictures are
of about 500 pixels an inch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

PERIOD_PX = 9.2
EDGE_PX = 14
DIPOLE_PX = 9.0
NEAR_PX = 8.0
NEAR_RAD = 0.45
SAME_FINGER = 700
"""Score from which two pictures are taken for one finger. Synthetic prints of 320 by 400 pixels: presses of one finger
825 and more, of two fingers 373 and less (40 and 180 pairs)."""
AGREES = 550
"""Score from which a further picture passes for the finger it is said to be."""

Minutiae = NDArray[np.float32]
"""(n, 3): x, y in pixels, direction in radians 0..2 pi."""


@dataclass(frozen=True, slots=True)
class Features:
    """What Img2Tz found.

    Attributes:
        minutiae: (n, 3).
        clarity: 0..1, mean coherence of the ridge pattern where there is any.
        foreground: 0..1, share of the image with ridges.
    """

    minutiae: Minutiae
    clarity: float
    foreground: float


def features(grey: NDArray[np.uint8]) -> Features:
    """Minutiae and clarity of an 8-bit image (height, width), dark ridges on light ground."""
    image = 1.0 - grey.astype(np.float64) / 255.0
    mean = _smooth(image, 12.0)
    variance = _smooth((image - mean) ** 2, 12.0)
    foreground = variance > 0.012
    ridge, riesz_x, riesz_y = _analytic((image - mean) / np.sqrt(np.maximum(variance, 0.012)))
    xx, yy, xy = (_smooth(product, 5.0) for product in (riesz_x * riesz_x, riesz_y * riesz_y, riesz_x * riesz_y))
    normal = 0.5 * np.arctan2(2 * xy, xx - yy)
    coherence = np.hypot(xx - yy, 2 * xy) / np.maximum(xx + yy, 1e-9)
    inside = _eroded(foreground, EDGE_PX)
    minutiae = _singularities(ridge, riesz_x, riesz_y, normal, inside & (coherence > 0.25))
    share = float(foreground.mean())
    clarity = float(coherence[foreground].mean()) if share > 0 else 0.0
    return Features(minutiae, clarity, share)


def innermost(minutiae: Minutiae, most: int) -> Minutiae:
    """At most so many, those nearest to their centre of gravity; comparing takes time with the fourth power of them."""
    if len(minutiae) <= most:
        return minutiae
    distance = np.hypot(*(minutiae[:, :2] - minutiae[:, :2].mean(axis=0)).T)
    chosen: Minutiae = minutiae[np.argsort(distance, kind="stable")[:most]]
    return chosen


def match(left: Minutiae, right: Minutiae) -> int:
    """Likeness 0..1000; see SAME_FINGER."""
    if len(left) < 4 or len(right) < 4:
        return 0
    best = 0.0
    for turn, shift in _alignments(left, right):
        best = max(best, _paired(_moved(left, turn, shift), right))
    return round(best * 1000)


def _analytic(image: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    band, across, down = _ridge_band(image.shape[0], image.shape[1])
    spectrum = np.fft.rfft2(image) * band
    parts = (spectrum, spectrum * across, spectrum * down)
    ridge, riesz_x, riesz_y = (np.fft.irfft2(part, s=image.shape) for part in parts)
    return ridge, riesz_x, riesz_y


@lru_cache(maxsize=8)
def _ridge_band(height: int, width: int) -> tuple[NDArray[np.float64], NDArray[np.complex128], NDArray[np.complex128]]:
    """Band-pass round the ridge frequency, and the Riesz transform across and down."""
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    radius = np.hypot(fx, fy)
    band = np.exp(-((radius - 1 / PERIOD_PX) ** 2) / (2 * 0.04**2))
    band[0, 0] = 0
    safe = np.maximum(radius, 1e-9)
    return band, -1j * fx / safe, -1j * fy / safe


def _smooth(values: NDArray[np.float64], sigma_px: float) -> NDArray[np.float64]:
    gauss = _gauss(values.shape[0], values.shape[1], sigma_px)
    smoothed: NDArray[np.float64] = np.fft.irfft2(np.fft.rfft2(values) * gauss, s=values.shape)
    return smoothed


@lru_cache(maxsize=16)
def _gauss(height: int, width: int, sigma_px: float) -> NDArray[np.float64]:
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    gauss: NDArray[np.float64] = np.exp(-2 * (np.pi * sigma_px) ** 2 * (fx * fx + fy * fy))
    return gauss


def _eroded(mask: NDArray[np.bool_], margin_px: int) -> NDArray[np.bool_]:
    """Away from the rim of the contact area and of the image, by a box of 2 * margin + 1."""
    padded = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int64)
    padded[1:, 1:] = mask.cumsum(0).cumsum(1)
    side = 2 * margin_px + 1
    sums = padded[side:, side:] - padded[:-side, side:] - padded[side:, :-side] + padded[:-side, :-side]
    inner = np.zeros_like(mask)
    inner[margin_px:-margin_px, margin_px:-margin_px] = sums == side * side
    return inner


def _singularities(
    ridge: NDArray[np.float64],
    riesz_x: NDArray[np.float64],
    riesz_y: NDArray[np.float64],
    normal: NDArray[np.float64],
    allowed: NDArray[np.bool_],
) -> Minutiae:
    """Winding numbers of the phase round each 2x2 loop, the normal of its first pixel fixing the sign."""
    nx, ny = np.cos(normal[:-1, :-1]), np.sin(normal[:-1, :-1])
    corners = [(slice(None, -1), slice(None, -1)), (slice(None, -1), slice(1, None))]
    corners += [(slice(1, None), slice(1, None)), (slice(1, None), slice(None, -1))]
    phases = [np.arctan2(riesz_x[at] * nx + riesz_y[at] * ny, ridge[at]) for at in corners]
    winding = np.zeros_like(nx)
    for k in range(4):
        step = phases[(k + 1) % 4] - phases[k]
        winding += np.mod(step + np.pi, 2 * np.pi) - np.pi
    turns = np.rint(winding / (2 * np.pi)).astype(np.int64)
    rows, columns = np.nonzero((turns != 0) & allowed[:-1, :-1])
    signs = turns[rows, columns]
    angle = np.mod(normal[rows, columns] + np.where(signs > 0, 0, np.pi), 2 * np.pi)
    return _without_dipoles(np.stack([columns + 0.5, rows + 0.5, angle], axis=1).astype(np.float32))


def _without_dipoles(found: Minutiae) -> Minutiae:
    """Noise makes pairs of opposite singularities close together; real minutiae stand apart."""
    if len(found) < 2:
        return found
    apart = np.hypot(*(found[:, None, :2] - found[None, :, :2]).transpose(2, 0, 1))
    opposite = np.abs(_wrapped(found[:, None, 2] - found[None, :, 2])) > np.pi / 2
    np.fill_diagonal(apart, np.inf)
    alone: Minutiae = found[~((apart < DIPOLE_PX) & opposite).any(axis=1)]
    return alone


def _wrapped(angle: NDArray[np.float32]) -> NDArray[np.float32]:
    turned: NDArray[np.float32] = np.mod(angle + np.pi, 2 * np.pi) - np.pi
    return turned


def _alignments(left: Minutiae, right: Minutiae) -> list[tuple[float, tuple[float, float]]]:
    """The five most voted-for rotations and shifts that lay `left` on `right`."""
    turn = _wrapped(right[None, :, 2] - left[:, None, 2])
    cos, sin = np.cos(turn), np.sin(turn)
    dx = right[None, :, 0] - (cos * left[:, None, 0] - sin * left[:, None, 1])
    dy = right[None, :, 1] - (sin * left[:, None, 0] + cos * left[:, None, 1])
    plausible = np.abs(turn) < 0.9
    votes = np.stack([turn[plausible] * 60, dx[plausible], dy[plausible]], axis=1)
    if not len(votes):
        return []
    near = np.ones((len(votes), len(votes)), np.bool_)
    for axis in votes.T:
        near &= np.abs(axis[:, None] - axis[None, :]) < 14
    counts = near.sum(axis=1)
    found = []
    for best in np.argsort(-counts, kind="stable")[:5]:
        middle = votes[near[best]].mean(axis=0)
        found.append((float(middle[0] / 60), (float(middle[1]), float(middle[2]))))
    return found


def _moved(minutiae: Minutiae, turn: float, shift: tuple[float, float]) -> Minutiae:
    cos, sin = np.cos(turn), np.sin(turn)
    x = cos * minutiae[:, 0] - sin * minutiae[:, 1] + shift[0]
    y = sin * minutiae[:, 0] + cos * minutiae[:, 1] + shift[1]
    moved: Minutiae = np.stack([x, y, minutiae[:, 2] + turn], axis=1).astype(np.float32)
    return moved


def _paired(left: Minutiae, right: Minutiae) -> float:
    """Paired minutiae over those in the common area, which counts as never smaller than most of the finger."""
    close = np.hypot(*(left[:, None, :2] - right[None, :, :2]).transpose(2, 0, 1)) < NEAR_PX
    close &= np.abs(_wrapped(left[:, None, 2] - right[None, :, 2])) < NEAR_RAD
    pairs = min(int(close.any(axis=1).sum()), int(close.any(axis=0).sum()))
    low, high = np.maximum(left.min(0), right.min(0))[:2], np.minimum(left.max(0), right.max(0))[:2]
    common = [((side[:, :2] >= low - 4) & (side[:, :2] <= high + 4)).all(axis=1).sum() for side in (left, right)]
    counted = [max(float(inside), 0.7 * len(side), 8.0) for inside, side in zip(common, (left, right), strict=True)]
    return float(min(1.0, pairs / np.sqrt(counted[0] * counted[1])))
