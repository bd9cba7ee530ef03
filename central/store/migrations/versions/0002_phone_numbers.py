"""Cases are found by their mobile number.

Revision: 0002. Follows: 0001.
"""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_CASES = sa.table("cases", sa.column("dossier_id"), sa.column("tk01"), sa.column("phone_sha256"))


def upgrade() -> None:
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "phone_sha256",
                sa.String(length=64),
                nullable=True,
                comment="to find other cases with the same mobile number",
            )
        )
        batch_op.create_index(batch_op.f("ix_cases_phone_sha256"), ["phone_sha256"], unique=False)
    connection = op.get_bind()
    for dossier_id, tk01 in connection.execute(sa.select(_CASES.c.dossier_id, _CASES.c.tk01)).all():
        phone = json.loads(tk01).get("phone")
        if phone is not None:
            found = hashlib.sha256(phone["number"].encode()).hexdigest()
            connection.execute(_CASES.update().where(_CASES.c.dossier_id == dossier_id).values(phone_sha256=found))


def downgrade() -> None:
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cases_phone_sha256"))
        batch_op.drop_column("phone_sha256")
