"""D26: until when an issued account must be activated."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.central.desk import Desk


def test_issued_case_says_until_when_to_activate(desk: Desk) -> None:
    """D26: seven calendar days after the local date of the result, whatever day that is."""
    desk.work()
    desk.pass_time(5)
    desk.work()
    issued_on = datetime.fromtimestamp(desk.centre.clock.now_ms / 1000, ZoneInfo("Asia/Ho_Chi_Minh")).date()
    (result,) = [row for row in desk.centre.rows("case_events") if row["kind"] == "result"]

    assert json.loads(result["detail"]) == {
        "activate_until": (issued_on + timedelta(days=7)).isoformat(),
        "row": "D26",
    }


def test_show_tells_until_when_to_activate(sqlite_desk: Desk) -> None:
    """Text and JSON; nothing before the account is issued."""
    desk, site = sqlite_desk, sqlite_desk.centre.site
    dossier = desk.registered.dossier_id
    desk.work()
    before = json.loads(site.cli("show", dossier, "--json").stdout)["activate_until"]
    assert "activate until" not in site.cli("show", dossier).stdout
    desk.pass_time(5)
    desk.work()
    after = json.loads(site.cli("show", dossier, "--json").stdout)["activate_until"]

    assert before is None
    assert f"activate until {after}" in site.cli("show", dossier).stdout


def test_refused_case_has_nothing_to_activate(sqlite_desk: Desk) -> None:
    """The term belongs to an account."""
    sqlite_desk.outside.authority.mood.result = "REFUSED"
    sqlite_desk.work()
    sqlite_desk.pass_time(5)
    sqlite_desk.work()
    (result,) = [row for row in sqlite_desk.centre.rows("case_events") if row["kind"] == "result"]

    assert (result["state"], json.loads(result["detail"])) == ("refused", {})
