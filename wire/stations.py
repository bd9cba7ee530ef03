"""What the centre knows of a station: its public keys and until when they count.

Written by fleet admins, read by ingest.
"""

from __future__ import annotations

from pydantic import Field

from wire.ids import StationId
from wire.keys import KeyInvalid, SealingKey, VerifyingKey
from wire.model import UnixMs, WireModel


class StationRecord(WireModel):
    """One station. Keys are the JSON texts of wire/keys.py; JSON on disk, so that an admin can read it."""

    station_id: StationId
    verifying_keys: list[str] = Field(min_length=1, max_length=2)
    sealing_key: str
    valid_from_ms: UnixMs
    valid_until_ms: UnixMs
    revoked_ms: UnixMs | None = None
    office: str = ""

    def verifying(self) -> list[VerifyingKey]:
        """Every key an envelope of this station must be signed with. Raises KeyInvalid, also for one key twice."""
        keys = [VerifyingKey.from_json(text) for text in self.verifying_keys]
        if len(set(keys)) != len(keys):
            raise KeyInvalid(reason="the same key twice")
        return keys

    def sealing(self) -> SealingKey:
        """The key cases are sealed to. Raises KeyInvalid."""
        return SealingKey.from_json(self.sealing_key)

    def accepts_at(self, at_ms: int) -> bool:
        """Whether envelopes received at `at_ms` (the centre's clock) are taken."""
        return self.revoked_ms is None and self.valid_from_ms <= at_ms <= self.valid_until_ms


__all__ = ["KeyInvalid", "StationRecord"]
