"""The port object between the unmodified `adafruit_fingerprint` library and pyserial.

The library (2.2.25) checks no checksum, never finds its way back after a lost byte and takes a late answer for the next
one. It only ever calls `read(n)`, `write(data)` and `close()`, so everything it lacks happens here:

- before each command the line is drained; after any error it is resynchronised (silence, then a question whose answer
  has a length of its own, so that a late answer to an earlier command cannot pass for it);
- only packets with the right start, address, kind, length and sum get through;
- each command has a deadline, and `stop` ends any wait within one serial timeout;
- a short refusal (12 bytes where the library waits for more) is padded, so that the library sees the code;
- a whole transfer is checked, its exact length compared, and handed over as one packet, so the library cannot recurse.

Must never hand over a transfer of another length than `expect_data` said, and never touches a modem line.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from drivers.fingerprint.errors import CommandRefused, LinkError, SensorRestarted
from drivers.fingerprint.proto import (
    BOOT_BYTE,
    OVERHEAD_BYTES,
    Code,
    Command,
    Kind,
    Packet,
    PacketReader,
    command,
)

DEVICE = "fingerprint"
QUIET_S = 0.12
"""Silence after which the sensor is taken to have finished whatever it was sending."""
STALE_S = 3.0
"""Silence after which even a slow answer is no longer expected; used only when every question was already asked."""
DRAIN_LIMIT_S = 10.0
DATA_SILENCE_S = 0.75
TRANSFER_SLACK_S = 5.0
"""A transfer may take twice its time on the line and this much more: a sensor that only trickles has failed."""
_ANSWER_S = {
    Command.GET_IMAGE: 2.0,
    Command.IMAGE_TO_TZ: 2.0,
    Command.REG_MODEL: 2.0,
    Command.SEARCH: 3.0,
    Command.FAST_SEARCH: 3.0,
    Command.EMPTY: 3.0,
}
_ANSWER_DEFAULT_S = 1.0
_QUESTIONS = (
    (Command.READ_SYS_PARA, (), 17),
    (Command.TEMPLATE_COUNT, (), 3),
    (Command.READ_INDEX, (0,), 33),
)
"""Commands without effect whose answers have lengths of their own (payload bytes)."""
_BULK_PAUSE_S = 0.015
"""At line rate a pause gathers bytes, which spares the processor; a line that is faster than that needs none."""
_BULK_BYTES = 1024
_RATE_QUIET_S = 0.05
_RATE_ANSWER_S = 0.4


class SerialLine(Protocol):
    """What is used of `serial.Serial`, opened with a short read timeout."""

    baudrate: int

    @property
    def in_waiting(self) -> int: ...
    def read(self, size: int = 1) -> bytes: ...
    def write(self, data: bytes) -> int | None: ...
    def close(self) -> None: ...


class Interrupted(Exception):
    """`stop` was set while waiting. Not an error: capture answers with STOPPED."""


@dataclass(slots=True)
class LinkCounters:
    """What went wrong on the line since it was opened."""

    damaged: int = 0
    timeouts: int = 0
    resynchronised: int = 0
    late: int = 0


class FramedUart:
    """Checked packets between library and line. One thread.

    Args:
        line: an open serial port with a timeout of about 0.05 s.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        line: SerialLine,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.counters = LinkCounters()
        self.stop: threading.Event | None = None
        self._line = line
        self._clock = clock
        self._pause = pause
        self._reader = PacketReader()
        self._ready = bytearray()
        self._code: int | None = None
        self._expected_data: int | None = None
        self._unsure = False
        self._unanswered: Counter[int] = Counter()
        self._asked = 0

    @property
    def unsure(self) -> bool:
        """True while answers of earlier commands may still be on their way."""
        return self._unsure

    def expect_data(self, size_bytes: int | None) -> None:
        """Says how long the data of the next transfer must be."""
        self._expected_data = size_bytes

    def write(self, data: bytes | bytearray | list[int]) -> None:
        """Sends what the library made. A command first clears the line; data packets pass as they are."""
        raw = bytes(data)
        if raw[6] == Kind.COMMAND:
            if self._unsure:
                self.resynchronise()
            self._clear()
            self._code = raw[9]
        self._line.write(raw)

    def read(self, size: int) -> bytes:
        """Exactly `size` bytes of a checked answer.

        Raises:
            LinkError: late, damaged or of the wrong length; the line is resynchronised before the next command.
            CommandRefused: a transfer was refused.
            SensorRestarted: the module restarted by itself.
            Interrupted: `stop` was set.
        """
        if not self._ready:
            if self._code == Command.SOFT_RESET and size == 1:
                return self._boot_byte()
            self._await_answer(size)
        if len(self._ready) < size:
            raise self._failed("the library asked for more than the answer holds")
        chunk = bytes(self._ready[:size])
        del self._ready[:size]
        return chunk

    def ask_password(self, password: bytes) -> int | None:
        """VerifyPassword at the line's present rate: the confirmation code, or None where no sensible answer comes.

        Used to find the rate, so whatever was unsure before is forgotten; callers go on with a question whose answer
        has a length of its own (the library reads the parameters).
        """
        self._reader.reset()
        self._ready.clear()
        self._unanswered.clear()
        self._unsure = False
        try:
            self._drain(_RATE_QUIET_S)
            self._line.write(command(Command.VERIFY_PASSWORD, *password))
            self._asked = 1
            return self._await_packet(1, self._clock() + _RATE_ANSWER_S).payload[0]
        except (LinkError, SensorRestarted):
            return None
        finally:
            self._unsure = False

    def close(self) -> None:
        """Closes the line; errors of a line that is already gone are of no interest."""
        try:
            self._line.close()
        except OSError:
            return

    def resynchronise(self) -> None:
        """Gets back in step: silence, then a question that only the sensor's next answer can fit.

        Raises:
            LinkError: the sensor does not answer; call again or reopen.
        """
        self._unsure = True
        self.counters.resynchronised += 1
        self._drain(QUIET_S)
        question = next((q for q in _QUESTIONS if not self._unanswered[q[2]]), None)
        if question is None:
            self._drain(STALE_S)
            self._unanswered.clear()
            question = _QUESTIONS[0]
        code, arguments, payload_bytes = question
        self._clear()
        self._line.write(command(code, *arguments))
        self._asked = payload_bytes
        self._await_packet(payload_bytes, self._clock() + _ANSWER_DEFAULT_S)
        self._drain(QUIET_S)
        self._unanswered.clear()
        self._unsure = False

    def _await_answer(self, size: int) -> None:
        code = self._code
        self._asked = size - OVERHEAD_BYTES
        deadline = self._clock() + _ANSWER_S.get(code, _ANSWER_DEFAULT_S)  # type: ignore[call-overload]
        answer = self._await_packet(self._asked, deadline, refusal=True)
        if answer.payload[0] == Code.PASSWORD_NEEDED and code != Command.VERIFY_PASSWORD:
            raise self._restarted()
        self._ready += Packet(Kind.ACK, answer.payload.ljust(self._asked, b"\0")).pack()
        if code in (Command.UP_IMAGE, Command.UP_CHAR):
            if answer.payload[0] != Code.OK:
                self._ready.clear()
                raise CommandRefused(device=DEVICE, command=Command(code).name, code=answer.payload[0])
            self._ready += Packet(Kind.END, self._transfer()).pack()

    def _await_packet(self, payload_bytes: int, deadline: float, *, refusal: bool = False) -> Packet:
        """The acknowledgement of that length. With `refusal`, a bare code other than OK will do as well."""
        while True:
            packet = self._next_packet(deadline)
            if packet.kind is not Kind.ACK:
                self.counters.late += 1
                continue
            if len(packet.payload) == payload_bytes:
                return packet
            if refusal and len(packet.payload) == 1 and packet.payload[0] != Code.OK:
                return packet
            self.counters.late += 1

    def _transfer(self) -> bytes:
        expected = self._expected_data
        if expected is None:
            raise self._failed("transfer of unknown length")
        data = bytearray()
        end = self._clock() + 2 * 10 * expected / self._line.baudrate + TRANSFER_SLACK_S
        while True:
            packet = self._next_packet(min(self._clock() + DATA_SILENCE_S, end), bulk_until=end)
            if self._clock() >= end:
                # Also where every packet is whole: a sensor that sends a byte at a time is not sending an image.
                self.counters.timeouts += 1
                raise self._failed("transfer took too long")
            if self._reader.noise:
                raise self._failed("stray bytes in a transfer")
            if packet.kind not in (Kind.DATA, Kind.END):
                raise self._failed("an answer in the middle of a transfer")
            data += packet.payload
            if len(data) > expected or (packet.kind is Kind.END and len(data) != expected):
                raise self._failed(f"transfer of {len(data)} bytes instead of {expected}")
            if packet.kind is Kind.END:
                return bytes(data)

    def _next_packet(self, deadline: float, *, bulk_until: float | None = None) -> Packet:
        """In a transfer every arriving chunk extends the deadline, up to `bulk_until`: what counts is silence."""
        while (packet := self._reader.next()) is None:
            if self._reader.damaged:
                raise self._failed("damaged packet")
            if bulk_until is not None and len(self._reader.noise) > 1:
                raise self._failed("stray bytes in a transfer")
            if self.stop is not None and self.stop.is_set():
                self._unsure = True
                self._unanswered[self._asked] += 1
                raise Interrupted
            if self._clock() >= deadline:
                self.counters.timeouts += 1
                self._unanswered[self._asked] += 1
                if self._restart_seen():
                    raise self._restarted()
                raise self._failed("no answer in time")
            chunk = self._take()
            if chunk:
                self._reader.feed(chunk)
                if bulk_until is not None:
                    deadline = min(self._clock() + DATA_SILENCE_S, bulk_until)
                    if len(chunk) < _BULK_BYTES:
                        self._pause(_BULK_PAUSE_S)
        if self._reader.damaged:
            raise self._failed("damaged packet")
        if self._restart_seen():
            raise self._restarted()
        return packet

    def _take(self) -> bytes:
        """What has arrived, or one byte within the serial timeout; the first call blocks, the rest only empties."""
        waiting = self._line.in_waiting
        return self._line.read(min(waiting, 4096) if waiting else 1)

    def _clear(self) -> None:
        """Forgets what has arrived before a command. A lone boot byte there means that the module restarted."""
        end = self._clock() + DRAIN_LIMIT_S
        while self._line.in_waiting:
            self._reader.feed(self._take())
            while self._reader.next() is not None:
                self.counters.late += 1
            self._heed(end)
        restarted = self._restart_seen()
        self._reader.reset()
        self._ready.clear()
        if restarted:
            raise self._restarted()

    def _drain(self, quiet_s: float) -> None:
        self._reader.reset()
        self._ready.clear()
        end = self._clock() + DRAIN_LIMIT_S
        quiet_from = self._clock()
        while self._clock() - quiet_from < quiet_s:
            if self._take():
                quiet_from = self._clock()
            self._heed(end)

    def _heed(self, end: float) -> None:
        """Ends the emptying of a line that babbles on."""
        if self.stop is not None and self.stop.is_set():
            self._unsure = True
            raise Interrupted
        if self._clock() > end:
            raise self._failed("the line never falls silent")

    def _restart_seen(self) -> bool:
        return bytes(self._reader.noise) == bytes([BOOT_BYTE])

    def _restarted(self) -> SensorRestarted:
        self._unsure = True
        self._reader.reset()
        return SensorRestarted(device=DEVICE)

    def _boot_byte(self) -> bytes:
        deadline = self._clock() + _ANSWER_DEFAULT_S
        while self._clock() < deadline:
            chunk = self._take()
            if chunk[:1] == bytes([BOOT_BYTE]):
                return chunk[:1]
        raise self._failed("no boot byte after a reset")

    def _failed(self, reason: str) -> LinkError:
        self._unsure = True
        self.counters.damaged += bool(self._reader.damaged)
        self._ready.clear()
        return LinkError(device=DEVICE, reason=reason)
