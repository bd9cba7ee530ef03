"""Values that the face pipeline hands out.

Left and right are those of the image, not of the person, unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]
"""(height, width, 3) uint8, sRGB, row by row."""

Floats = NDArray[np.float32]

Measured = tuple[str, float, float]
"""Name of a quality component, its raw value, its score 0..1."""


@dataclass(frozen=True, slots=True)
class Detection:
    """One face as the detector sees it, in pixels of the image.

    Attributes:
        box: left, top, right, bottom; may reach outside the image.
        keypoints: (6, 2): eye at image left, eye at image right, nose tip, mouth, ear at image left, ear at right.
        score: 0..1.
    """

    box: tuple[float, float, float, float]
    keypoints: Floats
    score: float

    @property
    def area(self) -> float:
        """Square pixels."""
        left, top, right, bottom = self.box
        return max(0.0, right - left) * max(0.0, bottom - top)


@dataclass(frozen=True, slots=True)
class Face:
    """A face with its landmarks.

    Attributes:
        box: the detector's box, pixels: left, top, right, bottom.
        score: the detector's score, 0..1.
        landmarks: (468, 3) float32, pixels of the image; z in the same unit, smaller is nearer to the camera.
        mesh_score: 0..1, how sure the landmark model is that this is a face.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: Floats
    mesh_score: float


@dataclass(frozen=True, slots=True)
class Component:
    """One quality component.

    Attributes:
        name: snake_case, ISO/IEC 29794-5 where it has the component.
        raw: the measured value in its own unit (degrees, pixels, ratio).
        score: 0..100, higher is better.
        passed: whether it meets the dated policy.
    """

    name: str
    raw: float
    score: float
    passed: bool


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one frame shows.

    Attributes:
        faces: number of faces found.
        face: the largest one, or None.
        components: all that this resolution allows; empty without a face.
        guide: the one most important thing to say, as the last part of the key `face.guide.<guide>`; None if
            there is nothing to say.
        acceptable: every component passed.
        guides: everything there is to say, most important first.
        advice: what the officer should look at, as the last part of `face.advice.<advice>`; holds nothing back.
    """

    faces: int
    face: Face | None
    components: tuple[Component, ...]
    guide: str | None
    acceptable: bool
    guides: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    def component(self, name: str) -> Component | None:
        """The component of that name, if it was measured."""
        return next((component for component in self.components if component.name == name), None)


@dataclass(frozen=True, slots=True)
class Embedding:
    """A face template. Comparable only with one of the same model, weights and alignment.

    Attributes:
        vector: (256,) float32, length 1.
        model_id: id in the manifest.
        weights_sha256: of the source weights.
        alignment: version of the way the face was cut out.
    """

    vector: Floats
    model_id: str
    weights_sha256: str
    alignment: str


@dataclass(frozen=True, slots=True)
class Portrait:
    """The portrait as it goes into the bundle.

    Attributes:
        jpeg: baseline JPEG without metadata.
        width, height: pixels of the JPEG.
        quality: JPEG quality that was used.
        box: left, top, right, bottom of the crop in the frame, pixels.
        scale: JPEG pixels per frame pixel; above 1 the portrait was enlarged.
        eyes: centres of the eye at image left and at image right, pixels of the JPEG.
        inter_eye_px: distance of these centres in the frame, pixels.
    """

    jpeg: bytes
    width: int
    height: int
    quality: int
    box: tuple[float, float, float, float]
    scale: float
    eyes: tuple[tuple[float, float], tuple[float, float]]
    inter_eye_px: float
