"""The student as a TFLite file, through the project's own writer; needs numpy only.

Batch normalisation is folded into the weights. The student learned on pictures of half the size in 0..1: taking the
mean of every two by two pixels and the scale become part of the first convolution, so that the file takes the very
input of the model it learned from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.convert import tflite
from models.convert.tflite import Builder, Op
from models.face.types import Floats
from models.train.student import DIMENSION, EPSILON, LAYERS, Conv

SIDE = 128
CHECKPOINT = "student.npz"
FILE = "demo_embedding.tflite"
NAME = "demo-embedding"

State = Mapping[str, NDArray[np.float32]]


def folded(state: State, one: Conv) -> tuple[Floats, Floats]:
    """Weights (outputs, inputs of a group, rows, columns) and bias with the normalisation in them."""
    factor = state[f"{one.name}.scale"] / np.sqrt(state[f"{one.name}.variance"] + np.float32(EPSILON))
    weight = state[f"{one.name}.weight"] * factor[:, None, None, None]
    bias = state[f"{one.name}.shift"] - state[f"{one.name}.mean"] * factor
    return weight.astype(np.float32), bias.astype(np.float32)


def whole_size(weight: Floats) -> Floats:
    """Weights over 0..1 at half size as weights over 0..255 at whole size."""
    return np.asarray(weight.repeat(2, axis=2).repeat(2, axis=3) / np.float32(4 * 255), np.float32)


def written(state: State) -> bytes:
    """The TFLite file: input (1, 128, 128, 3) float32 0..255 BGR, output (1, 256) of length 1."""
    out = Builder()
    entry = value = before = out.tensor("input", (1, SIDE, SIDE, 3))
    side = SIDE
    for number, one in enumerate(LAYERS):
        weight, bias = folded(state, one)
        stride, padding = one.stride, one.padding
        if number == 0:
            weight, stride, padding = whole_size(weight), 2 * stride, 2 * padding
        entered, kernel = value, weight.shape[2]
        same = stride == 1 and padding == (kernel - 1) // 2
        if padding and not same:
            # SAME puts the odd pixel elsewhere at a stride of more than one.
            border = np.array([[0, 0], [padding, padding], [padding, padding], [0, 0]], np.int32)
            side += 2 * padding
            channels = 3 if number == 0 else one.inputs
            padded = out.tensor(f"{one.name}_padded", (1, side, side, channels))
            value = out.add(Op.PAD, [value, out.constant(f"{one.name}_border", border)], padded)
        side = side if same else (side - kernel) // stride + 1
        op = Op.DEPTHWISE_CONV_2D if one.grouped else Op.CONV_2D
        target = out.tensor(one.name, (1, side, side, one.outputs))
        filters = _half(out, one.name, weight.transpose(1, 2, 3, 0) if one.grouped else weight.transpose(0, 2, 3, 1))
        relu = one.activation and not one.adds
        options = tflite.convolution(op, (stride, stride), same=same, relu=relu)
        value = out.add(op, [value, filters, out.constant(f"{one.name}_bias", bias)], target, options)
        if one.adds:
            total = out.tensor(f"{one.name}_sum", (1, side, side, one.outputs))
            value = out.add(Op.ADD, [value, before], total, tflite.ADD_AND_RELU)
        before = entered
    flat = (1, DIMENSION)
    wanted = out.constant("flat_shape", np.array(flat, np.int32))
    vector = out.add(Op.RESHAPE, [value, wanted], out.tensor("flat", flat), tflite.reshape(flat))
    result = out.add(Op.L2_NORMALIZATION, [vector], out.tensor("embedding", flat))
    return out.finish(NAME, {"input": entry}, {"embedding": result})


def _half(out: Builder, name: str, weight: Floats) -> int:
    """Weights kept as float16, spread to float32 when the file is loaded."""
    half = out.constant(f"{name}_f16", np.ascontiguousarray(weight).astype(np.float16))
    return out.add(Op.DEQUANTIZE, [half], out.tensor(f"{name}_weights", weight.shape))


def export(work: Path) -> Path:
    """Writes `demo_embedding.tflite` beside the checkpoint and prints what the manifest has to say about it."""
    with np.load(work / CHECKPOINT) as state:
        content = written({name: state[name] for name in state.files})
    path = work / FILE
    path.write_bytes(content)
    print(f'file: {path}\nsize_bytes = {len(content)}\nsha256 = "{hashlib.sha256(content).hexdigest()}"')
    return path
