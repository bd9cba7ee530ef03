"""A strict big-endian reader shared by the record formats. Never reads beyond its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from wire.records.errors import RecordInvalid


@dataclass(slots=True)
class Fields:
    """Takes fields off the front of a record.

    Args:
        data: the record.
        record: its name for errors.
    """

    data: bytes
    record: str
    at: int = 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes. Raises RecordInvalid when the record ends before."""
        end = self.at + count
        if end > len(self.data):
            raise self.invalid(f"cut short at byte {self.at}")
        chunk = self.data[self.at : end]
        self.at = end
        return chunk

    def number(self, width_bytes: int) -> int:
        """The next unsigned number."""
        return int.from_bytes(self.take(width_bytes), "big")

    def expect(self, name: str, found: object, wanted: object) -> None:
        """Raises RecordInvalid unless both are equal."""
        if found != wanted:
            raise self.invalid(f"{name} is {found!r}, not {wanted!r}")

    def finish(self) -> None:
        """Raises RecordInvalid when bytes are left."""
        if self.at != len(self.data):
            raise self.invalid(f"{len(self.data) - self.at} bytes too many")

    def moment(self) -> datetime:
        """A 9-byte capture date of ISO/IEC 19794-1:2011: year, month, day, hour, minute, second, millisecond, UTC."""
        year = self.number(2)
        month, day, hour, minute, second = (self.number(1) for _ in range(5))
        millisecond = self.number(2)
        if millisecond > 999:
            raise self.invalid("capture date")
        try:
            return datetime(year, month, day, hour, minute, second, millisecond * 1000, tzinfo=UTC)
        except ValueError:
            raise self.invalid("capture date") from None

    def invalid(self, reason: str) -> RecordInvalid:
        """The error to raise."""
        return RecordInvalid(record=self.record, reason=reason)


def moment_bytes(moment: datetime) -> bytes:
    """The 9 bytes of a capture date; `moment` must know its zone."""
    if moment.tzinfo is None:
        raise RecordInvalid(record="ISO/IEC 19794", reason="capture date without a zone")
    utc = moment.astimezone(UTC)
    clock = bytes([utc.month, utc.day, utc.hour, utc.minute, utc.second])
    return utc.year.to_bytes(2, "big") + clock + (utc.microsecond // 1000).to_bytes(2, "big")
