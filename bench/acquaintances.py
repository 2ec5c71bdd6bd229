"""People in every state, made by this service's own code, whom strangers then ask about.

As a program it makes them on the configured database and prints as JSON what each kind is called: names without the
numbers at their end, and the ids of those who are active. Its argument: how many there are of each kind that gets mail.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final
from uuid import UUID

from backend.context import Context
from backend.environment import load
from backend.hashing import PasswordHasher
from backend.models import Status, User
from backend.services import unit_of_work
from backend.services.admission import Beginning
from backend.services.registration import Registration

PASSWORD: Final = "correct horse battery"  # noqa: S105  # of accounts that live for minutes
READER: Final = "reader"
"""An ordinary user, who signs in and asks what only administrators may."""
MAILED: Final = ("active", "proven", "pending")
"""Kinds of which there are many: nobody gets more than three mails of a kind within an hour."""
ALONE: Final = ("bcrypt", "dearer", "unusable", "rejected", "deleted", READER)
_BCRYPT: Final = "$2b$12$IYhY5NVQZBuoa0Lkq472De.SosLxyMkGezRV7E5rPmd7mYWJCEXGG"
"""Twelve doublings, as many systems have made them."""
_DEARER: Final = (65536, 3, 4)
"""Argon2id's memory in KiB, passes and lanes as the library's own default was for years."""
_A_TRANSACTION: Final = 50


@dataclass(frozen=True)
class _Person:
    name: str
    beginning: Beginning
    hashed_password: str


def name(kind: str, number: int = 0) -> str:
    """Return the username of somebody; all are equally long, and so are their addresses."""
    return f"{kind:x<8}{number:04}"


def address(kind: str, number: int = 0) -> str:
    """Return the email address of somebody."""
    return f"{name(kind, number)}@example.org"


async def settle(many: int) -> list[UUID]:
    """Make everybody; return the ids of those who are active."""
    context = Context.build(load())
    everybody = _everybody(many, context.hasher)
    users: list[User] = []
    try:
        while batch := list(islice(everybody, _A_TRANSACTION)):
            async with unit_of_work(context) as services:
                for person in batch:
                    registration = Registration(person.name, f"{person.name}@example.org", PASSWORD)
                    user = await services.admission.take_over(
                        registration, person.hashed_password, person.beginning, admin=None
                    )
                    users.append(user)
        ids = {user.username: user.id for user in users}
        async with unit_of_work(context) as services:
            await services.decisions.reject(ids[name("rejected")], by=None)
            await services.deletion.delete(None, ids[name("deleted")])
    finally:
        await context.close()
    return [ids[name("active", number)] for number in range(many)]


def _everybody(many: int, hasher: PasswordHasher) -> Iterator[_Person]:
    ours = hasher.hash(PASSWORD)
    yield _Person(name("first"), Beginning(), ours)  # becomes the superuser; the others are like everybody
    for kind in MAILED:
        status = Status.PENDING if kind == "pending" else Status.ACTIVE
        beginning = Beginning(status=status, is_verified=kind == "proven")
        yield from (_Person(name(kind, number), beginning, ours) for number in range(many))
    odd = {"bcrypt": _BCRYPT, "dearer": _hash(_DEARER), "unusable": "!"}
    for kind in ALONE:
        beginning = Beginning(status=Status.PENDING if kind == "rejected" else Status.ACTIVE)
        yield _Person(name(kind), beginning, odd.get(kind, ours))


def _hash(cost: tuple[int, int, int]) -> str:
    hasher = PasswordHasher(cost)
    try:
        return hasher.hash(PASSWORD)
    finally:
        hasher.close()


if __name__ == "__main__":
    json.dump([str(id_) for id_ in asyncio.run(settle(int(sys.argv[1])))], sys.stdout)
