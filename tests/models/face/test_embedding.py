from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import EmbeddingMismatch
from models.face import align
from models.face.embed import MODEL_ID, unit
from models.face.pipeline import FacePipeline, compare
from models.face.types import Embedding
from models.policy import FacePolicy

SAMPLE = 24


def embedding(seed: int, **changes: str) -> Embedding:
    vector = unit(np.random.default_rng(seed).normal(size=256).astype(np.float32))
    return replace(Embedding(vector, MODEL_ID, "a" * 64, align.VERSION), **changes)


@pytest.mark.parametrize("change", [{"model_id": "other"}, {"weights_sha256": "b" * 64}, {"alignment": "other"}])
def test_templates_of_different_making_are_never_compared(change: dict[str, str]) -> None:
    with pytest.raises(EmbeddingMismatch):
        compare(embedding(1), embedding(1, **change))


def test_the_comparison_is_a_cosine() -> None:
    one, other = embedding(1), embedding(2)

    assert compare(one, one) == pytest.approx(1.0, abs=1e-6)
    assert compare(one, other) == compare(other, one)
    assert compare(one, replace(one, vector=-one.vector)) == pytest.approx(-1.0, abs=1e-6)


@pytest.mark.parametrize("vector", [np.zeros(256, np.float32), np.full(256, np.nan, np.float32)])
def test_a_vector_without_direction_is_refused(vector: np.ndarray) -> None:
    with pytest.raises(ValueError, match="usable"):
        unit(vector)


@pytest.fixture(scope="module")
def expected(faces_folder: Path) -> dict[str, np.ndarray]:
    path = faces_folder / "expected_omz0095_f16_frll.npz"
    if not path.is_file():
        pytest.skip(f"no {path.name}")
    stored = np.load(path)
    rows = zip(stored["files"], stored["embeddings"], stored["points5"], strict=True)
    return {str(name): (vector, points) for name, vector, points in rows}


def test_portraits_give_the_recorded_templates(
    product: FacePipeline, policy: FacePolicy, faces_folder: Path, expected: dict[str, np.ndarray]
) -> None:
    """Two implementations of detection, landmarks, alignment and embedding agree: cosine 0.999, none below 0.998."""
    cosines = []
    for name in random.Random(20261121).sample(sorted(expected), SAMPLE):
        with Image.open(faces_folder / name) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        face = product.analyse(rgb, policy).face
        assert face is not None
        cosines.append(float(product.embed(rgb, face).vector @ expected[name][0]))

    assert min(cosines) >= 0.998
    assert sorted(cosines)[SAMPLE // 5] >= 0.999


def test_the_alignment_alone_gives_the_recorded_templates(
    product: FacePipeline, faces_folder: Path, expected: dict[str, np.ndarray]
) -> None:
    """With the recorded points only warp and model are left: cosine 0.9995."""
    for name in random.Random(5).sample(sorted(expected), SAMPLE // 2):
        with Image.open(faces_folder / name) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        vector, points = expected[name]
        aligned = align.align(rgb, points.astype(np.float32))
        assert aligned is not None
        bgr = np.ascontiguousarray(np.asarray(aligned, np.float32)[None, :, :, ::-1])
        (found,) = product._embedding.run(bgr)

        assert float(found[0] @ vector) >= 0.9995


def test_both_runtimes_give_the_same_template(
    opened: Callable[..., FacePipeline], policy: FacePolicy, picture_of_someone: Image.Image
) -> None:
    """A template made on one Python is comparable with one made on another: cosine 0.999."""
    rgb = np.asarray(picture_of_someone)
    made = []
    for name in ("tflite-runtime", "ai-edge-litert"):
        faces = opened(name)
        face = faces.analyse(rgb, policy).face
        assert face is not None
        made.append(faces.embed(rgb, face))

    assert compare(*made) >= 0.999


def test_the_same_person_scores_above_accept_and_another_below_review(
    product: FacePipeline, policy: FacePolicy, faces_folder: Path
) -> None:
    def template(name: str) -> Embedding:
        with Image.open(faces_folder / "frll" / name) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        face = product.analyse(rgb, policy).face
        assert face is not None
        return product.embed(rgb, face)

    neutral = template("neutral/017_03.jpg")

    assert compare(neutral, template("smiling/017_08.jpg")) >= policy.match.accept
    assert compare(neutral, template("neutral/001_03.jpg")) < policy.match.review
