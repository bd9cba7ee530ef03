"""`open`: verified first, whole or not at all; what is written reads back in independent formats."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from central.errors import EnvelopeUnreadable, OutputExists, StationUnknown
from central.opening import open_envelope
from tests.central.centre import Centre
from tests.central.site import OTHER_STATION
from wire.bundle import Bundle
from wire.envelope import EnvelopeRejected, Reason
from wire.fingers import FingerPosition
from wire.keys import OpeningKey
from wire.records import fac, fir, png4


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
