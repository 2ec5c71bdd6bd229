"""Counts that are updated with every change, so that reading them costs the same at any number of rows."""

from enum import StrEnum

from sqlmodel import Field, SQLModel

from backend.models.types import words


class TallyKind(StrEnum):
    """What is counted, and what its keys look like."""

    PEOPLE = "people"
    """Accounts by role and status, as `role/status`."""
    TIERED = "tiered"
    """Accounts that have a tier of their own, by its id, by role and by status, as `3/role/status`."""
    REGISTERED = "registered"
    """Accounts made on a day, those deleted since included, as `2026-11-21` (UTC)."""
    SEEN = "seen"
    """Accounts, deleted ones left out, by the hour of their last sign-in, as `2026-11-21T14` (UTC)."""
    HAPPENED = "happened"
    """Audit records by day, action and, for some, reason: `2026-11-21/signin_failed/account_pending` (UTC)."""
    WAITED = "waited"
    """Decisions by day and by how long the applicant had waited, as `2026-11-21/day` (UTC)."""
    ACTIVE = "active"
    """People who used their account on a day, in a week, as `2026-11-21` and `2026-W47` (UTC, ISO 8601)."""


class Tally(SQLModel, table=True):
    """One count: of rows of `users`, or of what happened to them. A test compares it with the rows."""

    __tablename__ = "tallies"

    kind: TallyKind = Field(primary_key=True, sa_type=words(TallyKind))
    key: str = Field(primary_key=True, max_length=100)
    count: int
