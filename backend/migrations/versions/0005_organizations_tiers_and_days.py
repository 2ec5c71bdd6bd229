"""Organizations with their members and invitations, tiers with their limits, and what happened counted by day.

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

from backend.models import types

revision = "0005"

down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step forward; what the audit has on record is counted."""
    _organizations()
    _tiers()
    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("about", sa.String(200), nullable=True))
        table.add_column(sa.Column("invitation_id", sa.Uuid(), nullable=True))
    op.create_index("ix_outbox_invitation_id", "outbox", ["invitation_id"])
    with op.batch_alter_table("installation") as table:
        table.add_column(sa.Column("filled_at", types.UTCDateTime(timezone=True), nullable=True))
    with op.batch_alter_table("tallies") as table:
        table.alter_column("key", existing_type=sa.String(32), type_=sa.String(100), existing_nullable=False)
    with op.batch_alter_table("users") as table:
        table.add_column(sa.Column("active_on", sa.Date(), nullable=True))
        table.add_column(sa.Column("tier_id", sa.Integer(), nullable=True))
        table.create_foreign_key("fk_users_tier_id_tiers", "tiers", ["tier_id"], ["id"], ondelete="RESTRICT")
    given = sa.text("tier_id IS NOT NULL")
    columns = ["tier_id", "created_at", "id"]
    op.create_index("ix_users_tier_id_created_at_id", "users", columns, postgresql_where=given, sqlite_where=given)
    _count()


def downgrade() -> None:
    """Step back. Organizations and tiers are lost, and the mails about them."""
    op.drop_index("ix_users_tier_id_created_at_id", "users")
    with op.batch_alter_table("users") as table:
        table.drop_constraint("fk_users_tier_id_tiers", type_="foreignkey")
        table.drop_column("tier_id")
        table.drop_column("active_on")
    with op.batch_alter_table("installation") as table:
        table.drop_column("filled_at")
    op.execute("DELETE FROM tallies WHERE kind NOT IN ('people', 'registered', 'seen')")
    with op.batch_alter_table("tallies") as table:
        table.alter_column("key", existing_type=sa.String(100), type_=sa.String(32), existing_nullable=False)
    new = "('organization_invitation', 'organization_deleted', 'ownership_received', 'membership_ended')"
    op.execute(f"DELETE FROM outbox WHERE purpose IN {new}")  # noqa: S608  # words of ours
    op.drop_index("ix_outbox_invitation_id", "outbox")
    with op.batch_alter_table("outbox") as table:
        table.drop_column("invitation_id")
        table.drop_column("about")
    for name in ("tier_limits", "tiers", "invitation_tokens", "invitations", "memberships", "organizations"):
        op.drop_table(name)


def _organizations() -> None:
    moment = types.UTCDateTime(timezone=True)
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_organizations"),
    )
    op.create_index("ix_organizations_created_at_id", "organizations", ["created_at", "id"])
    op.create_table(
        "memberships",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        _reference("memberships", "user_id", "users", "CASCADE"),
        _reference("memberships", "organization_id", "organizations", "CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "organization_id", name="pk_memberships"),
    )
    columns = ["organization_id", "created_at", "user_id"]
    op.create_index("ix_memberships_organization_id_created_at_user_id", "memberships", columns)
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("email", sa.String(320), nullable=True),
        sa.Column("email_key", sa.String(1024), nullable=True),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("used_at", moment, nullable=True),
        sa.Column("used_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", moment, nullable=True),
        sa.Column("declined", sa.Boolean(), nullable=False),
        _reference("invitations", "organization_id", "organizations", "CASCADE"),
        _reference("invitations", "invited_by", "users", "SET NULL"),
        _reference("invitations", "used_by", "users", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
    )
    op.create_index("ix_invitations_organization_id_id", "invitations", ["organization_id", "id"])
    for name in ("email_key", "expires_at", "invited_by", "used_by"):
        op.create_index(f"ix_invitations_{name}", "invitations", [name])
    op.create_table(
        "invitation_tokens",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("invitation_id", sa.Uuid(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        _reference("invitation_tokens", "invitation_id", "invitations", "CASCADE"),
        _reference("invitation_tokens", "made_by", "users", "CASCADE"),
        sa.PrimaryKeyConstraint("digest", name="pk_invitation_tokens"),
    )
    for name in ("invitation_id", "made_by"):
        op.create_index(f"ix_invitation_tokens_{name}", "invitation_tokens", [name])


def _tiers() -> None:
    moment = types.UTCDateTime(timezone=True)
    op.create_table(
        "tiers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("name_key", sa.String(256), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tiers"),
        sa.UniqueConstraint("name_key", name="uq_tiers_name_key"),
        sqlite_autoincrement=True,
    )
    chosen = sa.text("is_default")
    op.create_index(
        "uq_tiers_is_default", "tiers", ["is_default"], unique=True, postgresql_where=chosen, sqlite_where=chosen
    )
    op.create_table(
        "tier_limits",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tier_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("path", sa.String(200), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        _reference("tier_limits", "tier_id", "tiers", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_tier_limits"),
        sa.UniqueConstraint("tier_id", "path", name="uq_tier_limits_tier_id_path"),
        sqlite_autoincrement=True,
    )


def _count() -> None:
    """Count what the audit has on record, by day (UTC)."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    day = "to_char(timezone('UTC', at), 'YYYY-MM-DD')" if postgresql else "substr(at, 1, 10)"
    counted = (
        *("registered", "admin_user_creation", "admin_user_approved", "admin_user_rejected", "signin_succeeded"),
        *("password_reset_requested", "mail_given_up"),
    )
    plain = ", ".join(f"'{action}'" for action in counted)
    why = "CASE WHEN action IN ('signin_failed', 'refused') AND reason <> '' THEN '/' || lower(reason) ELSE '' END"
    op.execute(
        "INSERT INTO tallies (kind, key, count) "  # noqa: S608  # words of ours
        f"SELECT 'happened', substr({day} || '/' || action || {why}, 1, 100) AS what, count(*) FROM audit_events "
        f"WHERE action IN ({plain}, 'signin_failed') OR (action = 'refused' AND reason = 'PROVISIONING_FAILED') "
        "GROUP BY what"
    )


def _reference(table: str, column: str, other: str, then: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}_{other}", ondelete=then)
