"""Attempts to sign in, counted in the database: one count for all processes, which no restart forgets."""

from collections.abc import Collection
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import case, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from backend.models import SignInAttempts
from backend.stores.counters import Count
from backend.stores.database import Database


class AttemptStore:
    """The `sign_in_attempts` table. Each call is a transaction of its own: a refused sign-in still counts."""

    def __init__(self, database: Database) -> None:
        """Work on this database."""
        self._database = database
        self._insert = sqlite.insert if database.embedded else postgresql.insert

    async def add(self, subjects: Collection[str], now: datetime, *, allowed: int, window: timedelta) -> Count:
        """Count one more for each subject, atomically, and tell about the one that is nearest to its limit."""
        over = col(SignInAttempts.started_at) <= now - window
        statement = (
            self._insert(SignInAttempts)
            .on_conflict_do_update(
                index_elements=[col(SignInAttempts.subject)],
                set_={
                    "count": case((over, 1), else_=col(SignInAttempts.count) + 1),
                    "started_at": case((over, now), else_=col(SignInAttempts.started_at)),
                },
            )
            .returning(col(SignInAttempts.count), col(SignInAttempts.started_at))
        )
        async with self._database.writing() as session:
            connection = await session.connection()
            rows = []
            for subject in sorted(subjects):  # one order for all: no deadlocks
                values = {"subject": subject, "started_at": now, "count": 1}
                rows.append((await connection.execute(statement, values)).one())
            if any(count == 1 for count, _ in rows):
                await connection.execute(delete(SignInAttempts).where(col(SignInAttempts.started_at) < now - window))
        count, started_at = max(rows)
        resets_in = max(1, ceil((started_at + window - now).total_seconds()))
        return Count(count <= allowed, max(0, allowed - count), resets_in)

    async def right(self, account: str, address: str | None) -> None:
        """Begin anew for an account, and take one back for an address."""
        async with self._database.writing() as session:
            connection = await session.connection()
            await connection.execute(delete(SignInAttempts).where(col(SignInAttempts.subject) == account))
            if address:
                mine = (col(SignInAttempts.subject) == address, col(SignInAttempts.count) > 0)
                await connection.execute(update(SignInAttempts).where(*mine).values(count=SignInAttempts.count - 1))
