"""The root of every error in the project, and the wire's own branch of the tree.

    EidError
    ├── WireError              something that crossed, or should have crossed, the wire
    │   ├── EnvelopeRejected   an envelope that must not be opened (wire/envelope.py names each reason)
    │   ├── BundleInvalid      opened, but not a bundle of a known schema
    │   └── MessageRejected    a receipt, status, case or event that does not verify or parse
    ├── CatalogueError         a text that is missing or unfit (a programming error, found by tests)
    ├── DriverError            drivers/errors.py
    ├── ModelError             models/errors.py
    ├── StationError           station/errors.py
    ├── CentralError           central/errors.py
    └── FleetError             provisioning/errors.py

Every class names a sentence in the message catalogue (`message_id`) that tells the officer or admin what to do.
Parameters must never hold personal data: they go into logs.
"""

from __future__ import annotations

from typing import ClassVar


class EidError(Exception):
    """Root of the tree. `message_id` is a key of the catalogue; `params` fill its placeholders."""

    message_id: ClassVar[str] = "error.unexpected"

    def __init__(self, **params: str | int | float) -> None:
        self.params = params
        detail = ", ".join(f"{name}={value}" for name, value in params.items())
        super().__init__(f"{self.message_id}({detail})" if detail else self.message_id)


class WireError(EidError):
    """Something that crossed, or should have crossed, the wire."""

    message_id = "error.wire.text"


class CatalogueError(EidError, LookupError):
    """A text that is missing, or whose placeholders do not fit."""

    message_id = "error.catalogue"
