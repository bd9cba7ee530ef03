"""`open`: verified first, whole or not at all; what is written reads back in independent formats."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from PIL import features

from central.errors import EnvelopeUnreadable, OutputExists, StationUnknown
from central.opening import RECORD_IMAGES, files_of, open_envelope
from tests.central.centre import Centre
from tests.central.site import OTHER_STATION
from wire.bundle import Bundle, Device, QualityComponent
from wire.envelope import EnvelopeRejected, Reason
from wire.fingers import FingerPosition
from wire.keys import OpeningKey
from wire.records import fac, fir, png4
from wire.records.errors import RecordInvalid
from wire.records.fir import Technology


@pytest.fixture
def bundle(sqlite_centre: Centre) -> Bundle:
    return sqlite_centre.bundle(sqlite_centre.register())


@pytest.fixture
def envelope_file(sqlite_centre: Centre, bundle: Bundle, tmp_path: Path) -> Path:
    path = tmp_path / "bundle.cose"
    path.write_bytes(sqlite_centre.sealed(bundle))
    return path


def test_everything_in_the_bundle_is_written(
    sqlite_centre: Centre, bundle: Bundle, envelope_file: Path, tmp_path: Path
) -> None:
    """JSON, portrait and presses as captured, and one ISO record for each, readable by the readers of the standard."""
    out = tmp_path / "opened"
    centre = sqlite_centre
    written = open_envelope(envelope_file, out, centre.stations, centre.keys.opening)

    value = json.loads((out / "bundle.json").read_bytes())
    press = bundle.fingers[0].presses[0]
    record, _ = fir.read((out / "right_index-1.fir").read_bytes())
    assert sorted(path.name for path in written) == sorted(path.name for path in out.iterdir())
    assert value["document"]["number"] == bundle.document.number
    assert value["fingers"][0]["presses"][0]["png"] == "right_index-1.png"
    assert (out / "portrait.jpg").read_bytes() == bundle.portrait.jpeg
    assert (out / "right_index-1.png").read_bytes() == press.png
    assert fac.read((out / "portrait.fac").read_bytes()).jpeg == bundle.portrait.jpeg
    assert (record.position, record.ppi) == (FingerPosition.RIGHT_INDEX, press.ppi)
    assert hashlib.sha256(png4.pack(record.image.pixels)).digest() == press.packed_sha256


@pytest.mark.parametrize(
    ("classes", "technology"),
    [
        (["single-capacitive"], Technology.SEMICONDUCTOR_CAPACITIVE),
        (["single-optical"], Technology.UNSPECIFIED),
        (["slap-optical"], Technology.UNSPECIFIED),
        (["single-capacitive", "single-optical"], Technology.UNSPECIFIED),
        ([], Technology.UNSPECIFIED),
    ],
)
def test_the_record_says_of_the_device_what_the_bundle_knows(
    sqlite_centre: Centre, classes: list[str], technology: Technology
) -> None:
    """Optical says nothing about light and geometry, by which the standard tells optical devices apart."""
    devices = [Device(kind="fingerprint", driver="d", model="m", device_class=found) for found in classes]
    camera = Device(kind="camera", driver="d", model="m", device_class="rgb-camera")
    bundle = sqlite_centre.bundle(sqlite_centre.register(), devices=[camera, *devices])
    record, _ = fir.read(files_of(bundle)["right_index-1.fir"])

    assert record.technology is technology
    assert (record.vendor, record.device_type) == (0, 0)


def test_only_what_has_a_score_becomes_a_quality_block(sqlite_centre: Centre, bundle: Bundle) -> None:
    """Raw measures are no scores of 0 to 100; a score of ours names no registered algorithm."""
    scored, _ = fir.read(files_of(bundle)["right_index-1.fir"])
    finger = bundle.fingers[0]
    raw = [QualityComponent(name="orientation_certainty", raw=0.8, passed=True)]
    press = finger.presses[0].model_copy(update={"quality": raw})
    plain = bundle.model_copy(update={"fingers": [finger.model_copy(update={"presses": [press]})]})
    unscored, _ = fir.read(files_of(plain)["right_index-1.fir"])

    assert scored.quality == (fir.QualityBlock(80, vendor=0, algorithm=0),)
    assert unscored.quality == ()


@pytest.mark.parametrize("image", sorted(RECORD_IMAGES))
def test_finger_records_come_in_every_lossless_storage(sqlite_centre: Centre, bundle: Bundle, image: str) -> None:
    """Whatever is asked for, the pixels are those that the sensor sent."""
    if image == "jp2" and not features.check("jpg_2000"):
        pytest.skip("this Pillow build has no JPEG 2000 codec")
    record, stored = fir.read(files_of(bundle, RECORD_IMAGES[image])["right_index-1.fir"])
    pixels = record.image.pixels if record.image.bit_depth == 4 else png4.pack(record.image.pixels)

    assert stored is RECORD_IMAGES[image]
    assert hashlib.sha256(pixels).digest() == bundle.fingers[0].presses[0].packed_sha256


def test_the_command_writes_the_storage_asked_for(sqlite_centre: Centre, envelope_file: Path, tmp_path: Path) -> None:
    """`eid-central open --image`; PNG where nothing is said, and another word is refused before anything is opened."""
    cli = sqlite_centre.site.cli
    cli("open", str(envelope_file), "--out", str(tmp_path / "raw"), "--image", "raw")
    cli("open", str(envelope_file), "--out", str(tmp_path / "default"))
    refused = cli("open", str(envelope_file), "--out", str(tmp_path / "wsq"), "--image", "wsq", ok=False)

    found = {name: fir.read((tmp_path / name / "right_index-1.fir").read_bytes())[1] for name in ("raw", "default")}
    assert found == {"raw": fir.Compression.RAW, "default": fir.Compression.PNG}
    assert refused.exit_code != 0
    assert not (tmp_path / "wsq").exists()


def test_a_storage_that_does_not_fit_the_image_writes_nothing(sqlite_centre: Centre, tmp_path: Path) -> None:
    """Pixels of 8 bits are not packed; the folder is not even made."""
    bundle = sqlite_centre.bundle(sqlite_centre.register())
    press = bundle.fingers[0].presses[0]
    grey = png4.unpack(png4.decode(press.png).pixels)
    wide = png4.encode_grey(png4.GreyImage(grey, press.width_px, press.height_px, 8), press.ppi)
    changed = press.model_copy(update={"png": wide, "bit_depth": 8, "packed_sha256": hashlib.sha256(grey).digest()})
    finger = bundle.fingers[0].model_copy(update={"presses": [changed]})
    sealed = tmp_path / "bundle.cose"
    sealed.write_bytes(sqlite_centre.sealed(bundle.model_copy(update={"fingers": [finger]})))

    with pytest.raises(RecordInvalid, match="packed"):
        open_envelope(
            sealed, tmp_path / "out", sqlite_centre.stations, sqlite_centre.keys.opening, RECORD_IMAGES["packed"]
        )
    assert not (tmp_path / "out").exists()


def test_opened_files_are_for_their_owner_alone(sqlite_centre: Centre, envelope_file: Path, tmp_path: Path) -> None:
    """They are personal data in the clear."""
    out = tmp_path / "opened"
    open_envelope(envelope_file, out, sqlite_centre.stations, sqlite_centre.keys.opening)

    assert out.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in out.iterdir()} == {0o600}


def test_changed_envelope_is_not_opened(sqlite_centre: Centre, envelope_file: Path, tmp_path: Path) -> None:
    """P5: the signature comes first; nothing is written."""
    raw = bytearray(envelope_file.read_bytes())
    raw[-1] ^= 1
    envelope_file.write_bytes(raw)

    with pytest.raises(EnvelopeRejected):
        open_envelope(envelope_file, tmp_path / "opened", sqlite_centre.stations, sqlite_centre.keys.opening)
    assert not (tmp_path / "opened").exists()


def test_key_it_was_not_sealed_to_does_not_open_it(sqlite_centre: Centre, envelope_file: Path, tmp_path: Path) -> None:
    """A stolen file without the centre's key is a stone."""
    with pytest.raises(EnvelopeRejected) as caught:
        open_envelope(envelope_file, tmp_path / "opened", sqlite_centre.stations, [OpeningKey(os.urandom(32))])

    assert caught.value.reason is Reason.NOT_FOR_US


def test_station_without_a_record_is_not_believed(sqlite_centre: Centre, envelope_file: Path, tmp_path: Path) -> None:
    """No record, no key to verify with, no opening."""
    sqlite_centre.site.fleet.layout.station_record("st-0001").unlink()

    with pytest.raises(StationUnknown):
        open_envelope(envelope_file, tmp_path / "opened", sqlite_centre.stations, sqlite_centre.keys.opening)


def test_record_of_another_station_does_not_verify_it(
    sqlite_centre: Centre, envelope_file: Path, tmp_path: Path
) -> None:
    """Keys are bound to the name."""
    layout = sqlite_centre.site.fleet.layout
    other = layout.station_record(OTHER_STATION).read_text()
    layout.station_record("st-0001").write_text(other.replace(OTHER_STATION, "st-0001"))

    with pytest.raises(EnvelopeRejected) as caught:
        open_envelope(envelope_file, tmp_path / "opened", sqlite_centre.stations, sqlite_centre.keys.opening)
    assert caught.value.reason is Reason.UNKNOWN_SIGNER


def test_case_order_is_not_a_bundle(sqlite_centre: Centre, tmp_path: Path) -> None:
    """Only what a station captured is opened here."""
    sqlite_centre.register()
    (row,) = [row for row in sqlite_centre.rows("outbound") if row["kind"] == "case"]
    (tmp_path / "case.cose").write_bytes(row["payload"])

    with pytest.raises(EnvelopeRejected) as caught:
        open_envelope(tmp_path / "case.cose", tmp_path / "opened", sqlite_centre.stations, sqlite_centre.keys.opening)
    assert caught.value.reason is Reason.WRONG_TYPE


def test_full_folder_is_left_alone(sqlite_centre: Centre, envelope_file: Path, tmp_path: Path) -> None:
    """Nothing is overwritten."""
    (tmp_path / "opened").mkdir()
    (tmp_path / "opened" / "mine").write_text("keep")

    with pytest.raises(OutputExists):
        open_envelope(envelope_file, tmp_path / "opened", sqlite_centre.stations, sqlite_centre.keys.opening)


def test_missing_envelope_is_named(sqlite_centre: Centre, tmp_path: Path) -> None:
    """One sentence."""
    with pytest.raises(EnvelopeUnreadable):
        open_envelope(tmp_path / "no", tmp_path / "opened", sqlite_centre.stations, sqlite_centre.keys.opening)
