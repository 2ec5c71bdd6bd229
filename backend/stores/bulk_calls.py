"""Calls about many accounts, kept under their Idempotency-Key."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.clock import Clock
from backend.errors import KeyReused
from backend.models import BulkCall


class BulkCallStore:
    """The `bulk_calls` table within one transaction."""

    def __init__(self, session: AsyncSession, clock: Clock) -> None:
        """Work within this session's transaction."""
        self._session = session
        self._clock = clock

    async def lock(self, actor_id: UUID, key: str, digest: str) -> BulkCall:
        """Return the call of a key, locked until this transaction ends; a new one is added.

        Raises:
            KeyReused: the key was used for another call.
        """
        table: Table = BulkCall.__table__  # type: ignore[attr-defined]  # SQLModel adds it to classes with `table=True`
        connection = await self._session.connection()
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        new = {"actor_id": actor_id, "key": key, "digest": digest, "done": 0, "errors": {}}
        await connection.execute(
            dialect.insert(table).values(**new, created_at=self._clock.now()).on_conflict_do_nothing()
        )
        query = select(BulkCall).where(BulkCall.actor_id == actor_id, BulkCall.key == key).with_for_update()
        call = (await self._session.exec(query.execution_options(populate_existing=True))).one()
        if call.digest != digest:
            raise KeyReused
        return call

    async def note(self, call: BulkCall, done: int, errors: Mapping[str, Any]) -> None:
        """Note how far a locked call has come."""
        call.done, call.errors = done, dict(errors)
        self._session.add(call)
        await self._session.flush()

    async def remove(self, before: datetime) -> int:
        """Remove calls from before this moment; tell how many."""
        result: Any = await self._session.exec(delete(BulkCall).where(col(BulkCall.created_at) < before))
        return int(result.rowcount)
