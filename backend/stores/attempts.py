"""Attempts to sign in, counted in the database: one count for all processes, which no restart forgets."""

from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import case, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col

from backend.models import SignInAttempts
from backend.stores.counters import Count, Limit
from backend.stores.database import Database


class AttemptStore:
    """The `sign_in_attempts` table. Each call is a transaction of its own: a refused sign-in still counts.

    An account is counted before its password is checked, so that many guesses at once cannot slip through. An address
    is counted afterwards, and only for wrong ones: many people may come through one address at the same moment.
    """

    def __init__(self, database: Database) -> None:
        """Work on this database."""
        self._database = database
        self._insert = sqlite.insert if database.embedded else postgresql.insert

    async def try_account(self, account: str, address: str | None, now: datetime, limit: Limit) -> Count:
        """Count one more for an account, and tell whether it and the address are within the limit."""
        window = timedelta(seconds=limit.window)
        recent = select(col(SignInAttempts.failures), col(SignInAttempts.started_at))
        recent = recent.where(col(SignInAttempts.subject) == address, col(SignInAttempts.started_at) > now - window)
        async with self._database.writing() as session:
            connection = await session.connection()
            count, started_at = await self._add(connection, account, now, window)
            wrong = (await connection.execute(recent)).one_or_none()
        if wrong and wrong[0] >= limit.amount:
            count, started_at = max((count, started_at), (wrong[0] + 1, wrong[1]))
        seconds = max(1, ceil((started_at + window - now).total_seconds()))
        return Count(count <= limit.amount, max(0, limit.amount - count), seconds)

    async def add_address(self, address: str, now: datetime, limit: Limit) -> None:
        """Count a wrong password from an address."""
        async with self._database.writing() as session:
            await self._add(await session.connection(), address, now, timedelta(seconds=limit.window))

    async def forget(self, account: str) -> None:
        """Begin again from nothing."""
        async with self._database.writing() as session:
            connection = await session.connection()
            await connection.execute(delete(SignInAttempts).where(col(SignInAttempts.subject) == account))

    async def _add(
        self, connection: AsyncConnection, subject: str, now: datetime, window: timedelta
    ) -> tuple[int, datetime]:
        over = col(SignInAttempts.started_at) <= now - window
        statement: Any = (
            self._insert(SignInAttempts)
            .values(subject=subject, started_at=now, failures=1, under_way=0, level=0, touched_at=now)
            .on_conflict_do_update(
                index_elements=[col(SignInAttempts.subject)],
                set_={
                    "failures": case((over, 1), else_=col(SignInAttempts.failures) + 1),
                    "started_at": case((over, now), else_=col(SignInAttempts.started_at)),
                },
            )
            .returning(col(SignInAttempts.failures), col(SignInAttempts.started_at))
        )
        count, started_at = (await connection.execute(statement)).one()
        if count == 1:
            await connection.execute(delete(SignInAttempts).where(col(SignInAttempts.started_at) < now - window))
        return count, started_at
