"""One account with its numbers: what the database knows, then what the disk does, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.context import Context
from backend.models import User
from backend.services.work import reading
from backend.stores.organizations import Standing


@dataclass(frozen=True)
class Person:
    """An account with its organizations and numbers: files and bytes of its directory, live sessions."""

    user: User
    file_count: int
    storage_bytes: int
    session_count: int
    places: Sequence[Standing]


async def person(context: Context, id_: UUID, *, gone: bool = False) -> Person:
    """Return an account with its numbers, a deleted one only where `gone` asks for it.

    Raises:
        UserNotFound: nobody has this id.
    """
    async with reading(context) as look:
        user = await look.people.one(id_, gone=gone)
        live = await look.sessions.listed(user.id)
        places = await look.organizations.standings(user.id)
    usage = await context.usage.of(user.id)
    return Person(user, usage.files, usage.bytes, len(live), places)
