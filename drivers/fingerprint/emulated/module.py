"""The module itself: commands in, replies out, buffers and flash as the manuals describe them. No I/O, no time.

R307: character buffers 1 and 2; RegModel leaves the model in both; UpChar and DownChar name a buffer.
R503: character buffers 1 to 6 and a ModelBuffer that RegModel, UpChar, DownChar, Store and Load work on.
"""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from dataclasses import dataclass, field, replace

import numpy as np

from drivers.fingerprint.emulated import matcher
from drivers.fingerprint.emulated.faults import Faults
from drivers.fingerprint.emulated.platen import Placed, Source
from drivers.fingerprint.profiles import Profile
from drivers.fingerprint.proto import Code, Command, Kind, Packet
from drivers.fingerprint.quality import packed_of

PACKET_BYTES = (32, 64, 128, 256)
_MESSY_BELOW = 0.6
_MIN_MINUTIAE = 6
_BLANK_BELOW = 0.02


@dataclass(slots=True)
class Flash:
    """What survives power loss."""

    library: dict[int, bytes] = field(default_factory=dict)
    baud: int = 57_600
    packet: int = 2
    security: int = 3
    password: bytes = b"\0\0\0\0"


@dataclass(slots=True)
class Reply:
    """What the module answers.

    Attributes:
        packets: acknowledgement and data; empty where it stays silent.
        work: what took it time, for the line's pacing: `image`, `none`, `features`, `match`, `flash` or nothing.
        baud: the new rate after the packets are out.
        boots: True when it restarts after the packets and says so with 55.
    """

    packets: list[Packet] = field(default_factory=list)
    work: str = ""
    baud: int | None = None
    boots: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """One image that left the module."""

    sha256: str
    person: str
    finger: str


class Module:
    """One emulated module. Not thread-safe; the bench guards it."""

    def __init__(self, profile: Profile, source: Source, faults: Faults) -> None:
        self.profile = profile
        self.flash = Flash()
        self.faults = faults
        self.placed: Placed | None = None
        self.auto: Placed | None = None
        self.sent: deque[Sent] = deque(maxlen=512)
        self.commands: Counter[int] = Counter()
        self.ring: deque[tuple[int, int]] = deque(maxlen=256)
        self._source = source
        self._shots = 0
        self._auto_wait = 0
        self.restart()

    def restart(self) -> None:
        """Power-on: every buffer is lost, flash stays."""
        self._image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]] | None = None
        self._image_of = ("", "")
        self._buffers: dict[int, list[bytes]] = {}
        self._model: list[bytes] = []
        self._incoming: tuple[Command, int, bytearray] | None = None
        self._verified = self.flash.password == b"\0\0\0\0"

    def place(self, placed: Placed) -> None:
        """Lays a finger on the sensor."""
        self.placed = placed
        self._shots = 0

    def lift(self) -> None:
        """Takes it away."""
        self.placed = None

    def receive(self, packet: Packet) -> Reply:
        """One packet from the host."""
        if packet.kind in (Kind.DATA, Kind.END):
            self._download(packet)
            return Reply()
        if packet.kind is not Kind.COMMAND:
            return Reply()
        code = packet.payload[0]
        self.commands[code] += 1
        if (refusal := self.faults.refusal(code)) is not None:
            return self._ack(refusal)
        if not self._verified and code != Command.VERIFY_PASSWORD:
            return self._ack(Code.PASSWORD_NEEDED)
        return self._carry_out(code, packet.payload[1:])

    def _carry_out(self, code: int, rest: bytes) -> Reply:
        match code:
            case Command.GET_IMAGE:
                return self._get_image()
            case Command.IMAGE_TO_TZ if rest:
                return self._image_to_tz(rest[0])
            case Command.MATCH:
                return self._match()
            case Command.SEARCH | Command.FAST_SEARCH if len(rest) >= 5:
                start, count = int.from_bytes(rest[1:3], "big"), int.from_bytes(rest[3:5], "big")
                return self._search(rest[0], start, count)
            case Command.REG_MODEL:
                return self._reg_model()
            case Command.UP_CHAR if rest:
                return self._up_char(rest[0])
            case Command.UP_IMAGE:
                return self._up_image()
            case Command.DOWN_CHAR | Command.DOWN_IMAGE:
                self._incoming = (Command(code), rest[0] if rest else 1, bytearray())
                return self._ack(Code.OK)
            case _:
                return self._library(code, rest) or self._system(code, rest) or self._ack(Code.RECEIVE_ERROR)

    def _library(self, code: int, rest: bytes) -> Reply | None:
        library = self.flash.library
        match code:
            case Command.STORE if len(rest) >= 3:
                return self._store(rest[0], int.from_bytes(rest[1:3], "big"))
            case Command.LOAD if len(rest) >= 3:
                page = int.from_bytes(rest[1:3], "big")
                if page not in library:
                    return self._ack(Code.DB_READ_FAIL)
                self._fill(rest[0], _split(library[page], self.profile.char_bytes))
                return self._ack(Code.OK)
            case Command.DELETE if len(rest) >= 4:
                first, count = int.from_bytes(rest[:2], "big"), int.from_bytes(rest[2:4], "big")
                for page in range(first, first + count):
                    library.pop(page, None)
                return self._ack(Code.OK, work="flash")
            case Command.EMPTY:
                library.clear()
                return self._ack(Code.OK, work="flash")
            case Command.TEMPLATE_COUNT:
                return self._ack(Code.OK, len(library).to_bytes(2, "big"))
            case Command.READ_INDEX if rest:
                bits = bytearray(32)
                for page in library:
                    if page // 256 == rest[0]:
                        bits[page % 256 // 8] |= 1 << page % 8
                return self._ack(Code.OK, bytes(bits))
            case _:
                return None

    def _system(self, code: int, rest: bytes) -> Reply | None:
        flash = self.flash
        match code:
            case Command.VERIFY_PASSWORD:
                self._verified = rest[:4] == flash.password
                return self._ack(Code.OK if self._verified else Code.WRONG_PASSWORD)
            case Command.READ_SYS_PARA:
                numbers = (0, 9, self.profile.capacity, flash.security)
                tail = b"\xff\xff\xff\xff" + flash.packet.to_bytes(2, "big") + (flash.baud // 9600).to_bytes(2, "big")
                return self._ack(Code.OK, b"".join(number.to_bytes(2, "big") for number in numbers) + tail)
            case Command.SET_SYS_PARA if len(rest) >= 2:
                return self._set_parameter(rest[0], rest[1])
            case Command.SET_PASSWORD if len(rest) >= 4:
                flash.password = bytes(rest[:4])
                return self._ack(Code.OK)
            case Command.GET_RANDOM:
                return self._ack(Code.OK, hashlib.sha256(str(self.commands).encode()).digest()[:4])
            case Command.READ_INFO_PAGE:
                text = self.profile.name.encode().ljust(512, b"\0")
                return Reply([self._ack(Code.OK).packets[0], *self._in_packets(text)])
            case Command.READ_NOTEPAD:
                return self._ack(Code.OK, bytes(32))
            case Command.AURA_LED if len(rest) == 4:
                if not self.profile.ring:
                    return self._ack(Code.RECEIVE_ERROR)
                self.ring.append((rest[2], rest[0]))
                return self._ack(Code.OK)
            case Command.SOFT_RESET:
                reply = self._ack(Code.OK)
                reply.boots = True
                return reply
            case Command.ECHO:
                return self._ack(Code.MODULE_OK)
            case Command.LED_ON | Command.LED_OFF:
                return self._ack(Code.RECEIVE_ERROR if self.profile.ring else Code.OK)
            case Command.HANDSHAKE | Command.CHECK_SENSOR | Command.WRITE_NOTEPAD | Command.CANCEL:
                return self._ack(Code.OK)
            case _:
                return None

    def _set_parameter(self, number: int, value: int) -> Reply:
        reply = self._ack(Code.OK, work="flash")
        if number == 4 and 1 <= value <= 12:
            reply.baud = 9600 * value
        elif number == 5 and 1 <= value <= 5:
            self.flash.security = value
        elif number == 6 and 0 <= value <= 3:
            self.flash.packet = value
        else:
            return self._ack(Code.INVALID_REGISTER)
        return reply

    def _get_image(self) -> Reply:
        self._play_along()
        if self.placed is None:
            return self._ack(Code.NO_FINGER, work="none")
        if not (self.faults.frozen and self._image is not None):
            shot, self._shots = self._shots, self._shots + 1
            self._image = self._source.picture(self.placed, self.profile.width_px, self.profile.height_px, shot)
            self._image_of = (self.placed.person, self.placed.finger)
        return self._ack(Code.OK, work="image")

    def _play_along(self) -> None:
        """The obedient applicant: away after each press, back after two looks at an empty sensor."""
        if self.auto is None or self.placed is not None:
            return
        self._auto_wait += 1
        if self._auto_wait > 2:
            self._auto_wait = 0
            seed = self.auto.touch.seed + 1
            self.auto = replace(self.auto, touch=replace(self.auto.touch, seed=seed))
            self.place(self.auto)

    def _image_to_tz(self, buffer: int) -> Reply:
        if not 1 <= buffer <= self.profile.char_buffers:
            return self._ack(Code.RECEIVE_ERROR)
        if self._image is None:
            return self._ack(Code.NO_VALID_IMAGE)
        found = matcher.features(self._image)
        if found.foreground < _BLANK_BELOW:
            return self._ack(Code.NO_VALID_IMAGE, work="features")
        if found.clarity < _MESSY_BELOW:
            return self._ack(Code.IMAGE_MESSY, work="features")
        if len(found.minutiae) < _MIN_MINUTIAE:
            return self._ack(Code.FEATURE_FAIL, work="features")
        self._buffers[buffer] = [matcher.pack(found.minutiae, self.profile.char_bytes)]
        return self._ack(Code.OK, work="features")

    def _match(self) -> Reply:
        score = matcher.match_files(self._buffers.get(1, []), self._buffers.get(2, []))
        same = score >= self._threshold()
        return self._ack(Code.OK if same else Code.NO_MATCH, score.to_bytes(2, "big"), work="match")

    def _search(self, buffer: int, start: int, count: int) -> Reply:
        probe = self._buffers.get(buffer, [])
        scored = [
            (matcher.match_files(probe, _split(template, self.profile.char_bytes)), page)
            for page, template in self.flash.library.items()
            if start <= page < start + count
        ]
        score, page = max(scored, default=(0, 0))
        if score < self._threshold():
            return self._ack(Code.NOT_FOUND, bytes(4), work="match")
        return self._ack(Code.OK, page.to_bytes(2, "big") + score.to_bytes(2, "big"), work="match")

    def _reg_model(self) -> Reply:
        filled = [self._buffers[buffer] for buffer in sorted(self._buffers)]
        if len(filled) < 2:
            return self._ack(Code.ENROLL_MISMATCH)
        first = filled[0]
        if any(matcher.match_files(first, other) < self._threshold() for other in filled[1:]):
            return self._ack(Code.ENROLL_MISMATCH, work="match")
        room = self.profile.template_bytes // self.profile.char_bytes
        model = [file for files in filled for file in files][:room]
        self._fill(1, model)
        if not self.profile.model_buffer:
            self._fill(2, model)
        return self._ack(Code.OK, work="match")

    def _fill(self, buffer: int, model: list[bytes]) -> None:
        if self.profile.model_buffer:
            self._model = list(model)
        else:
            self._buffers[buffer] = list(model)

    def _model_in(self, buffer: int) -> list[bytes]:
        return self._model if self.profile.model_buffer else self._buffers.get(buffer, [])

    def _store(self, buffer: int, page: int) -> Reply:
        model = self._model_in(buffer)
        if page >= self.profile.capacity:
            return self._ack(Code.BAD_LOCATION)
        if not model:
            return self._ack(Code.FLASH_ERROR)
        self.flash.library[page] = self._joined(model)
        return self._ack(Code.OK, work="flash")

    def _up_char(self, buffer: int) -> Reply:
        model = self._model_in(buffer)
        if not model:
            return self._ack(Code.UP_CHAR_FAIL)
        return Reply([self._ack(Code.OK).packets[0], *self._in_packets(self._joined(model))])

    def _up_image(self) -> Reply:
        if self._image is None:
            return self._ack(Code.UP_IMAGE_FAIL)
        if self.auto is not None:
            self.placed = None
        packed = packed_of(self._image)
        self.sent.append(Sent(hashlib.sha256(packed).hexdigest(), *self._image_of))
        return Reply([self._ack(Code.OK).packets[0], *self._in_packets(packed)])

    def _download(self, packet: Packet) -> None:
        if self._incoming is None:
            return
        command, buffer, data = self._incoming
        data += packet.payload
        if packet.kind is not Kind.END:
            return
        self._incoming = None
        if command is Command.DOWN_CHAR and len(data) == self.profile.template_bytes:
            self._fill(buffer, _split(bytes(data), self.profile.char_bytes))

    def _joined(self, files: list[bytes]) -> bytes:
        return b"".join(files).ljust(self.profile.template_bytes, b"\0")

    def _in_packets(self, data: bytes) -> list[Packet]:
        size = PACKET_BYTES[self.flash.packet]
        chunks = [data[at : at + size] for at in range(0, len(data), size)]
        return [Packet(Kind.DATA, chunk) for chunk in chunks[:-1]] + [Packet(Kind.END, chunks[-1])]

    def _threshold(self) -> int:
        return matcher.THRESHOLDS[self.flash.security]

    @staticmethod
    def _ack(code: int, extra: bytes = b"", work: str = "") -> Reply:
        return Reply([Packet(Kind.ACK, bytes([code]) + extra)], work)


def _split(template: bytes, char_bytes: int) -> list[bytes]:
    files = [template[at : at + char_bytes] for at in range(0, len(template), char_bytes)]
    return [file for file in files if file.startswith(matcher.MAGIC)]
