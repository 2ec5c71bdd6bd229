"""Ten thousand sessions without ten thousand sign-ins: opened by this service's own code, or written for a peer.

As a program it opens sessions on the configured database and prints their tokens as JSON. Its arguments: the first
person's number, how many people, how many sessions of each.
"""

import asyncio
import json
import secrets
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import asyncpg

from backend.context import Context
from backend.environment import load
from backend.models import Status
from backend.services import unit_of_work
from backend.services.rights import Act
from backend.stores.users import UserStore

_PEOPLE_A_TRANSACTION: Final = 10
_NO_PASSWORD: Final = "none"  # noqa: S105  # it is no hash of anything


async def open_sessions(first: int, people: int, sessions_each: int) -> list[list[str]]:
    """Make people and open sessions for them by the service that sign-ins use; return everybody's tokens."""
    context = Context.build(load())
    now = context.clock.now()
    rows = [
        {
            "username": f"crowd{number}",
            "email": f"crowd{number}@example.org",
            "hashed_password": _NO_PASSWORD,
            "status": Status.ACTIVE,
            "created_at": now,
            "updated_at": now,
        }
        for number in range(first, first + people)
    ]
    tokens: list[list[str]] = []
    try:
        async with context.database.writing() as session:
            store = UserStore(session)
            users = [await store.create(row) for row in rows]
        for start in range(0, people, _PEOPLE_A_TRANSACTION):
            async with unit_of_work(context) as services:
                for user in users[start : start + _PEOPLE_A_TRANSACTION]:
                    account = await services.lifecycle.account(user.id, by=None, act=Act.CLOSE)
                    grants = [await services.sessions.open_bearer(account) for _ in range(sessions_each)]
                    tokens.append([grant.access_token for grant in grants])
    finally:
        await context.close()
    return tokens


async def write_peer_sessions(url: str, people: int, sessions_each: int) -> list[list[str]]:
    """Write the same number of people and access tokens into a fastapi-users database; return the tokens."""
    ids = [uuid.uuid4() for _ in range(people)]
    tokens = [[secrets.token_urlsafe() for _ in range(sessions_each)] for _ in ids]
    now = datetime.now(UTC)
    users = [(user, f"crowd{number}@example.org", _NO_PASSWORD, True, False, False) for number, user in enumerate(ids)]
    rows = [(token, user, now) for user, own in zip(ids, tokens, strict=True) for token in own]
    connection = await asyncpg.connect(url)
    try:
        columns = ("id", "email", "hashed_password", "is_active", "is_superuser", "is_verified")
        await connection.copy_records_to_table("user", records=users, columns=columns)
        await connection.copy_records_to_table("accesstoken", records=rows, columns=("token", "user_id", "created_at"))
    finally:
        await connection.close()
    return tokens


async def analyze(url: str) -> None:
    """Let PostgreSQL look at what was written, as it would by itself after a while."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def in_turn(tokens: Sequence[Sequence[str]]) -> list[str]:
    """Return everybody's first token, then everybody's second, and so on."""
    return [token for turn in zip(*tokens, strict=True) for token in turn]


if __name__ == "__main__":
    json.dump(asyncio.run(open_sessions(*(int(argument) for argument in sys.argv[1:]))), sys.stdout)
