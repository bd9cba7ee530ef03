"""Building a TFLite model: tensors, operators, and their tables (schema version 3).

Slot numbers and enum values are those of TensorFlow Lite's schema.fbs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from models.convert.flatbuffer import References, Scalar, Table, Vector, ints, serialise


class Op(IntEnum):
    """BuiltinOperator."""

    ADD = 0
    CONV_2D = 3
    DEPTHWISE_CONV_2D = 4
    DEQUANTIZE = 6
    L2_NORMALIZATION = 11
    LOGISTIC = 14
    MUL = 18
    RESHAPE = 22
    PAD = 34
    MEAN = 40
    PRELU = 54


_OPTIONS = {
    Op.ADD: 11, Op.CONV_2D: 1, Op.DEPTHWISE_CONV_2D: 2, Op.DEQUANTIZE: 38, Op.L2_NORMALIZATION: 12, Op.MUL: 21,
    Op.RESHAPE: 17, Op.PAD: 22, Op.MEAN: 27,
}  # fmt: skip
_RELU = 1
"""ActivationFunctionType."""
_TYPES = {"float32": 0, "float16": 1, "int32": 2}


def convolution(op: Op, stride: tuple[int, int], *, same: bool, relu: bool = False) -> Table:
    """Conv2DOptions or DepthwiseConv2DOptions (depth multiplier 1), with ReLU behind it or nothing."""
    slots: dict[int, Scalar | str | Vector | References | Table] = {
        0: ("b", 0 if same else 1),
        1: ("i", stride[1]),
        2: ("i", stride[0]),
    }
    if op is Op.DEPTHWISE_CONV_2D:
        slots[3] = ("i", 1)
    if relu:
        slots[4 if op is Op.DEPTHWISE_CONV_2D else 3] = ("b", _RELU)
    return Table(slots)


ADD_AND_RELU = Table({0: ("b", _RELU)})
KEEP_DIMENSIONS = Table({0: ("?", 1)})
NO_OPTIONS = Table({})


def reshape(shape: tuple[int, ...]) -> Table:
    """ReshapeOptions."""
    return Table({0: ints(shape)})


@dataclass
class Builder:
    """Collects tensors and operators in order; `finish` gives the file."""

    tensors: list[Table] = field(default_factory=list)
    buffers: list[Table] = field(default_factory=lambda: [Table({})])
    operators: list[Table] = field(default_factory=list)
    codes: list[Op] = field(default_factory=list)

    def tensor(self, name: str, shape: tuple[int, ...], kind: str = "float32", buffer: int = 0) -> int:
        """A tensor; without a buffer it is computed."""
        slots: dict[int, Scalar | str | Vector | References | Table] = {0: ints(shape), 2: ("I", buffer), 3: name}
        if _TYPES[kind]:
            slots[1] = ("b", _TYPES[kind])
        self.tensors.append(Table(slots))
        return len(self.tensors) - 1

    def constant(self, name: str, array: NDArray[np.generic]) -> int:
        """A tensor with contents, little-endian."""
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        self.buffers.append(Table({0: Vector(data, len(data), 16)}))
        return self.tensor(name, array.shape, array.dtype.name, len(self.buffers) - 1)

    def add(self, op: Op, inputs: list[int], output: int, options: Table | None = None) -> int:
        """An operator with one output; returns that output."""
        if op not in self.codes:
            self.codes.append(op)
        slots: dict[int, Scalar | str | Vector | References | Table] = {
            0: ("I", self.codes.index(op)),
            1: ints(inputs),
            2: ints([output]),
        }
        if op in _OPTIONS:
            slots[3] = ("B", _OPTIONS[op])
            slots[4] = options or NO_OPTIONS
        self.operators.append(Table(slots))
        return output

    def finish(self, name: str, inputs: dict[str, int], outputs: dict[str, int]) -> bytes:
        """The file, with one subgraph and one signature `serving_default`."""
        codes = tuple(Table({0: ("b", int(op)), 2: ("i", 1), 3: ("i", int(op))}) for op in self.codes)
        graph = Table(
            {
                0: References(tuple(self.tensors)),
                1: ints(list(inputs.values())),
                2: ints(list(outputs.values())),
                3: References(tuple(self.operators)),
                4: "main",
            }
        )
        signature = Table({0: _tensor_map(inputs), 1: _tensor_map(outputs), 2: "serving_default"})
        model = Table(
            {
                0: ("I", 3),
                1: References(codes),
                2: References((graph,)),
                3: name,
                4: References(tuple(self.buffers)),
                7: References((signature,)),
            }
        )
        return serialise(model, b"TFL3")


def _tensor_map(named: dict[str, int]) -> References:
    return References(tuple(Table({0: name, 1: ("I", index)}) for name, index in named.items()))
