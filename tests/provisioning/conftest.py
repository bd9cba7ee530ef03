"""A fleet with two stations, and a real broker for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioning.broker import Broker
from provisioning.fleet import Fleet
from provisioning.layout import StationLayout


@dataclass(frozen=True)
class Site:
    """What most tests need: the fleet and the files of two stations."""

    fleet: Fleet
    first: StationLayout
    second: StationLayout


@pytest.fixture
def now() -> datetime:
    """The broker judges certificates by the machine's clock, so tests that meet it must too."""
    return datetime.now(UTC)


@pytest.fixture
def site(tmp_path: Path, now: datetime) -> Site:
    fleet = Fleet.create(tmp_path / "fleet", ["127.0.0.1", "localhost"], now)
    fleet.add_station("st-0001", tmp_path / "st-0001", now)
    fleet.add_station("st-0002", tmp_path / "st-0002", now)
    return Site(fleet, StationLayout(tmp_path / "st-0001"), StationLayout(tmp_path / "st-0002"))


@pytest.fixture
def broker(site: Site) -> Iterator[Broker]:
    with Broker(site.fleet) as running:
        yield running
