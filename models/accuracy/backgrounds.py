"""How well an uneven background is told apart, with the segmentation model: only where ai-edge-litert is installed.

The untouched portrait is cut out with the model's own mask and put before other backgrounds, so that the mask's own
mistakes are not in the pictures; those on the good portraits are.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from models.accuracy import compose, sets
from models.accuracy.guidance import INTER_EYE, Person, people, placed
from models.accuracy.statistics import wilson
from models.accuracy.verification import table
from models.errors import RuntimeMissing
from models.face import background
from models.face.pipeline import FacePipeline
from models.policy import FacePolicy
from models.runtime import Interpreter
from models.store import ModelStore

KINDS = ("untouched", "two colours", "stripes", "photograph", "shadow to one side")


def _behind(kind: str, person: Person, number: int) -> Image.Image:
    size = person.picture.size
    match kind:
        case "two colours":
            return compose.halves(size, person.seed)
        case "stripes":
            return compose.stripes(size, person.seed)
        case "photograph":
            pictures, _ = sets.lfw()
            with Image.open(pictures[(number * 97 + 11) % len(pictures)]) as opened:
                return opened.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        case _:
            fade = np.linspace(1, 0.45, size[0], dtype=np.float32)[None, :, None]
            return Image.fromarray((np.asarray(person.picture) * fade).astype(np.uint8))


def before(model: Interpreter, person: Person, wall: Image.Image) -> Image.Image:
    """The person, cut out by the model's mask, before another background."""
    small = person.picture.resize((background.INPUT, background.INPUT), Image.Resampling.BOX)
    share = (background.mask(model, np.asarray(small)) * 255).clip(0, 255).astype(np.uint8)
    soft = Image.fromarray(share).resize(person.picture.size, Image.Resampling.BILINEAR)
    return Image.composite(person.picture, wall, soft.filter(ImageFilter.GaussianBlur(1.5)))


def measure(policy: FacePolicy) -> list[str]:
    """The table, on the half on which the limit was not chosen; or one line that says why there is none."""
    try:
        faces = FacePipeline.open(ModelStore.standard(), "ai-edge-litert")
        model = background.open_model(ModelStore.standard(), "ai-edge-litert")
    except RuntimeMissing:
        model = None
    if model is None:
        return ["Backgrounds: not measured, ai-edge-litert or the segmentation model is not on this machine.", ""]
    raws: dict[str, list[float]] = {kind: [] for kind in KINDS}
    told = dict.fromkeys(KINDS, 0)
    for number, person in enumerate(people(faces, policy, 1)):
        for kind in KINDS:
            picture = person.picture if kind == "untouched" else before(model, person, _behind(kind, person, number))
            seen = faces.analyse(np.asarray(placed(picture, person.face, INTER_EYE)), policy)
            part = seen.component("background_uniformity")
            if part is not None:
                raws[kind].append(part.raw)
                told[kind] += "background" in seen.advice
    rows: list[tuple[str, ...]] = [("background", "told to the officer", "raw value, 5 %, median, 95 %")]
    for kind in KINDS:
        low, median, high = np.percentile(raws[kind], (5, 50, 95))
        rows.append((kind, f"{wilson(told[kind], len(raws[kind]))}", f"{low:.1f}, {median:.1f}, {high:.1f}"))
    return table(rows)
