"""docs/budget.md against a real session and the shipped policies."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import psutil
import pytest

from station import policy
from station.capture.worker import Worker
from station.link.config import LinkConfig
from tests.system.conftest import desk_of
from tests.system.players import Desk
from tests.system.rig_site import EXAMPLE_FORM, SiteRig
from wire import envelope
from wire.bundle import Bundle
from wire.keys import OpeningKey

DOCUMENT = Path(__file__).parents[2] / "docs" / "budget.md"
STEPS = ("case", "portrait", "finger", "sealing", "result")


def table(heading: str) -> dict[str, float]:
    """The limits of one table: first column to the last number of its row."""
    text = DOCUMENT.read_text("utf-8").split(f"## {heading}")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([a-z_.]+) \|(.*)\|$", text, re.MULTILINE)
    return {name: float(re.findall(r"[\d.]+", cells)[-1]) for name, cells in rows if re.search(r"\d", cells)}


def waits() -> dict[str, float]:
    text = DOCUMENT.read_text("utf-8").split("## Seconds of a wait or fault")[1]
    return {name: float(seconds) for name, seconds in re.findall(r"^\| ([a-z_]+) \| ([\d.]+) \|", text, re.MULTILINE)}


def test_a_real_session_stays_within_its_budget(site: SiteRig, portrait: Path) -> None:
    """Bytes per part, MiB per process, seconds per step."""
    station = site.add_station("st-0001").start()
    case = site.register_case(EXAMPLE_FORM, "st-0001")
    with desk_of(station, portrait) as desk:
        desk.enrol(case.dossier_id)
        desk.follow(lambda shown: shown.screen_id.startswith("result."), 60)
        seconds = per_step(desk)
    memory = {
        "capture": rss_mib(station.capture.pid),
        "link": rss_mib(station.link.pid),
        **{f"centre.{name}": rss_mib(pid) for name, pid in centre_workers(site).items()},
    }
    shown = site.wait_for_state(case.dossier_id, {"issued"})
    bundle_id = shown["captures"][0]["bundle_id"]
    sealed = site.root / "taken.cose"
    site.central("export", bundle_id, "--out", str(sealed))
    parts = bytes_per_part(site, sealed.read_bytes())

    assert over(parts, table("Bytes of a bundle")) == {}
    assert over(memory, table("Memory of the processes")) == {}
    assert over(seconds, table("Seconds of a session")) == {}


def over(measured: dict[str, float], limits: dict[str, float]) -> dict[str, float]:
    """What exceeds its limit; a part without a limit, or a limit without a part, counts too."""
    return {
        name: measured.get(name, -1.0)
        for name in measured.keys() | limits.keys()
        if name not in measured or name not in limits or measured[name] > limits[name]
    }


def bytes_per_part(site: SiteRig, sealed: bytes) -> dict[str, float]:
    opening = OpeningKey.from_json(site.fleet.layout.centre_opening_key.read_bytes())
    record = site.fleet.station("st-0001")
    content = envelope.open_content(envelope.verify(envelope.parse(sealed), record.verifying()), [opening])
    bundle = Bundle.decode(content)
    presses = [press for finger in bundle.fingers for press in finger.presses]
    templates = [finger.template.data for finger in bundle.fingers if finger.template is not None]
    images = sum(len(press.png) for press in presses)
    kept = images + len(bundle.portrait.jpeg) + len(bundle.portrait.embedding.vector) + sum(map(len, templates))
    return {
        "portrait.jpeg": len(bundle.portrait.jpeg),
        "embedding": len(bundle.portrait.embedding.vector),
        "finger.press.png": max(len(press.png) for press in presses),
        "finger.template": max(map(len, templates)),
        "bundle.rest": len(content) - kept,
        "envelope.overhead": len(sealed) - len(content),
        "envelope.ten_fingers": len(sealed) + images * (30 - len(presses)) / len(presses),
    }


def per_step(desk: Desk) -> dict[str, float]:
    """From the first screen of a step to the first screen of the next."""
    first: dict[str, int] = {}
    for step, at_ns in desk.times:
        first.setdefault(step, at_ns)
    order = sorted(first, key=lambda step: first[step])
    lasted = {step: (first[after] - first[step]) / 1e9 for step, after in itertools.pairwise(order)}
    lasted["result"] = (first["result"] - first["queued"]) / 1e9
    return {step: lasted.get(step, 0.0) for step in STEPS}


def centre_workers(site: SiteRig) -> dict[str, int]:
    found = {}
    for child in psutil.Process(site.centre.pid).children(recursive=True):
        line = child.cmdline()
        if "--only" in line:
            found[line[line.index("--only") + 1]] = child.pid
    return found


def rss_mib(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss) / (1 << 20)


@pytest.mark.parametrize("name", sorted(waits()))
def test_waits_are_those_of_the_policies(name: str) -> None:
    """The document and the files say the same."""
    desk, fingers = policy.desk("desk-2026-11"), policy.finger("single-finger-2026-11")
    sources: dict[str, Any] = {
        **desk.model_dump(),
        **fingers.model_dump(),
        **{key: field.default for key, field in LinkConfig.model_fields.items()},
        "worker_silence_s": Worker.silence_s,
    }

    assert waits()[name] == sources[name]
