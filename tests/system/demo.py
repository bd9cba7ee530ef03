"""`make demo`: one foreigner is enrolled, from the officer's button to the authority's result.

Everything is the product itself on emulated hardware, with a real broker on a private loopback port. The script plays
the officer and the applicant; the exit status is not zero when anything is not as it should be.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from models.demo_portrait import demo_portrait
from models.face.pipeline import EMBEDDING_ROLE
from models.fetch import fetch
from models.store import ModelStore
from tests.system.demo_feed import Feed
from tests.system.demo_keys import interactive
from tests.system.demo_summary import summary
from tests.system.passport import zone_of
from tests.system.players import Desk
from tests.system.rig_site import EXAMPLE_FORM, PERSON, RegisteredCase, SiteRig
from tests.system.rig_station import StationRig
from wire.catalogue import bundled as catalogue
from wire.errors import EidError

ROOT = Path(__file__).parents[2]
OUTPUT = ROOT / "demo-output"
RESULT_S = 60.0


def main() -> int:
    """The exit status."""
    arguments = _arguments()
    console = Console(highlight=False, soft_wrap=False)
    try:
        _models_at_hand(console)
        portrait = arguments.portrait or demo_portrait(ROOT / ".cache" / "portrait")
    except EidError as error:
        text = catalogue().of_error(error)
        console.print(f"[red]{text.en}[/red]\n{text.vi}", soft_wrap=True)
        return 78
    if not portrait.is_file():
        console.print(f"[red]There is no picture at {portrait}. Name a JPEG or PNG file.[/red]")
        return 2
    return _run(arguments, console, portrait.resolve())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--interactive", action="store_true", help="keep running, with the keyboard as front panel")
    parser.add_argument("--portrait", type=Path, metavar="FILE", help="a JPEG or PNG portrait of one's own")
    parser.add_argument("--form", type=Path, default=EXAMPLE_FORM, metavar="FILE", help="the TK01 form, JSON")
    parser.add_argument("--profile", choices=["r307", "r503"], default="r307", help="the emulated sensor's model")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="DIR", help="where the artefacts go")
    parser.add_argument("--line-rate", action="store_true", help="the sensor sends at the speed of a real one")
    return parser.parse_args()


def _models_at_hand(console: Console) -> None:
    """Missing models are fetched from their pinned origin; raises ModelMissing with file, hash and origin otherwise."""
    store = ModelStore.standard(demo=True)
    if store.needed():
        console.print("fetching the models that are missing …")
        fetch(store)
    embedding = store.manifest.entry(store.id_for(EMBEDDING_ROLE))
    if embedding.demo:
        console.print(
            f"[yellow]models       {embedding.id} compares the faces: no model for stations is on this machine; "
            "with a real camera the station would not start[/yellow]",
            soft_wrap=True,
        )


def _run(arguments: argparse.Namespace, console: Console, portrait: Path) -> int:
    output: Path = arguments.output.resolve()
    shutil.rmtree(output, ignore_errors=True)
    # Unix socket paths have a limit of 107 bytes, so the site lies in a short place and is moved afterwards.
    root = Path(tempfile.mkdtemp(prefix="eid-demo-"))
    feed = Feed(console)
    console.rule("[bold]a site on this machine")
    site = SiteRig(root)
    speed = "line" if arguments.line_rate else "fast"
    station = site.add_station("hcm-desk-01", profile=arguments.profile, speed=speed)
    try:
        began = time.monotonic()
        _start(site, station, console)
        console.print(f"ready after {time.monotonic() - began:.1f} s")
        console.rule("[bold]one case, from button to result")
        feed.restart_clock()
        desk = _follow(site, station, feed, portrait, arguments.form)
        case = _enrol(site, desk, feed, arguments.form)
        if arguments.interactive:
            interactive(site, desk, feed, arguments.form)
        desk.close()
        feed.close()
        console.rule("[bold]summary")
        good = summary(console, site, station, case, feed)
    except (EidError, RuntimeError, TimeoutError, OSError) as error:
        feed.close()
        console.print(f"[red]The demo did not come through: {error}[/red]\nthe logs lie in {output}")
        good = False
    finally:
        site.stop()
        shutil.move(root, output)
    console.print(f"artefacts: {output}/ (screens: {station.station_id}/screens, opened/, logs)", soft_wrap=True)
    return 0 if good else 1


def _start(site: SiteRig, station: StationRig, console: Console) -> None:
    """Each part with a line, so that nobody waits before a silent terminal."""
    site.broker.start()
    console.print(f"broker       mosquitto, mutual TLS, 127.0.0.1:{site.broker.port}")
    for system in (site.register, site.authority):
        system.daemon.start()
    station.start_sensor()
    station.start()
    site.start_centre()
    for system in (site.register, site.authority):
        system.wait()
        console.print(f"{system.daemon.name:<12} {system.url}")
    site.register.put_person("P-1", PERSON)
    site.wait_for_centre()
    console.print("centre       SQLite; ingest and jobs are two processes")
    console.print(f"station      {station.station_id}: capture (no network), link (no devices), sensor on a pty")


def _follow(site: SiteRig, station: StationRig, feed: Feed, portrait: Path, form: Path) -> Desk:
    feed.follow_log(station.capture.log, "capture")
    feed.follow_log(station.link.log, "link")
    feed.follow_log(site.centre.log, "centre")
    feed.follow_questions("register", site.register.questions)
    feed.follow_questions("authority", site.authority.questions)
    feed.follow_screens(station.screens())
    feed.follow_lights(station.panel())
    remotes = (station.camera(), station.panel(), station.sensor(), station.screens())
    return Desk(*remotes, portrait, zone_of(form), say=feed.say)


def _enrol(site: SiteRig, desk: Desk, feed: Feed, form: Path) -> RegisteredCase:
    feed.say("officer", f"takes in the form TK01: eid-central register-case {form.name}")
    case = site.register_case(form, "hcm-desk-01")
    feed.say("centre", f"dossier {case.dossier_id}, code {case.code}; the case order goes to the station, sealed")
    desk.enrol(case.dossier_id)
    desk.follow(lambda shown: shown.screen_id.startswith("result."), RESULT_S)
    return case


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
