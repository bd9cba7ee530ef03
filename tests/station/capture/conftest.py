"""Keys and directories for the capture daemon's own tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from station.capture.draft import Draft
from station.capture.ledger import Ledger
from station.capture.sealing import Provenance
from station.capture.storage_worker import Parts, StorageWorker
from station.capture.vault import Vault
from station.clock import StationClock
from station.room import bundled_policy
from station.spool import Spool, Writer
from tests.station.capture.posted import Posted
from tests.station.capture.storage import NOW_MS, Station
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


@pytest.fixture
def posted() -> Posted:
    return Posted()


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """Unix socket paths have a limit of 107 bytes; pytest's own directories are too long."""
    directory = Path(tempfile.mkdtemp(prefix="eid-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def parts(tmp_path: Path, runtime_dir: Path, vault: Vault) -> Parts:
    """What the storage thread works with, on a state directory that link has prepared too."""
    spool = Spool(tmp_path)
    spool.prepare(Writer.CAPTURE)
    spool.prepare(Writer.LINK)
    clock = StationClock(tmp_path / "clock-floor", wall_ns=lambda: NOW_MS * 1_000_000)
    clock.open()
    draft = Draft(tmp_path, runtime_dir, "st-0001")
    draft.open()
    ledger = Ledger(tmp_path)
    ledger.open()
    made_with = Provenance("st-0001", "test", {"fingers": "f"}, {"m": b"w" * 32})
    return Parts(spool, draft, vault, ledger, clock, bundled_policy(), made_with)


@pytest.fixture
def station(parts: Parts, posted: Posted, centre: tuple[SigningKey, OpeningKey]) -> Iterator[Station]:
    made = Station(parts, posted, centre[0], StorageWorker(posted.put, parts))
    yield made
    made.worker.stop()
    if made.worker._thread.ident is not None:
        assert made.worker.join(5.0)
