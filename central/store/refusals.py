"""What the rules refused at the desk: the decision and what it rested on. Part of the caller's transaction.

Must never hold anything of the person: of the form only the hash of the facts is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, insert, select

from central.store.tables import desk_refusals
from wire.rules.decision import Decision


def store_refusal(connection: Connection, station_id: str, decision: Decision, now_ms: int) -> None:
    """Keeps policy, row, answer and hashes of a decision that opened no case."""
    connection.execute(
        insert(desk_refusals).values(
            station_id=station_id,
            at_ms=now_ms,
            row=decision.row,
            outcome=decision.outcome.value,
            reason=decision.reason,
            policy=decision.policy,
            inputs_sha256=decision.inputs_sha256,
            rules_sha256=decision.rules_sha256,
        )
    )


def newest_refusals(connection: Connection, limit: int) -> Sequence[RowMapping]:
    """The newest rows, newest first."""
    query = select(desk_refusals).order_by(desk_refusals.c.id.desc()).limit(limit)
    return connection.execute(query).mappings().all()
