"""The converter gives the pinned bytes, the same numbers as the reference conversion, and a clear no otherwise."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import manifest
from models.convert import Unconvertible, convert
from models.convert.flatbuffer import References, Table, Vector, ints, serialise
from models.errors import ModelHashWrong, ModelMissing, RuntimeMissing
from models.fetch import converted
from models.runtime import Runtime, TfliteInterpreter
from models.store import SHARED, ModelFile, ModelStore

NAME = "face-reidentification-retail-0095"
Sources = tuple[bytes, bytes]


@pytest.fixture(scope="module")
def sources() -> Sources:
    files = [SHARED / "ir" / f"{NAME}.{ending}" for ending in ("xml", "bin")]
    for path in files:
        if not path.is_file():
            pytest.skip(f"no {path.name}")
    return files[0].read_bytes(), files[1].read_bytes()


def test_the_result_has_the_pinned_hash(sources: Sources) -> None:
    """The same weights give the same bytes on every machine, Python and numpy."""
    entry = manifest.bundled().entry(NAME)
    assert entry.converted_from is not None
    content = converted(entry, entry.converted_from, *sources)

    assert hashlib.sha256(content).hexdigest() == entry.also_sha256[0]


@pytest.mark.parametrize("which", [0, 1])
def test_a_source_with_another_hash_is_not_converted(sources: Sources, which: int) -> None:
    entry = manifest.bundled().entry(NAME)
    assert entry.converted_from is not None
    changed = list(sources)
    changed[which] = changed[which][:-1] + bytes([changed[which][-1] ^ 1])

    with pytest.raises(ModelHashWrong):
        converted(entry, entry.converted_from, changed[0], changed[1])


@pytest.mark.parametrize("runtime", ["tflite-runtime", "ai-edge-litert"])
def test_it_gives_the_numbers_of_the_reference_conversion(sources: Sources, runtime: Runtime) -> None:
    """Templates made with either file are comparable: not one bit differs."""
    entry = manifest.bundled().entry(NAME)
    content = convert(*sources, NAME)
    try:
        reference = TfliteInterpreter(ModelStore.standard().read(NAME), runtime)
    except (ModelMissing, RuntimeMissing) as error:
        pytest.skip(f"not on this machine: {error}")
    own = TfliteInterpreter(ModelFile(entry, content, "", Path("x")), runtime)
    for seed in range(3):
        tensor = np.random.default_rng(seed).uniform(0, 255, (1, 128, 128, 3)).astype(np.float32)
        assert np.array_equal(own.run(tensor)[0], reference.run(tensor)[0])


IR = """<net name="n" version="11"><layers>
<layer id="0" name="a" type="Parameter"><data shape="1,2,4,4" element_type="f32"/>
<output><port id="0"><dim>1</dim><dim>2</dim><dim>4</dim><dim>4</dim></port></output></layer>
{middle}
<layer id="9" name="r" type="Result"><input><port id="0"/></input></layer>
</layers><edges>{edges}</edges></net>"""
EDGE = '<edge from-layer="{}" from-port="0" to-layer="{}" to-port="{}"/>'


def layer(kind: str, data: str, shape: tuple[int, ...] = (1, 2, 1, 1)) -> str:
    dims = "".join(f"<dim>{size}</dim>" for size in shape)
    return f'<layer id="1" name="m" type="{kind}"><data {data}/><output><port id="1">{dims}</port></output></layer>'


POOL = 'kernel="4, 4" strides="4, 4" pads_begin="0, 0" pads_end="0, 0"'


def small(middle: str) -> bytes:
    return IR.format(middle=middle, edges=EDGE.format(0, 1, 0) + EDGE.format(1, 9, 0)).encode()


def test_a_small_graph_is_the_mean_brought_to_length_one() -> None:
    content = convert(small(layer("AvgPool", POOL)), b"", "small")
    entry = manifest.bundled().entry(NAME)
    shapes = {
        "input": entry.input.model_copy(update={"shape": (1, 4, 4, 2)}),
        "output": (manifest.Output(name="embedding", shape=(1, 2)),),
    }
    model = TfliteInterpreter(ModelFile(entry.model_copy(update=shapes), content, "", Path("x")))
    tensor = np.zeros((1, 4, 4, 2), np.float32)
    tensor[..., 0], tensor[..., 1] = 3.0, 4.0

    assert model.run(tensor)[0] == pytest.approx(np.array([[0.6, 0.8]]))


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"<net",
        b"<net/>",
        small(layer("SoftMax", "")),
        small(layer("AvgPool", POOL.replace("4, 4", "2, 2"), (1, 2, 2, 2))),
        small(layer("AvgPool", "")),
        small(layer("Const", 'element_type="f16" shape="1" offset="0" size="2"', (1,))),
        small(layer("Const", 'element_type="i64" shape="1" offset="0" size="2"', (1,))),
        small(layer("PReLU", "", (1, 2, 4, 4))),
        small(layer("Convolution", 'strides="1, 1" dilations="1, 1"', (1, 2, 4, 4))),
        small(""),
    ],
)
def test_what_is_not_known_is_refused(xml: bytes) -> None:
    with pytest.raises(Unconvertible):
        convert(xml, b"", "n")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_ir_is_refused_or_converted_but_never_crashes(data: st.DataObject) -> None:
    xml = bytearray(small(layer("AvgPool", POOL)))
    for _ in range(data.draw(st.integers(1, 6))):
        xml[data.draw(st.integers(0, len(xml) - 1))] = data.draw(st.integers(32, 126))
    try:
        convert(bytes(xml), data.draw(st.binary(max_size=16)), "n")
    except Unconvertible:
        return


def test_tables_of_the_flatbuffer_lie_where_their_offsets_say() -> None:
    """Read back by hand: root offset, identifier, vtable, a scalar, a vector on its alignment, a table in a vector."""
    inner = Table({1: ("i", 77)})
    root = Table({0: ("b", 5), 2: ints([1, 2, 3]), 3: References((inner,)), 4: Vector(b"\x09" * 5, 5, 16)})
    out = serialise(root, b"TEST")

    def u32(at: int) -> int:
        return int.from_bytes(out[at : at + 4], "little")

    def slot(table: int, number: int) -> int:
        vtable = table - int.from_bytes(out[table : table + 4], "little", signed=True)
        return table + int.from_bytes(out[vtable + 4 + 2 * number :][:2], "little")

    start = u32(0)
    assert out[4:8] == b"TEST"
    assert out[slot(start, 0)] == 5
    assert slot(start, 1) == start
    numbers = slot(start, 2) + u32(slot(start, 2))
    assert [u32(numbers + 4 * place) for place in range(4)] == [3, 1, 2, 3]
    tables = slot(start, 3) + u32(slot(start, 3))
    child = tables + 4 + u32(tables + 4)
    assert u32(slot(child, 1)) == 77
    data = slot(start, 4) + u32(slot(start, 4))
    assert (data + 4) % 16 == 0
    assert out[data + 4 : data + 9] == b"\x09" * 5
