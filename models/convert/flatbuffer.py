"""A FlatBuffers writer, as small as the TFLite file needs.

Objects are laid out in the order in which they are reached, parents first, so every offset points forward and the
bytes depend on nothing but the values. Format: flatbuffers.dev, "FlatBuffer Internals".
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass

Scalar = tuple[str, int]
"""struct code (b, B, ?, i, I) and value."""


@dataclass(frozen=True)
class Vector:
    """Packed scalars. `alignment` is that of the first element."""

    data: bytes
    count: int
    alignment: int = 4


@dataclass(frozen=True)
class References:
    """A vector of tables."""

    items: tuple[Table, ...]


@dataclass(frozen=True)
class Table:
    """Slot number to value; a slot that is not named has its schema default."""

    slots: dict[int, Scalar | str | Vector | References | Table]


Child = str | Vector | References | Table


def ints(values: list[int] | tuple[int, ...]) -> Vector:
    """A vector of int32."""
    return Vector(struct.pack(f"<{len(values)}i", *values), len(values))


def serialise(root: Table, identifier: bytes) -> bytes:
    """The finished buffer with a four-byte file identifier."""
    out = bytearray(4) + identifier
    waiting: deque[tuple[int, Child]] = deque([(0, root)])
    while waiting:
        at, child = waiting.popleft()
        # Nothing is shared, not even equal strings: sharing would make the bytes depend on object identity.
        struct.pack_into("<I", out, at, _write(out, child, waiting) - at)
    _pad(out, 16)
    return bytes(out)


def _pad(out: bytearray, alignment: int, ahead: int = 0) -> None:
    out += bytes(-(len(out) + ahead) % alignment)


def _write(out: bytearray, child: Child, waiting: deque[tuple[int, Child]]) -> int:
    match child:
        case Table():
            return _table(out, child, waiting)
        case References():
            _pad(out, 4)
            start = len(out)
            out += struct.pack("<I", len(child.items)) + bytes(4 * len(child.items))
            waiting.extend((start + 4 + 4 * number, item) for number, item in enumerate(child.items))
        case Vector():
            _pad(out, max(4, child.alignment), 4)
            start = len(out)
            out += struct.pack("<I", child.count) + child.data
        case str():
            _pad(out, 4)
            start = len(out)
            text = child.encode("ascii")
            out += struct.pack("<I", len(text)) + text + b"\0"
    return start


def _table(out: bytearray, table: Table, waiting: deque[tuple[int, Child]]) -> int:
    # Widest first: then nothing but the end needs padding.
    order = sorted(table.slots, key=lambda slot: (-_width(table.slots[slot]), slot))
    places: dict[int, int] = {}
    size = 4
    for slot in order:
        places[slot] = size
        size += _width(table.slots[slot])
    count = max(table.slots, default=-1) + 1
    vtable = struct.pack(f"<{count + 2}H", 4 + 2 * count, size, *(places.get(slot, 0) for slot in range(count)))
    _pad(out, 4, len(vtable))
    out += vtable
    start = len(out)
    out += struct.pack("<i", len(vtable)) + bytes(size - 4)
    for slot in order:
        value = table.slots[slot]
        if isinstance(value, tuple):
            struct.pack_into(f"<{value[0]}", out, start + places[slot], value[1])
        else:
            waiting.append((start + places[slot], value))
    return start


def _width(value: Scalar | Child) -> int:
    return struct.calcsize(f"<{value[0]}") if isinstance(value, tuple) else 4
