"""The classifier of single OCR-B characters: its weights, its data file, its forward pass.

A network of two hidden layers, 8-bit weights with one scale per unit, trained by `models/train/glyphs.py` on drawn
text. Must never see where a character stands: what a position allows is the reader's business (`fields.py`).
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.document.cells import COLUMNS, ROWS, Floats
from models.errors import ModelHashWrong, ModelUnusable

FILE = "glyphs.json"
WEIGHTS_SHA256 = "71130d2bb88b866bbef84aea697f9dbbc49f893481c33131442c929f0f67e5d7"
"""Of the data file; a reader whose weights are not the ones of its card does not start."""
CLASSES = "<0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TEXT_WIDTH = 100


@dataclass(frozen=True, slots=True)
class Layer:
    """weight (inputs, outputs) and bias (outputs,), float32."""

    weight: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Loaded weights. `layers` fit one another, from ROWS * COLUMNS inputs to one output per class."""

    layers: tuple[Layer, ...]

    def log_probabilities(self, cells: Floats) -> Floats:
        """(n, 37) natural logarithms for (n, ROWS * COLUMNS) cells."""
        value = cells
        for layer in self.layers[:-1]:
            value = np.maximum(value @ layer.weight + layer.bias, 0)
        last = self.layers[-1]
        logits = value @ last.weight + last.bias
        logits -= logits.max(axis=1, keepdims=True)
        return np.asarray(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)), np.float32)


def encode(layers: list[tuple[NDArray[np.int8], Floats, Floats]]) -> bytes:
    """The data file from 8-bit weights (inputs, outputs), scales (outputs,) and biases (outputs,)."""
    parts = [
        {
            "shape": list(weight.shape),
            "weight": _text(weight.tobytes()),
            "scale": _text(scale.astype("<f4").tobytes()),
            "bias": _text(bias.astype("<f4").tobytes()),
        }
        for weight, scale, bias in layers
    ]
    whole = {"classes": CLASSES, "cell": [ROWS, COLUMNS], "layers": parts}
    return (json.dumps(whole, indent=1) + "\n").encode()


def decode(data: bytes) -> Glyphs:
    """The weights in a data file.

    Raises:
        ModelUnusable: it is not one, or its parts do not fit.
    """
    try:
        whole = json.loads(data)
        if whole["classes"] != CLASSES or whole["cell"] != [ROWS, COLUMNS]:
            raise ValueError("made for other classes or cells")
        layers = tuple(_layer(part) for part in whole["layers"])
        sizes = [ROWS * COLUMNS, *(layer.weight.shape[1] for layer in layers)]
        if [layer.weight.shape[0] for layer in layers] != sizes[:-1] or sizes[-1] != len(CLASSES) or not layers:
            raise ValueError("the layers do not fit one another")
    except (ValueError, KeyError, TypeError) as fault:
        raise ModelUnusable(file=FILE, reason=str(fault)) from None
    return Glyphs(layers)


def load_glyphs() -> Glyphs:
    """The bundled weights.

    Raises:
        ModelHashWrong, ModelUnusable.
    """
    data = (resources.files(__package__) / FILE).read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != WEIGHTS_SHA256:
        raise ModelHashWrong(file=FILE, expected=WEIGHTS_SHA256, found=found)
    return decode(data)


def _text(data: bytes) -> list[str]:
    whole = base64.b64encode(data).decode()
    return [whole[start : start + _TEXT_WIDTH] for start in range(0, len(whole), _TEXT_WIDTH)]


def _layer(part: dict[str, Any]) -> Layer:
    inputs, outputs = (int(size) for size in part["shape"])
    weight = np.frombuffer(_bytes(part["weight"]), np.int8).reshape(inputs, outputs)
    scale, bias = (np.frombuffer(_bytes(part[name]), "<f4").astype(np.float32) for name in ("scale", "bias"))
    if scale.shape != (outputs,) or bias.shape != (outputs,) or not np.isfinite([scale, bias]).all():
        raise ValueError("scales or biases do not fit")
    return Layer(np.asarray(weight * scale, np.float32), bias)


def _bytes(lines: list[str]) -> bytes:
    return base64.b64decode("".join(lines), validate=True)
