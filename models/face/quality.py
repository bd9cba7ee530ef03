"""Quality components of one face, each a raw value, a score 0..100 and a verdict against dated policy.

Names and score curves follow ISO/IEC 29794-5 as its reference implementation OFIQ 1.0 writes them: a score is
100 * sigmoid((raw - x0) / w) unless said otherwise. Not gated on brightness means, which fail dark skin in good
light: exposure is judged by the tails. Not gated on OFIQ's HeadSize, which contradicts its own margins: size and
position are judged by the crop that will be cut.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from models.face import background, cover, detail, geometry, light
from models.face.landmarks import LIDS_LEFT, LIDS_RIGHT, LIPS_INNER, Roi
from models.face.light import sigmoid
from models.face.pose import pose
from models.face.types import Component, Face, Measured, Rgb
from models.policy import ADVISED, FacePolicy
from models.runtime import Interpreter

RIVAL_SHARE = 0.25
"""From this share of the applicant's area on, another face counts as a second person; below, as a passer-by."""


@dataclass(frozen=True, slots=True)
class View:
    """One face in one image.

    Attributes:
        rgb: the image.
        crop: the 192x192 cut in which the landmarks were found.
        square: where that cut lies.
        scale: pixels of the full frame per pixel of `rgb`.
        rivals: areas of the other faces as shares of this one's.
        segmenter: the model for the background mask, where there is one.
    """

    rgb: Rgb
    face: Face
    crop: Rgb
    square: Roi
    scale: float
    rivals: tuple[float, ...]
    segmenter: Interpreter | None = None


def assess(view: View, policy: FacePolicy) -> tuple[Component, ...]:
    """All components that this image allows, in no special order."""
    lit = light.lit(view.crop, view.square, view.face)
    measured = [*_framing(view, policy), *_posture(view.face), *light.exposure(lit)]
    measured += cover.measure(view.crop, view.square, view.face)
    if geometry.inter_eye(view.face) >= policy.portrait_min_inter_eye_px:
        measured += [
            *light.tone(lit),
            detail.sharpness(view.rgb, view.face),
            detail.beside_head(view.rgb, view.face, policy.portrait),
            detail.mouth_width(view.face),
        ]
        if view.segmenter is not None:
            even = background.uniformity(view.segmenter, view.rgb, view.face, policy.portrait)
            measured += [even] if even is not None else []
    return tuple(_judged(name, raw, score, policy) for name, raw, score in measured)


def advice(components: tuple[Component, ...], policy: FacePolicy) -> tuple[str, ...]:
    """What the officer should look at: components outside their advisory range, in the order of the policy module."""
    raws = {component.name: component.raw for component in components}
    told = (name for name in ADVISED if name in policy.advice and name in raws)
    return tuple(_ADVICE[name] for name in told if not policy.advice[name].allows(raws[name]))


_ADVICE = {"no_head_covering": "head-cover", "background_uniformity": "background"}


def _judged(name: str, raw: float, score: float, policy: FacePolicy) -> Component:
    limit = policy.limits.get(name)
    raw = float(raw)
    score = min(max(100.0 * float(score), 0.0), 100.0)
    return Component(name, raw, score, limit is None or limit.allows(raw))


def _framing(view: View, policy: FacePolicy) -> list[Measured]:
    height, width = view.rgb.shape[:2]
    box = geometry.crop(view.face, policy.portrait)
    others = sum(1 for share in view.rivals if share >= RIVAL_SHARE)
    rival = max(view.rivals, default=0.0)
    distance = geometry.inter_eye(view.face) * view.scale
    inside = box.inside(width, height)
    return [
        ("single_face", 1.0 + others, 1.0 - min(rival, 1.0)),
        ("inter_eye_distance", distance, sigmoid(distance, 70.0, 20.0)),
        ("head_size", box.height / height, sigmoid(-box.height / height, -1.0, 0.05)),
        ("head_position", inside, inside**4),
    ]


def _posture(face: Face) -> list[Measured]:
    angles = pose(face)
    chin = max(geometry.eye_to_chin(face), 1e-6)
    lids = min(_gap(face, LIDS_LEFT), _gap(face, LIDS_RIGHT)) / chin
    lips = _gap(face, (LIPS_INNER,)) / chin
    return [
        *(
            (name, angle, _cosine(angle))
            for name, angle in (("yaw", angles.yaw), ("pitch", angles.pitch), ("roll", angles.roll))
        ),
        ("eyes_open", lids, sigmoid(lids, 0.02, 0.01)),
        ("mouth_closed", lips, sigmoid(-lips, -0.2, 0.06)),
    ]


def _cosine(degrees: float) -> float:
    return max(0.0, math.cos(math.radians(min(abs(degrees), 90.0)))) ** 2


def _gap(face: Face, pairs: tuple[tuple[int, int], ...]) -> float:
    """Mean distance of point pairs in the image plane, pixels."""
    points = face.landmarks[:, :2]
    across = points[[one for one, _ in pairs]] - points[[other for _, other in pairs]]
    return float(np.hypot(across[:, 0], across[:, 1]).mean())
