"""Cases are opened only from the centre, for this station, in time; bundles are sealed so that the centre can open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from station.capture.sealing import Provenance, assemble
from station.capture.vault import Vault
from station.errors import CaseUnusable, KeyFileUnusable
from station.workflow.session import Session
from tests.station.workflow.conftest import BUNDLE, CAMERA, DOSSIER, SENSOR, at, make_case, make_finger, make_portrait
from wire import envelope
from wire.bundle import Bundle, Consent, Giver
from wire.case import CaseOrder
from wire.envelope import EnvelopeType, Routing
from wire.fingers import FingerPosition
from wire.keys import KeyInvalid, OpeningKey, SigningKey

Centre = tuple[SigningKey, OpeningKey]


def sealed_case(vault: Vault, centre: Centre, case: CaseOrder, **routing: str) -> bytes:
    facts = {"sender": "centre", "recipient": "st-0001", "object_id": DOSSIER} | routing
    return envelope.seal(
        case.encode(), Routing(EnvelopeType.CASE, **facts), [centre[0]], [vault.opening.sealing_key], os.urandom
    )


def test_opens_the_centres_case(vault: Vault, centre: Centre) -> None:
    """As sent."""
    case = vault.open_case(sealed_case(vault, centre, make_case()), DOSSIER, 5)

    assert case == make_case()


def test_refuses_a_case_of_another_signer(vault: Vault) -> None:
    """P5: nobody but the centre may send a person to the desk."""
    stranger = (SigningKey.generate(), OpeningKey(os.urandom(32)))

    with pytest.raises(CaseUnusable, match="envelope"):
        vault.open_case(sealed_case(vault, stranger, make_case()), DOSSIER, 5)


@pytest.mark.parametrize(
    ("changed", "routing", "dossier", "wall_ms", "reason"),
    [
        ({}, {}, BUNDLE, 5, "other_station"),
        ({"station_id": "st-0002"}, {}, DOSSIER, 5, "other_station"),
        ({}, {"recipient": "st-0002"}, DOSSIER, 5, "other_station"),
        ({"dossier_id": BUNDLE}, {}, DOSSIER, 5, "other_station"),
        ({}, {}, DOSSIER, 1_900_000_000_001, "expired"),
        ({"plan": []}, {}, DOSSIER, 5, "content"),
    ],
)
def test_refuses_what_does_not_fit(
    vault: Vault,
    centre: Centre,
    changed: dict[str, object],
    routing: dict[str, str],
    dossier: str,
    wall_ms: int,
    reason: str,
) -> None:
    """Routing, file name and content must all say the same."""
    case = make_case().model_copy(update=changed)

    with pytest.raises(CaseUnusable, match=reason):
        vault.open_case(sealed_case(vault, centre, case, **routing), dossier, wall_ms)


def test_a_clock_in_1970_expires_no_case(vault: Vault, centre: Centre) -> None:
    """The Pi's clock is not trusted: before the case was issued it says nothing about its end."""
    case = make_case().model_copy(update={"issued_ms": 1_790_000_000_000})

    assert vault.open_case(sealed_case(vault, centre, case), DOSSIER, 1000) == case


def session() -> Session:
    case = make_case()
    consent = Consent(
        text_id="consent-1", text_sha256=case.consent.sha256, language="en", given_by=Giver.APPLICANT, at=at(1)
    )
    return Session(
        bundle_id=BUNDLE,
        officer_id="CB01",
        case=case,
        started=at(0),
        consent=consent,
        portrait=make_portrait(),
        fingers=[make_finger(FingerPosition.RIGHT_INDEX), make_finger(FingerPosition.LEFT_INDEX)],
        devices=[CAMERA, SENSOR],
        confirmed=at(9),
    )


PROVENANCE = Provenance("st-0001", "software-1", {"portrait": "portrait-1"}, {"m": b"w" * 32})


def test_centre_opens_what_the_station_sealed(vault: Vault, centre: Centre) -> None:
    """Only the centre, only with the station's signature; the bundle is what the session was."""
    sealed = vault.seal(assemble(session(), PROVENANCE))
    verified = envelope.verify(envelope.parse(sealed), [vault.signer.verifying_key])
    bundle = Bundle.decode(envelope.open_content(verified, [centre[1]]))

    assert bundle == assemble(session(), PROVENANCE)
    assert bundle.document.surname == "MẪU"
    assert "MẪU".encode() not in sealed
    with pytest.raises(envelope.EnvelopeRejected, match="not_for_us"):
        envelope.open_content(verified, [vault.opening])


def test_unconfirmed_session_is_never_assembled() -> None:
    """Nothing leaves without the officer's confirmation."""
    with pytest.raises(ValueError, match="not complete"):
        assemble(session().model_copy(update={"confirmed": None}), PROVENANCE)


def test_missing_key_file_is_named(tmp_path: Path) -> None:
    """The admin reads which file."""
    with pytest.raises(KeyFileUnusable, match=r"signing\.json"):
        Vault.load("st-0001", tmp_path)


def test_wrong_key_file_is_refused(tmp_path: Path) -> None:
    """A public key where a private one belongs."""
    (tmp_path / "signing.json").write_text(SigningKey.generate().verifying_key.to_json())

    with pytest.raises(KeyInvalid):
        Vault.load("st-0001", tmp_path)
