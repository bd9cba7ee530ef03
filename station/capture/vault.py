"""The capture daemon's keys: opens cases sealed to this station, seals sessions to the centre.

Must never write a key or an unsealed byte anywhere.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from station.errors import CaseUnusable, KeyFileUnusable
from wire import envelope
from wire.bundle import Bundle
from wire.case import CaseOrder
from wire.envelope import EnvelopeRejected, EnvelopeType, Routing
from wire.errors import WireError
from wire.ids import CENTRE
from wire.keys import KeyInvalid, OpeningKey, SealingKey, Signer, SigningKey, VerifyingKey


@dataclass(frozen=True, slots=True)
class Vault:
    """Everything that opens or seals on this station."""

    station_id: str
    signer: Signer
    opening: OpeningKey
    centre_verifying: VerifyingKey
    centre_sealing: SealingKey

    @classmethod
    def load(cls, station_id: str, key_dir: Path) -> Vault:
        """The keys in `key_dir`: signing.json, opening.json, centre-verifying.json, centre-sealing.json.

        Raises:
            KeyFileUnusable: naming the file.
        """
        return cls(
            station_id=station_id,
            signer=SigningKey.from_json(_read(key_dir / "signing.json")),
            opening=OpeningKey.from_json(_read(key_dir / "opening.json")),
            centre_verifying=VerifyingKey.from_json(_read(key_dir / "centre-verifying.json")),
            centre_sealing=SealingKey.from_json(_read(key_dir / "centre-sealing.json")),
        )

    def open_case(self, data: bytes, dossier_id: str, wall_ms: int) -> CaseOrder:
        """The case in an envelope from the inbox, verified, opened and checked against where it lay.

        Raises:
            CaseUnusable: envelope, content, other_station or expired.
        """
        try:
            verified = envelope.verify(envelope.parse(data), [self.centre_verifying])
            content = envelope.open_content(verified, [self.opening])
        except EnvelopeRejected as error:
            raise CaseUnusable(reason="envelope") from error
        try:
            case = CaseOrder.decode(content)
        except WireError as error:
            raise CaseUnusable(reason="content") from error
        expected = Routing(EnvelopeType.CASE, CENTRE, self.station_id, dossier_id)
        if verified.routing != expected or (case.station_id, case.dossier_id) != (self.station_id, dossier_id):
            raise CaseUnusable(reason="other_station")
        if not case.plan or (wall_ms > case.expires_ms and wall_ms >= case.issued_ms):
            raise CaseUnusable(reason="expired" if case.plan else "content")
        return case

    def seal(self, bundle: Bundle) -> bytes:
        """The envelope of a bundle. Raises EnvelopeRejected (TOO_LARGE)."""
        routing = Routing(EnvelopeType.BUNDLE, self.station_id, CENTRE, bundle.bundle_id)
        return envelope.seal(bundle.encode(), routing, [self.signer], [self.centre_sealing], os.urandom)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyFileUnusable(file=str(path), reason=error.strerror or "unreadable") from error


__all__ = ["KeyInvalid", "Vault"]
