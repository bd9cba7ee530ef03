"""`eid-central moves`, `alarms` and `receipt`: what the centre says about its own open dossiers."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from central.moves import open_dossiers
from central.store.tables import case_events, cases
from tests.central.site import STATION, Site
from wire.rules import Rules, case_of, decide, load_rules

CASE: dict[str, Any] = {
    "applicant": {"nationality": "KOR", "birth_date": "1985-03-12"},
    "document": {"type": "passport", "valid_until": "2035-03-11", "readable": True},
    "card": {"kind": "permanent"},
    "phone": {"number": "0912345678", "owner": "self", "linked_elsewhere": False},
    "form_signed": True,
    "consent": True,
    "face_ok": True,
    "fingers": {"right_thumb": "captured"},
}
BOTH = {"face": "yes", "fingers": "yes", "match": "yes"}
NONE = {"face": "no", "fingers": "no", "match": "yes"}


def put(site: Site, rules: Rules, number: int, visit: str, register: dict[str, str] | None, state: str) -> str:
    """A case in the store as the centre leaves it after its decision; without `register` it is still being checked."""
    dossier = f"{number:026}"
    decision = decide(case_of(CASE | {"visit": visit, "register": register or {}}, rules), rules)
    received_ms = int(datetime.fromisoformat(visit).timestamp() * 1000)
    row = {
        "dossier_id": dossier,
        "code": f"{number:06}",
        "station_id": STATION,
        "document_sha256": f"{number:064}",
        "tk01": "{}",
        "order_cbor": b"",
        "plan_id": "p",
        "state": state,
        "due": decision.due.isoformat() if decision.due else None,
        "sequence": 1,
        "registered_ms": received_ms,
        "received_ms": received_ms,
        "expires_ms": received_ms,
    }
    detail = {
        "policy": decision.policy,
        "row": decision.row,
        "working_days": decision.working_days,
        "alarm": decision.alarm.isoformat() if decision.alarm else None,
    }
    event = {
        "dossier_id": dossier,
        "at_ms": received_ms,
        "kind": "decided",
        "actor": "centre",
        "station_id": STATION,
        "detail": json.dumps(detail),
    }
    store = site.open_store()
    try:
        with store.write() as connection:
            connection.execute(insert(cases).values(row))
            if register is not None:
                connection.execute(insert(case_events).values(event))
    finally:
        store.close()
    return dossier


@pytest.fixture
def clerk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the clerk's one line."""
    directory = tmp_path_factory.mktemp("clerk")
    (directory / "calendar-override.toml").write_text('2026-11-23 = "off"\n', "utf-8")
    return directory


def moves(site: Site, *arguments: str) -> dict[str, Any]:
    """What the command prints."""
    found: dict[str, Any] = json.loads(site.cli("moves", *arguments).stdout)
    return found


def test_a_day_off_moves_the_dossiers_across_it_and_no_other(bare_site: Site, clerk: Path) -> None:
    """Three days, seven days, provisional with its alarm, still checking; closed and earlier ones stay."""
    rules = load_rules()
    three = put(bare_site, rules, 1, "2026-11-20T09:00:00+07:00", BOTH, "requested")
    seven = put(bare_site, rules, 2, "2026-11-16T09:00:00+07:00", NONE, "requested")
    provisional = put(bare_site, rules, 3, "2026-11-18T09:00:00+07:00", {}, "requested")
    checking = put(bare_site, rules, 4, "2026-11-20T10:00:00+07:00", None, "checking")
    put(bare_site, rules, 5, "2026-11-20T09:00:00+07:00", BOTH, "issued")
    put(bare_site, rules, 6, "2026-11-10T09:00:00+07:00", BOTH, "requested")

    assert moves(bare_site) == {"open": 5, "moves": []}
    assert moves(bare_site, "--rules", str(clerk)) == {
        "open": 5,
        "moves": [
            {"id": seven, **dates("2026-11-26", "2026-11-27")},
            {"id": provisional, **dates("2026-11-30", "2026-12-01", "2026-11-23", "2026-11-25")},
            {"id": three, **dates("2026-11-26", "2026-11-27")},
            {"id": checking, **dates("2026-12-02", "2026-12-03")},
        ],
    }


def dates(before: str, after: str, alarm_before: str | None = None, alarm_after: str | None = None) -> dict[str, Any]:
    """The dates of a move."""
    return {"due": {"before": before, "after": after}, "alarm": {"before": alarm_before, "after": alarm_after}}


def test_the_command_changes_nothing(bare_site: Site, clerk: Path) -> None:
    """It lists; asking twice gives the same."""
    rules = load_rules()
    put(bare_site, rules, 1, "2026-11-20T09:00:00+07:00", BOTH, "requested")
    first = moves(bare_site, "--rules", str(clerk))
    store = bare_site.open_store()
    try:
        with store.read() as connection:
            (case,) = open_dossiers(connection, rules)
    finally:
        store.close()

    assert case.due.isoformat() == "2026-11-26"
    assert moves(bare_site, "--rules", str(clerk)) == first


def test_late_dossiers_are_listed_from_their_day_on(bare_site: Site) -> None:
    """Register unknown at 3 working days, the last day of the others; answered in time and closed ones are not late."""
    rules = load_rules()
    provisional = put(bare_site, rules, 1, "2026-11-10T09:00:00+07:00", {}, "checking")
    three = put(bare_site, rules, 2, "2026-11-11T09:00:00+07:00", BOTH, "requested")
    put(bare_site, rules, 3, "2026-11-10T09:00:00+07:00", NONE, "requested")
    put(bare_site, rules, 4, "2026-11-10T09:00:00+07:00", BOTH, "issued")

    def late(on: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(bare_site.cli("alarms", "--on", on).stdout)
        return found

    assert late("2026-11-12") == {"on": "2026-11-12", "open": 3, "alarms": []}
    assert late("2026-11-13")["alarms"] == [{"id": provisional, "alarm": "2026-11-13", "due": "2026-11-19"}]
    assert [one["id"] for one in late("2026-11-16")["alarms"]] == [provisional, three]
    assert len(late("2026-11-19")["alarms"]) == 3
    assert json.loads(bare_site.cli("alarms").stdout)["open"] == 3


def test_alarms_of_a_date_that_is_none(bare_site: Site) -> None:
    """Exit 2 and a sentence."""
    done = bare_site.cli("alarms", "--on", "13/11/2026", ok=False)

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("on: ")


def test_a_wrong_line_is_said_and_nothing_is_listed(bare_site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The sentence names the file."""
    directory = tmp_path_factory.mktemp("wrong")
    (directory / "calendar-override.toml").write_text('2026-11-23 = "holiday"\n', "utf-8")
    done = bare_site.cli("moves", "--rules", str(directory), ok=False)

    assert (done.exit_code, done.stdout) == (1, "")
    assert "calendar-override.toml" in done.stderr


def test_the_receipt_of_an_open_dossier(bare_site: Site, tmp_path: Path) -> None:
    """Text on the terminal, a PDF in a file; the dates are those given out."""
    dossier = put(bare_site, load_rules(), 1, "2026-11-18T09:05:00+07:00", {}, "requested")
    text = bare_site.cli("receipt", dossier).stdout

    assert f"hồ sơ số {dossier} ngày 18/11/2026 lúc 09:05" in text
    assert "không quá 07 ngày làm việc, trước 24 giờ ngày 30/11/2026" in text
    bare_site.cli("receipt", dossier, "--pdf", str(tmp_path / "receipt.pdf"))
    assert (tmp_path / "receipt.pdf").read_bytes().startswith(b"%PDF")


def test_a_pdf_that_cannot_be_written_is_a_sentence(bare_site: Site, tmp_path: Path) -> None:
    """Exit 1 and what to do, no traceback."""
    dossier = put(bare_site, load_rules(), 1, "2026-11-18T09:05:00+07:00", {}, "requested")
    done = bare_site.cli("receipt", dossier, "--pdf", str(tmp_path / "no" / "receipt.pdf"), ok=False)

    assert (done.exit_code, done.stdout) == (1, "")
    assert "receipt.pdf" in done.stderr


@pytest.mark.parametrize("state", ["registered", "issued"])
def test_no_receipt_for_a_dossier_that_is_not_open(bare_site: Site, state: str) -> None:
    """Before the capture arrives nothing was received; afterwards nothing is promised."""
    dossier = put(bare_site, load_rules(), 1, "2026-11-18T09:05:00+07:00", BOTH, state)
    done = bare_site.cli("receipt", dossier, ok=False)
    unknown = bare_site.cli("receipt", "0" * 26, ok=False)

    assert (done.exit_code, done.stdout) == (1, "")
    assert dossier in done.stderr
    assert (unknown.exit_code, unknown.stdout) == (1, "")
