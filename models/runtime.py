"""The TFLite runtime behind one small port.

`tflite-runtime` on Python 3.11, its successor `ai-edge-litert` from 3.12; a caller may name one. Always one thread:
tflite-runtime spins for seconds when it has more threads than free cores. An interpreter belongs to one thread.
Must never load anything but bytes that the store has verified.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelUnusable, RuntimeMissing
from models.store import ModelFile, ModelStore

Runtime = Literal["tflite-runtime", "ai-edge-litert"]
Floats = NDArray[np.float32]

_MODULES: dict[Runtime, str] = {
    "tflite-runtime": "tflite_runtime.interpreter",
    "ai-edge-litert": "ai_edge_litert.interpreter",
}


class Interpreter(Protocol):
    """One loaded model."""

    def run(self, tensor: Floats) -> tuple[Floats, ...]:
        """Runs once. `tensor` has the manifest's input shape; the outputs are copies in the manifest's order."""
        ...


def default_runtime() -> Runtime:
    """The runtime of this Python."""
    return "tflite-runtime" if sys.version_info < (3, 12) else "ai-edge-litert"


class TfliteInterpreter:
    """An Interpreter over tflite-runtime or ai-edge-litert (they share one Python interface).

    Args:
        model: verified bytes.
        runtime: None takes the default of this Python.

    Raises:
        RuntimeMissing: the library is not installed.
        ModelUnusable: the bytes do not load, or inputs and outputs are not those of the manifest.
    """

    def __init__(self, model: ModelFile, runtime: Runtime | None = None) -> None:
        self.entry = model.entry
        self.runtime: Runtime = runtime or default_runtime()
        # The content must outlive the interpreter: it is used in place.
        self._content = model.content
        library = _library(self.runtime)
        try:
            self._interpreter = library.Interpreter(model_content=self._content, num_threads=1)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError, SystemError) as error:
            raise ModelUnusable(file=model.entry.file, reason=" ".join(str(error).split())[:200]) from error
        self._input, self._outputs = self._checked()

    def run(self, tensor: Floats) -> tuple[Floats, ...]:
        """See Interpreter. Raises ModelUnusable where the runtime refuses to run."""
        try:
            self._interpreter.set_tensor(self._input, tensor)
            self._interpreter.invoke()
            return tuple(self._interpreter.get_tensor(index) for index in self._outputs)
        except (ValueError, RuntimeError) as error:
            raise ModelUnusable(file=self.entry.file, reason=" ".join(str(error).split())[:200]) from error

    def _checked(self) -> tuple[int, list[int]]:
        inputs = self._interpreter.get_input_details()
        outputs = {detail["name"]: detail for detail in self._interpreter.get_output_details()}
        wanted = self.entry.input
        if len(inputs) != 1 or not _fits(inputs[0], wanted.shape):
            raise ModelUnusable(file=self.entry.file, reason=f"input is not {list(wanted.shape)} {wanted.dtype}")
        order = []
        for output in self.entry.output:
            detail = outputs.get(output.name)
            if detail is None or not _fits(detail, output.shape):
                reason = f"output {output.name} is not {list(output.shape)} float32"
                raise ModelUnusable(file=self.entry.file, reason=reason)
            order.append(int(detail["index"]))
        return int(inputs[0]["index"]), order


def _fits(detail: Any, shape: tuple[int, ...]) -> bool:
    return tuple(int(size) for size in detail["shape"]) == shape and np.dtype(detail["dtype"]) == np.float32


def _library(runtime: Runtime) -> Any:
    try:
        return import_module(_MODULES[runtime])
    except ImportError as error:
        raise RuntimeMissing(wanted=runtime) from error


def load(store: ModelStore, model_id: str, runtime: Runtime | None = None) -> TfliteInterpreter:
    """Reads, verifies and loads a model. Raises ModelMissing, ModelHashWrong, ModelUnusable, RuntimeMissing."""
    return TfliteInterpreter(store.read(model_id), runtime)
