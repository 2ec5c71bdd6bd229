"""Rows written past the ORM."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Table
    from sqlmodel import SQLModel
    from sqlmodel.ext.asyncio.session import AsyncSession


async def insert(session: "AsyncSession", *rows: "SQLModel") -> None:
    """Add rows of one table that this transaction will not change again, past the ORM: a third of a flush's time."""
    if rows:
        table: Table = rows[0].__table__  # type: ignore[attr-defined]  # SQLModel adds it to classes with `table=True`
        values = [{column.name: getattr(row, column.name) for column in table.columns} for row in rows]
        connection = await session.connection()
        await connection.execute(table.insert(), values if len(values) > 1 else values[0])
