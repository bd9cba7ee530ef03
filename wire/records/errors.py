"""Errors of records, below wire/errors.py."""

from __future__ import annotations

from wire.errors import WireError


class RecordInvalid(WireError, ValueError):
    """Bytes that are not a record of the promised kind. Parameters: record, reason."""

    message_id = "error.record.invalid"
