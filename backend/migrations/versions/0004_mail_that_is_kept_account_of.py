"""Mail with a ledger, temporary passwords that run out, attempts to sign in that are counted by what came of them.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

from backend.models import types

revision = "0004"

down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step forward. Attempts of before are forgotten: they count for a quarter of an hour."""
    moment = types.UTCDateTime(timezone=True)
    op.drop_index("ix_outbox_due", "outbox")
    op.drop_index("ix_outbox_user_id", "outbox")
    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("address", sa.String(320), nullable=True))
        table.add_column(sa.Column("state", sa.String(32), nullable=False, server_default="due"))
        table.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="2"))
        table.add_column(sa.Column("due_at", moment, nullable=True))
        table.add_column(sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("why", sa.String(200), nullable=True))
    op.execute("UPDATE outbox SET due_at = created_at")
    op.execute("UPDATE outbox SET state = 'accepted', attempts = 1 WHERE sent_at IS NOT NULL")
    with op.batch_alter_table("outbox") as table:
        table.alter_column("due_at", nullable=False)
        for name in ("state", "priority", "attempts"):
            table.alter_column(name, server_default=None)
    open_ = sa.text("state IN ('due', 'sent')")
    op.create_index("ix_outbox_due", "outbox", ["priority", "due_at"], postgresql_where=open_, sqlite_where=open_)
    op.create_index("ix_outbox_state_id", "outbox", ["state", "id"])
    op.create_index("ix_outbox_user_id_purpose_created_at", "outbox", ["user_id", "purpose", "created_at"])
    op.add_column("one_time_tokens", sa.Column("mail_id", sa.Uuid(), nullable=True))
    op.add_column("users", sa.Column("password_expires_at", moment, nullable=True))
    op.drop_table("sign_in_attempts")
    op.create_table(
        "sign_in_attempts",
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("under_way", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("closed_until", moment, nullable=True),
        sa.Column("touched_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_sign_in_attempts"),
    )
    op.create_index("ix_sign_in_attempts_touched_at", "sign_in_attempts", ["touched_at"])


def downgrade() -> None:
    """Step back. Mails that were given up or suppressed would become due again, and so they go."""
    moment = types.UTCDateTime(timezone=True)
    op.drop_table("sign_in_attempts")
    op.create_table(
        "sign_in_attempts",
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_sign_in_attempts"),
    )
    op.create_index("ix_sign_in_attempts_started_at", "sign_in_attempts", ["started_at"])
    with op.batch_alter_table("users") as table:
        table.drop_column("password_expires_at")
    with op.batch_alter_table("one_time_tokens") as table:
        table.drop_column("mail_id")
    known = "('verify_email', 'reset_password', 'account_approved', 'account_rejected', 'new_device', 'refresh_reuse')"
    op.execute(f"DELETE FROM outbox WHERE state IN ('failed', 'suppressed') OR purpose NOT IN {known}")  # noqa: S608
    for name in ("ix_outbox_user_id_purpose_created_at", "ix_outbox_state_id", "ix_outbox_due"):
        op.drop_index(name, "outbox")
    with op.batch_alter_table("outbox") as table:
        for name in ("why", "attempts", "due_at", "priority", "state", "address"):
            table.drop_column(name)
    op.create_index("ix_outbox_user_id", "outbox", ["user_id"])
    due = sa.text("sent_at IS NULL")
    op.create_index("ix_outbox_due", "outbox", ["id"], postgresql_where=due, sqlite_where=due)
