"""The face pipeline: models, buffers and the order of the steps.

One thread owns a pipeline; nothing in it is shared. `analyse` is for live frames and for the portrait alike: what it
can judge depends on the pixels it gets. Must never decide about a person: it measures and says what would be better.
"""

from __future__ import annotations

import math

import numpy as np

from models.face import background, detect, embed, geometry, landmarks, quality
from models.face.embed import compare
from models.face.types import Assessment, Component, Detection, Embedding, Face, Portrait, Rgb
from models.policy import GATED, FacePolicy
from models.runtime import Runtime, TfliteInterpreter, load
from models.store import ModelStore

__all__ = ["DETECTOR", "EMBEDDING", "LANDMARKS", "FacePipeline", "compare", "guides"]

DETECTOR = "blazeface-short-range"
LANDMARKS = "face-mesh-468"
EMBEDDING = embed.MODEL_ID
EMBEDDING_ROLE = "face embedding"
MIN_MESH_SCORE = 0.5

_DARK_MEAN = 10.0
_LEAST_INTER_EYE = 8.0
_MOST_FOUND = 4
_MEASURED_RIVALS = 2


class FacePipeline:
    """Detection, landmarks, quality, portrait and embedding over loaded models. Open it with `open`."""

    def __init__(
        self,
        detector: TfliteInterpreter,
        mesh: TfliteInterpreter,
        embedding: TfliteInterpreter,
        segmenter: TfliteInterpreter | None = None,
    ) -> None:
        self._detector = detector
        self._mesh = mesh
        self._embedding = embedding
        self._segmenter = segmenter
        self._detector_input = np.zeros((1, detect.INPUT, detect.INPUT, 3), np.float32)
        self._mesh_input = np.zeros((1, landmarks.INPUT, landmarks.INPUT, 3), np.float32)

    @classmethod
    def open(cls, store: ModelStore, runtime: Runtime | None = None, *, embedding: str | None = None) -> FacePipeline:
        """Loads the three models, and the one for the background where store and runtime have it.

        Args:
            embedding: id of the embedding model; None takes what the store has for that role (`ModelStore.id_for`).

        Raises:
            ModelMissing, ModelHashWrong, ModelUnusable, DemoModelRefused, RuntimeMissing.
        """
        ids = (DETECTOR, LANDMARKS, embedding or store.id_for(EMBEDDING_ROLE))
        detector, mesh, template = (load(store, model_id, runtime) for model_id in ids)
        return cls(detector, mesh, template, background.open_model(store, runtime))

    @property
    def embedding_id(self) -> str:
        """The embedding model that is loaded."""
        return self._embedding.entry.id

    @property
    def model_ids(self) -> dict[str, str]:
        """Model id to the hash of its source weights, for the bundle."""
        models = [self._detector, self._mesh, self._embedding, *([self._segmenter] if self._segmenter else [])]
        return {model.entry.id: model.entry.weights_sha256 for model in models}

    def analyse(self, rgb: Rgb, policy: FacePolicy, *, scale: float = 1.0) -> Assessment:
        """What one image shows, for guidance and for the gate before a portrait is taken.

        Args:
            rgb: (height, width, 3) uint8.
            scale: pixels of the full frame per pixel of `rgb` (2304 / 640 for the low-resolution stream): eye
                distance is judged in pixels of the full frame.
        """
        _check(rgb)
        found = detect.detect(self._detector, rgb, self._detector_input)
        if not found:
            return _nobody(rgb)
        face, crop, square = landmarks.landmarks(self._mesh, rgb, found[0], self._mesh_input, live=scale > 1)
        if face is None or face.mesh_score < MIN_MESH_SCORE or not _seen(face, rgb):
            return _nobody(rgb)
        rivals = self._rivals(rgb, found)
        components = quality.assess(quality.View(rgb, face, crop, square, scale, rivals, self._segmenter), policy)
        said = guides(components, geometry.crop(face, policy.portrait), rgb.shape[1], rgb.shape[0])
        acceptable = all(component.passed for component in components)
        advice = quality.advice(components, policy)
        return Assessment(len(found), face, components, said[0] if said else None, acceptable, said, advice)

    def find(self, rgb: Rgb, eyes_px: tuple[float, float] = (_LEAST_INTER_EYE, math.inf)) -> Face | None:
        """The largest face of a still picture with its landmarks, judged by nothing; None where there is none.

        Args:
            rgb: (height, width, 3) uint8, such as the portrait side of a document's page.
            eyes_px: least and greatest distance of the eyes; a face of another size is passed over.
        """
        _check(rgb)
        for found in detect.detect(self._detector, rgb, self._detector_input)[:_MOST_FOUND]:
            face, _, _ = landmarks.landmarks(self._mesh, rgb, found, self._mesh_input, live=False)
            if face is None or face.mesh_score < MIN_MESH_SCORE or not _seen(face, rgb):
                continue
            if eyes_px[0] <= geometry.inter_eye(face) <= eyes_px[1]:
                return face
        return None

    def _rivals(self, rgb: Rgb, found: list[Detection]) -> tuple[float, ...]:
        """Areas of the other faces as shares of the applicant's; what looks large is looked at closer."""
        applicant, *others = found
        shares = []
        for number, other in enumerate(others):
            share = other.area / max(applicant.area, 1e-9)
            if share >= quality.RIVAL_SHARE and number < _MEASURED_RIVALS:
                seen = detect.closer(self._detector, rgb, other, self._detector_input)
                share = seen.area / max(applicant.area, 1e-9) if seen is not None else 0.0
            shares.append(share)
        return tuple(shares)

    def embed(self, rgb: Rgb, face: Face) -> Embedding:
        """The template of a face that `analyse` found in this very image. Raises ValueError for a degenerate face."""
        _check(rgb)
        return embed.embed(self._embedding, rgb, face)

    def portrait(self, rgb: Rgb, face: Face, policy: FacePolicy) -> Portrait:
        """The full-frontal portrait of a face that `analyse` found in this very image."""
        _check(rgb)
        return geometry.portrait(rgb, face, policy.portrait)


def guides(components: tuple[Component, ...], crop: geometry.Crop, width: int, height: int) -> tuple[str, ...]:
    """What to say about the failed components, most important first, each once.

    First who is there, then where, then what is worn, then how the head is held, then the light: a later fault often
    goes with the earlier one.
    """
    failed = {component.name: component for component in components if not component.passed}
    said: list[str] = []
    for name in GATED:
        if name in failed:
            said.append(_sentence(failed[name], crop, width, height))
    return tuple(dict.fromkeys(said))


_SENTENCES = {
    "single_face": "one-person",
    "inter_eye_distance": "closer",
    "head_size": "back",
    "no_dark_lenses": "glasses",
    "no_glasses": "glasses",
    "mouth_uncovered": "mask",
    "roll": "head-level",
    "yaw": "look-straight",
    "eyes_open": "open-eyes",
    "eyes_visible": "eyes-on-camera",
    "eye_white": "too-dark",
    "mouth_closed": "close-mouth",
    "over_exposure": "too-bright",
    "under_exposure": "too-dark",
    "illumination_uniformity": "even-light",
    "natural_colour": "colour-light",
    "sharpness": "hold-still",
}


def _sentence(component: Component, crop: geometry.Crop, width: int, height: int) -> str:
    match component.name:
        case "head_position":
            return _direction(crop, width, height)
        case "pitch":
            return "chin-down" if component.raw > 0 else "chin-up"
        case name:
            return _SENTENCES[name]


def _direction(crop: geometry.Crop, width: int, height: int) -> str:
    """Where the person should move; the person's left is the right of the image."""
    outside = {
        "move-left": -crop.left / crop.width,
        "move-right": (crop.right - width) / crop.width,
        "move-down": -crop.top / crop.height,
        "move-up": (crop.bottom - height) / crop.height,
    }
    return max(outside, key=lambda name: outside[name])


def _seen(face: Face, rgb: Rgb) -> bool:
    """Whether there is enough of a face to measure: the middle of the eyes in the image, some pixels between them."""
    x, y = geometry.between_eyes(face)
    return geometry.inter_eye(face) >= _LEAST_INTER_EYE and 0 <= x < rgb.shape[1] and 0 <= y < rgb.shape[0]


def _nobody(rgb: Rgb) -> Assessment:
    said = "camera-covered" if float(rgb[::16, ::16].mean()) < _DARK_MEAN else "no-face"
    return Assessment(0, None, (), said, False, (said,))


def _check(rgb: Rgb) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or min(rgb.shape[:2]) < 16:
        raise ValueError("an image is (height, width, 3) uint8, at least 16 pixels each way")
