"""First tables.

Revision: 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cases",
        sa.Column("dossier_id", sa.String(length=26), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("station_id", sa.String(length=32), nullable=False),
        sa.Column(
            "document_sha256",
            sa.String(length=64),
            nullable=False,
            comment="of issuing state and number, to find a dossier that is still open",
        ),
        sa.Column("tk01", sa.Text(), nullable=False, comment="the form as JSON; personal data"),
        sa.Column("order_cbor", sa.LargeBinary(), nullable=False, comment="the CaseOrder; personal data"),
        sa.Column("plan_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="registered, or the newest CaseState"),
        sa.Column("code_of_state", sa.String(length=64), nullable=True),
        sa.Column("due", sa.String(length=10), nullable=True, comment="local date, ISO"),
        sa.Column("bundle_id", sa.String(length=26), nullable=True, comment="the capture the case is worked on with"),
        sa.Column("sequence", sa.Integer(), nullable=False, comment="of the newest status of that capture"),
        sa.Column("person_id", sa.String(length=128), nullable=True, comment="the register's identifier"),
        sa.Column("registered_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=True),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("dossier_id", name=op.f("pk_cases")),
        sa.UniqueConstraint("code", name=op.f("uq_cases_code")),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cases_document_sha256"), ["document_sha256"], unique=False)
        batch_op.create_index(batch_op.f("ix_cases_station_id"), ["station_id"], unique=False)

    op.create_table(
        "envelopes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("station_id", sa.String(length=32), nullable=False),
        sa.Column("bundle_id", sa.String(length=26), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False, comment="sealed, as it came: the evidence"),
        sa.Column("verifying_keys", sa.Text(), nullable=False, comment="JSON list: the keys it was verified with"),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_envelopes")),
        sa.UniqueConstraint("station_id", "bundle_id", name=op.f("uq_envelopes_station_id_bundle_id")),
    )
    op.create_table(
        "outbound",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("station_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="receipt, status or case"),
        sa.Column("subject_id", sa.String(length=26), nullable=False, comment="bundle id, or dossier id of a case"),
        sa.Column("payload", sa.LargeBinary(), nullable=False, comment="signed, or sealed to the station"),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column(
            "published_ms",
            sa.BigInteger(),
            nullable=True,
            comment="when the broker acknowledged it; a station may still ask again",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound")),
    )
    with op.batch_alter_table("outbound", schema=None) as batch_op:
        batch_op.create_index("ix_outbound_published_ms_id", ["published_ms", "id"], unique=False)
        batch_op.create_index("ix_outbound_station_id_subject_id", ["station_id", "subject_id"], unique=False)

    op.create_table(
        "rejections",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("station_id", sa.String(length=32), nullable=False),
        sa.Column("bundle_id", sa.String(length=26), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column(
            "raw",
            sa.LargeBinary(),
            nullable=True,
            comment="as it came; none where it was larger than an envelope may be",
        ),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejections")),
        sa.UniqueConstraint(
            "station_id", "bundle_id", "sha256", name=op.f("uq_rejections_station_id_bundle_id_sha256")
        ),
    )
    op.create_table(
        "station_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("station_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=True),
        sa.Column("detail", sa.String(length=64), nullable=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_station_events")),
        sa.UniqueConstraint(
            "station_id", "kind", "subject", "at_ms", name=op.f("uq_station_events_station_id_kind_subject_at_ms")
        ),
    )
    with op.batch_alter_table("station_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_station_events_station_id"), ["station_id"], unique=False)

    op.create_table(
        "station_states",
        sa.Column("station_id", sa.String(length=32), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("software", sa.String(length=64), nullable=False),
        sa.Column("outbox", sa.Integer(), nullable=False),
        sa.Column("quarantine", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False, comment="the station's clock"),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("station_id", name=op.f("pk_station_states")),
    )
    op.create_table(
        "bundles",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("envelope_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("station_id", sa.String(length=32), nullable=False),
        sa.Column("bundle_id", sa.String(length=26), nullable=False),
        sa.Column("dossier_id", sa.String(length=26), nullable=False),
        sa.Column("officer_id", sa.String(length=64), nullable=False),
        sa.Column("confirmed_ms", sa.BigInteger(), nullable=False),
        sa.Column("clock_trust", sa.String(length=16), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False, comment="JSON: what the rules need; no images, no names"),
        sa.ForeignKeyConstraint(["dossier_id"], ["cases.dossier_id"], name=op.f("fk_bundles_dossier_id")),
        sa.ForeignKeyConstraint(["envelope_id"], ["envelopes.id"], name=op.f("fk_bundles_envelope_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bundles")),
        sa.UniqueConstraint("envelope_id", name=op.f("uq_bundles_envelope_id")),
        sa.UniqueConstraint("station_id", "bundle_id", name=op.f("uq_bundles_station_id_bundle_id")),
    )
    with op.batch_alter_table("bundles", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bundles_dossier_id"), ["dossier_id"], unique=False)

    op.create_table(
        "case_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("dossier_id", sa.String(length=26), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column(
            "actor", sa.String(length=64), nullable=False, comment="station, register, authority, centre or desk"
        ),
        sa.Column("station_id", sa.String(length=32), nullable=False),
        sa.Column("bundle_id", sa.String(length=26), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=True, comment="set where the event is a status of the bundle"),
        sa.Column("state", sa.String(length=16), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("due", sa.String(length=10), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False, comment="JSON: codes and numbers; no personal data"),
        sa.ForeignKeyConstraint(["dossier_id"], ["cases.dossier_id"], name=op.f("fk_case_events_dossier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_events")),
        sa.UniqueConstraint(
            "station_id", "bundle_id", "sequence", name=op.f("uq_case_events_station_id_bundle_id_sequence")
        ),
    )
    with op.batch_alter_table("case_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_events_dossier_id"), ["dossier_id"], unique=False)

    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("dossier_id", sa.String(length=26), nullable=False),
        sa.Column("station_id", sa.String(length=32), nullable=False),
        sa.Column("bundle_id", sa.String(length=26), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="in a row without an answer"),
        sa.Column("next_ms", sa.BigInteger(), nullable=False, comment="not before; while taken, the end of the lease"),
        sa.Column("taken_by", sa.String(length=64), nullable=True, comment="token of the worker that has it"),
        sa.Column("reason", sa.String(length=64), nullable=True, comment="why it is still open"),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["dossier_id"], ["cases.dossier_id"], name=op.f("fk_jobs_dossier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("kind", "station_id", "bundle_id", name=op.f("uq_jobs_kind_station_id_bundle_id")),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index("ix_jobs_open_next_ms", ["open", "next_ms"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("ix_jobs_open_next_ms")

    op.drop_table("jobs")
    with op.batch_alter_table("case_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_events_dossier_id"))

    op.drop_table("case_events")
    with op.batch_alter_table("bundles", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bundles_dossier_id"))

    op.drop_table("bundles")
    op.drop_table("station_states")
    with op.batch_alter_table("station_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_station_events_station_id"))

    op.drop_table("station_events")
    op.drop_table("rejections")
    with op.batch_alter_table("outbound", schema=None) as batch_op:
        batch_op.drop_index("ix_outbound_station_id_subject_id")
        batch_op.drop_index("ix_outbound_published_ms_id")

    op.drop_table("outbound")
    op.drop_table("envelopes")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cases_station_id"))
        batch_op.drop_index(batch_op.f("ix_cases_document_sha256"))

    op.drop_table("cases")
