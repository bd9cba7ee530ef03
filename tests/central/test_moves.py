"""`eid-central moves --apply`: open dossiers put on the dates of an edited calendar, and their stations told."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from central.adapters.authority import HttpAuthority
from central.adapters.register import HttpRegister
from central.clock import instant
from central.config import AuthorityConfig, JobsConfig, RegisterConfig
from central.jobs import JobWorker
from central.moves import apply_moves, open_dossiers
from central.steps import Steps
from central.store.jobs import JobKind
from tests.central.centre import Centre
from tests.central.site import adult_form
from wire.messages import Status
from wire.rules import Rules, load_rules

NOWHERE = "http://127.0.0.1:9"


def checked(centre: Centre, number: str) -> str:
    """A dossier in `checking`, with a provisional date and its alarm: the register does not answer."""
    form = adult_form()
    form["document"]["number"] = number
    registered = centre.register(form)
    bundle = centre.bundle(registered)
    centre.deliver(centre.sealed(bundle), bundle.bundle_id)
    register = HttpRegister(RegisterConfig(base_url=NOWHERE, deadline_s=1))
    authority = HttpAuthority(AuthorityConfig(base_url=NOWHERE, deadline_s=1))
    with closing(register), closing(authority):
        steps = Steps(centre.store, centre.keys, load_rules(), register, authority, 5000, centre.clock)
        config = JobsConfig(first_retry_s=600, longest_retry_s=900)
        assert JobWorker(centre.store, steps, centre.keys, config, tuple(JobKind), centre.clock, lambda: 0.5).one()
    return registered.dossier_id


@pytest.fixture
def clerk(centre: Centre, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which the first working day after today is off."""
    return day_off(centre, tmp_path_factory.mktemp("clerk"))


def day_off(centre: Centre, directory: Path) -> Path:
    """Writes the clerk's one line."""
    off = expected(centre, load_rules(), 1)
    (directory / "calendar-override.toml").write_text(f'{off} = "off"\n', "utf-8")
    return directory


def expected(centre: Centre, rules: Rules, working_days: int) -> str:
    """The local date on which that term ends for a dossier received now."""
    return rules.calendar.due(rules.calendar.local_date(instant(centre.clock.now_ms)), working_days).on.isoformat()


def statuses(centre: Centre) -> list[Status]:
    """What was queued for the station, in order."""
    keys = [centre.keys.signing.verifying_key]
    return [Status.verified(row["payload"], keys) for row in centre.rows("outbound") if row["kind"] == "status"]


def test_dossiers_get_the_new_dates_and_stations_are_told_once(centre: Centre, clerk: Path) -> None:
    """One event with both dates, one status with the next sequence; doing it again does nothing."""
    dossier = checked(centre, "M00000001")
    before, rules = load_rules(), load_rules(clerk)
    told = len(statuses(centre))
    with centre.store.write() as connection:
        first = apply_moves(connection, rules, centre.keys.signing, centre.clock.now_ms)
        again = apply_moves(connection, rules, centre.keys.signing, centre.clock.now_ms)

    assert (first[0], [move.id for move in first[1]]) == (1, [dossier])
    assert again == (1, [])
    (event,) = [row for row in centre.rows("case_events") if row["kind"] == "moved"]
    detail = json.loads(event["detail"])
    assert detail["due"] == {"before": expected(centre, before, 7), "after": expected(centre, rules, 7)}
    assert detail["alarm"] == {"before": expected(centre, before, 3), "after": expected(centre, rules, 3)}
    assert detail["rules_sha256"] == rules.sha256
    (case,) = centre.rows("cases")
    *_, earlier, newest = statuses(centre)
    assert len(statuses(centre)) == told + 1
    assert (newest.sequence, newest.state, newest.due) == (earlier.sequence + 1, earlier.state, detail["due"]["after"])
    assert (case["due"], case["sequence"], case["state"]) == (newest.due, newest.sequence, "checking")


def test_alarm_of_a_moved_dossier_is_the_new_one(centre: Centre, clerk: Path) -> None:
    """`alarms` and a later edit start from the dates as they stand, and taking the day back restores them."""
    checked(centre, "M00000001")
    before, rules = load_rules(), load_rules(clerk)
    with centre.store.write() as connection:
        apply_moves(connection, rules, centre.keys.signing, centre.clock.now_ms)
        (moved,) = open_dossiers(connection, rules)
        apply_moves(connection, before, centre.keys.signing, centre.clock.now_ms)
        (restored,) = open_dossiers(connection, before)

    assert moved.alarm == date.fromisoformat(expected(centre, rules, 3))
    assert restored.alarm == date.fromisoformat(expected(centre, before, 3))
    assert moved.alarm - restored.alarm >= timedelta(days=1)


def test_command_applies_what_it_lists(sqlite_centre: Centre, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The same moves with and without --apply; afterwards none is left, and `show` tells of it."""
    centre = sqlite_centre
    dossier = checked(centre, "M00000001")
    checked(centre, "M00000002")
    rules_dir = day_off(centre, tmp_path_factory.mktemp("clerk"))
    centre.site.write_config(**{'plan = "single-2"': f'plan = "single-2"\nrules_dir = "{rules_dir}"'})

    def run(*arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(centre.site.cli("moves", *arguments).stdout)
        return found

    listed, applied, left = run(), run("--apply"), run()

    assert len(listed["moves"]) == 2
    assert applied == {**listed, "applied": True}
    assert left == {"open": 2, "moves": []}
    assert run("--apply")["moves"] == []
    history = json.loads(centre.site.cli("show", dossier, "--json").stdout)["history"]
    assert [event["kind"] for event in history].count("moved") == 1


def test_rules_the_centre_does_not_read_are_not_applied(bare_site: Any, tmp_path: Path) -> None:
    """Its workers would go on giving out other dates: exit 2 and a sentence."""
    done = bare_site.cli("moves", "--apply", "--rules", str(tmp_path), ok=False)

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("--rules: ")
