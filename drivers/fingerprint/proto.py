"""Packets of the serial fingerprint modules: framing only, no I/O.

Layout (R307 and R503 user manuals, "System communication protocol"; big endian)::

    EF 01 | address u32 | kind u8 | length u16 = payload + 2 | payload | sum u16

`sum` is the 16-bit sum of kind, both length bytes and the payload. Must never hand out a packet whose sum, address,
kind or length is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

START = b"\xef\x01"
ADDRESS = b"\xff\xff\xff\xff"
HEADER_BYTES = 9
OVERHEAD_BYTES = 11
"""Header and checksum: what a packet costs beyond its payload."""
MAX_PAYLOAD_BYTES = 256
BOOT_BYTE = 0x55
"""Sent once after power-on; at any other time it means that the module has restarted and forgotten its buffers."""


class Kind(IntEnum):
    COMMAND = 1
    DATA = 2
    ACK = 7
    END = 8


class Command(IntEnum):
    """Instruction codes (R307 manual, R503 manual V1.2.2)."""

    GET_IMAGE = 0x01
    IMAGE_TO_TZ = 0x02
    MATCH = 0x03
    SEARCH = 0x04
    REG_MODEL = 0x05
    STORE = 0x06
    LOAD = 0x07
    UP_CHAR = 0x08
    DOWN_CHAR = 0x09
    UP_IMAGE = 0x0A
    DOWN_IMAGE = 0x0B
    DELETE = 0x0C
    EMPTY = 0x0D
    SET_SYS_PARA = 0x0E
    READ_SYS_PARA = 0x0F
    SET_PASSWORD = 0x12
    VERIFY_PASSWORD = 0x13
    GET_RANDOM = 0x14
    SET_ADDRESS = 0x15
    READ_INFO_PAGE = 0x16
    WRITE_NOTEPAD = 0x18
    READ_NOTEPAD = 0x19
    FAST_SEARCH = 0x1B
    TEMPLATE_COUNT = 0x1D
    READ_INDEX = 0x1F
    CANCEL = 0x30
    AURA_LED = 0x35
    CHECK_SENSOR = 0x36
    SOFT_RESET = 0x3D
    HANDSHAKE = 0x40
    LED_ON = 0x50
    LED_OFF = 0x51
    ECHO = 0x53


class Code(IntEnum):
    """Confirmation codes (same manuals)."""

    OK = 0x00
    RECEIVE_ERROR = 0x01
    NO_FINGER = 0x02
    IMAGE_FAIL = 0x03
    IMAGE_MESSY = 0x06
    FEATURE_FAIL = 0x07
    NO_MATCH = 0x08
    NOT_FOUND = 0x09
    ENROLL_MISMATCH = 0x0A
    BAD_LOCATION = 0x0B
    DB_READ_FAIL = 0x0C
    UP_CHAR_FAIL = 0x0D
    DATA_REFUSED = 0x0E
    UP_IMAGE_FAIL = 0x0F
    DELETE_FAIL = 0x10
    CLEAR_FAIL = 0x11
    WRONG_PASSWORD = 0x13
    NO_VALID_IMAGE = 0x15
    FLASH_ERROR = 0x18
    INVALID_REGISTER = 0x1A
    WRONG_ADDRESS = 0x20
    PASSWORD_NEEDED = 0x21
    MODULE_OK = 0x55


IDEMPOTENT = frozenset(
    {
        Command.IMAGE_TO_TZ,
        Command.MATCH,
        Command.SEARCH,
        Command.UP_CHAR,
        Command.UP_IMAGE,
        Command.READ_SYS_PARA,
        Command.VERIFY_PASSWORD,
        Command.TEMPLATE_COUNT,
        Command.READ_INDEX,
        Command.AURA_LED,
    }
)
"""Commands that may be sent twice without changing what the module holds. Everything else is never repeated blindly."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet. `payload` is 1..256 bytes on the line; longer ones exist only between us and the library."""

    kind: Kind
    payload: bytes
    address: bytes = ADDRESS

    def pack(self) -> bytes:
        """The bytes on the line."""
        length = len(self.payload) + 2
        head = bytes([self.kind, length >> 8, length & 0xFF])
        total = (sum(head) + sum(self.payload)) & 0xFFFF
        return START + self.address + head + self.payload + total.to_bytes(2, "big")


def command(code: int, *arguments: int) -> bytes:
    """A command packet ready to send. `arguments` are single bytes."""
    return Packet(Kind.COMMAND, bytes([code, *arguments])).pack()


@dataclass(slots=True)
class PacketReader:
    """Incremental parser that finds its way back to the next `EF 01` after any damage.

    Attributes:
        damaged: packets or starts that did not hold what they promised, since `reset`.
        noise: bytes skipped between packets since `reset` (the last 64).
    """

    address: bytes = ADDRESS
    max_payload_bytes: int = MAX_PAYLOAD_BYTES
    damaged: int = 0
    noise: bytearray = field(default_factory=bytearray)
    _buffer: bytearray = field(default_factory=bytearray)

    def feed(self, chunk: bytes) -> None:
        """Appends what came from the line."""
        self._buffer += chunk

    def reset(self) -> None:
        """Forgets everything that is not yet a packet."""
        self._buffer.clear()
        self.noise.clear()
        self.damaged = 0

    def next(self) -> Packet | None:
        """The next whole, correct packet, or None when more bytes are needed."""
        while True:
            self._skip_to_start()
            if len(self._buffer) < HEADER_BYTES:
                return None
            kind, length = self._buffer[6], int.from_bytes(self._buffer[7:9], "big")
            if not self._plausible(kind, length):
                self._reject_start()
                continue
            end = HEADER_BYTES + length
            if len(self._buffer) < end:
                return None
            payload = bytes(self._buffer[HEADER_BYTES : end - 2])
            if (sum(self._buffer[6:9]) + sum(payload)) & 0xFFFF != int.from_bytes(self._buffer[end - 2 : end], "big"):
                self._reject_start()
                continue
            del self._buffer[:end]
            return Packet(Kind(kind), payload, self.address)

    def _plausible(self, kind: int, length: int) -> bool:
        known = kind in Kind._value2member_map_
        return known and 3 <= length <= self.max_payload_bytes + 2 and self._buffer[2:6] == self.address

    def _skip_to_start(self) -> None:
        at = self._buffer.find(START)
        if at < 0:
            keep = 1 if self._buffer[-1:] == START[:1] else 0
            at = len(self._buffer) - keep
        if at > 0:
            self.noise += self._buffer[:at]
            del self.noise[:-64]
            del self._buffer[:at]

    def _reject_start(self) -> None:
        self.damaged += 1
        del self._buffer[: len(START)]
