"""News by PostgreSQL: LISTEN and NOTIFY."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

import asyncpg
from sqlalchemy import text
from sqlmodel.ext.asyncio.session import AsyncSession

from backend.clock import pause
from backend.stores.news import BEAT, BEAT_SECONDS, PATIENCE_SECONDS, TOPIC, Changes


class PostgresChannel:
    """LISTEN on a connection of its own, NOTIFY inside the transaction: sent exactly when it commits."""

    _NAME: Final = "vestibule news"

    def __init__(self, arguments: dict[str, Any]) -> None:
        """Take what `asyncpg.connect` needs."""
        self._arguments = arguments
        self._listener: asyncpg.Connection | None = None
        self._one_at_a_time = asyncio.Lock()

    async def within(self, session: AsyncSession, changes: Changes) -> None:
        """Notify when the transaction commits."""
        connection = await session.connection()
        await connection.execute(text("SELECT pg_notify(:topic, :news)"), {"topic": TOPIC, "news": str(changes)})

    async def after(self, changes: Changes) -> None:
        """Nothing is left to say."""

    async def listen(self, hear: Callable[[str], None], stopping: asyncio.Event) -> None:
        """Listen, and send a beat to oneself four times a second."""
        beat = f"{BEAT}{uuid4().hex}"

        def received(*arguments: Any) -> None:  # noqa: ANN401  # asyncpg's callback
            message = str(arguments[-1])
            if message == beat:
                hear(BEAT)
            elif not message.startswith(BEAT):
                hear(message)

        settings = {"application_name": self._NAME}
        connection = await asyncpg.connect(**self._arguments, timeout=5, server_settings=settings)
        try:
            await connection.add_listener(TOPIC, received)
            self._listener = connection
            while not stopping.is_set():
                async with asyncio.timeout(2 * BEAT_SECONDS), self._one_at_a_time:
                    await connection.execute(f"NOTIFY {TOPIC}, '{beat}'")
                await pause(stopping, BEAT_SECONDS)
        finally:
            self._listener = None
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
                await connection.close(timeout=PATIENCE_SECONDS)  # it ends by force what does not end in time

    async def alone(self) -> bool:
        """Count the listeners of this database."""
        if self._listener is None:
            return False
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1"
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._one_at_a_time:
                return bool(await self._listener.fetchval(query, self._NAME) == 1)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            return False

    async def close(self) -> None:
        """Nothing is held: the listener ends with `listen`."""
