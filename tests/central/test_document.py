"""What the desk read off the document reaches the decision and whoever looks at the case."""

from __future__ import annotations

import json
from typing import Any

import pytest

from central.orders import Registered
from tests.central.centre import Centre
from tests.central.desk import Outside, desk_in
from wire.bundle import ClockTrust, DocumentMatch, Instant, MatchVerdict, OfficerException
from wire.rules.mrz import check_digit


def zone(registered: Registered, **changed: str) -> list[str]:
    """The passport of the registered person; `number`, `birth` or `surname` otherwise."""
    document = registered.order.document
    number = changed.get("number", document.number).ljust(9, "<")
    birth = changed.get("birth", document.birth_date.replace("-", "")[2:])
    expiry = document.valid_until.replace("-", "")[2:]
    parts = [f"{field}{check_digit(field)}" for field in (number, birth, expiry, "<" * 14)]
    whole = check_digit(parts[0] + parts[1] + parts[2] + parts[3])
    second = f"{parts[0]}{document.nationality}{parts[1]}{document.sex}{parts[2]}{parts[3]}{whole}"
    return [f"P<{document.nationality}{changed.get('surname', 'VIDU')}<<KIM<THU".ljust(44, "<"), second]


def read(registered: Registered, *signed: str, **changed: str) -> dict[str, Any]:
    """Fields of a bundle whose zone was read, with what the officer signed."""
    at = Instant(wall_ms=1_767_855_600_000, monotonic_ns=1, boot_id="boot", trust=ClockTrust.SYNCED)
    lines = zone(registered, **changed)
    document = registered.order.document.model_copy(update={"mrz": lines, "source": "tk01" if signed else "mrz"})
    entries = [
        OfficerException(subject=f"document.{field}", reason="DOC_DIFFERS", officer_id="CB01", at=at)
        for field in signed
    ]
    match = DocumentMatch(score=0.21, threshold=0.5, verdict=MatchVerdict.REJECT, model_id="m")
    return {"document": document, "exceptions": entries, "document_match": match}


def details(desk: Any) -> dict[str, dict[str, Any]]:
    return {row["kind"]: json.loads(row["detail"]) for row in desk.centre.rows("case_events")}


def test_zone_that_agrees_changes_nothing(sqlite_centre: Centre, outside: Outside) -> None:
    """Read and good: the case goes on."""
    with desk_in(sqlite_centre, outside, read) as desk:
        desk.work()
        found = details(desk)

    assert found["decided"]["row"] in ("D22", "D23")
    assert "MRZ_CONTRADICTS" not in [warning["code"] for warning in found["decided"]["warnings"]]


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"number": "X1234567"}, "document.number"), ({"birth": "900101"}, "applicant.birth_date")],
)
def test_zone_that_contradicts_the_form_stops_the_case(
    sqlite_centre: Centre, outside: Outside, changed: dict[str, str], field: str
) -> None:
    """D2, whatever the officer signed: another number is another document, another birthday another person."""
    with desk_in(sqlite_centre, outside, lambda registered: read(registered, "number", **changed)) as desk:
        desk.work()
        found = details(desk)
        states = desk.states()

    assert found["decided"]["row"] == "D2"
    assert {"code": "MRZ_CONTRADICTS", "field": field} in found["decided"]["warnings"]
    assert states[-1][0] == "supplement"


def test_what_the_officer_signed_is_seen_with_the_case(sqlite_centre: Centre, outside: Outside) -> None:
    """No need to open the bundle: source, comparison and signatures stand in the history; no letter of the zone."""
    with desk_in(sqlite_centre, outside, lambda registered: read(registered, "surname", surname="ANOTHER")) as desk:
        found = details(desk)["received"]

    assert found["document"] == {
        "source": "tk01",
        "zone_read": True,
        "portrait_match": "reject",
        "played": ["camera"],
        "embedding": "emulated-1",
        "signed": [{"subject": "document.surname", "reason": "DOC_DIFFERS"}],
    }
    assert "ANOTHER" not in json.dumps(found)
