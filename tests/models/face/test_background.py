from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from models import manifest
from models.errors import ModelMissing, RuntimeMissing
from models.face import background
from models.face.pipeline import FacePipeline
from models.face.types import Rgb
from models.policy import FacePolicy
from models.runtime import Runtime
from models.store import ModelStore

Place = Callable[..., Image.Image]


@pytest.fixture(scope="module")
def with_mask(opened: Callable[[Runtime | None], FacePipeline]) -> FacePipeline:
    try:
        ModelStore(ModelStore.standard().paths, manifest.optional()).read(background.MODEL_ID)
    except ModelMissing as error:
        pytest.skip(f"not on this machine: {error}")
    return opened("ai-edge-litert")


def changed(frame: Rgb, person: Image.Image, share: float) -> Rgb:
    """The wall darkened on one side, beyond head and shoulders."""
    result = frame.copy()
    result[:, : 1152 - round(0.19 * person.width * share)] //= 3
    return result


def test_an_uneven_wall_is_told_to_the_officer_and_holds_nothing_back(
    with_mask: FacePipeline, policy: FacePolicy, person: Image.Image, placed: Place
) -> None:
    plain = np.asarray(placed(person))
    even, uneven = (with_mask.analyse(rgb, policy) for rgb in (plain, changed(plain, person, 1.3)))
    raws = [found.component("background_uniformity") for found in (even, uneven)]

    assert even.advice == ()
    assert uneven.advice == ("background",)
    assert uneven.acceptable
    assert raws[0] is not None
    assert raws[1] is not None
    assert raws[1].raw > 2 * raws[0].raw
    assert raws[1].score < raws[0].score


def test_a_runtime_without_the_operation_has_no_such_component_and_says_nothing(
    opened: Callable[[Runtime | None], FacePipeline], policy: FacePolicy, person: Image.Image, placed: Place
) -> None:
    """Absent, not passed: the bundle shows that nothing was measured."""
    try:
        pipeline = opened("tflite-runtime")
    except RuntimeMissing as error:
        pytest.skip(str(error))
    found = pipeline.analyse(np.asarray(placed(person)), policy)

    assert found.component("background_uniformity") is None
    assert found.component("background_beside_head") is not None
    assert background.MODEL_ID not in pipeline.model_ids


def test_the_mask_separates_person_and_wall(with_mask: FacePipeline, person: Image.Image) -> None:
    assert with_mask._segmenter is not None
    picture = np.asarray(person.resize((256, 256), Image.Resampling.BOX))
    found = background.mask(with_mask._segmenter, picture)

    assert found.shape == (256, 256)
    assert found[130, 128] > 0.9
    assert found[20:120, :40].max() < 0.1


def test_unevenness_of_an_even_wall_is_nothing_and_without_wall_there_is_none() -> None:
    picture = np.full((256, 256, 3), 170, np.uint8)
    nobody = np.zeros((256, 256), np.float32)
    assert background.unevenness(picture, nobody) == ("background_uniformity", 0.0, 1.0)
    assert background.unevenness(picture, np.ones((256, 256), np.float32)) is None

    raws = []
    for step in (0, 20, 60, 120):
        picture[:, 128:] = 170 - step
        measured = background.unevenness(picture, nobody)
        assert measured is not None
        raws.append(measured[1])
    assert raws == sorted(raws)
    assert raws[1] > 1


def test_a_store_without_the_file_gives_no_model(tmp_path: object) -> None:
    from pathlib import Path

    assert isinstance(tmp_path, Path)
    assert background.open_model(ModelStore([tmp_path]), "ai-edge-litert") is None
