"""The training of the demo embedding, as far as it goes without PyTorch: split, views, shards, export."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from models import manifest
from models.accuracy import sets
from models.accuracy.sets import Pairs
from models.errors import RuntimeMissing
from models.runtime import TfliteInterpreter
from models.store import ModelFile
from models.train import export, shards, student, views
from models.train.embedding import main, planned
from models.train.split import HELD_OUT_FOLDS, person, split

Floats = NDArray[np.float32]


def test_the_training_needs_no_pytorch_until_it_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no dependency of the project: every module is imported without it."""
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("embedding", "export", "learn", "shards", "split", "student", "views"):
        monkeypatch.delitem(sys.modules, f"models.train.{name}", raising=False)
        importlib.import_module(f"models.train.{name}")


PAIRS = Pairs(
    ("A_0001.jpg", "A_0001.jpg", "C_0001.jpg", "C_0001.jpg"),
    ("A_0002.jpg", "B_0001.jpg", "C_0002.jpg", "D_0001.jpg"),
    (True, False, True, False),
    (0, 0, 1, 1),
)
NAMES = ("D_0001.jpg", "C_0003.jpg", "A_0002.jpg", "A_0001.jpg", "B_0001.jpg", "C_0001.jpg", "C_0002.jpg")


def test_a_person_of_a_held_out_fold_is_held_out_with_every_picture() -> None:
    """Also with pictures that are in no pair of that fold."""
    found = split(NAMES, PAIRS, (1,))

    assert found.training == ("A_0001.jpg", "A_0002.jpg", "B_0001.jpg")
    assert found.held_out == ("C_0001.jpg", "C_0002.jpg", "C_0003.jpg", "D_0001.jpg")
    assert found.pairs == (2, 3)


def test_folds_that_share_a_person_cannot_be_divided() -> None:
    """Nobody may be trained on and measured on."""
    shared = Pairs(PAIRS.left, (*PAIRS.right[:3], "A_0001.jpg"), PAIRS.same, PAIRS.fold)

    with pytest.raises(ValueError, match="both sides"):
        split(NAMES, shared, (1,))


def test_the_split_of_the_real_set_shares_nobody() -> None:
    """All official pairs of the held-out folds, none of their persons in the training."""
    try:
        _, found = planned()
    except sets.SetMissing as error:
        pytest.skip(f"not on this machine: {error}")

    assert not {person(name) for name in found.training} & {person(name) for name in found.held_out}
    assert len(found.training) + len(found.held_out) == 7701
    assert len(found.pairs) == 600 * len(HELD_OUT_FOLDS)


def test_the_plan_is_printed_or_the_missing_set_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["embedding", "plan"])
    monkeypatch.setattr("models.train.embedding.os.nice", lambda _: 0)
    status = main()
    said = capsys.readouterr()

    assert (status == 0 and "held out:" in said.out) or (status == 1 and "not on this machine" in said.err)


@pytest.fixture
def known() -> list[views.Source]:
    """Two pictures with five points each; what they show does not matter here."""
    random = np.random.default_rng(3)
    points = np.array([[55, 60], [95, 60], [75, 82], [60, 104], [90, 104]], np.float32)
    pictures = (random.integers(0, 255, (15, 15, 3), np.uint8).repeat(10, 0).repeat(10, 1) for _ in range(2))
    return [views.Source(picture, points) for picture in pictures]


def test_a_shard_depends_on_its_seed_and_number_only(known: list[views.Source]) -> None:
    """So that an interrupted run goes on with the same views; another number gives other views."""
    made = [list(shards.random_views(known * 4, 7, number)) for number in (0, 0, 1)]

    assert all(rgb.shape == (128, 128, 3) and rgb.dtype == np.uint8 for shard in made for rgb in shard)
    assert len(made[0]) == 8
    assert np.array_equal(np.stack(made[0]), np.stack(made[1]))
    assert not np.array_equal(np.stack(made[0]), np.stack(made[2]))


def test_half_size_is_the_mean_of_four_pixels() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (128, 128, 3), np.uint8)
    four = picture[20:22, 40:42].reshape(4, 3).astype(float)

    assert np.abs(shards.half(picture)[10, 20] - four.mean(0)).max() <= 0.5


def test_a_shard_comes_back_as_it_was_written(tmp_path: Path) -> None:
    """And one that is not there yet is waited for no longer than told."""
    shard = shards.Shard(np.zeros((2, 64, 64, 3), np.uint8), np.ones((2, 256), np.float32))
    shards.save(tmp_path, "views-000", shard)
    found = shards.load(tmp_path, "views-000")

    assert found.views.shape == (2, 64, 64, 3)
    assert np.array_equal(found.vectors, shard.vectors)
    with pytest.raises(FileNotFoundError):
        shards.load(tmp_path, "views-001")


def some_state() -> dict[str, Floats]:
    """A student that has learned nothing, with normalisation that is not trivial."""
    random = np.random.default_rng(11)
    state: dict[str, Floats] = {}
    for one in student.LAYERS:
        fan = one.shape[1] * one.shape[2] * one.shape[3]
        state[f"{one.name}.weight"] = random.normal(0, (2 / fan) ** 0.5, one.shape).astype(np.float32)
        state[f"{one.name}.scale"] = random.uniform(0.5, 1.5, one.outputs).astype(np.float32)
        state[f"{one.name}.shift"] = random.normal(0, 0.1, one.outputs).astype(np.float32)
        state[f"{one.name}.mean"] = random.normal(0, 0.1, one.outputs).astype(np.float32)
        state[f"{one.name}.variance"] = random.uniform(0.5, 1.5, one.outputs).astype(np.float32)
    return state


def computed(state: dict[str, Floats], halves: Floats) -> Floats:
    """The student in plain numpy, from its description: a view of (64, 64, 3), 0..1, to a vector of length 1."""
    value = before = halves.transpose(2, 0, 1)
    for one in student.LAYERS:
        entered = value
        wide = np.pad(value, ((0, 0), (one.padding, one.padding), (one.padding, one.padding)))
        windows = sliding_window_view(wide, (one.kernel, one.kernel), (1, 2))[:, :: one.stride, :: one.stride]
        weight = state[f"{one.name}.weight"]
        value = np.einsum("cyxij,cij->cyx", windows, weight[:, 0]) if one.grouped else np.einsum(
            "cyxij,ocij->oyx", windows, weight, optimize=True
        )  # fmt: skip
        parts = [state[f"{one.name}.{part}"][:, None, None] for part in ("mean", "variance", "scale", "shift")]
        value = (value - parts[0]) / np.sqrt(parts[1] + student.EPSILON) * parts[2] + parts[3]
        value = value + before if one.adds else value
        value = np.maximum(value, 0) if one.activation else value
        before = entered
    flat = value.reshape(-1)
    return np.asarray(flat / np.linalg.norm(flat), np.float32)


@pytest.mark.parametrize("runtime", ["tflite-runtime", "ai-edge-litert"])
def test_the_written_file_computes_what_the_description_says(runtime: str) -> None:
    """Folding, padding, strides and sums: a vector from the file against one from plain numpy; float16 is the rest."""
    state = some_state()
    content = export.written(state)
    entry = manifest.bundled().entry("demo-embedding")
    try:
        interpreter = TfliteInterpreter(ModelFile(entry, content, "", Path("written.tflite")), runtime)  # type: ignore[arg-type]
    except RuntimeMissing:
        pytest.skip(f"{runtime} is not installed")
    random = np.random.default_rng(2)
    for _ in range(2):
        whole = random.integers(0, 256, (32, 32, 3)).repeat(4, 0).repeat(4, 1) * 0.8 + random.uniform(
            0, 50, (128, 128, 3)
        )
        halves = whole.reshape(64, 2, 64, 2, 3).mean((1, 3)) / 255
        (found,) = interpreter.run(whole.astype(np.float32)[None])

        assert float(found[0] @ computed(state, halves.astype(np.float32))) >= 0.9999


def test_the_same_student_gives_the_same_bytes() -> None:
    assert export.written(some_state()) == export.written(some_state())
