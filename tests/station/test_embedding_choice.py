"""Which embedding a station takes, and that nothing lets the one for demo and tests before a real camera."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli_w

from models.errors import DemoModelRefused, ModelMissing
from models.face.pipeline import DETECTOR, EMBEDDING, EMBEDDING_ROLE, LANDMARKS, FacePipeline
from models.store import TREE, ModelStore
from station import config as configuration
from station.capture.build import model_store
from station.check import findings
from station.config import StationConfig

DEMO = "demo-embedding"


@pytest.fixture
def without_embedding(tmp_path: Path) -> Path:
    """A folder with detector, landmarks and, as somebody might try, the demo embedding; skips without the first two."""
    folder = tmp_path / "models"
    folder.mkdir()
    store = ModelStore.standard()
    for model_id in (DETECTOR, LANDMARKS):
        try:
            found = store.read(model_id)
        except ModelMissing as error:
            pytest.skip(f"not on this machine: {error}")
        (folder / found.entry.file).write_bytes(found.content)
    (folder / "demo_embedding.tflite").write_bytes((TREE / "demo_embedding.tflite").read_bytes())
    return folder


def config(tmp_path: Path, camera: str, stores: list[Path], **models: Any) -> StationConfig:
    file = tmp_path / "station.toml"
    tables = {
        "station": {"id": "st-0001", "state_dir": str(tmp_path / "state")},
        "capture": {"runtime_dir": "/dev/shm/eid-choice", "key_dir": str(tmp_path / "keys")},
        "camera": {"driver": camera},
        "fingerprint": {"driver": "serial", "options": {"device": "/dev/serial0"}},
        "panel": {"driver": "gpiozero", "options": {"pin_factory": "eid_emulated"}},
        "display": {"driver": "emulated"},
        "models": {"stores": [str(store) for store in stores], **models},
    }
    file.write_text(tomli_w.dumps(tables), "utf-8")
    return configuration.load(file)


def test_a_station_with_a_real_camera_refuses_it(tmp_path: Path, without_embedding: Path) -> None:
    """The camera is the fact: persons stand before a real one. It names the file that is missing instead."""
    real = config(tmp_path, "picamera2", [without_embedding])
    store = model_store(real)

    assert real.production
    assert store.id_for(EMBEDDING_ROLE) == EMBEDDING
    with pytest.raises(ModelMissing) as missing:
        FacePipeline.open(store)
    assert missing.value.params["file"] == "omz_face_reid_0095_f16.tflite"
    with pytest.raises(DemoModelRefused):
        FacePipeline.open(store, embedding=DEMO)


def test_the_check_of_a_station_with_a_real_camera_says_what_is_missing(
    tmp_path: Path, without_embedding: Path
) -> None:
    found = dict(findings(config(tmp_path, "picamera2", [without_embedding])))

    assert isinstance(found["models"], ModelMissing)
    assert not [part for part in found if DEMO in part]


def test_the_check_of_an_emulated_station_names_it(tmp_path: Path, without_embedding: Path) -> None:
    """Said aloud, so that nobody takes a demo for the product."""
    found = dict(findings(config(tmp_path, "emulated", [without_embedding])))

    assert found[f"models ({DEMO}: for demo and tests only)"] is None
    assert "models" not in found


def test_the_usual_places_follow_the_camera_too(tmp_path: Path) -> None:
    """Without a configured folder as well."""
    stores = {camera: model_store(config(tmp_path, camera, [])) for camera in ("picamera2", "emulated")}

    assert {camera: store.demo for camera, store in stores.items()} == {"picamera2": False, "emulated": True}
    with pytest.raises(DemoModelRefused):
        stores["picamera2"].read(DEMO)
    assert stores["emulated"].read(DEMO).entry.demo


@pytest.mark.parametrize("key", ["demo", "production", "embedding", "allow_demo"])
def test_there_is_no_key_for_it(tmp_path: Path, key: str) -> None:
    """What could be switched would be switched."""
    with pytest.raises(configuration.ConfigInvalid):
        config(tmp_path, "picamera2", [], **{key: True})
