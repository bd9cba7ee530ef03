"""The student network as plain data: the same description trains it (learn.py) and writes it (export.py).

Plain 3x3 convolutions at 64x64 and below: they train several times faster on a CPU than depthwise ones and need no
more than half a megabyte of float16 here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DIMENSION = 256


@dataclass(frozen=True, slots=True)
class Conv:
    """One convolution with batch normalisation behind it.

    Attributes:
        name: of its parameters.
        padding: pixels of zeros on every side.
        grouped: one filter per channel (inputs == outputs).
        activation: ReLU behind it.
        adds: what it returns is added to the input of the convolution before it (ReLU behind the sum).
    """

    name: str
    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    padding: int = 0
    grouped: bool = False
    activation: bool = True
    adds: bool = False

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of the weights, in PyTorch's order: outputs, inputs of one group, rows, columns."""
        return (self.outputs, 1 if self.grouped else self.inputs, self.kernel, self.kernel)


def _block(name: str, channels: int) -> tuple[Conv, Conv]:
    return (
        Conv(f"{name}a", channels, channels, 3, padding=1),
        Conv(f"{name}b", channels, channels, 3, padding=1, adds=True),
    )


LAYERS: tuple[Conv, ...] = (
    Conv("stem", 3, 32, 5, stride=2, padding=2),
    *_block("fine", 32),
    Conv("down1", 32, 64, 3, stride=2, padding=1),
    *_block("middle1", 64),
    *_block("middle2", 64),
    Conv("down2", 64, 80, 3, stride=2, padding=1),
    *_block("coarse", 80),
    Conv("wide", 80, 256, 1),
    Conv("places", 256, 256, 8, grouped=True, activation=False),
    Conv("vector", 256, DIMENSION, 1, activation=False),
)

PARTS: tuple[Literal["weight", "scale", "shift", "mean", "variance"], ...] = (
    "weight", "scale", "shift", "mean", "variance",
)  # fmt: skip
"""What each convolution has: its weights and the four vectors of its batch normalisation."""

EPSILON = 1e-5


def weights() -> int:
    """Numbers in all convolutions, without normalisation."""
    return sum(one.shape[0] * one.shape[1] * one.shape[2] * one.shape[3] for one in LAYERS)
