"""The port object below the library: late answers, damage, refusals, deadlines; on a scripted line."""

from __future__ import annotations

import contextlib
import threading
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.fingerprint.errors import CommandRefused, LinkError, SensorRestarted
from drivers.fingerprint.proto import Command, Kind, Packet, command
from drivers.fingerprint.uart import STALE_S, FramedUart, Interrupted

GET_IMAGE, UP_IMAGE = command(Command.GET_IMAGE), command(Command.UP_IMAGE)
OK = Packet(Kind.ACK, b"\0").pack()
NO_FINGER = Packet(Kind.ACK, b"\2").pack()
PARAMETERS = Packet(Kind.ACK, bytes(17)).pack()


class Line:
    """Answers each written command with the next script line; time passes only while reading.

    A script line is (seconds, bytes) pairs counted from the command.
    """

    baudrate = 57_600

    def __init__(self, *script: list[tuple[float, bytes]]) -> None:
        self.now = 0.0
        self.written: list[bytes] = []
        self._script = deque(script)
        self._coming: list[tuple[float, bytes]] = []

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds

    @property
    def in_waiting(self) -> int:
        return sum(len(data) for at, data in self._coming if at <= self.now)

    def read(self, size: int = 1) -> bytes:
        if not self.in_waiting:
            self.now += 0.05
        out = b""
        while self._coming and self._coming[0][0] <= self.now and len(out) < size:
            at, data = self._coming[0]
            room = size - len(out)
            out += data[:room]
            if len(data) <= room:
                self._coming.pop(0)
            else:
                self._coming[0] = (at, data[room:])
        return out

    def write(self, data: bytes) -> int:
        self.written.append(data)
        if self._script:
            self._coming += [(self.now + delay_s, answer) for delay_s, answer in self._script.popleft()]
            self._coming.sort(key=lambda entry: entry[0])
        return len(data)

    def close(self) -> None:
        """Nothing to close."""


def uart(line: Line) -> FramedUart:
    return FramedUart(line, line.clock, line.pause)


def ask(port: FramedUart, request: bytes = GET_IMAGE, size: int = 12) -> bytes:
    port.write(request)
    return port.read(size)


def test_a_checked_answer_passes_unchanged() -> None:
    """What the library reads is what the sensor sent."""
    assert ask(uart(Line([(0.1, NO_FINGER)]))) == NO_FINGER


def test_silence_ends_at_the_deadline() -> None:
    """Two seconds for GetImage, never longer."""
    line = Line([])
    with pytest.raises(LinkError, match="in time"):
        ask(uart(line))

    assert 2.0 <= line.now <= 2.2


def test_a_late_answer_never_passes_for_the_next_one() -> None:
    """The answer to a command given up comes after the next question and is thrown away."""
    late = [(2.5, OK)]
    line = Line(late, [(0.6, PARAMETERS)], [(0.1, NO_FINGER)])
    port = uart(line)
    with pytest.raises(LinkError):
        ask(port)

    assert ask(port) == NO_FINGER
    assert [sent[9] for sent in line.written] == [Command.GET_IMAGE, Command.READ_SYS_PARA, Command.GET_IMAGE]
    assert port.counters.late >= 1


def test_a_question_that_was_itself_given_up_is_not_asked_again_the_same_way() -> None:
    """Its late answer would fit: the next question has an answer of another length."""
    line = Line([], [(1.3, PARAMETERS)], [(0.5, Packet(Kind.ACK, bytes(3)).pack())], [(0.1, OK)])
    port = uart(line)
    for _ in range(2):
        with pytest.raises(LinkError):
            ask(port)

    assert ask(port) == OK
    assert [sent[9] for sent in line.written][1:3] == [Command.READ_SYS_PARA, Command.TEMPLATE_COUNT]


def test_when_every_question_is_open_the_line_must_be_silent_for_long() -> None:
    """The last resort is time."""
    line = Line([], [], [], [], [(0.1, PARAMETERS)], [(0.1, OK)])
    port = uart(line)
    for _ in range(4):
        with pytest.raises(LinkError):
            ask(port)
    before = line.now

    assert ask(port) == OK
    assert line.now - before >= STALE_S


def test_a_wrong_sum_is_no_answer() -> None:
    """The library would have taken it."""
    with pytest.raises(LinkError, match="damaged"):
        ask(uart(Line([(0.1, OK[:-1] + b"\xff")])))


def test_a_boot_byte_means_that_the_module_restarted() -> None:
    """Before, instead of and in front of an answer."""
    for script in ([(0.1, b"\x55")], [(0.1, b"\x55" + OK)]):
        with pytest.raises(SensorRestarted):
            ask(uart(Line(script)))
    line = Line([(0.1, OK), (0.2, b"\x55")], [(0.1, OK)])
    port = uart(line)
    ask(port)
    line.now += 1
    with pytest.raises(SensorRestarted):
        ask(port)


def test_a_short_refusal_is_padded_so_that_its_code_is_seen() -> None:
    """12 bytes where the library waits for 16."""
    answer = ask(uart(Line([(0.1, Packet(Kind.ACK, b"\x09").pack())])), command(Command.SEARCH, 1, 0, 0, 3, 0xE8), 16)

    assert (len(answer), answer[9]) == (16, 9)


def test_password_needed_in_the_middle_means_a_restart() -> None:
    """Code 21 to any other command: the module has forgotten us."""
    with pytest.raises(SensorRestarted):
        ask(uart(Line([(0.1, Packet(Kind.ACK, b"\x21").pack())])))


def transfer(*packets: Packet, head: bytes = OK) -> list[tuple[float, bytes]]:
    return [(0.1, head)] + [(0.1 + 0.01 * i, packet.pack()) for i, packet in enumerate(packets)]


def download(line: Line, expected: int) -> bytes:
    port = uart(line)
    port.expect_data(expected)
    port.write(UP_IMAGE)
    assert port.read(12) == OK
    header = port.read(9)
    size = int.from_bytes(header[7:9], "big") - 2
    body = port.read(size)
    assert len(port.read(2)) == 2
    assert header[6] == Kind.END
    return body


@given(st.lists(st.binary(min_size=1, max_size=256), min_size=1, max_size=6))
def test_a_transfer_arrives_whole_as_one_packet(chunks: list[bytes]) -> None:
    """However it was cut, the library gets one packet and cannot recurse."""
    packets = [Packet(Kind.DATA, chunk) for chunk in chunks[:-1]] + [Packet(Kind.END, chunks[-1])]
    body = b"".join(chunks)

    assert download(Line(transfer(*packets)), len(body)) == body


@pytest.mark.parametrize(
    ("packets", "reason"),
    [
        ([Packet(Kind.DATA, b"ab"), Packet(Kind.END, b"c")], "3 bytes instead of 4"),
        ([Packet(Kind.DATA, b"ab"), Packet(Kind.END, b"cde")], "5 bytes instead of 4"),
        ([Packet(Kind.DATA, b"ab"), Packet(Kind.DATA, b"cd")], "in time"),
        ([Packet(Kind.DATA, b"ab"), Packet(Kind.ACK, b"\0"), Packet(Kind.END, b"cd")], "answer in the middle"),
        ([], "in time"),
    ],
)
def test_a_transfer_of_another_shape_fails(packets: list[Packet], reason: str) -> None:
    """Short, long, without end, interrupted."""
    with pytest.raises(LinkError, match=reason):
        download(Line(transfer(*packets)), 4)


def test_a_transfer_without_a_known_length_is_refused() -> None:
    """Nobody asks for data without saying how much."""
    port = uart(Line(transfer(Packet(Kind.END, b"ab"))))
    port.write(UP_IMAGE)

    with pytest.raises(LinkError, match="unknown length"):
        port.read(12)


def test_a_refused_transfer_says_its_code() -> None:
    """Where the library would fail with an unbound variable."""
    port = uart(Line([(0.1, Packet(Kind.ACK, b"\x0f").pack())]))
    port.expect_data(4)
    port.write(UP_IMAGE)

    with pytest.raises(CommandRefused) as refused:
        port.read(12)
    assert refused.value.code == 0x0F


@given(st.data())
def test_no_damage_of_a_transfer_gives_other_bytes(data: st.DataObject) -> None:
    """Any byte lost, added or changed: the transfer fails, or the bytes are those sent."""
    body = data.draw(st.binary(min_size=40, max_size=40))
    raw = bytearray(OK + Packet(Kind.DATA, body[:20]).pack() + Packet(Kind.END, body[20:]).pack())
    at = data.draw(st.integers(0, len(raw) - 1))
    match data.draw(st.sampled_from(["lose", "add", "change"])):
        case "lose":
            del raw[at]
        case "add":
            raw.insert(at, data.draw(st.integers(0, 255)))
        case _:
            raw[at] ^= data.draw(st.integers(1, 255))

    with contextlib.suppress(LinkError, SensorRestarted, CommandRefused):
        assert download(Line([(0.1, bytes(raw))]), 40) == body


def test_stop_ends_any_wait() -> None:
    """And leaves the line to be resynchronised."""
    line = Line([])
    port = uart(line)
    port.stop = threading.Event()
    port.stop.set()

    with pytest.raises(Interrupted):
        ask(port)
    assert port.unsure
    assert line.now < 0.3


def test_a_line_that_never_falls_silent_is_given_up() -> None:
    """Babble for longer than any transfer."""
    line = Line([(0.05 * i, b"\xaa") for i in range(400)])
    port = uart(line)
    with pytest.raises(LinkError):
        ask(port)
    with pytest.raises(LinkError, match="never falls silent"):
        ask(port)

    assert line.now < 15


def test_a_transfer_of_single_bytes_ends_at_its_bound() -> None:
    """Every packet whole and in time, and the image would take minutes: twice its time on the line, and no more."""
    expected = 2000
    packets = [Packet(Kind.DATA, b"a")] * (expected - 1) + [Packet(Kind.END, b"a")]
    line = Line([(0.1, OK)] + [(0.1 + 0.5 * i, packet.pack()) for i, packet in enumerate(packets)])
    with pytest.raises(LinkError, match="in time|too long"):
        download(line, expected)

    assert line.now < 2 * 10 * expected / line.baudrate + 7
