"""Every table, once. A change here needs a migration beside it (central/store/migrations); a test compares the two.

Times are Unix milliseconds. JSON is text, so that both databases hold the same bytes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite counts rowids up only in a column declared INTEGER.
_Id: TypeEngine[int] = BigInteger().with_variant(Integer, "sqlite")
_Ulid = String(26)
_Station = String(32)
_Code = String(64)


def _id() -> Column[int]:
    return Column("id", _Id, primary_key=True, autoincrement=True)


cases = Table(
    "cases",
    metadata,
    Column("dossier_id", _Ulid, primary_key=True),
    Column("code", String(12), nullable=False, unique=True),
    Column("station_id", _Station, nullable=False, index=True),
    Column(
        "document_sha256",
        String(64),
        nullable=False,
        index=True,
        comment="of issuing state and number, to find a dossier that is still open",
    ),
    Column("phone_sha256", String(64), index=True, comment="to find other cases with the same mobile number"),
    Column("tk01", Text, nullable=False, comment="the form as JSON; personal data"),
    Column("order_cbor", LargeBinary, nullable=False, comment="the CaseOrder; personal data"),
    Column("plan_id", _Code, nullable=False),
    Column("state", String(16), nullable=False, comment="registered, or the newest CaseState"),
    Column("code_of_state", _Code),
    Column("due", String(10), comment="local date, ISO"),
    Column("bundle_id", _Ulid, comment="the capture the case is worked on with"),
    Column("sequence", Integer, nullable=False, comment="of the newest status of that capture"),
    Column("person_id", String(128), comment="the register's identifier"),
    Column("registered_ms", BigInteger, nullable=False),
    Column("received_ms", BigInteger),
    Column("expires_ms", BigInteger, nullable=False),
)

envelopes = Table(
    "envelopes",
    metadata,
    _id(),
    Column("station_id", _Station, nullable=False),
    Column("bundle_id", _Ulid, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("raw", LargeBinary, nullable=False, comment="sealed, as it came: the evidence"),
    Column("verifying_keys", Text, nullable=False, comment="JSON list: the keys it was verified with"),
    Column("size_bytes", Integer, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    UniqueConstraint("station_id", "bundle_id"),
)

bundles = Table(
    "bundles",
    metadata,
    _id(),
    Column("envelope_id", _Id, ForeignKey("envelopes.id"), nullable=False, unique=True),
    Column("station_id", _Station, nullable=False),
    Column("bundle_id", _Ulid, nullable=False),
    Column("dossier_id", _Ulid, ForeignKey("cases.dossier_id"), nullable=False, index=True),
    Column("officer_id", _Code, nullable=False),
    Column("confirmed_ms", BigInteger, nullable=False),
    Column("clock_trust", String(16), nullable=False),
    Column("facts", Text, nullable=False, comment="JSON: what the rules need; no images, no names"),
    UniqueConstraint("station_id", "bundle_id"),
)

rejections = Table(
    "rejections",
    metadata,
    _id(),
    Column("station_id", _Station, nullable=False),
    Column("bundle_id", _Ulid, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("code", _Code, nullable=False),
    Column("raw", LargeBinary, comment="as it came; none where it was larger than an envelope may be"),
    Column("size_bytes", Integer, nullable=False),
    Column("times", Integer, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    UniqueConstraint("station_id", "bundle_id", "sha256"),
)

desk_refusals = Table(
    "desk_refusals",
    metadata,
    _id(),
    Column("station_id", _Station, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("row", Text, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text),
    Column("policy", Text, nullable=False),
    Column("inputs_sha256", String(64), nullable=False),
    Column("rules_sha256", String(64), nullable=False),
)

case_events = Table(
    "case_events",
    metadata,
    _id(),
    Column("dossier_id", _Ulid, ForeignKey("cases.dossier_id"), nullable=False, index=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", _Code, nullable=False),
    Column("actor", _Code, nullable=False, comment="station, register, authority, centre or desk"),
    Column("station_id", _Station, nullable=False),
    Column("bundle_id", _Ulid),
    Column("sequence", Integer, comment="set where the event is a status of the bundle"),
    Column("state", String(16)),
    Column("code", _Code),
    Column("due", String(10)),
    Column("detail", Text, nullable=False, comment="JSON: codes and numbers; no personal data"),
    UniqueConstraint("station_id", "bundle_id", "sequence"),
)

jobs = Table(
    "jobs",
    metadata,
    _id(),
    Column("kind", String(32), nullable=False),
    Column("dossier_id", _Ulid, ForeignKey("cases.dossier_id"), nullable=False),
    Column("station_id", _Station, nullable=False),
    Column("bundle_id", _Ulid, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False, comment="in a row without an answer"),
    Column("next_ms", BigInteger, nullable=False, comment="not before; while taken, the end of the lease"),
    Column("taken_by", String(64), comment="token of the worker that has it"),
    Column("reason", _Code, comment="why it is still open"),
    Column("created_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    UniqueConstraint("kind", "station_id", "bundle_id"),
    Index("ix_jobs_open_next_ms", "open", "next_ms"),
)

outbound = Table(
    "outbound",
    metadata,
    _id(),
    Column("station_id", _Station, nullable=False),
    Column("kind", String(16), nullable=False, comment="receipt, status or case"),
    Column("subject_id", _Ulid, nullable=False, comment="bundle id, or dossier id of a case"),
    Column("payload", LargeBinary, nullable=False, comment="signed, or sealed to the station"),
    Column("created_ms", BigInteger, nullable=False),
    Column("published_ms", BigInteger, comment="when the broker acknowledged it; a station may still ask again"),
    Index("ix_outbound_published_ms_id", "published_ms", "id"),
    Index("ix_outbound_station_id_subject_id", "station_id", "subject_id"),
)

station_states = Table(
    "station_states",
    metadata,
    Column("station_id", _Station, primary_key=True),
    Column("online", Boolean, nullable=False),
    Column("software", _Code, nullable=False),
    Column("outbox", Integer, nullable=False),
    Column("quarantine", Integer, nullable=False),
    Column("at_ms", BigInteger, nullable=False, comment="the station's clock"),
    Column("received_ms", BigInteger, nullable=False),
)

station_events = Table(
    "station_events",
    metadata,
    _id(),
    Column("station_id", _Station, nullable=False, index=True),
    Column("kind", _Code, nullable=False),
    Column("subject", _Code),
    Column("detail", _Code),
    Column("at_ms", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    UniqueConstraint("station_id", "kind", "subject", "at_ms"),
)
