"""Registering a case: what the desk hands out and what the station gets."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from central.eligibility import at_the_desk, state_after
from central.errors import CaseRefused, StationRecordInvalid
from tests.central.centre import Centre
from tests.central.site import OTHER_STATION, STATION, adult_form
from wire import envelope
from wire.case import CaseOrder
from wire.catalogue import bundled
from wire.envelope import EnvelopeRejected
from wire.messages import CaseState
from wire.rules.data_files import Outcome
from wire.rules.loader import load_rules
from wire.rules.tk01 import parse_tk01


def _child_form() -> dict[str, Any]:
    year = datetime.now(UTC).year - 9
    return {
        **adult_form(),
        "birth_date": f"{year}-01-01",
        "phone": {"number": "0900000001", "owner": "representative"},
        "representative": {
            "surname": "THỬ-NGHIỆM",
            "given_names": "MẸ MẪU",
            "birth_date": "1984-02-29",
            "sex": "F",
            "nationality": "KOR",
            "document_number": "M11111111",
            "phone": "0900000001",
            "relation": "Mẹ",
        },
    }


def test_order_is_readable_by_its_station_alone(sqlite_centre: Centre) -> None:
    """Sealed to one station's key and signed by the centre; the broker and other stations see noise."""
    registered = sqlite_centre.register()
    (row,) = sqlite_centre.rows("outbound")
    verified = envelope.verify(envelope.parse(row["payload"]), [sqlite_centre.keys.signing.verifying_key])
    own, other = (sqlite_centre.site.station(name)._keys.opening for name in (STATION, OTHER_STATION))

    assert CaseOrder.decode(envelope.open_content(verified, [own])) == registered.order
    assert adult_form()["document"]["number"].encode() not in row["payload"]
    with pytest.raises(EnvelopeRejected):
        envelope.open_content(verified, [other])


def test_code_is_short_and_random(sqlite_centre: Centre) -> None:
    """Six symbols that cannot be misread, nothing of the person in them or in the dossier id."""
    found = [sqlite_centre.register() for _ in range(20)]

    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{6}", case.code) for case in found)
    assert len({case.code for case in found}) == len({case.dossier_id for case in found}) == 20


def test_child_is_consented_for_by_its_representative(sqlite_centre: Centre) -> None:
    """6 to 14: the representative comes along and affirms."""
    order = sqlite_centre.register(_child_form()).order

    assert order.consent_by == "representative"
    assert order.representative is not None
    assert sqlite_centre.register().order.consent_by == "applicant"


def test_child_without_representative_is_not_captured(sqlite_centre: Centre) -> None:
    """D9."""
    form = {**_child_form(), "representative": None}

    with pytest.raises(CaseRefused) as caught:
        sqlite_centre.register(form)
    assert caught.value.params["code"] == "REP_ABSENT"


def test_representative_who_may_not_represent_stops_the_case(sqlite_centre: Centre) -> None:
    """D9: present but not lawful. A form that says nothing of it was taken in by an officer who checked."""
    form = _child_form()
    form["representative"]["lawful"] = False

    with pytest.raises(CaseRefused) as caught:
        sqlite_centre.register(form)
    assert caught.value.params["code"] == "REP_ABSENT"
    assert sqlite_centre.register(_child_form()).dossier_id


def test_number_that_is_not_the_representatives_is_warned_about(sqlite_centre: Centre) -> None:
    """The form contradicts itself: the officer asks again, the case goes on."""
    form = _child_form()
    form["representative"]["phone"] = "0900000002"
    own = adult_form() | {"representative": form["representative"]}

    def codes(values: dict[str, Any]) -> list[str]:
        return [warning.code for warning in sqlite_centre.register(values).warnings]

    assert "PHONE_DIFFERS_REPRESENTATIVE" in codes(form)
    assert "PHONE_DIFFERS_REPRESENTATIVE" not in codes(_child_form())
    assert "PHONE_DIFFERS_REPRESENTATIVE" not in codes(own)


def test_refusal_at_the_desk_is_on_record(centre: Centre) -> None:
    """Issue point 7: policy, row and the inputs' hash of every decision; nothing of the person beside them."""
    form = {**_child_form(), "representative": None}
    with pytest.raises(CaseRefused):
        centre.register(form)
    centre.register()

    (row,) = centre.rows("desk_refusals")
    hashes = (row.pop("inputs_sha256"), row.pop("rules_sha256"))
    assert row == {
        "id": 1,
        "station_id": STATION,
        "at_ms": centre.clock.now_ms,
        "row": "D9",
        "outcome": "INCOMPLETE",
        "reason": "REP_ABSENT",
        "policy": load_rules().policy_on(datetime.fromtimestamp(centre.clock.now_ms / 1000, UTC).date()).id,
    }
    tk01 = parse_tk01(json.dumps(form), load_rules())
    decision = at_the_desk(tk01, load_rules(), centre.clock.now_ms, None, None).decision
    assert decision is not None
    assert hashes == (decision.inputs_sha256, load_rules().sha256)
    assert centre.count("cases") == 1


def test_warnings_of_the_rules_reach_the_officer(sqlite_centre: Centre) -> None:
    """As keys of the catalogue, so that the station shows them in both languages."""
    registered = sqlite_centre.register()

    assert registered.order.warnings
    assert all(key in bundled() for key in registered.order.warnings)


def test_document_with_a_case_in_work_opens_no_second_one(sqlite_centre: Centre) -> None:
    """D25: the open dossier with its own due date."""
    bundle = sqlite_centre.bundle(sqlite_centre.register())
    sqlite_centre.deliver(sqlite_centre.sealed(bundle), bundle.bundle_id)

    with pytest.raises(CaseRefused) as caught:
        sqlite_centre.register()
    assert caught.value.params["outcome"] == "EXISTING"
    assert sqlite_centre.count("cases") == 1


def test_expired_station_gets_no_case(sqlite_centre: Centre) -> None:
    """It could not send the capture."""
    sqlite_centre.clock.now_ms += 400 * 24 * 3600 * 1000

    with pytest.raises(StationRecordInvalid):
        sqlite_centre.register()


@pytest.mark.parametrize("outcome", list(Outcome))
def test_no_outcome_of_the_rules_means_issued(outcome: Outcome) -> None:
    """Only the authority issues (P3)."""
    state = state_after(outcome)

    assert state is None or (state.final and state is not CaseState.ISSUED)
