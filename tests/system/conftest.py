"""What every system test needs: models, a portrait, a site in a short place."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.demo_portrait import demo_portrait
from models.errors import ModelError
from models.store import ModelStore
from provisioning.broker import find_mosquitto
from tests.system.players import Desk
from tests.system.rig_site import SiteRig
from tests.system.rig_station import StationRig
from wire.errors import EidError

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def portrait() -> Path:
    """A face that passes the portrait policy; skips by name without models or portrait."""
    missing = ModelStore.standard().missing()
    if missing:
        pytest.skip(f"model file {missing[0].file} is missing; its origin: {missing[0].origin}")
    try:
        return demo_portrait(ROOT / ".cache" / "portrait")
    except ModelError as error:
        pytest.skip(f"no portrait: {error}")


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """Unix socket paths have a limit of 107 bytes; pytest's own directories are too long."""
    directory = Path(tempfile.mkdtemp(prefix="eid-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def site(short_dir: Path) -> Iterator[SiteRig]:
    """A running site without stations."""
    try:
        find_mosquitto()
    except EidError:
        pytest.skip("mosquitto is not installed; make setup unpacks it")
    rig = SiteRig(short_dir)
    try:
        yield rig.start()
    finally:
        rig.stop()


def desk_of(station: StationRig, portrait: Path, *, from_now: bool = False) -> Desk:
    """The people at a station that is running."""
    return Desk(station.camera(), station.panel(), station.sensor(), station.screens(from_now=from_now), portrait)
