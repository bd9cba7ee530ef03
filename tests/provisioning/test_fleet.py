"""Fleets and stations on disk."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from provisioning.check import check_station
from provisioning.errors import (
    CertificateExpired,
    CertificateNotYetValid,
    FleetDamaged,
    FleetExists,
    FleetMissing,
    OutputExists,
    StationExists,
    StationFilesInvalid,
    StationNameInvalid,
    StationRevoked,
    StationUnknown,
)
from provisioning.fleet import Fleet
from provisioning.layout import StationLayout
from wire.keys import OpeningKey, SigningKey

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet.create(tmp_path / "fleet", ["127.0.0.1"], NOON)


def test_every_file_is_its_owners_alone(fleet: Fleet, tmp_path: Path) -> None:
    """No key, list or record may be read by another user of the machine."""
    fleet.add_station("st-0001", tmp_path / "station", NOON)
    made = [path for root in (fleet.layout.root, tmp_path / "station") for path in root.rglob("*")]
    open_to_others = [path for path in made if path.name != ".lock" and stat.S_IMODE(path.stat().st_mode) & 0o077]

    assert len(made) > 20
    assert open_to_others == []


def test_the_link_half_holds_no_key_that_signs_or_opens(fleet: Fleet, tmp_path: Path) -> None:
    """The process with the network has nothing that could sign a bundle or open a case."""
    fleet.add_station("st-0001", tmp_path / "station", NOON)
    link = StationLayout(tmp_path / "station").link

    assert sorted(path.name for path in link.iterdir()) == ["ca.crt", "centre-verifying.json", "tls.crt", "tls.key"]


def test_the_record_holds_the_public_halves_of_the_stations_keys(fleet: Fleet, tmp_path: Path) -> None:
    """What the station signs and opens with is what the centre verifies with and seals to."""
    record = fleet.add_station("st-0001", tmp_path / "station", NOON, days=30, office="Quận 1")
    layout = StationLayout(tmp_path / "station")
    signing = SigningKey.from_json(layout.signing_key.read_bytes())
    opening = OpeningKey.from_json(layout.opening_key.read_bytes())

    assert record.verifying() == [signing.verifying_key]
    assert record.sealing() == opening.sealing_key
    assert fleet.stations() == [record]
    assert record.valid_until_ms - record.valid_from_ms == 30 * 86_400_000


def test_the_certificate_names_the_station_and_is_for_clients_only(fleet: Fleet, tmp_path: Path) -> None:
    """RFC 5280: CN and SAN URI name the station; extended key usage is clientAuth and nothing else."""
    fleet.add_station("st-0001", tmp_path / "station", NOON, days=30)
    certificate = x509.load_pem_x509_certificate(StationLayout(tmp_path / "station").tls_certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value

    assert certificate.subject.rfc4514_string() == "CN=st-0001"
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:eid:station:st-0001"]
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert certificate.not_valid_after_utc == NOON + timedelta(days=30)


@pytest.mark.parametrize(
    "name", ["centre", "centre-1", "centre-9x", "St-1", "a", "s.1", "-st", "../st", "s/1", "s" * 33]
)
def test_a_name_that_could_be_taken_for_another_is_refused(fleet: Fleet, tmp_path: Path, name: str) -> None:
    """A station called like a centre worker would inherit its rights at the broker."""
    with pytest.raises(StationNameInvalid):
        fleet.add_station(name, tmp_path / "station", NOON)

    assert not (tmp_path / "station").exists()


def test_nothing_that_exists_is_overwritten(fleet: Fleet, tmp_path: Path) -> None:
    """A fleet, a station and a directory with files in it are each refused by name."""
    fleet.add_station("st-0001", tmp_path / "station", NOON)

    with pytest.raises(FleetExists):
        Fleet.create(fleet.layout.root, ["127.0.0.1"], NOON)
    with pytest.raises(StationExists):
        fleet.add_station("st-0001", tmp_path / "other", NOON)
    with pytest.raises(OutputExists):
        fleet.add_station("st-0002", tmp_path / "station", NOON)


def test_what_is_not_there_is_said_by_name(fleet: Fleet, tmp_path: Path) -> None:
    """No fleet, no station, a broken record."""
    with pytest.raises(FleetMissing):
        Fleet(tmp_path / "nowhere")
    with pytest.raises(StationUnknown):
        fleet.revoke("st-0009", NOON)
    fleet.layout.station_record("st-0007").write_text('{"station_id": "st-0007"}')
    with pytest.raises(FleetDamaged):
        fleet.station("st-0007")


def test_a_replaced_station_gets_new_keys_and_its_old_certificate_is_on_the_list(fleet: Fleet, tmp_path: Path) -> None:
    """A lost card: the old keys count no longer, whoever holds them."""
    before = fleet.add_station("st-0001", tmp_path / "old", NOON)
    after = fleet.add_station("st-0001", tmp_path / "new", NOON, replace=True)
    listed = x509.load_pem_x509_crl(fleet.layout.revocation_list.read_bytes())
    old = x509.load_pem_x509_certificate(StationLayout(tmp_path / "old").tls_certificate.read_bytes())
    new = x509.load_pem_x509_certificate(StationLayout(tmp_path / "new").tls_certificate.read_bytes())

    assert before.verifying_keys != after.verifying_keys
    assert listed.get_revoked_certificate_by_serial_number(old.serial_number) is not None
    assert listed.get_revoked_certificate_by_serial_number(new.serial_number) is None


def test_a_revoked_station_is_refused_everywhere(fleet: Fleet, tmp_path: Path) -> None:
    """Its record, the revocation list and the access list all say so; revoking twice keeps the first time."""
    fleet.add_station("st-0001", tmp_path / "station", NOON)
    fleet.add_station("st-0002", tmp_path / "other", NOON)
    record = fleet.revoke("st-0001", NOON + timedelta(days=1))
    again = fleet.revoke("st-0001", NOON + timedelta(days=2))
    acl = fleet.layout.broker_acl.read_text()

    assert not record.accepts_at(record.valid_from_ms + 1)
    assert again.revoked_ms == record.revoked_ms
    assert "user st-0001\ntopic deny #\n" in acl
    assert "st-0002" not in acl


def test_each_revocation_list_has_a_higher_number_and_a_later_end(fleet: Fleet) -> None:
    """RFC 5280 5.2.3: the numbers of an issuer's lists increase."""
    first = x509.load_pem_x509_crl(fleet.layout.revocation_list.read_bytes())
    fleet.renew_revocation_list(NOON + timedelta(days=60))
    second = x509.load_pem_x509_crl(fleet.layout.revocation_list.read_bytes())
    numbers = [each.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for each in (first, second)]

    assert numbers == [1, 2]
    assert second.next_update_utc == NOON + timedelta(days=150)


def test_a_half_made_fleet_is_made_anew(tmp_path: Path) -> None:
    """An interrupted `init` leaves nothing under the final name and does not stand in the way."""
    (tmp_path / ".fleet.partial" / "admin").mkdir(parents=True)
    (tmp_path / ".fleet.partial" / "admin" / "ca.key").write_text("half")
    fleet = Fleet.create(tmp_path / "fleet", ["127.0.0.1"], NOON)

    assert fleet.stations() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fleet"]


def test_a_stations_files_are_checked(fleet: Fleet, tmp_path: Path) -> None:
    """In order; expired; not yet valid, which on a station means a slow clock."""
    fleet.add_station("st-0001", tmp_path / "station", NOON, days=30)

    assert check_station(tmp_path / "station", NOON) == "st-0001"
    with pytest.raises(CertificateExpired) as expired:
        check_station(tmp_path / "station", NOON + timedelta(days=31))
    with pytest.raises(CertificateNotYetValid):
        check_station(tmp_path / "station", datetime(1970, 1, 1, tzinfo=UTC))
    assert expired.value.params == {"name": "st-0001", "ended": "2026-03-31"}


def test_files_that_do_not_belong_together_are_found(fleet: Fleet, tmp_path: Path) -> None:
    """Missing, open to others, another's key, another fleet's certificate."""
    other = Fleet.create(tmp_path / "other-fleet", ["127.0.0.1"], NOON)
    other.add_station("st-0001", tmp_path / "foreign", NOON)
    for number in range(4):
        fleet.add_station(f"st-000{number}", tmp_path / str(number), NOON)
    layouts = [StationLayout(tmp_path / str(number)) for number in range(4)]
    foreign = StationLayout(tmp_path / "foreign")
    layouts[0].opening_key.unlink()
    layouts[1].tls_key.chmod(0o644)
    layouts[2].tls_key.write_bytes(layouts[1].tls_key.read_bytes())
    layouts[3].tls_certificate.write_bytes(foreign.tls_certificate.read_bytes())
    reasons = []
    for layout in layouts:
        with pytest.raises(StationFilesInvalid) as found:
            check_station(layout.root, NOON)
        reasons.append(str(found.value.params["reason"]))

    assert reasons[0] == "missing"
    assert reasons[1] == "mode 644, wanted 600"
    assert reasons[2] == "not the key of the certificate beside it"
    assert reasons[3] == "not from this fleet's authority"


def test_the_register_is_readable_json(fleet: Fleet, tmp_path: Path) -> None:
    """An admin can see what was ever issued."""
    fleet.add_station("st-0001", tmp_path / "station", NOON)
    register = json.loads(fleet.layout.issued.read_text())

    assert [each["name"] for each in register["issued"]] == ["centre-1", "st-0001"]


def test_a_renewed_station_keeps_its_keys_and_gets_a_later_end(fleet: Fleet, tmp_path: Path) -> None:
    """P1: what it sealed and could not deliver yet is verified with the same keys; its files work together.

    New keys for every new certificate would send the outbox of a station that was offline into quarantine for good.
    """
    files, later = tmp_path / "files", NOON + timedelta(days=60)
    before = fleet.add_station("st-0001", files, NOON, days=90)
    old = x509.load_pem_x509_certificate(StationLayout(files).tls_certificate.read_bytes())

    record = fleet.renew_station("st-0001", tmp_path / "new", later, days=90)
    for name in ("tls.crt", "tls.key", "ca.crt"):
        (tmp_path / "new" / "link" / name).replace(files / "link" / name)
    revoked = x509.load_pem_x509_crl(fleet.layout.revocation_list.read_bytes())

    assert (record.verifying_keys, record.sealing_key) == (before.verifying_keys, before.sealing_key)
    assert record == fleet.station("st-0001")
    assert not before.accepts_at(int((NOON + timedelta(days=100)).timestamp() * 1000))
    assert record.accepts_at(int((NOON + timedelta(days=100)).timestamp() * 1000))
    assert check_station(files, NOON + timedelta(days=100)) == "st-0001"
    assert revoked.get_revoked_certificate_by_serial_number(old.serial_number) is None
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["link"]


def test_a_renewed_certificate_is_revoked_with_its_station(fleet: Fleet, tmp_path: Path) -> None:
    """Both of them are on the list, and a revoked station is not renewed."""
    fleet.add_station("st-0001", tmp_path / "files", NOON)
    fleet.renew_station("st-0001", tmp_path / "new", NOON)
    fleet.revoke("st-0001", NOON)
    revoked = x509.load_pem_x509_crl(fleet.layout.revocation_list.read_bytes())

    assert len(list(revoked)) == 2
    with pytest.raises(StationRevoked):
        fleet.renew_station("st-0001", tmp_path / "newer", NOON)
    with pytest.raises(StationUnknown):
        fleet.renew_station("st-0009", tmp_path / "newer", NOON)
    assert not (tmp_path / "newer").exists()
