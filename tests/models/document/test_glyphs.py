from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.document import glyphs
from models.document.cells import COLUMNS, ROWS, sample
from models.errors import ModelHashWrong, ModelUnusable
from models.train import glyph_pages

DATA = (Path(glyphs.__file__).parent / glyphs.FILE).read_bytes()


def test_the_weights_are_those_of_their_card() -> None:
    """The card, the code and the file name the same hash."""
    card = Path(glyphs.__file__).parents[1] / "cards" / "mrz-glyphs.md"

    assert glyphs.WEIGHTS_SHA256 in card.read_text("utf-8")
    assert glyphs.load_glyphs().layers[0].weight.shape[0] == ROWS * COLUMNS


def test_a_changed_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader never starts with other weights than those that were measured."""
    monkeypatch.setattr(glyphs, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(ModelHashWrong):
        glyphs.load_glyphs()


def test_probabilities_sum_to_one() -> None:
    """For anything that is a cell."""
    cells = np.random.default_rng(1).normal(0, 1, (50, ROWS * COLUMNS)).astype(np.float32)
    logs = glyphs.load_glyphs().log_probabilities(cells)

    assert logs.shape == (50, len(glyphs.CLASSES))
    assert np.allclose(np.exp(logs).sum(axis=1), 1, atol=1e-4)


def test_new_drawn_characters_are_known(font: Path) -> None:
    """Lines that were not in the training, from its own drawing."""
    cells, labels = glyph_pages.samples(np.random.default_rng(77), [font], 40)
    found = glyphs.load_glyphs().log_probabilities(cells.astype(np.float32) / 32).argmax(axis=1)

    assert (found == labels).mean() > 0.985


def test_what_is_encoded_is_decoded() -> None:
    """Shapes, scales, signs."""
    rng = np.random.default_rng(3)
    layers = []
    for inputs, outputs in ((ROWS * COLUMNS, 5), (5, len(glyphs.CLASSES))):
        weight = rng.integers(-127, 128, (inputs, outputs)).astype(np.int8)
        layers.append((weight, rng.random(outputs).astype(np.float32), rng.random(outputs).astype(np.float32)))
    decoded = glyphs.decode(glyphs.encode(layers)).layers

    for layer, (weight, scale, bias) in zip(decoded, layers, strict=True):
        assert np.allclose(layer.weight, weight * scale)
        assert np.array_equal(layer.bias, bias)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_as_such(data: bytes) -> None:
    """One error, that of a model that cannot be used."""
    with pytest.raises(ModelUnusable):
        glyphs.decode(data)


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: whole.update(classes="AB"),
        lambda whole: whole.update(cell=[1, 1]),
        lambda whole: whole.update(layers=[]),
        lambda whole: whole["layers"].pop(),
        lambda whole: whole["layers"][0].update(shape=[3, 3]),
        lambda whole: whole["layers"][1].update(scale=[]),
        lambda whole: whole["layers"][1].update(weight=["!"]),
        lambda whole: whole["layers"][2].update(bias=["AADAfwAAwH8="]),
    ],
)
def test_parts_that_do_not_fit_are_refused(change: object) -> None:
    """Whatever was done to the file."""
    whole = json.loads(DATA)
    assert callable(change)
    change(whole)
    with pytest.raises(ModelUnusable):
        glyphs.decode(json.dumps(whole).encode())


def test_a_cell_is_the_same_however_bright_it_is() -> None:
    """Light and contrast do not change what a glyph is."""
    grey = np.random.default_rng(2).uniform(60, 120, (60, 60)).astype(np.float32)
    at, across, down = np.array([[30.0, 30.0]]), np.array([[20.0, 0.0]]), np.array([[0.0, 20.0]])

    assert np.allclose(sample(grey, at, across, down), sample(grey * 1.5 + 20, at, across, down), atol=1e-3)


def test_a_cell_outside_the_picture_is_finite() -> None:
    """The border goes on; a flat cell is nothing."""
    grey = np.full((10, 10), 7, np.float32)
    far = np.array([[-500.0, 900.0], [np.nan, 3.0]])
    cut = sample(grey, far, np.array([[9.0, 0.0]] * 2), np.array([[0.0, 9.0]] * 2))

    assert np.abs(cut).max() < 1e-3
