"""Keys and directories for the capture daemon's own tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from station.capture.vault import Vault
from wire.keys import OpeningKey, SigningKey

MEMORY = Path("/dev/shm")


@pytest.fixture
def runtime_dir() -> Iterator[Path]:
    """A directory in memory, as /run is on a station."""
    if not MEMORY.is_dir():
        pytest.skip("/dev/shm is missing on this machine: nothing lies in memory here")
    directory = Path(tempfile.mkdtemp(prefix="eid-test-", dir=MEMORY))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def centre() -> tuple[SigningKey, OpeningKey]:
    return SigningKey.generate(), OpeningKey(os.urandom(32))


@pytest.fixture
def vault(centre: tuple[SigningKey, OpeningKey]) -> Vault:
    signing, opening = centre
    return Vault(
        station_id="st-0001",
        signer=SigningKey.generate(),
        opening=OpeningKey(os.urandom(32)),
        centre_verifying=signing.verifying_key,
        centre_sealing=opening.sealing_key,
    )
