"""The operations, one by one: NCHW as in the IR to NHWC as in TFLite.

Traps: a PReLU slope of one element is spread over all channels (tflite-runtime's XNNPACK reads one per channel);
padding of one pixel on both sides at stride 2 is not TFLite's SAME and becomes an operation of its own. Weights of
full convolutions stay float16, as in the source; the rest is float32.
"""

from __future__ import annotations

import numpy as np

from models.convert import ir, tflite
from models.convert.flatbuffer import Table
from models.convert.ir import Floats, Ir, Layer, Unconvertible
from models.convert.tflite import Builder, Op


def convert(xml: bytes, weights: bytes, name: str, *, normalise: bool = True) -> bytes:
    """A TFLite file from an IR with one input and one output.

    Args:
        xml, weights: the two files of the IR.
        name: description of the model.
        normalise: flatten the output and bring it to length 1 (L2).

    Raises:
        Unconvertible: the IR is damaged or holds an operation that is not known here.
    """
    return _Conversion(ir.read(xml, weights)).run(name, normalise)


class _Conversion:
    def __init__(self, source: Ir) -> None:
        self._ir = source
        self._out = Builder()
        self._tensor: dict[int, int] = {}
        self._shape: dict[int, tuple[int, ...]] = {}
        self._folded: set[int] = set()

    def run(self, name: str, normalise: bool) -> bytes:
        inputs: dict[str, int] = {}
        outputs: dict[str, int] = {}
        for layer in self._ir.layers:
            if layer.id in self._ir.constants or layer.id in self._folded:
                continue
            match layer.kind:
                case "Parameter":
                    inputs["input"] = self._keep(layer, self._out.tensor("input", nhwc(layer.shape)))
                case "Result":
                    outputs["embedding"] = self._result(layer, normalise)
                case _:
                    self._operation(layer)
        if len(inputs) != 1 or len(outputs) != 1:
            raise Unconvertible("not one input and one output")
        return self._out.finish(name, inputs, outputs)

    def _operation(self, layer: Layer) -> None:
        if not layer.inputs:
            raise Unconvertible(f"layer {layer.id}: {layer.kind} without inputs")
        match layer.kind:
            case "Convolution" | "GroupConvolution":
                self._convolution(layer)
            case "Add" | "Multiply":
                op = Op.ADD if layer.kind == "Add" else Op.MUL
                self._emit(layer, op, [self._operand(layer, source) for source in layer.inputs])
            case "PReLU":
                self._prelu(layer)
            case "Sigmoid":
                self._emit(layer, Op.LOGISTIC, [self._value(layer, layer.inputs[0])])
            case "AvgPool":
                self._mean(layer)
            case _:
                raise Unconvertible(f"layer {layer.id}: operation {layer.kind}")

    def _convolution(self, layer: Layer) -> None:
        weights = self._constant(layer, 1)
        depthwise = layer.kind == "GroupConvolution"
        if layer.pair("dilations") != (1, 1) or weights.ndim != (5 if depthwise else 4):
            raise Unconvertible(f"layer {layer.id}: this kind of convolution")
        if depthwise and weights.shape[1:3] != (1, 1):
            raise Unconvertible(f"layer {layer.id}: groups of more than one channel")
        op = Op.DEPTHWISE_CONV_2D if depthwise else Op.CONV_2D
        source, same = self._padded(layer, (weights.shape[-2], weights.shape[-1]))
        if depthwise:
            kernel = self._out.constant(f"w{layer.id}", weights[:, 0, 0].transpose(1, 2, 0)[None])
        else:
            kernel = self._half(layer, weights.transpose(0, 2, 3, 1))
        last, bias = self._bias(layer, weights.shape[0])
        output = self._out.tensor(f"t{last.id}", nhwc(last.shape))
        options = tflite.convolution(op, layer.pair("strides"), same=same)
        self._keep(last, self._out.add(op, [source, kernel, bias], output, options))

    def _padded(self, layer: Layer, kernel: tuple[int, int]) -> tuple[int, bool]:
        """The input, with explicit padding where SAME does not mean the same, and whether SAME does."""
        source = self._value(layer, layer.inputs[0])
        begin, end = layer.pair("pads_begin"), layer.pair("pads_end")
        if begin == end == (0, 0):
            return source, False
        if layer.pair("strides") == (1, 1) and begin == end == ((kernel[0] - 1) // 2, (kernel[1] - 1) // 2):
            return source, True
        batch, rows, columns, channels = nhwc(self._shape[layer.inputs[0]])
        shape = (batch, rows + begin[0] + end[0], columns + begin[1] + end[1], channels)
        amounts = np.array([[0, 0], [begin[0], end[0]], [begin[1], end[1]], [0, 0]], np.int32)
        border = self._out.constant(f"p{layer.id}", amounts)
        output = self._out.tensor(f"padded{layer.id}", shape)
        return self._out.add(Op.PAD, [source, border], output), False

    def _bias(self, layer: Layer, channels: int) -> tuple[Layer, int]:
        """The bias, taken from an addition of one number per channel right behind, and the layer it ends with."""
        readers = self._ir.readers(layer.id)
        if len(readers) == 1 and readers[0].kind == "Add":
            other = next((source for source in readers[0].inputs if source != layer.id), None)
            values = self._ir.constants.get(other) if other is not None else None
            if values is not None and values.shape == (1, channels, 1, 1):
                self._folded.add(readers[0].id)
                return readers[0], self._out.constant(f"b{layer.id}", values.reshape(channels))
        return layer, self._out.constant(f"b{layer.id}", np.zeros(channels, np.float32))

    def _half(self, layer: Layer, kernel: Floats) -> int:
        half = self._out.constant(f"w{layer.id}_f16", kernel.astype(np.float16))
        if not np.array_equal(kernel.astype(np.float16).astype(np.float32), kernel):
            raise Unconvertible(f"layer {layer.id}: weights are finer than float16")
        return self._out.add(Op.DEQUANTIZE, [half], self._out.tensor(f"w{layer.id}", kernel.shape))

    def _prelu(self, layer: Layer) -> None:
        slope = self._constant(layer, 1)
        channels = layer.shape[1]
        if slope.size not in (1, channels):
            raise Unconvertible(f"layer {layer.id}: slopes per pixel")
        spread = np.broadcast_to(slope.reshape(-1), (channels,)).reshape(1, 1, channels)
        alpha = self._out.constant(f"a{layer.id}", np.ascontiguousarray(spread))
        self._emit(layer, Op.PRELU, [self._value(layer, layer.inputs[0]), alpha])

    def _mean(self, layer: Layer) -> None:
        if layer.pair("kernel") != self._shape[layer.inputs[0]][2:] or layer.pair("pads_begin") != (0, 0):
            raise Unconvertible(f"layer {layer.id}: pooling of less than the whole picture")
        axes = self._out.constant(f"axes{layer.id}", np.array([1, 2], np.int32))
        self._emit(layer, Op.MEAN, [self._value(layer, layer.inputs[0]), axes], tflite.KEEP_DIMENSIONS)

    def _result(self, layer: Layer, normalise: bool) -> int:
        if not layer.inputs:
            raise Unconvertible(f"layer {layer.id}: {layer.kind} without inputs")
        source = self._value(layer, layer.inputs[0])
        if not normalise:
            return source
        shape = self._shape[layer.inputs[0]]
        if len(shape) != 4 or shape[2:] != (1, 1):
            raise Unconvertible("the output is not one vector")
        flat = (1, shape[1])
        wanted = self._out.constant("flat_shape", np.array(flat, np.int32))
        vector = self._out.add(Op.RESHAPE, [source, wanted], self._out.tensor("flat", flat), tflite.reshape(flat))
        return self._out.add(Op.L2_NORMALIZATION, [vector], self._out.tensor("embedding", flat))

    def _emit(self, layer: Layer, op: Op, inputs: list[int], options: Table | None = None) -> None:
        output = self._out.tensor(f"t{layer.id}", nhwc(layer.shape))
        self._keep(layer, self._out.add(op, inputs, output, options))

    def _keep(self, layer: Layer, tensor: int) -> int:
        self._tensor[layer.id] = tensor
        self._shape[layer.id] = layer.shape
        return tensor

    def _value(self, layer: Layer, source: int) -> int:
        if source not in self._tensor:
            raise Unconvertible(f"layer {layer.id}: reads layer {source}, which is not computed before it")
        return self._tensor[source]

    def _operand(self, layer: Layer, source: int) -> int:
        values = self._ir.constants.get(source)
        if values is None:
            return self._value(layer, source)
        if values.ndim != 4:
            raise Unconvertible(f"layer {layer.id}: constant of {values.ndim} dimensions")
        return self._out.constant(f"c{source}", values.transpose(0, 2, 3, 1))

    def _constant(self, layer: Layer, number: int) -> Floats:
        values = self._ir.constants.get(layer.inputs[number]) if number < len(layer.inputs) else None
        if values is None:
            raise Unconvertible(f"layer {layer.id}: input {number} is not a constant")
        return values


def nhwc(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The TFLite order of an NCHW shape. Raises Unconvertible for other than four dimensions."""
    if len(shape) != 4:
        raise Unconvertible(f"a tensor of {len(shape)} dimensions")
    return (shape[0], shape[2], shape[3], shape[1])
