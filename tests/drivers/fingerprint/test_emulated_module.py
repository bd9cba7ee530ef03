"""The emulated module answers the bare library and the control socket as a real one would."""

from __future__ import annotations

import json
import socket
import stat

import pytest
import serial
from adafruit_fingerprint import Adafruit_Fingerprint

from drivers.errors import DeviceFault, DeviceMissing
from drivers.fingerprint.profiles import PROFILES
from drivers.fingerprint.proto import Code, Command, Kind, PacketReader, command
from drivers.fingerprint.remote import SensorRemote


@pytest.fixture
def line(rig):
    rig.remote.request("baud", 115_200)
    with serial.Serial(str(rig.process.link), 115_200, timeout=2, exclusive=True) as opened:
        yield opened


def test_every_method_of_the_bare_library_is_answered(rig, line) -> None:
    """The library alone, without our port object, on an undisturbed line."""
    profile = PROFILES[rig.profile]
    library = Adafruit_Fingerprint(line)
    library.set_sysparam(6, 3)
    library.set_sysparam(5, 2)
    rig.remote.place("lib", "left_index", seed=1)
    codes = [library.get_image(), library.image_2_tz(1)]
    rig.remote.place("lib", "left_index", seed=2)
    codes += [library.get_image(), library.image_2_tz(2), library.create_model(), library.store_model(3)]
    template = library.get_fpdata("char", 1)
    codes += [library.load_model(3, 1), library.count_templates(), library.read_templates()]
    counted, listed = library.template_count, list(library.templates)
    codes += [library.finger_search(), library.finger_fast_search()]
    found = library.finger_id
    codes += [library.get_image(), library.image_2_tz(2), library.compare_templates()]
    image = library.get_fpdata("image")
    library.send_fpdata(template, "char", 2)
    codes += [library.delete_model(3), library.empty_library(), library.verify_password(), library.read_sysparam()]

    assert codes == [Code.OK] * len(codes)
    assert (len(image), len(template)) == (profile.image_bytes, profile.template_bytes)
    assert (counted, listed, found) == (1, [3], 3)
    assert library.library_size == profile.capacity
    assert library.check_module() is True
    assert library.set_led(2, 3) == (Code.OK if profile.ring else Code.RECEIVE_ERROR)
    library.soft_reset()


def test_the_model_buffer_is_what_the_r503_uploads(rig, line) -> None:
    """R503: nothing to upload before RegModel, whatever the buffer number; R307: the character file of that buffer."""
    library = Adafruit_Fingerprint(line)
    rig.remote.place("lib", "left_index", seed=1)
    library.get_image()
    library.image_2_tz(1)
    line.write(command(Command.UP_CHAR, 1))
    answer = line.read(12)

    assert answer[9] == (Code.UP_CHAR_FAIL if PROFILES[rig.profile].model_buffer else Code.OK)


def test_a_wrong_rate_gives_nothing_sensible(rig, line) -> None:
    """The host's rate is read from the terminal."""
    line.timeout = 0.3
    line.baudrate = 9600
    line.write(command(Command.READ_SYS_PARA))
    reader = PacketReader()
    reader.feed(line.read(28))

    assert reader.next() is None


@pytest.mark.parametrize("code", [0x12, 0x14, 0x16, 0x18, 0x19, 0x30, 0x36, 0x40, 0x50, 0x51, 0x77])
def test_commands_beyond_the_library_get_an_acknowledgement(rig, line, code: int) -> None:
    """Also an unknown one, with an error code."""
    line.write(command(code, 0, 0, 0, 0))
    reader = PacketReader()
    while (packet := reader.next()) is None:
        chunk = line.read(1)
        assert chunk
        reader.feed(chunk)

    assert packet.kind is Kind.ACK
    assert (packet.payload[0] == Code.RECEIVE_ERROR) >= (code == 0x77)


def test_an_empty_platen_and_a_full_one_differ(rig, line) -> None:
    """02 without a finger, 00 with one, 02 after the lift."""
    library = Adafruit_Fingerprint(line)
    codes = [library.get_image()]
    rig.remote.place("lib", "right_ring")
    codes.append(library.get_image())
    rig.remote.lift()
    codes.append(library.get_image())

    assert codes == [Code.NO_FINGER, Code.OK, Code.NO_FINGER]


def test_auto_places_and_lifts_by_itself(line_rig) -> None:
    """A whole finger without anybody touching the remote control."""
    driver = line_rig.ready()
    line_rig.remote.auto("auto", "right_thumb")
    from wire.fingers import FingerPosition

    attempt = line_rig.capture(driver, FingerPosition.RIGHT_THUMB, lambda _: None)

    assert len(attempt.presses) == 3


def test_only_the_owner_may_open_the_control_socket(line_rig) -> None:
    """Mode 0600."""
    assert stat.S_IMODE(line_rig.process.control.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "request_",
    [
        {"nonsense": 1},
        {"mute": -1},
        {"mute": 1, "lift": True},
        {"corrupt": {"rate": 2}},
        {"place": {"person": "p"}},
        {"password": "zz"},
        {"swap": "r999"},
        {},
        [],
        "x",
    ],
)
def test_a_wrong_request_is_answered_with_a_reason_and_changes_nothing(line_rig, request_) -> None:
    """Every line has an answer."""
    before = line_rig.remote.status()
    with socket.socket(socket.AF_UNIX) as raw:
        raw.connect(str(line_rig.process.control))
        raw.sendall(json.dumps(request_).encode() + b"\n{broken\n")
        raw.settimeout(5)
        lines = raw.makefile()
        answers = [json.loads(lines.readline()) for _ in range(2)]

    assert [answer["ok"] for answer in answers] == [False, False]
    assert all(answer["error"] for answer in answers)
    assert line_rig.remote.status() == before


def test_the_remote_control_names_what_is_wrong(line_rig, tmp_path) -> None:
    """No socket: DeviceMissing; refused: DeviceFault."""
    with pytest.raises(DeviceMissing):
        SensorRemote(tmp_path / "absent.sock")
    with pytest.raises(DeviceFault, match="mute"):
        line_rig.remote.request("mute", "x")
