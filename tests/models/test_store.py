from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from models import manifest
from models.errors import ModelHashWrong, ModelMissing, ModelUnusable
from models.store import ModelStore
from wire.catalogue import bundled as texts

CONTENT = b"a model"


@pytest.fixture
def small() -> manifest.Manifest:
    entry = manifest.bundled().entry("face-mesh-468")
    changes = {"sha256": hashlib.sha256(CONTENT).hexdigest(), "size_bytes": len(CONTENT), "file": "small.tflite"}
    return manifest.Manifest(model=(entry.model_copy(update=changes),))


def test_the_first_directory_that_has_the_file_wins(tmp_path: Path, small: manifest.Manifest) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "small.tflite").write_bytes(CONTENT)
    found = ModelStore([tmp_path / "none", tmp_path / "one", tmp_path / "two"], small).read("face-mesh-468")

    assert found.path.parent.name == "one"
    assert found.content == CONTENT
    assert found.sha256 == hashlib.sha256(CONTENT).hexdigest()


def test_a_missing_file_names_file_hash_and_origin(tmp_path: Path, small: manifest.Manifest) -> None:
    with pytest.raises(ModelMissing) as caught:
        ModelStore([tmp_path], small).read("face-mesh-468")

    sentence = texts().of_error(caught.value)
    for part in ("small.tflite", small.model[0].sha256, "https://"):
        assert part in sentence.vi
        assert part in sentence.en


def test_a_wrong_file_is_refused_even_where_a_right_one_follows(tmp_path: Path, small: manifest.Manifest) -> None:
    """A file that is not what its name says is a finding, not a reason to look elsewhere."""
    for name, content in (("one", CONTENT + b"!"), ("two", CONTENT)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "small.tflite").write_bytes(content)
    with pytest.raises(ModelHashWrong) as caught:
        ModelStore([tmp_path / "one", tmp_path / "two"], small).read("face-mesh-468")

    assert caught.value.params["found"] == hashlib.sha256(CONTENT + b"!").hexdigest()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, small: manifest.Manifest) -> None:
    (tmp_path / "small.tflite").mkdir()
    with pytest.raises(ModelUnusable) as caught:
        ModelStore([tmp_path], small).read("face-mesh-468")

    assert "small.tflite" in texts().of_error(caught.value).en


def test_the_hash_is_checked_at_every_read(tmp_path: Path, small: manifest.Manifest) -> None:
    store = ModelStore([tmp_path], small)
    (tmp_path / "small.tflite").write_bytes(CONTENT)
    store.read("face-mesh-468")
    (tmp_path / "small.tflite").write_bytes(CONTENT[::-1])

    with pytest.raises(ModelHashWrong):
        store.read("face-mesh-468")


def test_missing_lists_what_no_directory_has(tmp_path: Path, small: manifest.Manifest) -> None:
    store = ModelStore([tmp_path], small)
    before = [entry.id for entry in store.missing()]
    (tmp_path / "small.tflite").write_bytes(CONTENT)

    assert before == ["face-mesh-468"]
    assert store.missing() == []


def test_the_configured_directory_comes_first_and_the_cache_last(tmp_path: Path) -> None:
    store = ModelStore.standard(tmp_path / "configured", tmp_path / "cache")

    assert store.paths[0] == tmp_path / "configured"
    assert store.writable == tmp_path / "cache"
