"""Jobs: claimed once, put off and tried again, never in each other's way; the answer counts while the lease holds."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from central.ingest import Message
from central.steps import LeaseLost, Steps
from central.store import jobs
from central.store.jobs import Backoff, Job, JobKind
from central.store.tables import jobs as jobs_table
from tests.central.centre import Centre
from tests.central.desk import CONFIG, Desk
from tests.central.site import STATION, adult_form, person_of
from wire import topics
from wire.messages import CaseState, Sync


def test_case_goes_its_way_to_issued(desk: Desk) -> None:
    """received → checking → requested → issued, with a due date, and every question asked once."""
    desk.work()
    desk.pass_time(5)
    desk.work()

    assert desk.states() == [("received", None), ("checking", None), ("requested", None), ("issued", None)]
    assert [question.operation for question in desk.outside.register.questions] == [
        "findPersons",
        "readPersonAttributes",
        "matchPersonAttributes",
        "verifyFromId",
        "verifyFromId",
    ]
    assert [question.operation for question in desk.outside.authority.questions] == [
        "createCredentialRequest",
        "readCredentialRequest",
    ]
    assert desk.centre.rows("cases")[0]["due"] is not None
    assert all(not row["open"] for row in desk.centre.rows("jobs"))


def test_register_holding_both_references_shortens_the_term(desk: Desk) -> None:
    """While the register is silent the longer term stands; its answer gives the final one (D24, then D22)."""
    desk.work()

    events = {row["kind"]: row for row in desk.centre.rows("case_events")}
    assert json.loads(events["decided"]["detail"])["row"] == "D22"
    assert events["decided"]["due"] < events["checking"]["due"]


def test_the_provisional_answer_is_on_record_too(desk: Desk) -> None:
    """Policy, row and hashes of every decision; the alarm of the provisional one ends with the register's answer."""
    desk.work()
    events = {row["kind"]: json.loads(row["detail"]) for row in desk.centre.rows("case_events")}
    provisional, settled = events["checking"], events["decided"]

    assert (provisional["row"], provisional["provisional"], provisional["working_days"]) == ("D24", True, 7)
    assert provisional["alarm"] is not None
    assert settled["alarm"] is None
    assert provisional["policy"] == settled["policy"]
    assert provisional["rules_sha256"] == settled["rules_sha256"]
    assert provisional["inputs_sha256"] != settled["inputs_sha256"]
    assert {"code": "PHONE_LINK_UNCHECKED", "field": "phone.linked_elsewhere"} in settled["warnings"]
    assert "CLOCK_UNTRUSTED" not in [warning["code"] for warning in settled["warnings"]]


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        ({"unknown_person": True}, "person_unknown"),
        ({"differing": ["surname"]}, "attributes_differ"),
        ({"other_face": True}, "face_differs"),
        ({"other_fingers": True}, "fingers_differ"),
    ],
)
def test_mismatch_is_escalated_and_nothing_is_requested(sqlite_desk: Desk, mood: dict[str, Any], reason: str) -> None:
    """D21: the centre asks for no account for somebody the register does not recognise."""
    desk = sqlite_desk
    for name, value in mood.items():
        setattr(desk.outside.register.mood, name, value)

    desk.work()

    assert desk.states()[-1] == ("escalated", "DATA_MISMATCH")
    assert desk.outside.authority.questions == []
    (answered,) = [row for row in desk.centre.rows("case_events") if row["kind"] == "register_answered"]
    assert json.loads(answered["detail"])["reason"] == reason


@pytest.mark.parametrize("result", ["REFUSED", "SUPPLEMENT", "ESCALATED"])
def test_word_of_the_authority_is_final(sqlite_desk: Desk, result: str) -> None:
    """Whatever it says, with its code."""
    desk = sqlite_desk
    desk.outside.authority.mood.result, desk.outside.authority.mood.code = result, "C06-17"

    desk.work()
    desk.pass_time(5)
    desk.work()

    assert desk.states()[-1] == (result.lower(), "C06-17")


def test_supplement_opens_the_case_for_a_new_capture(sqlite_desk: Desk) -> None:
    """The station is given the order again; the same dossier is captured anew and goes its way from the start."""
    desk = sqlite_desk
    desk.outside.authority.mood.result = "SUPPLEMENT"
    desk.work()
    desk.pass_time(5)
    desk.work()
    desk.outside.authority.mood.result = "ISSUED"
    sync = Sync(station_id=STATION, outstanding=[], statuses={desk.bundle_id: 4})
    (order,) = desk.centre.ingest.take([Message(topics.up_sync(STATION), sync.encode())])
    assert order.topic == topics.down_case(STATION, desk.registered.dossier_id)
    bundle = desk.centre.bundle(desk.registered, seed=9)
    desk.centre.deliver(desk.centre.sealed(bundle), bundle.bundle_id)
    desk.work()
    desk.pass_time(5)
    desk.work()

    case = desk.centre.rows("cases")[0]
    assert (case["state"], case["bundle_id"], case["sequence"]) == ("issued", bundle.bundle_id, 4)


def test_supplement_has_a_term_of_its_own(sqlite_desk: Desk) -> None:
    """However late the authority asks for more, the station gets an order it may work on."""
    desk = sqlite_desk
    desk.outside.authority.mood.result = "SUPPLEMENT"
    desk.work()
    desk.pass_time(5)
    desk.work()
    desk.pass_time(10 * 86_400)
    sync = Sync(station_id=STATION, outstanding=[], statuses={desk.bundle_id: 4})
    (sent,) = desk.centre.ingest.take([Message(topics.up_sync(STATION), sync.encode())])
    order = desk.centre.opened_order(sent.payload)

    assert order.dossier_id == desk.registered.dossier_id
    assert order.issued_ms == desk.centre.clock.now_ms
    assert order.expires_ms - order.issued_ms == 7 * 86_400_000


def test_pending_request_is_asked_again_at_the_polling_pace(sqlite_desk: Desk) -> None:
    """Waiting is no failure: attempts stay at zero, no status is made up (P3)."""
    desk = sqlite_desk
    desk.outside.authority.mood.result = "PENDING"
    for _ in range(4):
        desk.work()
        desk.pass_time(5)

    assert desk.states()[-1] == ("requested", None)
    assert (desk.open_job()["attempts"], desk.open_job()["reason"]) == (0, "pending")


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        ({"down": True}, "busy:findPersons:503"),
        ({"refusing": True}, "refused:findPersons:403"),
        ({"hang_up": True}, "unreachable:findPersons"),
        ({"delay_s": 5.0}, "unreachable:findPersons"),
    ],
)
def test_register_in_trouble_puts_the_job_off(sqlite_desk: Desk, mood: dict[str, Any], reason: str) -> None:
    """Checking stays the status; the reason stands in the job; when the register is back the case goes on."""
    desk = sqlite_desk
    for name, value in mood.items():
        setattr(desk.outside.register.mood, name, value)
    desk.work()
    waiting = desk.open_job()
    for name, value in {"down": False, "refusing": False, "hang_up": False, "delay_s": 0.0}.items():
        setattr(desk.outside.register.mood, name, value)
    desk.pass_time(1)
    desk.work()

    assert (waiting["attempts"], waiting["reason"]) == (1, reason)
    assert desk.states()[:3] == [("received", None), ("checking", None), ("requested", None)]


def test_crash_between_asking_and_writing_asks_again_safely(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request reached the authority, the worker died: the next one asks again, and there is still one request."""
    desk = sqlite_desk
    finish = Steps._finish

    def dies(self: Steps, connection: Any, job: Job, following: JobKind | None) -> Any:
        if job.kind is JobKind.REQUEST:
            raise KeyboardInterrupt
        return finish(self, connection, job, following)

    monkeypatch.setattr(Steps, "_finish", dies)
    with pytest.raises(KeyboardInterrupt):
        desk.work()
    monkeypatch.setattr(Steps, "_finish", finish)
    desk.pass_time(CONFIG.lease_s + CONFIG.longest_retry_s)
    desk.work()

    assert len(desk.outside.authority.requests) == 1
    assert desk.states()[-1] == ("requested", None)


def test_late_worker_changes_nothing(desk: Desk) -> None:
    """A worker that lost its lease to another must not write, even if it has the answer (no job twice)."""
    now_ms = desk.centre.clock.now_ms
    backoff = Backoff(1000, 8000, lambda: 0.5)
    with desk.centre.store.write() as connection:
        slow = jobs.claim(connection, tuple(JobKind), now_ms, 60_000, backoff)
    assert slow is not None
    desk.pass_time(100)
    desk.work()
    before = desk.states()

    with pytest.raises(LeaseLost):
        desk.steps.run(slow)
    assert desk.states() == before


def test_lease_that_another_took_over_cannot_be_settled(desk: Desk) -> None:
    """The token in the row decides, also while the job is still open."""
    store, backoff = desk.centre.store, Backoff(1000, 8000, lambda: 0.5)
    found = []
    for _ in range(2):
        with store.write() as connection:
            found.append(jobs.claim(connection, tuple(JobKind), desk.centre.clock.now_ms, 60_000, backoff))
        desk.pass_time(100)
    slow, quick = found
    assert slow is not None
    assert quick is not None

    with store.write() as connection:
        ended = jobs.end(connection, slow, desk.centre.clock.now_ms)
        put_off = jobs.put_off(connection, slow, desk.centre.clock.now_ms, "x", answered=False)
        own = jobs.end(connection, quick, desk.centre.clock.now_ms)
    assert (slow.id, ended, put_off, own) == (quick.id, False, False, True)


def test_worker_that_was_away_says_nothing_after_the_result(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """P3: a worker stalls between reading the case and noting `checking`; another issues meanwhile.

    What the first one then writes would be the newest status for ever.
    """
    with desk.centre.store.write() as connection:
        slow = jobs.claim(
            connection, tuple(JobKind), desk.centre.clock.now_ms, 60_000, Backoff(1000, 8000, lambda: 0.5)
        )
    assert slow is not None
    decide, stalls = Steps._decide, [True]

    def stall(self: Steps, *arguments: Any) -> Any:
        if stalls:
            stalls.pop()
            desk.pass_time(100)
            desk.work()
            desk.pass_time(5)
            desk.work()
        return decide(self, *arguments)

    monkeypatch.setattr(Steps, "_decide", stall)
    with pytest.raises(LeaseLost):
        desk.steps.run(slow)

    assert desk.states()[-1] == ("issued", None)
    assert desk.centre.rows("cases")[0]["state"] == "issued"


def test_two_workers_never_hold_one_job(centre: Centre) -> None:
    """Sixteen threads claim eight jobs: each job goes to exactly one of them."""
    for _ in range(8):
        bundle = centre.bundle(centre.register(_other_person()))
        centre.deliver(centre.sealed(bundle), bundle.bundle_id)
    claimed: list[int] = []
    backoff = Backoff(1000, 8000, lambda: 0.5)

    def claim() -> None:
        with centre.store.write() as connection:
            job = jobs.claim(connection, tuple(JobKind), centre.clock.now_ms, 60_000, backoff)
        if job is not None:
            claimed.append(job.id)

    _in_threads(claim, 16)

    assert sorted(claimed) == sorted(row["id"] for row in centre.rows("jobs"))


def _in_threads(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()


_numbers = iter(range(10_000_000, 99_999_999))


def _other_person() -> dict[str, Any]:
    form = adult_form()
    form["document"]["number"] = f"M{next(_numbers)}"
    return form


def test_poison_job_blocks_nobody_and_raises_an_alarm(sqlite_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that always fails is put off with its reason; others are done; after a while history says so."""
    desk = sqlite_desk
    poison = desk.bundle_id
    form = _other_person()
    desk.outside.register.persons["A-2"] = person_of(form)
    bundle = desk.centre.bundle(desk.centre.register(form))
    desk.centre.deliver(desk.centre.sealed(bundle), bundle.bundle_id)
    run = Steps.run

    def failing(self: Steps, job: Job) -> None:
        if job.bundle_id == poison:
            raise ValueError("KIM MẪU")
        run(self, job)

    monkeypatch.setattr(Steps, "run", failing)
    for _ in range(4):
        desk.work()
        desk.pass_time(10)

    by_bundle = {row["bundle_id"]: row for row in desk.centre.rows("cases")}
    assert by_bundle[bundle.bundle_id]["state"] == CaseState.ISSUED.value
    assert by_bundle[poison]["state"] == CaseState.RECEIVED.value
    assert desk.open_job()["reason"] == "unexpected:ValueError"
    assert [row["kind"] for row in desk.centre.rows("case_events")].count("job_stuck") == 1


def test_closed_job_is_never_claimed(sqlite_desk: Desk) -> None:
    """What is done stays done."""
    desk = sqlite_desk
    with desk.centre.store.write() as connection:
        connection.execute(update(jobs_table).values(open=False))

    assert not desk.worker.one()


@given(attempts=st.integers(1, 10_000), chance=st.floats(0, 1, exclude_max=True))
def test_back_off_grows_within_its_bounds(attempts: int, chance: float) -> None:
    """Never less than half the first wait, never more than the longest."""
    wait_ms = Backoff(1000, 60_000, lambda: chance).after(attempts)

    assert 500 <= wait_ms <= 60_000
    assert attempts == 1 or wait_ms >= min(30_000, 500 * 2 ** min(attempts - 1, 20))


def test_what_outside_systems_were_asked_holds_no_values(sqlite_desk: Desk) -> None:
    """The emulated systems remember names of attributes and sizes of images, enough to show who could read what."""
    desk = sqlite_desk
    desk.work()
    told = httpx.get(f"{desk.outside.register_url}/control/questions", trust_env=False).text

    assert "documentNumber" in told
    assert adult_form()["document"]["number"] not in told
