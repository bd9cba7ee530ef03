"""kill -9 at random moments: at the end every confirmed capture is at the centre exactly once, and nothing readable
was ever on disk. A handful of seeded runs here, many more in `make faults`."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.conftest import desk_of
from tests.system.rig_site import EXAMPLE_FORM, SiteRig, readable_findings
from tests.system.rig_station import StationRig
from tests.system.test_one_case import SECRETS

VICTIMS = ("capture", "link", "centre", "broker")
LONG_RUNS = 40
MOST_KILLS = 4
"""In one session; enough to meet several steps, few enough that the people get through on a slow machine."""


class Killer(threading.Thread):
    """kill -9 of one part after a seeded pause, and its restart as a supervisor would do it; again and again.

    Every finding of the scanner during the hunt is kept.
    """

    def __init__(self, site: SiteRig, station: StationRig, victim: str, seed: int) -> None:
        super().__init__(daemon=True)
        self._site, self._station = site, station
        self._victim = victim
        self._random = random.Random(seed)
        self._ended = threading.Event()
        self.kills = 0
        self.found: list[str] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while self.kills < MOST_KILLS and not self._ended.wait(self._random.uniform(0.3, 6.0)):
                self._actions()[self._victim]()
                self.kills += 1
                self.found += readable_findings(self._station.state_dir, SECRETS)
        except BaseException as error:
            self.error = error

    def end(self) -> None:
        self._ended.set()
        self.join(60)

    def _actions(self) -> dict[str, Callable[[], None]]:
        return {
            "capture": lambda: self._again(self._station.capture),
            "link": lambda: self._again(self._station.link),
            "centre": lambda: self._again(self._site.centre),
            "broker": self._broker,
        }

    def _again(self, daemon: object) -> None:
        daemon.kill()  # type: ignore[attr-defined]
        time.sleep(self._random.uniform(0.0, 0.5))
        daemon.start()  # type: ignore[attr-defined]

    def _broker(self) -> None:
        self._site.broker.kill()
        time.sleep(self._random.uniform(0.0, 0.5))
        self._site.broker.start()


def hunt(site: SiteRig, portrait: Path, victim: str, seed: int, station_id: str) -> None:
    """One session while one part is killed; then everything must settle."""
    station = site.add_station(station_id).start()
    case = site.register_case(EXAMPLE_FORM, station_id)
    killer = Killer(site, station, victim, seed)
    with desk_of(station, portrait) as desk:
        killer.start()
        try:
            desk.enrol_stubbornly(case.dossier_id, station, timeout_s=120)
        finally:
            killer.end()
    shown = site.wait_for_state(case.dossier_id, {"issued", "refused", "escalated", "supplement"}, 60)
    outbox_empty(station)

    assert killer.error is None
    assert killer.found == []
    assert shown["state"] == "issued"
    assert len(shown["captures"]) == 1
    assert readable_findings(station.state_dir, SECRETS) == []
    assert readable_findings(site.fleet.layout.broker / "data", SECRETS) == []
    station.stop()


def outbox_empty(station: StationRig, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while list((station.state_dir / "outbox").glob("*.cose")):
        if time.monotonic() > deadline:
            raise TimeoutError("the outbox did not empty")
        time.sleep(0.1)


@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_during_a_session(site: SiteRig, portrait: Path, victim: str) -> None:
    """P1, P2: one part dies again and again while a person is enrolled."""
    hunt(site, portrait, victim, seed=20261121, station_id="st-0001")


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(LONG_RUNS))
def test_killed_at_random_moments(site: SiteRig, portrait: Path, seed: int) -> None:
    """P1, P2: the long hunt; the part changes with the seed."""
    hunt(site, portrait, VICTIMS[seed % len(VICTIMS)], seed, station_id=f"st-{seed:04d}")
