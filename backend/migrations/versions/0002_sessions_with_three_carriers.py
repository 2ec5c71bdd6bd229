"""Sessions with three carriers, devices and an epoch; refresh tokens that rotate; pictures; the revision.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"

down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step forward. Live sessions stay alive."""
    with op.batch_alter_table("sessions") as table:
        table.drop_constraint("uq_sessions_cookie_digest", type_="unique")
        table.alter_column("cookie_digest", new_column_name="credential_digest")
        table.add_column(sa.Column("remembered", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("epoch", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("agent", sa.String(length=64), nullable=True))
        for name in ("device_id", "device_name", "device_type"):
            table.add_column(sa.Column(name, sa.String(length=200), nullable=True))
    with op.batch_alter_table("sessions") as table:
        table.create_unique_constraint("uq_sessions_credential_digest", ["credential_digest"])
        table.alter_column("remembered", server_default=None)
        table.alter_column("epoch", server_default=None)
    with op.batch_alter_table("refresh_tokens") as table:
        table.add_column(sa.Column("salt", sa.String(length=64), nullable=True))
    with op.batch_alter_table("users") as table:
        table.add_column(sa.Column("profile_image_url", sa.String(length=2000), nullable=True))
        table.add_column(sa.Column("token_epoch", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("users") as table:
        table.alter_column("token_epoch", server_default=None)
    with op.batch_alter_table("installation") as table:
        table.add_column(sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("installation") as table:
        table.alter_column("revision", server_default=None)


def downgrade() -> None:
    """Step back. Opaque sessions have no place there and go."""
    op.execute("DELETE FROM refresh_tokens WHERE session_id IN (SELECT id FROM sessions WHERE carrier = 'opaque')")
    op.execute("DELETE FROM sessions WHERE carrier = 'opaque'")
    op.execute("DELETE FROM outbox WHERE purpose IN ('new_device', 'refresh_reuse')")
    op.execute(
        "UPDATE sessions SET ended_because = 'admin' WHERE ended_because IN ("
        "'user_logout_all', 'user_revoke', 'refresh_reuse', 'agent_change', 'too_many')"
    )
    with op.batch_alter_table("installation") as table:
        table.drop_column("revision")
    with op.batch_alter_table("users") as table:
        table.drop_column("token_epoch")
        table.drop_column("profile_image_url")
    with op.batch_alter_table("refresh_tokens") as table:
        table.drop_column("salt")
    with op.batch_alter_table("sessions") as table:
        table.drop_constraint("uq_sessions_credential_digest", type_="unique")
        for name in ("device_type", "device_name", "device_id", "agent", "epoch", "remembered"):
            table.drop_column(name)
        table.alter_column("credential_digest", new_column_name="cookie_digest")
    with op.batch_alter_table("sessions") as table:
        table.create_unique_constraint("uq_sessions_cookie_digest", ["cookie_digest"])
