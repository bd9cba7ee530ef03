"""What goes down to the stations: rows written with the facts they tell of, published after that transaction.

Every payload is signed by the centre or sealed to the station, so this table and the broker hold nothing readable. A
station that asks again (`sync`) gets its answer afresh; these rows are the first try, kept until published.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from sqlalchemy import Connection, delete, insert, select, update

from central.store.tables import outbound
from wire import topics

_ADD = insert(outbound).returning(outbound.c.id)
KEEP_MS = 30 * 24 * 3600 * 1000


class Kind(StrEnum):
    """What it is; also says which topic."""

    RECEIPT = "receipt"
    STATUS = "status"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message for one station. `row_id` is None for an answer that is not kept."""

    topic: str
    payload: bytes
    row_id: int | None = None


def topic_of(kind: Kind, station_id: str, subject_id: str) -> str:
    """The topic of a message."""
    match kind:
        case Kind.RECEIPT:
            return topics.down_receipt(station_id, subject_id)
        case Kind.STATUS:
            return topics.down_status(station_id, subject_id)
        case Kind.CASE:
            return topics.down_case(station_id, subject_id)
        case _:
            assert_never(kind)


def queue(
    connection: Connection, kind: Kind, station_id: str, subject_id: str, payload: bytes, now_ms: int
) -> Outgoing:
    """Writes a row; what it returns may be published once the transaction is through."""
    row = {"station_id": station_id, "kind": kind.value, "subject_id": subject_id, "payload": payload}
    row_id = connection.execute(_ADD, {**row, "created_ms": now_ms}).scalar_one()
    return Outgoing(topic_of(kind, station_id, subject_id), payload, row_id)


def waiting(connection: Connection, in_flight: Collection[int], limit: int) -> list[Outgoing]:
    """Rows that were not published, oldest first, without those `in_flight`."""
    query = (
        select(outbound)
        .where(outbound.c.published_ms.is_(None), outbound.c.id.not_in(in_flight))
        .order_by(outbound.c.id)
        .limit(limit)
    )
    return [
        Outgoing(topic_of(Kind(row["kind"]), row["station_id"], row["subject_id"]), row["payload"], row["id"])
        for row in connection.execute(query).mappings()
    ]


def mark_published(connection: Connection, row_ids: Sequence[int], now_ms: int) -> None:
    """The broker has them."""
    if row_ids:
        connection.execute(update(outbound).where(outbound.c.id.in_(row_ids)).values(published_ms=now_ms))


def prune(connection: Connection, now_ms: int) -> int:
    """Drops what was published long ago; how many."""
    return connection.execute(delete(outbound).where(outbound.c.published_ms < now_ms - KEEP_MS)).rowcount
