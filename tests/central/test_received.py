"""From when a dossier counts as received: the desk, not the line, sets the date every term starts from."""

from __future__ import annotations

from typing import Any

import pytest

from central.eligibility import after_capture
from central.examine import facts_of
from tests.central.centre import Centre
from wire.bundle import ClockTrust, Instant
from wire.rules.loader import load_rules
from wire.rules.tk01 import Tk01

DAY_MS = 24 * 3600 * 1000


def received_ms(centre: Centre, offline_ms: int, trust: ClockTrust, shift_ms: int = 0) -> tuple[int, int]:
    """What stands in the case and what the time is, from the confirmation at the desk, after a time offline."""
    registered = centre.register()
    desk_ms = centre.clock.now_ms
    bundle = centre.bundle(registered)
    moment: dict[str, Any] = bundle.confirmed.model_dump() | {"wall_ms": desk_ms + shift_ms, "trust": trust}
    changed = centre.bundle(registered, confirmed=Instant(**moment), bundle_id=bundle.bundle_id)
    raw = centre.sealed(changed)
    centre.clock.now_ms += offline_ms
    centre.deliver(raw, changed.bundle_id)
    (case,) = centre.rows("cases")
    return case["received_ms"] - desk_ms, centre.clock.now_ms - desk_ms


@pytest.mark.parametrize("trust", [ClockTrust.SYNCED, ClockTrust.SIGNED])
def test_time_offline_does_not_put_off_the_receipt(sqlite_centre: Centre, trust: ClockTrust) -> None:
    """A passport valid on the day of the visit is valid, and the term runs, however late the line comes back."""
    found, _ = received_ms(sqlite_centre, 3 * DAY_MS, trust)

    assert found == 0


@pytest.mark.parametrize("trust", [ClockTrust.NONE, ClockTrust.FLOOR])
def test_a_clock_nobody_vouches_for_sets_no_date(sqlite_centre: Centre, trust: ClockTrust) -> None:
    """The centre's own moment counts, and the decision warns."""
    found, now = received_ms(sqlite_centre, 3 * DAY_MS, trust)

    assert found == now


@pytest.mark.parametrize("shift_ms", [-1, 4 * DAY_MS])
def test_a_moment_that_cannot_be_sets_no_date(sqlite_centre: Centre, shift_ms: int) -> None:
    """Before the case was registered, or after it arrived."""
    found, now = received_ms(sqlite_centre, 3 * DAY_MS, ClockTrust.SYNCED, shift_ms)

    assert found == now


@pytest.mark.parametrize("trusted", [True, False])
def test_the_decision_warns_of_a_clock_nobody_vouches_for(sqlite_centre: Centre, trusted: bool) -> None:
    """The officer checks the date and time of receipt."""
    registered = sqlite_centre.register()
    facts = facts_of(sqlite_centre.bundle(registered))
    tk01 = Tk01.model_validate_json(sqlite_centre.rows("cases")[0]["tk01"])
    now_ms = sqlite_centre.clock.now_ms
    decision = after_capture(tk01, registered.order, facts, None, load_rules(), now_ms, clock_trusted=trusted)

    assert ("CLOCK_UNTRUSTED" in [warning.code for warning in decision.warnings]) is not trusted
