"""The centre's own keys, from the files the configuration names. Must never print or log any of their content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from central.config import KeysConfig
from central.errors import KeysMissing
from wire.keys import OpeningKey, SigningKey


@dataclass(frozen=True, slots=True)
class CentreKeys:
    """What the centre signs with, and what it opens with."""

    signing: SigningKey
    opening: tuple[OpeningKey, ...]


def load_keys(config: KeysConfig) -> CentreKeys:
    """Raises KeysMissing for a file that cannot be read, KeyInvalid for one that is no key."""
    return CentreKeys(
        signing=SigningKey.from_json(_read(config.signing_file)),
        opening=tuple(OpeningKey.from_json(_read(path)) for path in config.opening_files),
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise KeysMissing(file=str(path)) from None
