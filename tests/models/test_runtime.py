from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from models import manifest, runtime
from models.errors import ModelMissing, ModelUnusable, RuntimeMissing
from models.store import ModelFile, ModelStore


def file(content: bytes) -> ModelFile:
    entry = manifest.bundled().entry("face-mesh-468")
    return ModelFile(entry, content, hashlib.sha256(content).hexdigest(), Path("x"))


@pytest.mark.parametrize("content", [b"", b"not a model", b"\0" * 4096, bytes(range(256)) * 8])
def test_bytes_that_are_no_model_are_unusable(content: bytes) -> None:
    with pytest.raises(ModelUnusable):
        runtime.TfliteInterpreter(file(content))


def real(model_id: str) -> ModelFile:
    try:
        return ModelStore.standard().read(model_id)
    except ModelMissing as error:
        pytest.skip(f"not on this machine: {error}")


@pytest.mark.parametrize(
    "changes",
    [
        {"input": manifest.Input(shape=(1, 64, 64, 3), dtype="float32", colour="RGB", normalisation="")},
        {"output": (manifest.Output(name="conv2d_21", shape=(1, 7)),)},
        {"output": (manifest.Output(name="no_such_output", shape=(1, 1, 1, 1404)),)},
    ],
    ids=["input shape", "output shape", "output name"],
)
def test_a_model_whose_tensors_differ_from_the_manifest_is_unusable(changes: dict[str, object]) -> None:
    found = real("face-mesh-468")
    changed = ModelFile(found.entry.model_copy(update=changes), found.content, found.sha256, found.path)

    with pytest.raises(ModelUnusable):
        runtime.TfliteInterpreter(changed)


def test_outputs_come_in_the_order_of_the_manifest() -> None:
    found = real("blazeface-short-range")
    model = runtime.TfliteInterpreter(found)
    outputs = model.run(np.zeros(found.entry.input.shape, np.float32))

    assert [output.shape for output in outputs] == [(1, 896, 16), (1, 896, 1)]


def test_a_tensor_of_another_shape_is_refused() -> None:
    model = runtime.TfliteInterpreter(real("blazeface-short-range"))

    with pytest.raises(ModelUnusable):
        model.run(np.zeros((1, 64, 64, 3), np.float32))


def test_outputs_are_copies() -> None:
    """A later frame must not change what an earlier one gave."""
    model = runtime.TfliteInterpreter(real("blazeface-short-range"))
    first = model.run(np.zeros((1, 128, 128, 3), np.float32))[0]
    kept = first.copy()
    model.run(np.ones((1, 128, 128, 3), np.float32))

    assert np.array_equal(first, kept)


def test_a_runtime_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", None)
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(RuntimeMissing) as caught:
        runtime.TfliteInterpreter(file(b"x"))

    assert caught.value.params["wanted"] == runtime.default_runtime()


def test_the_default_follows_the_python() -> None:
    assert runtime.default_runtime() == ("tflite-runtime" if sys.version_info < (3, 12) else "ai-edge-litert")
