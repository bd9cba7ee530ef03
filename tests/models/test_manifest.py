from __future__ import annotations

import pytest
from pydantic import ValidationError

from models import manifest


def test_every_model_has_a_licence_an_origin_and_a_hash() -> None:
    """Nothing is loaded whose licence and public origin are not written down."""
    entries = manifest.bundled().model

    assert {entry.id for entry in entries} >= {
        "blazeface-short-range",
        "face-mesh-468",
        "face-reidentification-retail-0095",
    }
    for entry in entries:
        assert entry.licence == "Apache-2.0"
        assert entry.origin.startswith("https://" if entry.trained_by is None else "models.train.")
        assert entry.accepts(entry.sha256)
        assert not entry.accepts("0" * 64)


def test_the_models_of_a_role_are_named_with_that_for_stations_first() -> None:
    """Whatever stands in for demo and tests comes last, and this repository made it itself."""
    found = manifest.bundled().of_role("face embedding")

    assert [(entry.id, entry.demo) for entry in found] == [
        ("face-reidentification-retail-0095", False),
        ("demo-embedding", True),
    ]
    assert found[1].trained_by == "models.train.embedding"
    assert found[1].origins == ()


def test_an_unknown_id_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        manifest.bundled().entry("no-such-model")


ENTRY = """
[[model]]
id = "a"
role = "r"
file = "{file}"
size_bytes = 1
sha256 = "{sha}"
weights_sha256 = "{sha}"
licence = "Apache-2.0"
repository = "https://example.org/a"
{origins}
[model.input]
shape = [1, 2]
dtype = "float32"
colour = "RGB"
normalisation = "none"
[[model.output]]
name = "o"
shape = [1]
"""
ORIGIN = 'origins = ["https://example.org/a.tflite"]'


def entry(file: str = "a.tflite", sha: str = "0" * 64, origins: str = ORIGIN) -> str:
    return ENTRY.format(file=file, sha=sha, origins=origins)


def test_a_well_formed_entry_is_read() -> None:
    assert manifest.parse(entry()).entry("a").origin == "https://example.org/a.tflite"


@pytest.mark.parametrize(
    "text",
    [
        entry(origins=""),
        entry(origins='origins = ["http://example.org/a.tflite"]'),
        entry(file="../a.tflite"),
        entry(file="/a.tflite"),
        entry(sha="abc"),
        entry(origins=ORIGIN + "\nunknown = 1"),
        entry() + entry(),
        entry(origins=ORIGIN + '\ntrained_by = "models.train.a"'),
        entry(origins=ORIGIN + "\ndemo = true"),
        entry(origins='trained_by = "models.train.a"'),
        entry(origins='trained_by = "elsewhere.a"'),
    ],
    ids=[
        "no origin",
        "plain http",
        "parent folder",
        "absolute",
        "short hash",
        "unknown key",
        "twice",
        "fetched and trained",
        "fetched and for demo",
        "trained here and a repository",
        "trained elsewhere",
    ],
)
def test_a_manifest_with_a_fault_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        manifest.parse(text)
