"""Face templates and their comparison. Must never compare templates of different models, weights or alignments."""

from __future__ import annotations

import numpy as np

from models.errors import EmbeddingMismatch
from models.face import align
from models.face.landmarks import five_points
from models.face.types import Embedding, Face, Floats, Rgb
from models.runtime import TfliteInterpreter

MODEL_ID = "face-reidentification-retail-0095"


def embed(model: TfliteInterpreter, rgb: Rgb, face: Face) -> Embedding:
    """The template of a face.

    Raises:
        ValueError: the landmarks are all in one place or outside the image.
    """
    picture = align.align(rgb, five_points(face))
    if picture is None:
        raise ValueError("the face has no extent in this image")
    bgr = np.asarray(picture, dtype=np.float32)[None, :, :, ::-1]
    (vector,) = model.run(np.ascontiguousarray(bgr))
    return Embedding(unit(vector[0]), model.entry.id, model.entry.weights_sha256, align.VERSION)


def unit(vector: Floats) -> Floats:
    """The vector at length 1. Raises ValueError where it has no direction."""
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length < 1e-9:
        raise ValueError("the model gave no usable vector")
    return np.asarray(vector / length, np.float32)


def compare(one: Embedding, other: Embedding) -> float:
    """Cosine of two templates, -1..1.

    Raises:
        EmbeddingMismatch: model, weights or alignment differ.
    """
    if one.model_id != other.model_id or one.weights_sha256 != other.weights_sha256:
        raise EmbeddingMismatch(left=_name(one), right=_name(other))
    if one.alignment != other.alignment or one.vector.shape != other.vector.shape:
        raise EmbeddingMismatch(left=_name(one), right=_name(other))
    return float(np.clip(np.dot(one.vector, other.vector), -1.0, 1.0))


def _name(template: Embedding) -> str:
    return f"{template.model_id}/{template.weights_sha256[:8]}/{template.alignment}"
