"""Dialects B1 and B3 as their clients speak them, and what the database and the audit hold afterwards."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

import httpx
from sqlmodel import select

from backend.models import AuditEvent, Status, User
from backend.stores.users import UserStore
from tests.factories import PASSWORD, People, Person

USERS: Final = "/api/v1/users"
REGISTER: Final = "/api/v1/users/register"
ME: Final = "/api/v1/users/me"
BULK: Final = "/api/v1/users/bulk"
STATS: Final = "/api/v1/users/stats"
UPDATED: Final = "User updated successfully"
DEACTIVATED: Final = "User account deactivated"
USER: Final = {
    *("id", "email", "username", "full_name", "name", "institution", "approval_note", "profile_image_url", "role"),
    *("is_active", "is_superuser", "is_verified", "is_approved", "status", "approved_by", "approved_at"),
    *(
        "decision_reason",
        "access_expires_at",
        "must_change_password",
        "tier_id",
        "created_at",
        "updated_at",
        "last_login",
    ),
    *("deleted_at", "is_deleted", "email_verified"),
}
"""What every account is shown with."""
NUMBERS: Final = {"file_count", "storage_bytes", "login_count", "session_count"}
NO_IDS: Final = [
    *("urn:uuid:01900000-0000-7000-8000-000000000000", "{01900000-0000-7000-8000-000000000000}", "0", "-1", "no-id"),
    *(
        "01900000-0000-7000-8000-00000000000g",
        "01900000-0000-7000-8000-0000000000000",
        "0190000000007000800000000000000",
    ),
    *("01900000-00007000-8000-000000000000", "%00", "x" * 300),
]
"""What looks like an id and is none, and was nobody's name either."""
RIGHTS: Final = ["is_superuser", "is_active", "is_verified", "is_approved"]
"""What nobody gives themselves by a body."""


def of(who: Person | User | UUID | str) -> str:
    """Where an account stands: by its id or, given as text, by its username."""
    return f"{USERS}/{who.id if isinstance(who, Person | User) else who}"


def named(person: Person) -> str:
    """Where an account stands by its username."""
    return of(person.username)


def body_of(answer: httpx.Response, status: int = 200) -> Any:
    """What a success holds."""
    assert answer.status_code == status, answer.text
    assert "hashed_password" not in answer.text
    return answer.json()


def newcomer(name: str = "hannah", /, **changes: object) -> dict[str, object]:
    """What somebody who signs up by B3 writes; without `name` it is B1's way too."""
    return {
        "name": "Hannah Arendt",
        "username": name,
        "email": f"{name}@example.org",
        "password": PASSWORD,
        **changes,
    }


async def accounts(people: People, rows: Iterable[dict[str, Any]]) -> list[User]:
    """Accounts as rows of the database: nobody can sign in to them, and lists show them."""
    now, made = people.context.clock.now(), []
    async with people.context.database.writing() as session:
        store = UserStore(session)
        for number, row in enumerate(rows):
            values = {"username": f"row{number:04}", "hashed_password": "!", "status": Status.ACTIVE, "created_at": now}
            values |= {"email": f"{row.get('username', values['username'])}@example.org", "updated_at": now}
            made.append(await store.create({**values, **row}))
    return made


async def found(admin: Person, **query: object) -> list[str]:
    """The usernames of a list, all on one page; it says itself how many they are."""
    page = body_of(await admin.get(USERS, params={"items_per_page": 100, "sort_by": "username", **query}))
    names = [user["username"] for user in page["data"]]
    assert (page["total_count"], page["has_more"]) == (len(names), False)
    return sorted(names)


async def walked(admin: Person, **query: object) -> list[str]:
    """The ids of a list, read by cursor to the end."""
    ids: list[str] = []
    page = body_of(await admin.get(USERS, params=query))
    while True:
        ids += [user["id"] for user in page["data"]]
        assert page["has_more"] is (page["next_cursor"] is not None)
        assert not page["has_more"] or len(page["data"]) == page["items_per_page"]
        if not page["has_more"]:
            return ids
        page = body_of(await admin.get(USERS, params={**query, "cursor": page["next_cursor"]}))


async def rows(people: People) -> dict[UUID, dict[str, Any]]:
    """Every row of every account, to be compared."""
    async with people.context.database.reading() as session:
        return {user.id: user.model_dump() for user in (await session.exec(select(User))).all()}


async def ended(people: People, person: Person) -> list[str | None]:
    """Why a person's sessions ended."""
    return [event.reason for event in await people.audit("session_ended", about=person)]


def changes_in(event: AuditEvent) -> dict[str, tuple[Any, Any]]:
    """What a record says was changed: field, old, new."""
    return {change["field"]: (change["old"], change["new"]) for change in event.details["changes"]}
