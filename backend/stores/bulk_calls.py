"""Calls about many accounts, kept under their Idempotency-Key."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, tuple_
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
        connection = await self._session.connection()
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        new = {"actor_id": actor_id, "key": key, "digest": digest, "done": 0, "errors": {}}
        added: Any = dialect.insert(BulkCall).values(**new, created_at=self._clock.now())
        held = added.on_conflict_do_update(  # which locks it at once: between two statements it could be cleared away
            index_elements=[col(BulkCall.actor_id), col(BulkCall.key)], set_={"digest": col(BulkCall.digest)}
        )
        found = await self._session.exec(held.returning(BulkCall), execution_options={"populate_existing": True})
        call: BulkCall = found.scalar_one()
        if call.digest != digest:
            raise KeyReused
        return call

    async def note(self, call: BulkCall, done: int, errors: Mapping[str, Any]) -> None:
        """Note how far a locked call has come."""
        call.done, call.errors = done, dict(errors)
        self._session.add(call)
        await self._session.flush()

    async def remove_over(self, before: datetime, limit: int) -> int:
        """Remove calls from before this moment that nobody makes at present; tell how many."""
        key = col(BulkCall.actor_id), col(BulkCall.key)
        old = select(*key).where(col(BulkCall.created_at) < before).limit(limit).with_for_update(skip_locked=True)
        result: Any = await self._session.exec(delete(BulkCall).where(tuple_(*key).in_(old)))
        return int(result.rowcount)
