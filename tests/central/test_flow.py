"""One case end to end through real processes and a real broker, and what must hold while things go wrong outside."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from central.emulated.station import EmulatedStation, make_bundle
from tests.central.site import (
    OTHER_STATION,
    STATION,
    Site,
    adult_form,
    eventually,
    know_person,
    questions,
    set_mood,
    site_in,
    stop,
)
from wire import envelope
from wire.bundle import Bundle
from wire.case import CaseOrder
from wire.messages import CaseState, Verdict

_documents = iter(range(20_000_000, 99_999_999))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Broker, outside systems and the whole centre as its command runs it."""
    with site_in(tmp_path_factory.mktemp("site"), broker=True, emulated=True) as site:
        centre = site.start("run")
        try:
            eventually(lambda: '"event": "connected"' in site.log() and '"event": "ready"' in site.log())
            yield site
        finally:
            stop(centre)


@pytest.fixture
def station(running: Site) -> Iterator[EmulatedStation]:
    station = running.station()
    station.connect()
    yield station
    station.close()


@pytest.fixture(autouse=True)
def quiet(running: Site) -> Iterator[None]:
    """Both outside systems behave again after each test."""
    yield
    set_mood(running.register, delay_s=0, down=False, refusing=False, hang_up=False)
    set_mood(running.authority, delay_s=0, down=False, refusing=False, hang_up=False, result="ISSUED", late_s=0)


def _register(site: Site, station_id: str = STATION) -> dict[str, Any]:
    """A new person, known to the register, and the case of their form."""
    form = adult_form()
    form["document"]["number"] = f"M{next(_documents)}"
    know_person(site.register, form, person=form["document"]["number"])
    path = site.root / "tk01.json"
    path.write_text(json.dumps(form))
    found: dict[str, Any] = json.loads(site.cli("register-case", str(path), "--station", station_id, "--json").stdout)
    return found


def _capture(order: CaseOrder) -> Bundle:
    return make_bundle(order, int(time.time() * 1000))


def _send(station: EmulatedStation, case: dict[str, Any]) -> Bundle:
    bundle = _capture(station.order(case["dossier_id"]))
    station.send(bundle.bundle_id, station.seal(bundle))
    return bundle


def test_case_travels_from_the_desk_to_issued(running: Site, station: EmulatedStation) -> None:
    """TK01 → order at the station → capture → receipt → statuses in order → issued, and the history tells it."""
    case = _register(running)
    bundle = _send(station, case)
    receipt = station.receipt(bundle.bundle_id)
    final = station.status(bundle.bundle_id, CaseState.ISSUED)

    states = [status.state for status in station.heard.statuses[bundle.bundle_id]]
    shown = json.loads(running.cli("show", case["code"], "--json").stdout)
    assert receipt.verdict is Verdict.STORED
    assert station.outbox == {}
    assert states == [CaseState.RECEIVED, CaseState.CHECKING, CaseState.REQUESTED, CaseState.ISSUED]
    assert final.due is not None
    assert [event["kind"] for event in shown["history"]] == [
        "registered",
        "received",
        "checking",
        "register_answered",
        "decided",
        "requested",
        "result",
    ]
    assert [job["open"] for job in shown["jobs"]] == [False, False, False]


def test_dead_register_delays_no_receipt_and_no_other_case(running: Site, station: EmulatedStation) -> None:
    """P4: the register is down while two people are captured; both have receipts at once, both are issued later."""
    cases = [_register(running) for _ in range(2)]
    set_mood(running.register, down=True)
    bundles = [_send(station, case) for case in cases]
    for bundle in bundles:
        assert station.receipt(bundle.bundle_id, 5).verdict is Verdict.STORED
        station.status(bundle.bundle_id, CaseState.CHECKING)
    set_mood(running.register, down=False)

    for bundle in bundles:
        assert station.status(bundle.bundle_id, CaseState.ISSUED).sequence == 4


def test_slow_register_does_not_hold_back_the_authority(running: Site, station: EmulatedStation) -> None:
    """A result that waits is fetched while the register keeps another case waiting."""
    set_mood(running.authority, result="PENDING")
    first = _send(station, _register(running))
    station.status(first.bundle_id, CaseState.REQUESTED)
    second_case = _register(running)
    set_mood(running.register, delay_s=30)
    second = _send(station, second_case)
    station.status(second.bundle_id, CaseState.CHECKING)
    set_mood(running.authority, result="REFUSED", code="C06-1")

    assert station.status(first.bundle_id, CaseState.REFUSED, 5).code == "C06-1"
    set_mood(running.authority, result="ISSUED", code=None)


def test_late_authority_is_waited_for(running: Site, station: EmulatedStation) -> None:
    """Nobody says issued before the authority did (P3)."""
    set_mood(running.authority, late_s=1.0)
    bundle = _send(station, _register(running))
    requested = station.status(bundle.bundle_id, CaseState.REQUESTED)
    issued = station.status(bundle.bundle_id, CaseState.ISSUED)

    assert issued.at_ms - requested.at_ms >= 900


def test_station_that_was_away_gets_what_it_missed(running: Site, station: EmulatedStation) -> None:
    """A fresh connection with an empty memory: sync brings the receipt, the newest status and the open case."""
    done, waiting = _register(running), _register(running)
    bundle = _capture(station.order(done["dossier_id"]))
    raw = station.seal(bundle)
    station.send(bundle.bundle_id, raw)
    station.status(bundle.bundle_id, CaseState.ISSUED)
    station.heard.receipts.clear()
    station.heard.statuses.clear()
    station.heard.orders.clear()
    station.outbox[bundle.bundle_id] = raw

    station.sync()

    assert station.receipt(bundle.bundle_id).envelope_sha256 == envelope.digest(raw)
    assert station.status(bundle.bundle_id, CaseState.ISSUED).sequence == 4
    assert station.order(waiting["dossier_id"]).code == waiting["code"]


def test_case_that_did_not_arrive_is_fetched_by_its_code(running: Site, station: EmulatedStation) -> None:
    """The QR code is shown before the order came: `up/request/case` brings it."""
    case = _register(running)
    station.order(case["dossier_id"])
    station.heard.orders.clear()

    station.ask_for_case(case["dossier_id"])

    assert station.order(case["dossier_id"]).dossier_id == case["dossier_id"]


def test_case_of_another_station_is_unreadable_and_unasked(running: Site, station: EmulatedStation) -> None:
    """An order goes to its own station, sealed to that station's key."""
    case = _register(running, OTHER_STATION)
    other = running.station(OTHER_STATION)
    other.connect()
    other.sync()
    other.order(case["dossier_id"])
    other.close()
    station.ask_for_case(case["dossier_id"])
    bundle = _send(station, _register(running))
    station.receipt(bundle.bundle_id)

    assert case["dossier_id"] not in station.heard.orders


@pytest.mark.parametrize("worker", ["ingest", "jobs"])
def test_killed_worker_is_started_again(running: Site, station: EmulatedStation, worker: str) -> None:
    """kill -9 of a worker costs a moment, no capture and no status."""
    pids = [json.loads(line)["child"] for line in running.log().splitlines() if '"worker_started"' in line]
    names = [json.loads(line)["name"] for line in running.log().splitlines() if '"worker_started"' in line]
    victim = [pid for pid, name in zip(pids, names, strict=True) if name == worker][-1]
    case = _register(running)
    order = station.order(case["dossier_id"])
    _kill(victim)
    bundle = _capture(order)
    station.send(bundle.bundle_id, station.seal(bundle))

    assert station.status(bundle.bundle_id, CaseState.ISSUED, 60).sequence == 4


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def test_nothing_personal_leaves_the_two_places_it_may_be(running: Site, station: EmulatedStation) -> None:
    """P2: no name or number in logs, topics or the outside systems' memory; no picture on the centre's disk."""
    bundle = _send(station, _register(running))
    station.status(bundle.bundle_id, CaseState.ISSUED)
    form = adult_form()
    secrets = [form["surname"], form["given_names"], bundle.document.number, form["email"], "0900000000"]
    logs = "".join(path.read_text("utf-8") for path in running.root.glob("*.log"))
    broker_log = running.broker.log.read_text("utf-8")
    asked = json.dumps([questions(running.register), questions(running.authority)], ensure_ascii=False)

    assert [secret for secret in secrets if secret in logs + broker_log + asked] == []
    for path in (running.root / "data").iterdir():
        raw = path.read_bytes()
        assert bundle.portrait.jpeg[:64] not in raw
        assert bundle.fingers[0].presses[0].png[:64] not in raw


def test_evidence_is_the_envelope_as_it_came(running: Site, station: EmulatedStation, tmp_path: Path) -> None:
    """`open` verifies and opens what the database keeps, byte for byte what the station sent."""
    bundle = _capture(station.order(_register(running)["dossier_id"]))
    raw = station.seal(bundle)
    station.send(bundle.bundle_id, raw)
    station.receipt(bundle.bundle_id)
    running.cli("export", bundle.bundle_id, "--out", str(tmp_path / "evidence.cose"))
    running.cli("open", str(tmp_path / "evidence.cose"), "--out", str(tmp_path / "opened"))

    assert (tmp_path / "evidence.cose").read_bytes() == raw
    assert (tmp_path / "opened" / "portrait.jpg").read_bytes() == bundle.portrait.jpeg
