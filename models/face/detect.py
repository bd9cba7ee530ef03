"""BlazeFace, short range: what goes in, what comes out, and which of its boxes are one face.

Layout of the model (MediaPipe `face_detection_short_range`): 896 anchors, two per cell of a 16x16 grid and six per
cell of an 8x8 grid; 16 numbers each, in 1/128 of the input, relative to the anchor's centre: box centre, width,
height, six key points. Must never fail on any tensor: numbers that are not finite are dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from models.face import area
from models.face.types import Detection, Floats, Rgb
from models.runtime import Interpreter

INPUT = 128
MIN_SCORE = 0.5
SAME_FACE_IOU = 0.3
_MAX_CANDIDATES = 200
_CLOSE = 4
_PIXEL = np.dtype("V3")
_WIDE = 1.25
"""From this width to height an image is a camera frame and is looked at in two parts."""


def _anchors() -> Floats:
    grids = []
    for cells, per_cell in ((16, 2), (8, 6)):
        centres = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        x, y = np.meshgrid(centres, centres)
        grids.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), per_cell, axis=0))
    result: Floats = np.concatenate(grids).astype(np.float32)
    return result


ANCHORS = _anchors()
"""(896, 2) float32: centres x, y in 0..1."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where the network's input lies in the image: image = input * scale + offset, pixels."""

    scale: float
    left: float
    top: float


def letterbox(rgb: Rgb, out: Floats) -> Letterbox:
    """Fills the network's input with the whole image, exact area mean, keeping its shape, centred, grey around.

    Args:
        rgb: the image.
        out: (1, 128, 128, 3) float32, overwritten with x / 127.5 - 1.
    """
    height, width = rgb.shape[:2]
    scale = max(width, height) / INPUT
    columns, rows = max(1, round(width / scale)), max(1, round(height / scale))
    if scale > 1:
        edges = (np.linspace(0, width, columns + 1), np.linspace(0, height, rows + 1))
        small = np.rint(area.shrink(rgb, *edges))
    else:
        picture = Image.fromarray(np.ascontiguousarray(rgb)).resize((columns, rows), Image.Resampling.BILINEAR)
        small = np.asarray(picture, dtype=np.float32)
    x, y = (INPUT - columns) // 2, (INPUT - rows) // 2
    out.fill(0.0)
    target = out[0, y : y + rows, x : x + columns]
    np.multiply(small, np.float32(1 / 127.5), out=target)
    target -= 1.0
    return Letterbox(scale, -x * scale, -y * scale)


def decimate(rgb: Rgb, factor: int) -> Floats:
    """The image smaller by a whole factor, as -1..1: each pixel the mean of two samples (four for large factors).

    Several times faster than an exact area mean; key points move by about half a per cent of the eye distance.
    """
    rows, columns = rgb.shape[0] // factor, rgb.shape[1] // factor
    near, far = factor // 4, factor - 1 - factor // 4
    if near == far:
        places = [(near, near)]
    else:
        places = [(near, near), (far, far)] + ([(near, far), (far, near)] if factor > _CLOSE else [])
    # Whole pixels are copied as units of three bytes: strided bytes would take three times as long.
    whole = np.ascontiguousarray(rgb).view(_PIXEL)[..., 0]
    total = np.zeros((rows, columns, 3), np.uint16)
    for y, x in places:
        part = np.ascontiguousarray(whole[y::factor, x::factor][:rows, :columns])
        total += part.view(np.uint8).reshape(rows, columns, 3)
    small = total * np.float32(1 / (127.5 * len(places)))
    small -= 1.0
    return small


def decode(regressors: Floats, scores: Floats, place: Letterbox, min_score: float = MIN_SCORE) -> list[Detection]:
    """Candidates above a score, best first, in pixels of the image; several may mean the same face.

    Args:
        regressors: (1, 896, 16) float32. scores: (1, 896, 1) float32, logits.
    """
    logits = scores.reshape(-1)
    limit = np.float32(np.log(min_score / (1 - min_score)))
    chosen = np.flatnonzero(logits >= limit)
    if not chosen.size:
        return []
    chosen = chosen[np.argsort(-logits[chosen], kind="stable")][:_MAX_CANDIDATES]
    raw = regressors.reshape(-1, 16)[chosen].astype(np.float64) / INPUT
    usable = np.isfinite(raw).all(axis=1) & (np.abs(raw) < 100).all(axis=1) & (raw[:, 2] > 0) & (raw[:, 3] > 0)
    chosen, raw = chosen[usable], raw[usable]
    probability = 1.0 / (1.0 + np.exp(-np.clip(logits[chosen].astype(np.float64), -80, 80)))
    points = (raw[:, [0, 1, *range(4, 16)]].reshape(-1, 7, 2) + ANCHORS[chosen, None]) * INPUT * place.scale
    points += (place.left, place.top)
    half = raw[:, 2:4] * INPUT * place.scale / 2
    found = []
    for centre_and_points, (half_width, half_height), score in zip(points, half, probability, strict=True):
        x, y = centre_and_points[0]
        box = (float(x - half_width), float(y - half_height), float(x + half_width), float(y + half_height))
        found.append(Detection(box, centre_and_points[1:].astype(np.float32), float(score)))
    return found


def merge(candidates: list[Detection]) -> list[Detection]:
    """Weighted non-maximum suppression: boxes of one face become their score-weighted mean. Largest face first."""
    faces = []
    rest = sorted(candidates, key=lambda found: -found.score)
    while rest:
        best = rest[0]
        overlap = _iou(best, rest)
        same = [found for found, share in zip(rest, overlap, strict=True) if share > SAME_FACE_IOU] or [best]
        kept = {id(found) for found in same}
        rest = [found for found in rest if id(found) not in kept]
        weights = np.array([found.score for found in same])
        weights /= weights.sum()
        box = np.tensordot(weights, np.array([found.box for found in same]), 1)
        keypoints = np.tensordot(weights, np.array([found.keypoints for found in same], np.float64), 1)
        left, top, right, bottom = (float(value) for value in box)
        faces.append(Detection((left, top, right, bottom), keypoints.astype(np.float32), best.score))
    return sorted(faces, key=lambda found: -found.area)


def _iou(one: Detection, others: list[Detection]) -> list[float]:
    boxes = np.array([found.box for found in others])
    left, top, right, bottom = one.box
    width = np.minimum(boxes[:, 2], right) - np.maximum(boxes[:, 0], left)
    height = np.minimum(boxes[:, 3], bottom) - np.maximum(boxes[:, 1], top)
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return list(shared / np.maximum(areas + one.area - shared, 1e-9))


def detect(model: Interpreter, rgb: Rgb, buffer: Floats) -> list[Detection]:
    """All faces of an image, largest first.

    A wide image is a camera frame and is looked at twice at the same scale: its middle square, where the applicant
    sits, and both sides next to each other in one input. Seen as a whole, a face at the distance of an applicant
    would be too small for this model. If nobody is there, its centre is looked at once more for someone far away.

    Args:
        buffer: (1, 128, 128, 3) float32, reused between calls.
    """
    height, width = rgb.shape[:2]
    if width <= _WIDE * height:
        place = letterbox(rgb, buffer)
        return merge(decode(*_outputs(model, buffer), place))
    factor = -(-height // INPUT)
    small = decimate(rgb, factor)
    rows, columns = small.shape[:2]
    top, side, half = (INPUT - rows) // 2, min(rows, INPUT), rows // 2
    start = (columns - side) // 2
    buffer.fill(0.0)
    buffer[0, top : top + rows, top : top + side] = small[:, start : start + side]
    place = Letterbox(float(factor), float((start - top) * factor), float(-top * factor))
    middle = merge(decode(*_outputs(model, buffer), place))
    buffer.fill(0.0)
    buffer[0, top : top + rows, :half] = small[:, :half]
    buffer[0, top : top + rows, INPUT - half :] = small[:, columns - half :]
    outputs = _outputs(model, buffer)
    sides = []
    for first, x in ((0, 0), (columns - half, INPUT - half)):
        place = Letterbox(float(factor), float((first - x) * factor), float(-top * factor))
        low, high = first * factor, (first + half) * factor
        sides += [one for one in decode(*outputs, place) if low <= (one.box[0] + one.box[2]) / 2 <= high]
    # Where both looks show a face, the middle one has it whole.
    beside = [found for found in merge(sides) if not any(_overlap(found, other) > SAME_FACE_IOU for other in middle)]
    return sorted(middle + beside, key=lambda found: -found.area) or _far(model, rgb, buffer)


def _far(model: Interpreter, rgb: Rgb, buffer: Floats) -> list[Detection]:
    """The inner quarter of a frame, twice as large: someone there is too far away, and can be told so."""
    height, width = rgb.shape[:2]
    side = height // 2
    left, top = (width - side) // 2, (height - side) // 2
    place = letterbox(rgb[top : top + side, left : left + side], buffer)
    moved = Letterbox(place.scale, place.left + left, place.top + top)
    return merge(decode(*_outputs(model, buffer), moved))


def closer(model: Interpreter, rgb: Rgb, found: Detection, buffer: Floats) -> Detection | None:
    """The same face looked at once more, filling half of the input; None if that look shows none.

    Boxes of faces that are a few pixels of the input are up to three times too large; this one is right within a
    quarter of its area.
    """
    left, top, right, bottom = found.box
    reach = max(right - left, bottom - top)
    x, y = int(max(0.0, (left + right) / 2 - reach)), int(max(0.0, (top + bottom) / 2 - reach))
    part = rgb[y : int((top + bottom) / 2 + reach), x : int((left + right) / 2 + reach)]
    if min(part.shape[:2]) < 2:
        return None
    place = letterbox(part, buffer)
    moved = Letterbox(place.scale, place.left + x, place.top + y)
    seen = merge(decode(*_outputs(model, buffer), moved))
    return seen[0] if seen else None


def _outputs(model: Interpreter, buffer: Floats) -> tuple[Floats, Floats]:
    regressors, scores = model.run(buffer)
    return regressors, scores


def _overlap(one: Detection, other: Detection) -> float:
    """Shared area as a share of the smaller box."""
    width = min(one.box[2], other.box[2]) - max(one.box[0], other.box[0])
    height = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
    return max(0.0, width) * max(0.0, height) / max(min(one.area, other.area), 1e-9)
