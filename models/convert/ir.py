"""Reading an OpenVINO IR (version 10 or 11): layers in order, constants as arrays."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_TYPES: dict[str, np.dtype[Any]] = {"f16": np.dtype("<f2"), "f32": np.dtype("<f4")}


class Unconvertible(ValueError):
    """The IR is damaged or holds what the converter does not know."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One operation.

    Attributes:
        inputs: ids of the layers whose first output it reads, in port order.
        data: the attributes of its `data` element.
        shape: of its first output, NCHW; empty without one.
    """

    id: int
    kind: str
    inputs: tuple[int, ...]
    data: dict[str, str]
    shape: tuple[int, ...]

    def pair(self, name: str) -> tuple[int, int]:
        """Two whole numbers of an attribute such as `strides`."""
        try:
            first, second = (int(part) for part in self.data[name].split(","))
        except (KeyError, ValueError):
            raise Unconvertible(f"layer {self.id}: {name} is not a pair") from None
        return first, second


@dataclass(frozen=True, slots=True)
class Ir:
    """Layers in file order (producers first) and the constants, as float32."""

    layers: tuple[Layer, ...]
    constants: dict[int, Floats]

    def readers(self, layer_id: int) -> list[Layer]:
        """The layers that read a layer's output."""
        return [layer for layer in self.layers if layer_id in layer.inputs]


def read(xml: bytes, weights: bytes) -> Ir:
    """The graph of an IR. Raises Unconvertible."""
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise Unconvertible(f"not XML: {error}") from None
    sources: dict[int, list[tuple[int, int]]] = {}
    constants: dict[int, Floats] = {}
    layers = []
    try:
        for edge in root.iterfind("./edges/edge"):
            number = int(edge.attrib["to-port"])
            sources.setdefault(int(edge.attrib["to-layer"]), []).append((number, int(edge.attrib["from-layer"])))
        for element in root.iterfind("./layers/layer"):
            layer = _layer(element, sources)
            layers.append(layer)
            if layer.kind == "Const":
                constants[layer.id] = _constant(layer, weights)
            elif layer.kind == "Convert" and layer.inputs and layer.inputs[0] in constants:
                constants[layer.id] = constants[layer.inputs[0]]
    except (KeyError, ValueError, IndexError) as error:
        raise Unconvertible(f"the IR is damaged: {error}") from None
    return Ir(tuple(layers), constants)


def _layer(element: ElementTree.Element, sources: dict[int, list[tuple[int, int]]]) -> Layer:
    number = int(element.attrib["id"])
    data = element.find("data")
    port = element.find("./output/port")
    shape = tuple(int(dim.text or "") for dim in port.iterfind("dim")) if port is not None else ()
    inputs = tuple(source for _, source in sorted(sources.get(number, [])))
    return Layer(number, element.attrib["type"], inputs, dict(data.attrib) if data is not None else {}, shape)


def _constant(layer: Layer, weights: bytes) -> Floats:
    kind = _TYPES.get(layer.data["element_type"])
    if kind is None:
        raise Unconvertible(f"layer {layer.id}: constants of type {layer.data['element_type']}")
    offset, size = int(layer.data["offset"]), int(layer.data["size"])
    if offset < 0 or size < 0 or offset + size > len(weights):
        raise Unconvertible(f"layer {layer.id}: outside the weights")
    array = np.frombuffer(weights, kind, size // kind.itemsize, offset)
    values: Floats = array.astype(np.float32).reshape(layer.shape)
    return values
