"""A ROC plot as an SVG file, false accept rate on a logarithmic axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

from models.accuracy.statistics import Scores

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 440, 70, 56, 28, 20
DECADES = 5
LOWEST_TAR = 0.9
COLOURS = ("#1b6ca8", "#c0392b", "#2e7d32", "#8e44ad")


@dataclass(frozen=True, slots=True)
class Curve:
    """A named ROC."""

    name: str
    far: Scores
    tar: Scores


def svg(curves: list[Curve], title: str, lowest: float = LOWEST_TAR) -> str:
    """The whole SVG document; true accept rate from `lowest`, false accept rate from 1e-5."""
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            'font-size="12">'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{WIDTH / 2}" y="18" text-anchor="middle" font-size="14">{title}</text>',
        *_axes(lowest),
    ]
    for number, curve in enumerate(curves):
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<path d="{_path(curve, lowest)}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        y = HEIGHT - BOTTOM - 16 - 18 * (len(curves) - 1 - number)
        parts.append(f'<rect x="{WIDTH - 330}" y="{y - 9}" width="18" height="3" fill="{colour}"/>')
        parts.append(f'<text x="{WIDTH - 306}" y="{y - 3}">{curve.name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _x(far: float) -> float:
    share = 1 + math.log10(max(far, 10.0**-DECADES)) / DECADES
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(tar: float, lowest: float) -> float:
    share = (max(tar, lowest) - lowest) / (1 - lowest)
    return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP - 10)


def _axes(lowest: float) -> list[str]:
    parts = []
    for decade in range(-DECADES, 1):
        x = _x(10.0**decade)
        parts.append(f'<path d="M{x:.1f} {_y(1, lowest):.1f}V{_y(lowest, lowest):.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">1e{decade}</text>')
    for step in range(6):
        tar = lowest + step * (1 - lowest) / 5
        parts.append(f'<path d="M{LEFT} {_y(tar, lowest):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{_y(tar, lowest) + 4:.1f}" text-anchor="end">{tar:.2f}</text>')
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(f'<text x="{WIDTH / 2}" y="{HEIGHT - 14}" text-anchor="middle">false accept rate</text>')
    turned = f'transform="rotate(-90 18 {middle})"'
    parts.append(f'<text x="18" y="{middle}" text-anchor="middle" {turned}>true accept rate</text>')
    return parts


def _path(curve: Curve, lowest: float) -> str:
    """Steps, at most one point per pixel column: between two thresholds nothing changes.

    Begins at the first false accept: below it the pairs are too few to say anything.
    """
    best: dict[int, float] = {}
    first_false = float(min((far for far in curve.far if far > 0), default=0.0))
    for far, tar in zip(curve.far, curve.tar, strict=True):
        if far < first_false:
            continue
        column = int(_x(float(far)))
        best[column] = max(best.get(column, 0.0), float(tar))
    points = sorted(best.items())
    first = f"M{points[0][0]} {_y(points[0][1], lowest):.1f}"
    return first + "".join(f"H{x}V{_y(tar, lowest):.1f}" for x, tar in points[1:])
