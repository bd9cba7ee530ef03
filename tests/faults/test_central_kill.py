"""P1 at the centre: kill -9 of workers, supervisor and broker at random moments loses and doubles nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, select

from central.emulated.station import EmulatedStation, make_bundle
from central.store.tables import case_events, cases, envelopes, jobs
from tests.central.site import Site, adult_form, know_person, questions, site_in
from wire.messages import CaseState

# paho leaves the socket of a handshake that failed half-way to the garbage collector, which warns.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Exception ignored in.*socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed.*socket:ResourceWarning"),
]

CAPTURES = 10
DEADLINE_S = 120.0
VICTIMS = ("ingest", "jobs", "supervisor", "broker", "ingest", "broker")


class Hunt:
    """One site under fire."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.chance = random.Random(seed)
        self.centre = site.start("run")
        self.killed: list[str] = []

    def strike(self) -> None:
        """Kills one part, as power or the kernel would; what ought to restart it does, or is done here."""
        victim = self.chance.choice(VICTIMS)
        self.killed.append(victim)
        if victim == "broker":
            self.site.broker.kill()
            self.site.broker.start()
        elif victim == "supervisor":
            self.centre.send_signal(signal.SIGKILL)
            self.centre.wait()
            if self.centre.stdout is not None:
                self.centre.stdout.close()
            self.centre = self.site.start("run")
        else:
            self._kill_worker(victim)

    def _kill_worker(self, name: str) -> None:
        lines = [json.loads(line) for line in self.site.log().splitlines() if '"worker_started"' in line]
        own = [line["child"] for line in lines if line["name"] == name and line["pid"] == self.centre.pid]
        if own:
            try:
                os.kill(own[-1], signal.SIGKILL)
            except ProcessLookupError:
                self.killed[-1] += " (between two lives)"


def _register_all(site: Site) -> list[str]:
    found = []
    for number in range(CAPTURES):
        form = adult_form()
        form["document"]["number"] = f"M{30_000_000 + number}"
        know_person(site.register, form, person=f"A-{number}")
        path = site.root / "tk01.json"
        path.write_text(json.dumps(form))
        done = site.cli("register-case", str(path), "--station", "st-0001", "--json")
        found.append(json.loads(done.stdout)["dossier_id"])
    return found


def _final(station: EmulatedStation, bundle_ids: list[str]) -> bool:
    heard = station.heard.statuses
    return all(any(status.state.final for status in heard.get(bundle_id, [])) for bundle_id in bundle_ids)


def _drive(hunt: Hunt, station: EmulatedStation, dossiers: list[str], strikes: int) -> list[str]:
    """Sends captures, strikes in between, and asks and sends again as a station does, until all is final."""
    moments = sorted(hunt.chance.uniform(0.2, 8.0) for _ in range(strikes))
    bundle_ids: list[str] = []
    waiting = list(dossiers)
    begun = time.monotonic()
    next_sync = 0.0
    while waiting or moments or not _final(station, bundle_ids):
        now = time.monotonic() - begun
        assert now < DEADLINE_S, f"not done after {hunt.killed}: {hunt.site.log()[-3000:]}"
        if moments and now >= moments[0]:
            moments.pop(0)
            hunt.strike()
        ready = [dossier for dossier in waiting if dossier in station.heard.orders]
        if ready:
            waiting.remove(ready[0])
            bundle = make_bundle(station.heard.orders[ready[0]], int(time.time() * 1000))
            bundle_ids.append(bundle.bundle_id)
            station.send(bundle.bundle_id, station.seal(bundle))
        if now >= next_sync:
            next_sync = now + 1.0
            station.sync(dict.fromkeys(bundle_ids, 0))
            station.resend()
        try:
            station.wait(lambda heard: False, 0.2)
        except TimeoutError:
            continue
    return bundle_ids


def _hunt(root: Path, seed: int, strikes: int) -> None:
    with site_in(root, broker=True, emulated=True) as site:
        dossiers = _register_all(site)
        hunt = Hunt(site, seed)
        station = site.station()
        station.connect()
        try:
            bundle_ids = _drive(hunt, station, dossiers, strikes)
        finally:
            station.close()
            hunt.centre.terminate()
            hunt.centre.wait(30)
        _check(site, station, bundle_ids)


def _check(site: Site, station: EmulatedStation, bundle_ids: list[str]) -> None:
    """Every capture at the centre exactly once, one request each at the authority, every history whole."""
    store = site.open_store()
    with store.read() as connection:
        stored = [row.bundle_id for row in connection.execute(select(envelopes.c.bundle_id))]
        states = Counter(row.state for row in connection.execute(select(cases.c.state)))
        sequences = connection.execute(
            select(case_events.c.bundle_id, func.count(), func.max(case_events.c.sequence))
            .where(case_events.c.sequence.is_not(None))
            .group_by(case_events.c.bundle_id)
        ).all()
        open_jobs = connection.execute(select(func.count()).where(jobs.c.open.is_(True))).scalar_one()
    store.close()
    asked = [question for question in questions(site.authority) if question["operation"] == "createCredentialRequest"]
    created = [question for question in asked if question["answered"] == 201]

    assert sorted(stored) == sorted(bundle_ids)
    assert states == {CaseState.ISSUED.value: CAPTURES}
    assert {(count, newest) for _, count, newest in sequences} == {(4, 4)}
    assert open_jobs == 0
    assert len(created) == CAPTURES
    assert station.outbox == {}
    assert station.heard.rejected == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_a_handful_of_kills_loses_and_doubles_nothing(tmp_path: Path, seed: int) -> None:
    """Every capture is stored once, requested once and issued, whoever was killed when."""
    _hunt(tmp_path, seed, strikes=2)


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(100, 120))
def test_long_hunt(tmp_path: Path, seed: int) -> None:
    """The same with more kills and more seeds."""
    _hunt(tmp_path, seed, strikes=6)


def test_workers_end_with_their_supervisor(tmp_path: Path) -> None:
    """A supervisor that is killed leaves no worker behind that would hold the broker session or the database."""
    with site_in(tmp_path, broker=True, emulated=False) as site:
        centre = site.start("run")
        until = time.monotonic() + 60
        while '"event": "connected"' not in site.log():
            assert time.monotonic() < until, site.log()
            time.sleep(0.05)
        children = [json.loads(line)["child"] for line in site.log().splitlines() if '"worker_started"' in line]
        centre.send_signal(signal.SIGKILL)
        centre.wait()
        while any(_alive(pid) for pid in children):
            assert time.monotonic() < until, "a worker outlived its supervisor"
            time.sleep(0.05)


def _alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not waited for does not."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(done.stdout.strip()) and not done.stdout.strip().startswith("Z")
