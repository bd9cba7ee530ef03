"""Everything that can go wrong on purpose, as state that control requests set and the line consults.

Pure: bytes and packets in, bytes out; randomness only from given seeds. Faults of the outgoing line act on whole
replies, so that one reply can lose exactly its third data packet or stop after a given number of bytes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from drivers.fingerprint.proto import Code, Command, Kind, Packet


@dataclass(slots=True)
class ByteNoise:
    """Per-byte damage on the line.

    Attributes:
        kind: `corrupt` flips one bit, `drop` loses the byte, `insert` adds a random one before it.
        rate: probability per byte.
        left: bytes still to be looked at before the noise ends by itself, or None for no end.
    """

    kind: str
    rate: float
    rng: random.Random
    left: int | None = None

    def applied(self, data: bytes) -> bytes:
        out = bytearray()
        for value in data:
            if self.left is not None:
                if self.left <= 0:
                    out.append(value)
                    continue
                self.left -= 1
            if self.rng.random() >= self.rate:
                out.append(value)
            elif self.kind == "corrupt":
                out.append(value ^ 1 << self.rng.randrange(8))
            elif self.kind == "insert":
                out += bytes([self.rng.randrange(256), value])
        return bytes(out)


@dataclass(slots=True)
class Armed:
    """A request kept until the `skip`-th next command of that code arrives."""

    command: int
    skip: int
    request: dict[str, object]


@dataclass(slots=True)
class Faults:
    """The present faults. Counts run down; `clear` ends them all."""

    mute: int = 0
    delay_s: float = 0.0
    delay_left: int = 0
    refuse: dict[int, tuple[int, int]] = field(default_factory=dict)
    bad_checksum: int = 0
    noise: list[ByteNoise] = field(default_factory=list)
    drop_packets: set[int] = field(default_factory=set)
    cut_after: int | None = None
    unplug_after: int | None = None
    overrun: int = 0
    babble_until: float = 0.0
    trickle_s: float = 0.0
    image_fail: int = 0
    messy: int = 0
    feature_fail: int = 0
    frozen: bool = False
    boot_byte: bool = True
    armed: list[Armed] = field(default_factory=list)

    def triggered(self, command: int) -> list[dict[str, object]]:
        """Requests whose command has come."""
        due = []
        for armed in list(self.armed):
            if armed.command != command:
                continue
            if armed.skip:
                armed.skip -= 1
                continue
            self.armed.remove(armed)
            due.append(armed.request)
        return due

    def muted(self) -> bool:
        """True when this command gets no answer."""
        if not self.mute:
            return False
        self.mute -= 1
        return True

    def delay(self) -> float:
        """Seconds this answer is late."""
        if not self.delay_left:
            return 0.0
        self.delay_left -= 1
        return self.delay_s

    def refusal(self, command: int) -> int | None:
        """The code this command is refused with, instead of being carried out."""
        counted = {
            Command.GET_IMAGE: ("image_fail", Code.IMAGE_FAIL),
            Command.IMAGE_TO_TZ: ("messy", Code.IMAGE_MESSY),
        }
        code, left = self.refuse.get(command, (0, 0))
        if left:
            self.refuse[command] = (code, left - 1)
            return code
        if command == Command.IMAGE_TO_TZ and self.feature_fail:
            self.feature_fail -= 1
            return Code.FEATURE_FAIL
        name, answer = counted.get(Command(command), ("", Code.OK)) if command in counted else ("", Code.OK)
        if name and getattr(self, name):
            setattr(self, name, getattr(self, name) - 1)
            return answer
        return None

    def on_line(self, packets: list[Packet]) -> bytes:
        """The bytes of a reply after everything that happens to it on its way."""
        dropped, self.drop_packets = self.drop_packets, set()
        is_transfer = any(packet.kind in (Kind.DATA, Kind.END) for packet in packets)
        if dropped and not is_transfer:
            self.drop_packets, dropped = dropped, set()
        out = bytearray()
        data_index = -1
        for packet in packets:
            if packet.kind in (Kind.DATA, Kind.END):
                data_index += 1
                if data_index in dropped or (packet.kind is Kind.END and -1 in dropped):
                    continue
            out += self._summed(packet.pack())
        raw = bytes(out)
        for noise in self.noise:
            raw = noise.applied(raw)
        self.noise = [noise for noise in self.noise if noise.left is None or noise.left > 0]
        if self.overrun and len(raw) > self.overrun:
            middle = len(raw) // 2
            raw = raw[:middle] + raw[middle + self.overrun :]
            self.overrun = 0
        if self.cut_after is not None and len(raw) > self.cut_after:
            raw = raw[: self.cut_after]
            self.cut_after = None
        return raw

    def _summed(self, raw: bytes) -> bytes:
        if not self.bad_checksum:
            return raw
        self.bad_checksum -= 1
        return raw[:-2] + bytes([raw[-2], raw[-1] ^ 0x5A])
