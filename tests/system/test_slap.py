"""A slap scanner at the desk: the same daemon, the same workflow, another driver."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from drivers.fingerprint.remote import EmulatedSbiProcess
from tests.station.workflow.conftest import DOSSIER
from tests.station.workflow.test_slap import LEFT, RIGHT, THUMBS, slap_case
from tests.system.conftest import LoneMaker, LoneStation, desk_of
from wire.bundle import FingerState
from wire.fingers import FingerPosition


def sent_as(station: LoneStation) -> dict[bytes, str]:
    """What the scanner really imaged: SHA-256 of the pixels, finger."""
    service = station.rig.sensor_process
    assert isinstance(service, EmulatedSbiProcess)
    with closing(station.rig.sensor()) as remote:
        return {bytes.fromhex(digest): finger for digest, _, finger in remote.status()["sent"]}


def test_ten_fingers_in_three_captures(lone: LoneMaker, portrait: Path) -> None:
    """Four, four and the thumbs; each image stands under the finger that was imaged."""
    station = lone(profile="sbi")
    station.put_case(slap_case())
    station.rig.start(link=False)
    with desk_of(station.rig, portrait) as desk:
        desk.enrol(DOSSIER)
        asked = [screen for screen in desk.seen if screen.startswith("finger.") and screen.endswith(".place")]
    bundle = station.bundle()
    imaged = sent_as(station)

    assert len(dict.fromkeys(asked)) == 3
    assert [finger.position for finger in bundle.fingers] == [*RIGHT, *LEFT, *THUMBS]
    for finger in bundle.fingers:
        assert [imaged[press.packed_sha256] for press in finger.presses] == [finger.position.key]
    assert {device.device_class for device in bundle.devices} == {"rgb-camera", "slap-optical"}
    assert {line.position for line in bundle.attempts if line.step == "finger"} == set(FingerPosition)


def test_missing_finger_is_signed_and_the_rest_of_the_hand_is_taken(lone: LoneMaker, portrait: Path) -> None:
    """The officer signs one finger; the scanner is asked for the other three of that hand."""
    station = lone(profile="sbi")
    station.put_case(slap_case())
    station.rig.start(link=False)
    with desk_of(station.rig, portrait) as desk:
        desk.skip = frozenset({"left_middle"})
        desk.enrol(DOSSIER)
    bundle = station.bundle()
    states = {finger.position: finger.state for finger in bundle.fingers}

    assert states.pop(FingerPosition.LEFT_MIDDLE) is FingerState.MISSING
    assert set(states.values()) == {FingerState.CAPTURED}
    assert [entry.subject for entry in bundle.exceptions if entry.subject != "document"] == ["finger.left_middle"]


def test_scanner_that_lies_gets_nothing_into_the_bundle(lone: LoneMaker, portrait: Path) -> None:
    """A finger that was not asked for, then an honest answer: only the honest one is kept."""
    station = lone(profile="sbi")
    station.put_case(slap_case())
    station.rig.start(link=False)
    with closing(station.rig.sensor()) as remote:
        remote.request("lie", "wrong_finger")
    with desk_of(station.rig, portrait) as desk:
        desk.enrol(DOSSIER)
    bundle = station.bundle()
    imaged = sent_as(station)
    told = station.rig.capture.log.read_text("utf-8")

    assert [finger.position for finger in bundle.fingers] == [*RIGHT, *LEFT, *THUMBS]
    for finger in bundle.fingers:
        assert [imaged[press.packed_sha256] for press in finger.presses] == [finger.position.key]
    assert "error.fingerprint.sbi" in told
