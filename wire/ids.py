"""Identifiers that stand in topics, file names and headers. None of them may be derived from personal data."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

STATION_ID_PATTERN = r"^[a-z0-9][a-z0-9-]{1,30}[a-z0-9]$"
"""Also the certificate CN, the MQTT user name and the client id; no dots, so that it is one topic level."""

ULID_PATTERN = r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$"
"""ULID in Crockford base 32, upper case (github.com/ulid/spec): 48 bits of milliseconds, 80 random bits."""


CENTRE = "centre"
"""The name of the centre where a station id would stand; `centre-<n>` are its workers. No station may bear either."""


def _not_centre(text: str) -> str:
    if text == CENTRE or text.startswith(f"{CENTRE}-"):
        raise ValueError("a station may not be named like the centre")
    return text


StationId = Annotated[str, StringConstraints(pattern=STATION_ID_PATTERN), AfterValidator(_not_centre)]
BundleId = Annotated[str, StringConstraints(pattern=ULID_PATTERN)]
DossierId = Annotated[str, StringConstraints(pattern=ULID_PATTERN)]

_STATION = re.compile(STATION_ID_PATTERN)
_ULID = re.compile(ULID_PATTERN)


def is_station_id(text: str) -> bool:
    """Whether `text` may name a station."""
    return _STATION.fullmatch(text) is not None and text != CENTRE and not text.startswith(f"{CENTRE}-")


def is_ulid(text: str) -> bool:
    """Whether `text` is a ULID in its canonical form."""
    return _ULID.fullmatch(text) is not None
