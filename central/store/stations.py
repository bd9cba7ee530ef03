"""What stations say of themselves: their state and their events, by code. Part of the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, delete, insert, select

from central.store.tables import station_events, station_states
from wire.messages import StationEvent, StationState


def keep_state(connection: Connection, state: StationState, now_ms: int) -> None:
    """The newest word of a station replaces the one before."""
    connection.execute(delete(station_states).where(station_states.c.station_id == state.station_id))
    connection.execute(insert(station_states).values(**state.model_dump(), received_ms=now_ms))


def keep_event(connection: Connection, event: StationEvent, now_ms: int) -> None:
    """Once, however often it is delivered."""
    table = station_events.c
    same = (table.station_id == event.station_id) & (table.kind == event.kind) & (table.at_ms == event.at_ms)
    known = select(table.id).where(same, table.subject.is_not_distinct_from(event.subject))
    if connection.execute(known).first() is None:
        connection.execute(insert(station_events).values(**event.model_dump(), received_ms=now_ms))


def states(connection: Connection) -> Sequence[RowMapping]:
    """All that is known, by station."""
    return connection.execute(select(station_states).order_by(station_states.c.station_id)).mappings().all()
