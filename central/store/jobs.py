"""Work that is still to be done, one row each: claimed, answered, put off or ended.

A claim puts `next_ms` to the end of the lease plus the back-off that a failure would cost, and sets a token. Whatever
the worker finds out counts only while its token stands in the row, so no job is done twice, and a job that kills its
worker is put off like any other failure. Must never be waited for by another job.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, insert, select, update

from central.store.tables import jobs

_ADD = insert(jobs)


class JobKind(StrEnum):
    """The steps after ingest, in their order."""

    REGISTER_CHECK = "register_check"
    REQUEST = "request"
    RESULT = "result"


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential, with full jitter above the half: `chance` gives a number in [0, 1)."""

    first_ms: int
    longest_ms: int
    chance: Callable[[], float]

    def after(self, attempts: int) -> int:
        """Milliseconds to wait after that many failures in a row (1 or more)."""
        ceiling = min(self.longest_ms, self.first_ms * 2 ** min(max(attempts, 1) - 1, 30))
        return int(ceiling * (0.5 + 0.5 * self.chance()))


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed job. `attempts` counts this one."""

    id: int
    kind: JobKind
    dossier_id: str
    station_id: str
    bundle_id: str
    attempts: int
    token: str


def add(
    connection: Connection, kind: JobKind, case: Mapping[str, Any], bundle_id: str, at_ms: int, now_ms: int
) -> None:
    """A job that begins at `at_ms`."""
    row = {
        "kind": kind.value,
        "dossier_id": case["dossier_id"],
        "station_id": case["station_id"],
        "bundle_id": bundle_id,
        "open": True,
        "attempts": 0,
        "next_ms": at_ms,
        "created_ms": now_ms,
    }
    connection.execute(_ADD, row)


def any_due(connection: Connection, kinds: Sequence[JobKind], now_ms: int) -> bool:
    """Whether `claim` may find one; needs no write lock."""
    return connection.execute(_due(kinds, now_ms)).first() is not None


def claim(connection: Connection, kinds: Sequence[JobKind], now_ms: int, lease_ms: int, backoff: Backoff) -> Job | None:
    """The job that has waited longest, if any is due; taken by nobody else until its lease ends."""
    row = connection.execute(_due(kinds, now_ms).with_for_update(skip_locked=True)).mappings().first()
    if row is None:
        return None
    token = secrets.token_hex(16)
    attempts = row["attempts"] + 1
    until_ms = now_ms + lease_ms + backoff.after(attempts)
    connection.execute(
        update(jobs).where(jobs.c.id == row["id"]).values(attempts=attempts, next_ms=until_ms, taken_by=token)
    )
    return Job(row["id"], JobKind(row["kind"]), row["dossier_id"], row["station_id"], row["bundle_id"], attempts, token)


def end(connection: Connection, job: Job, now_ms: int) -> bool:
    """It is done. False where the lease was lost: then nothing of this transaction may be kept."""
    return _settle(connection, job, open=False, ended_ms=now_ms, reason=None)


def put_off(connection: Connection, job: Job, until_ms: int, reason: str, *, answered: bool) -> bool:
    """Not yet. `answered`: the outside system said so itself, which is no failure. False where the lease was lost."""
    attempts = 0 if answered else job.attempts
    return _settle(connection, job, next_ms=until_ms, reason=reason, attempts=attempts)


def held(connection: Connection, job: Job) -> bool:
    """Whether it is still this worker's."""
    return connection.execute(select(jobs.c.id).where(_mine(job)).with_for_update()).first() is not None


def of_case(connection: Connection, dossier_id: str) -> Sequence[RowMapping]:
    """Every job of a case, oldest first."""
    return connection.execute(select(jobs).where(jobs.c.dossier_id == dossier_id).order_by(jobs.c.id)).mappings().all()


def _due(kinds: Sequence[JobKind], now_ms: int) -> Select[Any]:
    return (
        select(jobs)
        .where(jobs.c.open.is_(True), jobs.c.next_ms <= now_ms, jobs.c.kind.in_([kind.value for kind in kinds]))
        .order_by(jobs.c.next_ms, jobs.c.id)
        .limit(1)
    )


def _settle(connection: Connection, job: Job, **values: object) -> bool:
    return connection.execute(update(jobs).where(_mine(job)).values(taken_by=None, **values)).rowcount == 1


def _mine(job: Job) -> ColumnElement[bool]:
    return (jobs.c.id == job.id) & (jobs.c.taken_by == job.token) & jobs.c.open.is_(True)
