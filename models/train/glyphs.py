"""Trains the glyph classifier of the document reader: `python -m models.train.glyphs --fonts FOLDER`.

Needs numpy, Pillow and the public-domain OCR-B of Debian's package fonts-ocr-b, and some minutes on one core. The
same seed, library versions, machine and number of threads (`OMP_NUM_THREADS=1`) give the same file; another processor
may round another way, so the hash that the reader pins is that of the committed file. Never part of tests or builds.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.document import glyphs
from models.document.cells import COLUMNS, ROWS, Floats
from models.document.glyphs import CLASSES, Glyphs
from models.train import glyph_pages

FONTS = ("OCRB.otf", "OCRBS.otf")
SEED = 9303
HIDDEN = (128, 64)
BATCH = 512
RATE = 2e-3
_DECAY = 1e-5


class Network:
    """A multi-layer perceptron with Adam; parameters alternate weight, bias."""

    def __init__(self, rng: np.random.Generator) -> None:
        sizes = (ROWS * COLUMNS, *HIDDEN, len(CLASSES))
        self.parameters: list[Floats] = []
        for inputs, outputs in pairwise(sizes):
            self.parameters.append((rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs))).astype(np.float32))
            self.parameters.append(np.zeros(outputs, np.float32))
        self._first = [np.zeros_like(value) for value in self.parameters]
        self._second = [np.zeros_like(value) for value in self.parameters]
        self._steps = 0

    def step(self, cells: Floats, labels: NDArray[np.int64], rate: float) -> float:
        """One step of cross-entropy; returns the loss before it."""
        values = [cells]
        for weight, bias in zip(self.parameters[:-2:2], self.parameters[1:-2:2], strict=True):
            values.append(np.maximum(values[-1] @ weight + bias, 0))
        logits = values[-1] @ self.parameters[-2] + self.parameters[-1]
        logits -= logits.max(axis=1, keepdims=True)
        share = np.exp(logits)
        share /= share.sum(axis=1, keepdims=True)
        rows = np.arange(len(labels))
        loss = float(-np.log(share[rows, labels] + 1e-12).mean())
        share[rows, labels] -= 1
        error = share / len(labels)
        slopes: list[Floats] = []
        for layer in range(len(values) - 1, -1, -1):
            slopes = [values[layer].T @ error, error.sum(axis=0), *slopes]
            if layer:
                error = (error @ self.parameters[2 * layer].T) * (values[layer] > 0)
        self._adam(slopes, rate)
        return loss

    def _adam(self, slopes: list[Floats], rate: float) -> None:
        self._steps += 1
        correction = np.sqrt(1 - 0.999**self._steps) / (1 - 0.9**self._steps)
        for value, slope, first, second in zip(self.parameters, slopes, self._first, self._second, strict=True):
            first += 0.1 * (slope - first)
            second += 0.001 * (slope * slope - second)
            value -= np.float32(rate * correction) * first / (np.sqrt(second) + 1e-8) + np.float32(_DECAY) * value

    def packed(self) -> bytes:
        """The data file: each unit's weights in 8 bits of its own scale."""
        layers = []
        for weight, bias in zip(self.parameters[::2], self.parameters[1::2], strict=True):
            scale = np.maximum(np.abs(weight).max(axis=0), 1e-9) / 127
            layers.append((np.rint(weight / scale).astype(np.int8), scale.astype(np.float32), bias))
        return glyphs.encode(layers)


def train(fonts: list[Path], sheets: int, epochs: int, seed: int = SEED) -> bytes:
    """The data file after so many passes over so many drawn lines."""
    rng = np.random.default_rng(seed)
    start = time.monotonic()
    cells, labels = glyph_pages.samples(rng, fonts, sheets)
    print(f"{len(labels)} characters drawn in {time.monotonic() - start:.0f} s", flush=True)
    network = Network(rng)
    total, done = epochs * (len(labels) // BATCH), 0
    for epoch in range(epochs):
        order, losses = rng.permutation(len(labels)), []
        for first in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[first : first + BATCH]
            rate = RATE * 0.5 * (1 + np.cos(np.pi * done / total))
            losses.append(network.step(cells[chosen].astype(np.float32) / 32, labels[chosen], rate))
            done += 1
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.5f}, {time.monotonic() - start:.0f} s", flush=True)
    return network.packed()


def accuracy(model: Glyphs, fonts: list[Path], sheets: int, seed: int) -> float:
    """Share of right characters on freshly drawn lines."""
    cells, labels = glyph_pages.samples(np.random.default_rng(seed), fonts, sheets)
    found = model.log_probabilities(cells.astype(np.float32) / 32).argmax(axis=1)
    return float((found == labels).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fonts", type=Path, required=True, help="folder that holds OCRB.otf and OCRBS.otf")
    parser.add_argument("--sheets", type=int, default=8_000)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--out", type=Path, default=Path(glyphs.__file__).parent / glyphs.FILE)
    chosen = parser.parse_args()
    fonts = [chosen.fonts / name for name in FONTS]
    data = train(fonts, chosen.sheets, chosen.epochs)
    right = accuracy(glyphs.decode(data), fonts, 500, SEED + 1)
    chosen.out.write_bytes(data)
    print(f"{len(data)} bytes, right on {right:.4%} of {500 * glyph_pages.PER_SHEET} new characters")
    print(f"SHA-256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
