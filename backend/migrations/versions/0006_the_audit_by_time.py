"""The audit in the order of time: of everything, of one action, actor, target or network address.

Revision: 0006, after 0005.
"""

from alembic import op

revision = "0006"

down_revision = "0005"
branch_labels = None
depends_on = None

_BEFORE = ("at", "action", "actor_id", "target_id")
_LED_BY = (*_BEFORE[1:], "ip_address")


def upgrade() -> None:
    """Step forward. Each index grows by the time and the id; with ten million records that takes minutes."""
    for column in _BEFORE:
        op.drop_index(f"ix_audit_events_{column}", "audit_events")
    op.create_index("ix_audit_events_at_id", "audit_events", ["at", "id"])
    for column in _LED_BY:
        op.create_index(f"ix_audit_events_{column}_at_id", "audit_events", [column, "at", "id"])


def downgrade() -> None:
    """Step back."""
    for column in _LED_BY:
        op.drop_index(f"ix_audit_events_{column}_at_id", "audit_events")
    op.drop_index("ix_audit_events_at_id", "audit_events")
    for column in _BEFORE:
        op.create_index(f"ix_audit_events_{column}", "audit_events", [column])
