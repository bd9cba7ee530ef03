"""Deterministic CBOR (RFC 8949 §4.2.1), and nothing else.

Everything on the wire is encoded in exactly one way; bytes that are not that one way are rejected before any of
their content is looked at. Tags, indefinite lengths, duplicate or unsorted keys, trailing bytes, deep nesting and
simple values other than false, true and null do not exist here: the scan below refuses them without building objects,
then cbor2 decodes. The scan leaves one encoding for each value, so nothing large is encoded again to compare. Map keys
are text or the integers -24 to 23: so no key equals another in one language and differs in the next (1, 1.0, true), and
the two sort orders in use (bytewise; length first) are the same one.
"""

from __future__ import annotations

from typing import Any

import cbor2

from wire.errors import WireError

MAX_DEPTH = 16
MAX_ITEMS = 524_288
"""Above what a bundle of 2 MiB holds at six bytes an item, so that its size is the limit it meets first."""

_PLAIN_SIMPLE = (20, 21, 22)


class CborRejected(WireError, ValueError):
    """Not deterministic CBOR.

    Parameter `reason`: truncated, trailing, tag, indefinite, length, key, order, depth, form.
    """

    message_id = "error.cbor"


def encode(value: Any) -> bytes:
    """The one encoding of `value` (dict, list, str, bytes, int, float, bool, None); keys as the module says."""
    return cbor2.dumps(value, canonical=True)


def bytes_head(length: int) -> bytes:
    """What stands before a byte string of `length` bytes; for large ones that are joined rather than encoded."""
    head = bytearray(encode(length))
    head[0] |= 2 << 5
    return bytes(head)


def decode(data: bytes, max_items: int = MAX_ITEMS) -> Any:
    """The value of exactly one deterministic CBOR item of at most `max_items` items, nested ones counted.

    Raises:
        CborRejected: for anything else; never another exception, whatever the bytes.
    """
    scan = _Scan(data, max_items)
    scan.item(0)
    if scan.at != len(data):
        raise CborRejected(reason="trailing")
    try:
        value = cbor2.loads(data)
    except (cbor2.CBORDecodeError, ValueError, RecursionError) as error:
        raise CborRejected(reason="form") from error
    return value


class _Scan:
    """Walks the heads of one item. Cost: one step a head, whatever the length of strings."""

    def __init__(self, data: bytes, max_items: int) -> None:
        self._data = data
        self.at = 0
        self._left = max_items

    def item(self, depth: int) -> None:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise CborRejected(reason="depth")
        major, value = self._head()
        match major:
            case 0 | 1 | 7:
                return
            case 2 | 3:
                self._skip(value)
            case 4:
                for _ in range(value):
                    self.item(depth + 1)
            case 5:
                self._map(value, depth)
            case _:
                raise CborRejected(reason="tag")

    def _map(self, pairs: int, depth: int) -> None:
        previous = b""
        for _ in range(pairs):
            start = self.at
            if start < len(self._data) and not _may_start_key(self._data[start]):
                raise CborRejected(reason="key")
            self.item(depth + 1)
            key = self._data[start : self.at]
            if key <= previous:
                raise CborRejected(reason="order")
            previous = key
            self.item(depth + 1)

    def _head(self) -> tuple[int, int]:
        if self.at >= len(self._data):
            raise CborRejected(reason="truncated")
        first = self._data[self.at]
        major, info = first >> 5, first & 0x1F
        self.at += 1
        if info < 24:
            if major == 7 and info not in _PLAIN_SIMPLE:
                raise CborRejected(reason="form")
            return major, info
        if info > 27:
            raise CborRejected(reason="indefinite")
        size = 1 << (info - 24)
        raw = self._data[self.at : self.at + size]
        if len(raw) != size:
            raise CborRejected(reason="truncated")
        self.at += size
        value = int.from_bytes(raw, "big")
        shortest = 24 if size == 1 else 1 << (4 * size)
        if major != 7 and value < shortest:
            raise CborRejected(reason="length")
        if major == 7:
            self._real(size)
        return major, value

    def _real(self, size: int) -> None:
        """The number whose head was just read must be in its one width, NaN in its one form."""
        head = self._data[self.at - 1 - size : self.at]
        if size == 1 or encode(cbor2.loads(head)) != head:
            raise CborRejected(reason="form")

    def _skip(self, length: int) -> None:
        if length > len(self._data) - self.at:
            raise CborRejected(reason="truncated")
        self.at += length


def _may_start_key(first: int) -> bool:
    """A text string, or an integer that stands in its initial byte."""
    major, info = first >> 5, first & 0x1F
    return major == 3 or (major in (0, 1) and info < 24)
