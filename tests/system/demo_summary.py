"""The end of the demo: what was captured, bytes, seconds per step, who could read what. Every line is looked up, none
is assumed; anything that is not as it should be turns the exit status."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.system.demo_feed import Feed
from tests.system.rig_site import RegisteredCase, SiteRig, readable_findings
from tests.system.rig_station import StationRig

STEPS = ("opening", "case", "consent", "document", "portrait", "finger", "review", "sealing", "queued")


@dataclass(slots=True)
class Verdicts:
    """Collects what is as it should be and what is not."""

    console: Console
    good: bool = True

    def check(self, sentence: str, holds: bool) -> None:
        self.good = self.good and holds
        self.console.print(("[green]  yes  [/green]" if holds else "[red]  NO   [/red]") + sentence)


def summary(console: Console, site: SiteRig, station: StationRig, case: RegisteredCase, feed: Feed) -> bool:
    """Prints the tables; whether everything is as it should be."""
    shown = site.show(case.dossier_id)
    opened = _open(site, shown)
    bundle = json.loads((opened / "bundle.json").read_text("utf-8"))
    _captured(console, bundle, opened, shown)
    _seconds(console, feed)
    _result(console, shown)
    verdicts = Verdicts(console)
    _who_could_read(verdicts, site, station, bundle)
    _as_it_should_be(verdicts, site, station, shown, bundle, feed)
    return verdicts.good


def _open(site: SiteRig, shown: dict[str, Any]) -> Path:
    """The stored envelope, taken out and opened with the centre's key, as an auditor does it."""
    bundle_id = shown["captures"][0]["bundle_id"]
    file = site.root / f"{bundle_id}.cose"
    site.central("export", bundle_id, "--out", str(file))
    out = site.root / "opened"
    site.central("open", str(file), "--out", str(out))
    return out


def _captured(console: Console, bundle: dict[str, Any], opened: Path, shown: dict[str, Any]) -> None:
    table = Table(title="what was captured", title_justify="left", show_edge=False)
    for column in ("part", "what", "bytes"):
        table.add_column(column, justify="right" if column == "bytes" else "left")
    table.add_row("document", _document(bundle), f"{sum(map(len, bundle['document']['mrz'] or [])):,}")
    portrait = bundle["portrait"]
    size = (opened / "portrait.jpg").stat().st_size
    table.add_row(
        "portrait", f"{portrait['width_px']}x{portrait['height_px']} JPEG, {portrait['attempts']} attempt", f"{size:,}"
    )
    table.add_row(
        "embedding", f"{portrait['embedding']['model_id']}, {portrait['embedding']['dimension']} values", "1,024"
    )
    for finger in bundle["fingers"]:
        files = [opened / press["png"] for press in finger["presses"]]
        what = f"{finger['state']}, {len(files)} presses, {finger['attempts']} attempt"
        table.add_row(finger["position"], what, f"{sum(file.stat().st_size for file in files):,}")
    capture = shown["captures"][0]
    table.add_row("envelope", "signed, sealed to the centre", f"{capture['size_bytes']:,}")
    console.print(table)


def _document(bundle: dict[str, Any]) -> str:
    document, match = bundle["document"], bundle["document_match"]
    if document["mrz"] is None:
        return "not read, signed for by the officer"
    read = "zone read twice, " + ("agrees with the form" if document["source"] == "mrz" else "differs from the form")
    if match is None:
        return f"{read}; no portrait compared"
    return f"{read}; face {match['score']:.2f} of {match['threshold']:.2f}: {match['verdict']}"


def _seconds(console: Console, feed: Feed) -> None:
    """Between the first screens of the steps; the applicant and officer of the demo react at once."""
    first: dict[str, float] = {}
    started = feed.screens[0].monotonic_ns if feed.screens else 0
    for screen in feed.screens:
        first.setdefault(screen.screen_id.split(".")[0], (screen.monotonic_ns - started) / 1e9)
    present = [step for step in (*STEPS, "result") if step in first]
    table = Table(title="seconds per step", title_justify="left", show_edge=False)
    row = []
    for step, after in zip(present, [*present[1:], None], strict=True):
        if after is not None:
            table.add_column(step, justify="right")
            row.append(f"{first[after] - first[step]:.2f}")
    table.add_row(*row)
    console.print(table)


def _result(console: Console, shown: dict[str, Any]) -> None:
    states = " → ".join(event["state"] for event in shown["history"] if event.get("state"))
    console.print(f"status: {states or shown['state']}, due {shown['due']}")


def _who_could_read(verdicts: Verdicts, site: SiteRig, station: StationRig, bundle: dict[str, Any]) -> None:
    document = bundle["document"]
    secrets = (document["surname"], document["given_names"], document["number"], *(document["mrz"] or ()))
    verdicts.console.print("who could read what:")
    inet = _internet_sockets(station.capture.pid)
    verdicts.check(f"capture sees face and fingers; internet sockets it holds: {inet}", inet == 0)
    devices = _device_files(station.link.pid)
    verdicts.check(f"link has the network; devices it holds: {devices}", devices == 0)
    for name, directory in (
        ("station's state directory", station.state_dir),
        ("broker's store", site.fleet.layout.broker / "data"),
    ):
        found = readable_findings(directory, secrets)
        verdicts.check(f"{name}: nothing readable" + (f", but {found}" if found else ""), not found)
    logs = [path for path in site.root.rglob("*.log") if _holds(path, secrets)]
    verdicts.check(f"logs name nobody{', but: ' + str(logs) if logs else ''}", not logs)
    for system in (site.register, site.authority):
        asked = system.questions()
        names = sorted({name for question in asked for name in question["attributes"]})
        images = sum(len(question["images"]) for question in asked)
        verdicts.console.print(f"       {system.daemon.name} was shown: {', '.join(names)}; {images} images")


def _as_it_should_be(
    verdicts: Verdicts, site: SiteRig, station: StationRig, shown: dict[str, Any], bundle: dict[str, Any], feed: Feed
) -> None:
    verdicts.console.print("is everything as it should be:")
    verdicts.check("the authority issued, and the station shows it", _showed(feed, "result.issued"))
    verdicts.check("the centre holds exactly one capture of the dossier", len(shown["captures"]) == 1)
    verdicts.check("the outbox is empty", not list((station.state_dir / "outbox").glob("*.cose")))
    signed = [entry for entry in bundle["exceptions"] if entry["subject"] == "document"]
    read = bundle["document"]["mrz"] is not None
    verdicts.check("the document was read, or signed for", read or bool(signed))
    captured = [finger for finger in bundle["fingers"] if finger["state"] == "captured"]
    verdicts.check(
        f"every planned finger is captured or signed for ({len(captured)})", len(bundle["fingers"]) == len(captured)
    )
    running = [d.name for d in (station.capture, station.link, site.centre) if not d.running]
    verdicts.check(f"every process is alive{', but: ' + ', '.join(running) if running else ''}", not running)
    lit = [colour for _, colour in feed.lights]
    verdicts.check(f"the status LED went {' → '.join(dict.fromkeys(lit))}", "green" in lit and "blue" in lit)


def _showed(feed: Feed, screen_id: str) -> bool:
    return any(screen.screen_id == screen_id for screen in feed.screens)


def _holds(path: Path, secrets: tuple[str, ...]) -> bool:
    data = path.read_bytes()
    return any(secret.encode() in data for secret in secrets)


def _internet_sockets(pid: int) -> int:
    """Sockets of a process that stand in the kernel's IPv4 and IPv6 tables (proc(5))."""
    own = {
        os.readlink(link)[len("socket:[") : -1]
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if os.readlink(link).startswith("socket:[")
    }
    known: set[str] = set()
    for table in ("tcp", "udp", "tcp6", "udp6", "raw", "raw6"):
        lines = Path(f"/proc/{pid}/net/{table}").read_text("ascii").splitlines()[1:]
        known |= {line.split()[9] for line in lines}
    return len(own & known)


def _device_files(pid: int) -> int:
    """Open files below /dev other than the harmless ones."""
    harmless = ("/dev/null", "/dev/urandom", "/dev/shm")
    targets = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    return sum(1 for target in targets if target.startswith("/dev/") and not target.startswith(harmless))
