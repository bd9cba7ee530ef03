"""P1 under `kill -9`: the link, the broker and the centre's absence at random moments; nothing is lost, nothing twice.

Real processes: `python -m station.link`, mosquitto, and a centre that commits before it answers. `make faults` hunts
through many seeds; a few run with every test run. A failing seed can be run alone: -k 'seed[17]'.
"""

from __future__ import annotations

import importlib.util
import random
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from provisioning.broker import find_mosquitto
from provisioning.errors import BrokerMissing

SEEDS, HUNTED = range(3), range(3, 43)
STEPS = 14


def _harness() -> ModuleType:
    name = "eid_link_harness"
    if name not in sys.modules:
        path = Path(__file__).parents[1] / "station/link/harness.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def story(seed: int, root: Path) -> tuple[Any, Any, dict[str, bytes], list[str]]:
    """One run: what was captured, who received it, and what was done to them."""
    harness = _harness()
    try:
        find_mosquitto()
    except BrokerMissing:
        pytest.skip("mosquitto is neither installed nor unpacked under .cache/mosquitto (make setup)")
    chance = random.Random(seed)
    site = harness.Site(root, harness.new_broker(root))
    centre = harness.Centre(site)
    centre.start()
    link = harness.LinkProcess(site.config_file(), root / "link.log")
    link.start()
    captured: dict[str, bytes] = {}
    done: list[str] = []

    def capture() -> None:
        number = len(captured)
        captured[harness.bundle_id(number)] = site.put(number, chance.choice([2_000, 60_000, 400_000]))

    def kill_link() -> None:
        link.kill()
        link.start()

    def kill_broker() -> None:
        site.broker.kill()
        threading.Event().wait(chance.uniform(0, 0.3))
        site.broker.start()

    def centre_away() -> None:
        centre.stop()
        threading.Event().wait(chance.uniform(0, 0.4))
        centre.start()

    def receipts_lost() -> None:
        centre.silent = not centre.silent

    try:
        for _ in range(STEPS):
            action = chance.choice([capture, capture, capture, kill_link, kill_broker, centre_away, receipts_lost])
            done.append(action.__name__)
            action()
            # The moment of the next blow is part of the seed; nothing is waited for.
            threading.Event().wait(chance.uniform(0, 0.35))
        capture()
        centre.silent = False
        harness.until(lambda: not site.outbox(), f"seed {seed}, {done}: outbox {len(site.outbox())}", 40.0)

        assert link.stop() == 0
    finally:
        link.kill()
        centre.stop()
        site.broker.kill()
    return site, centre, captured, done


def check(seed: int, root: Path) -> None:
    site, centre, captured, done = story(seed, root)

    assert centre.stored == captured, (seed, done)
    assert site.quarantined() == {}, (seed, done)
    assert set(site.spool.receipts()) == set(captured), (seed, done)
    assert not list(site.state_dir.rglob("*.tmp")), (seed, done)
    assert "error.link.crashed" not in (root / "link.log").read_text(), (seed, done)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_capture_arrives_exactly_once_whatever_is_killed(seed: int, tmp_path: Path) -> None:
    """P1: outbox empty, centre holds every byte, nobody was accused wrongly."""
    check(seed, tmp_path)


@pytest.mark.faults
@pytest.mark.parametrize("seed", HUNTED)
def test_hunt(seed: int, tmp_path: Path) -> None:
    """P1, forty more seeds."""
    check(seed, tmp_path)
