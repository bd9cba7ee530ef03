"""What every system test needs: models, a portrait, a site in a short place."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.demo_portrait import demo_portrait
from models.errors import ModelError
from models.store import ModelStore
from provisioning.broker import find_mosquitto
from provisioning.fleet import Fleet
from station.spool import Spool, Writer
from tests.system.players import Desk
from tests.system.rig_site import SiteRig
from tests.system.rig_station import StationRig
from wire import envelope
from wire.bundle import Bundle
from wire.case import CaseOrder
from wire.envelope import EnvelopeType, Routing
from wire.errors import EidError
from wire.ids import CENTRE
from wire.keys import OpeningKey, SigningKey, VerifyingKey
from wire.stations import StationRecord

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def portrait() -> Path:
    """A face that passes the portrait policy; skips by name without models or portrait."""
    missing = ModelStore.standard(demo=True).needed()
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


def desk_of(station: StationRig, portrait: Path, *, from_now: bool = False, zone: tuple[str, ...] = ()) -> Desk:
    """The people at a station that is running; without a zone the officer signs that the document cannot be read."""
    screens = station.screens(from_now=from_now)
    return Desk(station.camera(), station.panel(), station.sensor(), screens, portrait, zone)


@dataclass(slots=True)
class LoneStation:
    """A station without a centre: cases are laid into its inbox, sealed as the centre would."""

    rig: StationRig
    centre: SigningKey
    record: StationRecord
    opening: OpeningKey

    def put_case(self, case: CaseOrder) -> None:
        case = case.model_copy(update={"station_id": self.rig.station_id})
        routing = Routing(EnvelopeType.CASE, CENTRE, self.rig.station_id, case.dossier_id)
        sealed = envelope.seal(case.encode(), routing, [self.centre], [self.record.sealing()], os.urandom)
        spool = Spool(self.rig.state_dir)
        spool.prepare(Writer.LINK)
        spool.put_case(case.dossier_id, sealed)

    def sealed(self) -> list[str]:
        return [file.bundle_id for file in Spool(self.rig.state_dir).outbox()]

    def bundle(self) -> Bundle:
        """The one bundle of the outbox, as the centre reads it."""
        (file,) = (self.rig.state_dir / "outbox").glob("*.cose")
        keys = [VerifyingKey.from_json(text) for text in self.record.verifying_keys]
        verified = envelope.verify(envelope.parse(file.read_bytes()), keys)
        return Bundle.decode(envelope.open_content(verified, [self.opening]))


LoneMaker = Callable[..., LoneStation]


@pytest.fixture
def lone(short_dir: Path) -> Iterator[LoneMaker]:
    """Makes lone stations; settings are merged into their configuration. They are not started."""
    made: list[StationRig] = []
    fleet = Fleet.create(short_dir / "fleet", ("127.0.0.1",), datetime.now(UTC))
    centre = SigningKey.from_json(fleet.layout.centre_signing_key.read_bytes())
    opening = OpeningKey.from_json(fleet.layout.centre_opening_key.read_bytes())

    def make(**settings: Any) -> LoneStation:
        station_id = f"lone-{len(made)}x"
        keys = short_dir / f"{station_id}-keys"
        record = fleet.add_station(station_id, keys, datetime.now(UTC), days=90)
        rig = StationRig(short_dir / station_id, station_id, keys, {}, **settings)
        made.append(rig)
        return LoneStation(rig, centre, record, opening)

    yield make
    for rig in made:
        rig.stop()
