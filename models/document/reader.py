"""Reads the machine-readable zone of a page held to the camera, one frame at a time.

Lines are located, their characters placed on an even grid, each cell classified. A position's type (a date holds
digits, a name holds letters) chooses among the classes that may stand there; that is all the correction there is. A
character is never changed so that a check digit fits: a frame whose digits do not fit is no reading. Names have no
check digit, so a frame is refused where a character is in doubt, and no single frame may ever be taken as the
document: `consensus.py`.

Pure: no clock, no state between frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.document import cells, fields, strip
from models.document.fields import LINES
from models.document.glyphs import CLASSES, Glyphs, load_glyphs
from models.document.locate import Line, Look, locate, looks
from wire.rules.mrz import Format, MrzInvalid, parse_mrz

Floats = NDArray[np.float64]

SHARP_PITCH = 32.0
"""Above this many pixels to a character the frame is read at half its size."""
LEAST_PITCH = 12.0
"""Below this many pixels to a character a page that cannot be read must come closer."""
LEAST_MERIT = 0.25
"""A grid below this is no zone at all."""
SURE = 0.9
"""Least probability of every character that no check digit covers."""
_TRIED_SHIFTS = (0.0, -0.07, 0.07)
_TRIED_HEIGHTS = (1.0, 0.92, 1.08)
_ZONE = 0.35
"""Mean probability, from which marks are taken for a zone that is hard to read."""
_MOST_LEAN = 0.3
"""How far a zone may be sheared; a line placed one character beside the other looks like 0.4."""
_OUT_OF_STEP = 0.35
_GLARE = 250
_GLARE_SHARE = 0.04
_LONG = 0.3
"""Share of the frame's width from which lines that leave it are a page held too near."""


@dataclass(frozen=True, slots=True)
class PageSeen:
    """What one frame shows.

    Attributes:
        lines: the zone as read in this frame, every check digit good; else None.
        guide: what to do, as the last part of the key `document.guide.<guide>`; None when lines were read.
        corners: (4, 2) of the zone's text, pixels of the frame: upper left, upper right, lower right, lower left as
            the page is read; None where no zone is seen.
    """

    lines: tuple[str, ...] | None
    guide: str | None
    corners: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True)
class _Zone:
    """A grid over the frame: (lines, characters, 2) centres, one pitch across, one pitch down."""

    form: Format
    centre: Floats
    across: Floats
    down: Floats
    merit: float

    def turned(self) -> _Zone:
        """The same zone for a page held upside down."""
        return _Zone(self.form, self.centre[::-1, ::-1], -self.across[::-1, ::-1], -self.down[::-1, ::-1], self.merit)

    @property
    def pitch(self) -> float:
        """Mean, pixels."""
        return float(np.hypot(*self.across.reshape(-1, 2).T).mean())

    @property
    def corners(self) -> Floats:
        """Upper left, upper right, lower right, lower left of the text."""
        upper, lower = (0, -0.5), (-1, 0.5)
        return np.array(
            [
                self.centre[line, column] + side * self.across[line, column] + height * self.down[line, column]
                for (line, height), column, side in (
                    (upper, 0, -0.5),
                    (upper, -1, 0.5),
                    (lower, -1, 0.5),
                    (lower, 0, -0.5),
                )
            ]
        )


@dataclass(frozen=True, slots=True)
class _Reading:
    zone: _Zone
    lines: tuple[str, ...]
    sure: Floats


class DocumentReader:
    """The reader over loaded glyph weights; holds nothing between frames."""

    def __init__(self, glyphs: Glyphs) -> None:
        self._glyphs = glyphs
        self._allowed = {form: np.where(fields.allowed(form), 0.0, -1e9) for form in LINES}

    @classmethod
    def load(cls) -> DocumentReader:
        """The reader with the bundled weights.

        Raises:
            ModelHashWrong, ModelUnusable.
        """
        return cls(load_glyphs())

    def frame(self, image: NDArray[np.uint8]) -> PageSeen:
        """What one frame shows.

        Args:
            image: (height, width, 3) uint8 RGB, of any size.

        Raises:
            ValueError: an array of another shape or type.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ValueError("an image is (height, width, 3) uint8")
        grey = Image.fromarray(np.ascontiguousarray(image)).convert("L")
        leaving = False
        for look in looks(grey.width):
            candidates = locate(grey, look)
            best: _Reading | None = None
            for lines in candidates:
                for reading in self._readings(grey, lines):
                    if _accepted(reading):
                        return PageSeen(reading.lines, None, reading.zone.corners)
                    if best is None or reading.sure.mean() > best.sure.mean():
                        best = reading
            if best is not None and best.sure.mean() >= _ZONE:
                return PageSeen(None, _guide(grey, best, look), best.zone.corners)
            leaving = leaving or any(_leaves(grey, lines) for lines in candidates)
        return PageSeen(None, "farther" if leaving else "show_page", None)

    def _readings(self, grey: Image.Image, lines: tuple[Line, ...]) -> list[_Reading]:
        """The candidate as each format it may be, the likeliest first; upside down where that is likelier."""
        tried = [_zone(grey, lines, form) for form, (many, _) in LINES.items() if many == len(lines)]
        zones = [zone for zone in tried if zone is not None and zone.merit > LEAST_MERIT]
        readings = []
        for zone in sorted(zones, key=lambda zone: -zone.merit)[:1]:
            upright = self._read(grey, zone)
            readings.append(upright)
            if upright.sure.mean() < SURE:
                turned = self._read(grey, zone.turned())
                readings = sorted([upright, turned], key=lambda one: -float(one.sure.mean()))
        return readings

    def _read(self, grey: Image.Image, zone: _Zone) -> _Reading:
        """The characters of a zone, at the small shift and height that make them surest."""
        factor = 2 if zone.pitch > SHARP_PITCH else 1
        light, left, top = _part(grey, zone, factor)
        centre = ((zone.centre.reshape(-1, 2) - (factor - 1) / 2) / factor) - (left, top)
        across, down = zone.across.reshape(-1, 2) / factor, zone.down.reshape(-1, 2) / factor
        allowed = self._allowed[zone.form]

        def read(shift: float, height: float) -> Floats:
            cut = cells.sample(light, centre + shift * down, across, down * height)
            return np.asarray(self._glyphs.log_probabilities(cut) + allowed, np.float64)

        tried = {(0.0, height): read(0.0, height) for height in _TRIED_HEIGHTS}
        height = max(tried, key=lambda key: _worth(tried[key]))[1]
        for shift in _TRIED_SHIFTS[1:]:
            tried[shift, height] = read(shift, height)
        best = sorted(tried.values(), key=_worth)[-2:]
        mean = np.logaddexp(best[0], best[1]) - np.log(2)
        chosen = mean.argmax(axis=1)
        text = "".join(CLASSES[index] for index in chosen)
        many, count = LINES[zone.form]
        lines = tuple(text[start : start + count] for start in range(0, many * count, count))
        return _Reading(zone, lines, np.exp(mean.max(axis=1)).reshape(many, count))


def _worth(logs: Floats) -> float:
    return float(np.clip(logs.max(axis=1), -4, 0).mean())


def _accepted(reading: _Reading) -> bool:
    """Every check digit good, the name as one is printed, and every character sure."""
    try:
        parse_mrz(reading.lines)
    except MrzInvalid:
        return False
    return fields.plausible(reading.zone.form, reading.lines) and float(reading.sure.min()) >= SURE


def _zone(grey: Image.Image, lines: tuple[Line, ...], form: Format) -> _Zone | None:
    """The grid of a candidate as one format; None where it is none."""
    count = LINES[form][1]
    found = [strip.places(strip.cut(grey, line, count), count) for line in lines]
    centre = np.stack([places.centre for places in found])
    across = np.stack([places.across for places in found])
    pitch = np.hypot(across[..., 0], across[..., 1])
    if not np.isfinite(centre).all() or pitch.min() < 2:
        return None
    towards = centre[-1] - centre[0]
    length = np.hypot(towards[:, 0], towards[:, 1])
    if length.min() < 1:
        return None
    down = (towards / length[:, None])[None] * pitch[..., None]
    lean = np.abs((down * across).sum(axis=2)) / pitch**2
    if lean.max() > _MOST_LEAN or _out_of_step(centre, pitch):
        return None
    return _Zone(form, centre, across, down, float(np.mean([places.merit for places in found])))


def _out_of_step(centre: Floats, pitch: Floats) -> bool:
    """Whether a middle line begins or ends beside the straight line through its neighbours: it was placed wrongly."""
    for before, line, after in zip(centre, centre[1:], centre[2:], strict=False):
        off = np.hypot(*((before + after) / 2 - line)[[0, -1]].T)
        if off.max() > _OUT_OF_STEP * pitch.mean():
            return True
    return False


def _part(grey: Image.Image, zone: _Zone, factor: int) -> tuple[NDArray[np.float32], int, int]:
    """The part of the frame around a zone, reduced, and where it begins in the reduced frame."""
    points = zone.centre.reshape(-1, 2)
    margin = 2 * zone.pitch
    low = np.clip(np.floor((points.min(axis=0) - margin) / factor), 0, None).astype(int)
    high = np.ceil((points.max(axis=0) + margin) / factor).astype(int)
    left, top, right, bottom = (int(side) * factor for side in (*low, *high))
    box = (left, top, min(grey.width, right), min(grey.height, bottom))
    if box[2] - box[0] < 2 * factor or box[3] - box[1] < 2 * factor:
        return np.full((2, 2), 128, np.float32), 0, 0
    part = grey.crop(box)
    part = part.reduce(factor) if factor > 1 else part
    return np.asarray(part, np.float32), int(low[0]), int(low[1])


def _leaves(grey: Image.Image, lines: tuple[Line, ...]) -> bool:
    """Whether long lines all end at the same edge of the frame."""
    if lines[0].length < _LONG * grey.width:
        return False
    size = np.array([grey.width, grey.height])
    for side in ("start", "end"):
        ends = np.array([getattr(line, side) for line in lines])
        near = lines[0].height
        if ((ends < near).all(axis=0) | (ends > size - near).all(axis=0)).any():
            return True
    return False


def _guide(grey: Image.Image, reading: _Reading, look: Look) -> str:
    """Why a zone that is seen cannot be read."""
    zone = reading.zone
    corners = zone.corners
    edge = 0.5 * zone.pitch
    outside = (corners < edge).any() or (corners > np.array([grey.width, grey.height]) - edge).any()
    if outside:
        return "farther"
    if zone.pitch < LEAST_PITCH:
        return "closer"
    light, _, _ = _part(grey, zone, 1)
    if float((light >= _GLARE).mean()) > _GLARE_SHARE:
        return "glare"
    return "straighten" if look.turned else "hold_still"
