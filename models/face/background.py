"""Evenness of the background where a segmentation model says that nobody is.

MediaPipe selfie segmentation over the portrait crop. It needs an operation that only ai-edge-litert has; on another
runtime there is no mask and the component is absent (`beside_head` in `detail` is measured in any case, and is another
component with another name).
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from models import manifest
from models.errors import ModelMissing, ModelUnusable
from models.face import geometry
from models.face.cover import lab
from models.face.types import Face, Floats, Measured, Rgb
from models.policy import PortraitFormat
from models.runtime import Interpreter, Runtime, TfliteInterpreter, default_runtime, load
from models.store import ModelStore

MODEL_ID = "selfie-segmentation"
INPUT = 256
_NOBODY = 0.1
_LEAST_SHARE = 0.05
_COARSE = 4


def open_model(store: ModelStore, runtime: Runtime | None = None) -> TfliteInterpreter | None:
    """The segmentation model, or None where it is not there or this runtime cannot run it.

    Raises:
        ModelHashWrong, RuntimeMissing.
    """
    if (runtime or default_runtime()) != "ai-edge-litert":
        return None
    try:
        return load(ModelStore(store.paths, manifest.optional()), MODEL_ID, runtime)
    except (ModelMissing, ModelUnusable):
        return None


def uniformity(model: Interpreter, rgb: Rgb, face: Face, form: PortraitFormat) -> Measured | None:
    """Unevenness of the background in the portrait crop: root mean square distance from its median colour in CIELAB.

    None where less than a twentieth of the crop is background: nothing can be said then.
    """
    height, width = rgb.shape[:2]
    box = geometry.fitted(geometry.crop(face, form), width, height)
    left, top = int(box.left), int(box.top)
    part = rgb[top : math.ceil(box.bottom), left : math.ceil(box.right)]
    picture = Image.fromarray(np.ascontiguousarray(part)).resize((INPUT, INPUT), Image.Resampling.BOX)
    person = mask(model, np.asarray(picture))
    return unevenness(np.asarray(picture), person)


def mask(model: Interpreter, picture: Rgb) -> Floats:
    """(256, 256) probability of a person in a picture of 256x256."""
    (probability,) = model.run(np.asarray(picture, np.float32)[None] * np.float32(1 / 255))
    return probability[0, :, :, 0]


def unevenness(picture: Rgb, person: Floats) -> Measured | None:
    """The component out of a picture and its mask, in blocks: noise and grain are not unevenness."""
    side = INPUT // _COARSE
    blocks = picture.reshape(side, _COARSE, side, _COARSE, 3).mean(axis=(1, 3))
    free = person.reshape(side, _COARSE, side, _COARSE).max(axis=(1, 3)) < _NOBODY
    if free.mean() < _LEAST_SHARE:
        return None
    colours = lab(np.rint(blocks[free]).astype(np.uint8))
    raw = float(np.sqrt(((colours - np.median(colours, axis=0)) ** 2).sum(axis=1).mean()))
    return ("background_uniformity", raw, 1 / (1 + (raw / 15) ** 2))
