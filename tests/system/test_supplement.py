"""The authority wants more: the dossier is open again at the desk, and the second capture comes through."""

from __future__ import annotations

import time
from pathlib import Path

from station import policy
from tests.system.conftest import desk_of
from tests.system.rig_site import EXAMPLE_FORM, SiteRig


def test_supplement_is_captured_again_at_the_same_station(site: SiteRig, portrait: Path) -> None:
    """P1, P4: `supplement` reaches the display; shown again, the dossier is asked for, sent anew, captured, issued."""
    site.authority.mood(result="SUPPLEMENT", code="FACE_BELOW_STANDARD")
    station = site.add_station("st-0001").start()
    case = site.register_case(EXAMPLE_FORM, "st-0001")
    with desk_of(station, portrait) as desk:
        desk.enrol(case.dossier_id)
        wanted = desk.follow(lambda shown: shown.screen_id == "result.supplement", 60)
        site.authority.mood(result="ISSUED", code=None)
        desk.camera.send(scene="empty")
        desk.follow("idle", 60)
        desk.person = "applicant-1"
        # The code of a dossier just closed counts as lying there until it was away for the policy's time.
        time.sleep(policy.desk("desk-2026-11").qr_away_s + 0.5)
        desk.enrol(case.dossier_id, 90)
        issued = desk.follow(lambda shown: shown.screen_id == "result.issued", 60)
    shown = site.wait_for_state(case.dossier_id, {"issued"})

    assert wanted.tone == "warning"
    assert issued.screen_id == "result.issued"
    assert len(shown["captures"]) == 2
