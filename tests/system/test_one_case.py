"""One case, from button to result, through every process of the product."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from pathlib import Path

from tests.system.conftest import desk_of
from tests.system.passport import zone_of
from tests.system.rig_site import EXAMPLE_FORM, SiteRig, readable_findings
from wire.records import fir, png4

PEOPLE = ("case", "consent", "document", "document_check", "portrait", "finger", "review", "queued", "result")
"""The screens that wait for somebody, in order."""

SECRETS = ("VÍ-DỤ", "KIM THỬ", "M00000000", "0900000000", "kim.thu@example.com", "VI<DU<<KIM")


def test_from_button_to_result(site: SiteRig, portrait: Path) -> None:
    """P1, P2, P3: the result the authority gave comes back to the display, and nobody on the way could read.

    Checks the whole chain once: screens in order, one stored capture, empty outbox, the opened bundle agreeing with
    what the sensor sent, ISO records that decode to the same pixels, nothing readable at rest.
    """
    station = site.add_station("st-0001").start()
    case = site.register_case(EXAMPLE_FORM, "st-0001")
    with desk_of(station, portrait, zone=zone_of(EXAMPLE_FORM)) as desk:
        desk.enrol(case.dossier_id)
        result = desk.follow(lambda shown: shown.screen_id.startswith("result."), 60)
    shown = site.wait_for_state(case.dossier_id, {"issued"})
    steps = list(dict.fromkeys(screen.split(".")[0] for screen in desk.seen))
    outbox = list((station.state_dir / "outbox").glob("*.cose"))

    assert result.screen_id == "result.issued"
    # Screens that only pass by (opening, sealing) may be overtaken before they are drawn.
    assert [step for step in steps if step in PEOPLE] == list(PEOPLE)
    assert len(shown["captures"]) == 1
    assert outbox == []
    check_at_rest(site)
    check_opened(site, shown["captures"][0]["bundle_id"])


def check_at_rest(site: SiteRig) -> None:
    """P2: no name, number or picture in the station's state, the broker's store, or any log."""
    state = readable_findings(site.stations["st-0001"].state_dir, SECRETS)
    broker = readable_findings(site.fleet.layout.broker / "data", SECRETS)
    logs = [
        path.name
        for path in site.root.rglob("*.log")
        if any(secret.encode() in path.read_bytes() for secret in SECRETS)
    ]

    assert state == []
    assert broker == []
    assert logs == []


def check_opened(site: SiteRig, bundle_id: str) -> None:
    """The auditor's view: bundle.json, images and ISO records agree with each other."""
    sealed, out = site.root / "taken.cose", site.root / "opened"
    site.central("export", bundle_id, "--out", str(sealed))
    site.central("open", str(sealed), "--out", str(out))
    bundle = json.loads((out / "bundle.json").read_text("utf-8"))
    presses = [press for finger in bundle["fingers"] for press in finger["presses"]]

    assert [finger["position"] for finger in bundle["fingers"]] == ["right_index", "left_index"]
    assert len(presses) == 6
    for press in presses:
        image = png4.decode_grey((out / press["png"]).read_bytes())
        record, _ = fir.read((out / press["png"].replace(".png", ".fir")).read_bytes())
        assert hashlib.sha256(image.pixels).digest() == _bytes(press["packed_sha256"])
        assert (record.image.width_px, record.image.height_px) == (image.width_px, image.height_px)
        assert record.image.pixels == png4.unpack(image.pixels)
    assert bundle["document"]["source"] == "mrz"
    assert bundle["document"]["mrz"] == list(zone_of(EXAMPLE_FORM))
    assert bundle["document_match"]["verdict"] == "accept"
    assert bundle["exceptions"] == []
    assert bundle["portrait"]["accepted_by"] == "quality"
    assert (out / "portrait.jpg").read_bytes()[:3] == b"\xff\xd8\xff"
    vector = struct.unpack("<256f", _bytes(bundle["portrait"]["embedding"]["vector"]))
    assert abs(sum(value * value for value in vector) - 1.0) < 1e-3


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text)
