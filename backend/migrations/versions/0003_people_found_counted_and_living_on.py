"""Accounts that are found, counted and live on: listings, tallies, bulk calls, ends of access and of suspensions.

Revision: 0003, after 0002.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from alembic import op

from backend.models import types
from backend.stores.listing_texts import texts

revision = "0003"

down_revision = "0002"
branch_labels = None
depends_on = None

_BATCH: Final = 1000
_GONE: Final = ("deleted", "anonymized")


def upgrade() -> None:
    """Step forward; every account there is gets its listing and is counted."""
    with op.batch_alter_table("users") as table:
        table.add_column(sa.Column("login_count", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("access_expires_at", types.UTCDateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("suspended_until", types.UTCDateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("seen_at", types.UTCDateTime(timezone=True), nullable=True))
    op.execute("UPDATE users SET seen_at = coalesce(last_login, created_at)")
    with op.batch_alter_table("users") as table:
        table.alter_column("login_count", server_default=None)
        table.alter_column("seen_at", nullable=False)
    op.create_index("ix_users_role_status_created_at_id", "users", ["role", "status", "created_at", "id"])
    op.create_index("ix_users_seen_at_id", "users", ["seen_at", "id"])
    for name in ("access_expires_at", "suspended_until", "deleted_at"):
        given = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"ix_users_{name}", "users", [name], postgresql_where=given, sqlite_where=given)
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    due = sa.text("sent_at IS NULL")
    op.create_index("ix_outbox_due", "outbox", ["id"], postgresql_where=due, sqlite_where=due)
    key = sa.String(320).with_variant(sa.String(320, collation="C"), "postgresql")
    listings = op.create_table(
        "listings",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("username_key", key, nullable=False),
        sa.Column("email_key", key, nullable=False),
        sa.Column("name_key", key, nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("created_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_listings_user_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("number", name="pk_listings"),
        sa.UniqueConstraint("user_id", name="uq_listings_user_id"),
    )
    tallies = op.create_table(
        "tallies",
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name="pk_tallies"),
    )
    op.create_table(
        "bulk_calls",
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("errors", types.json_object(), nullable=False),
        sa.Column("created_at", types.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name="fk_bulk_calls_actor_id_users", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("actor_id", "key", name="pk_bulk_calls"),
    )
    op.create_index("ix_bulk_calls_created_at", "bulk_calls", ["created_at"])
    _fill(listings, tallies)
    for name in ("username_key", "email_key", "name_key"):
        op.create_index(f"ix_listings_{name}_user_id", "listings", [name, "user_id"])


def downgrade() -> None:
    """Step back. What the search index is made of goes with the listings."""
    op.execute("DROP TABLE IF EXISTS listings_search")
    for name in ("bulk_calls", "tallies", "listings"):
        op.drop_table(name)
    op.drop_index("ix_outbox_due", "outbox")
    op.drop_index("ix_sessions_expires_at", "sessions")
    for name in ("deleted_at", "suspended_until", "access_expires_at", "seen_at_id", "role_status_created_at_id"):
        op.drop_index(f"ix_users_{name}", "users")
    with op.batch_alter_table("users") as table:
        for name in ("seen_at", "suspended_until", "access_expires_at", "login_count"):
            table.drop_column(name)


def _fill(listings: sa.Table, tallies: sa.Table) -> None:
    connection, counts = op.get_bind(), Counter[tuple[str, str]]()
    moment = types.UTCDateTime(timezone=True)
    users = sa.table(
        "users",
        sa.column("id", sa.Uuid()),
        *(sa.column(name, sa.String()) for name in ("username", "email", "full_name", "institution")),
        *(sa.column(name, sa.String()) for name in ("role", "status")),
        *(sa.column(name, moment) for name in ("created_at", "last_login")),
    )
    after = None
    while True:
        query = sa.select(users).order_by(users.c.id).limit(_BATCH)
        rows = connection.execute(query.where(users.c.id > after) if after else query).mappings().all()
        if not rows:
            break
        after = rows[-1]["id"]
        connection.execute(listings.insert(), [_listing(dict(row)) for row in rows])
        for row in rows:
            counts["people", f"{row['role']}/{row['status']}"] += 1
            counts["registered", f"{row['created_at']:%Y-%m-%d}"] += 1
            seen = row["last_login"]
            if seen and row["status"] not in _GONE:
                counts["seen", f"{seen:%Y-%m-%dT%H}"] += 1
    if counts:
        connection.execute(
            tallies.insert(), [{"kind": kind, "key": key, "count": count} for (kind, key), count in counts.items()]
        )


def _listing(row: Mapping[str, Any]) -> dict[str, Any]:
    names = {name: row[name] for name in ("username", "email", "full_name", "institution")}
    return {"user_id": row["id"], **texts(**names), **{name: row[name] for name in ("role", "status", "created_at")}}
