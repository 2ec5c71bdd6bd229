"""People in every state, made the way they come to be: through the doors of the application."""

import itertools
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from sqlmodel import col, select

from backend.context import Context
from backend.models import AuditEvent, Listing, Role, Status, User
from backend.services import Services, unit_of_work
from backend.services.audit import Action
from backend.services.grants import CookieGrant
from backend.services.registration import Registration
from backend.services.rights import Act
from backend.stores.listing_texts import texts
from backend.stores.rows import insert
from backend.stores.tallies import TallyStore

PASSWORD = "correct horse battery"


@dataclass
class Person:
    """Somebody: their account's id, how they sign in, and their token once they have."""

    id: UUID
    username: str
    email: str
    password: str
    client: httpx.AsyncClient
    token: str | None = None

    @property
    def bearer(self) -> dict[str, str]:
        """The header that carries their token."""
        return {"Authorization": f"Bearer {self.token}"}

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, headers=self.bearer, **options)

    async def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.client.post(path, json=json, headers=self.bearer, **options)

    async def put(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.client.put(path, json=json, headers=self.bearer, **options)

    async def patch(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.client.patch(path, json=json, headers=self.bearer, **options)

    async def delete(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return await self.client.request("DELETE", path, json=json, headers=self.bearer, **options)


@dataclass
class People:
    """Makes people. Names are numbered: nobody's name clashes with another's."""

    client: httpx.AsyncClient
    context: Context
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _inhabited: bool = False

    def work(self) -> AbstractAsyncContextManager[Services]:
        """The services in a transaction, for what no door of this version does."""
        return unit_of_work(self.context)

    async def admin(self) -> Person:
        """Somebody who may administer: the first superuser, or one made by the command line's service."""
        person = await self._made(Role.ADMIN)
        return await self.signed_in(person)

    async def approver(self) -> Person:
        """Somebody who may decide, and nothing else."""
        await self._somebody_first()
        person = await self._made(Role.APPROVER)
        return await self.signed_in(person)

    async def active(self) -> Person:
        """Somebody who was let in and is signed in."""
        await self._somebody_first()
        person = await self._made(Role.USER)
        return await self.signed_in(person)

    async def pending(self, **more: Any) -> Person:
        """Somebody who waits for a decision."""
        await self._somebody_first()
        name = f"applicant{next(self._numbers)}"
        body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, **more}
        answer = await self.client.post("/api/auth/register", json=body)
        assert answer.status_code == 201, answer.text
        return Person(UUID(answer.json()["id"]), body["username"], body["email"], body["password"], self.client)

    async def rejected(self, reason: str | None = None) -> Person:
        """Somebody who was turned away."""
        person = await self.pending()
        async with unit_of_work(self.context) as services:
            await services.decisions.reject(person.id, by=None, reason=reason)
        return person

    async def suspended(self) -> Person:
        """Somebody whose account was shut after they had been let in; the token is from before."""
        person = await self.active()
        async with unit_of_work(self.context) as services:
            await services.closing.suspend(None, person.id)
        return person

    async def deleted(self) -> Person:
        """Somebody whose account was deleted; the token is from before."""
        person = await self.active()
        async with unit_of_work(self.context) as services:
            await services.deletion.delete(None, person.id)
        return person

    async def in_status(self, status: Status, *, signed_in: bool = True) -> Person:
        """Somebody in any state, who was `signed_in` while they could.

        States that no door of this version leads to are reached by the table of states.
        """
        if status is Status.PENDING:
            return await self.pending()
        if status is Status.REJECTED:
            return await self.rejected()
        await self._somebody_first()
        person = await self._made(Role.USER)
        if signed_in:
            await self.signed_in(person)
        if status is Status.DELETED:
            async with unit_of_work(self.context) as services:
                await services.deletion.delete(None, person.id)
        elif status is not Status.ACTIVE:
            async with unit_of_work(self.context) as services:
                user = await services.lifecycle.account(person.id, by=None, act=Act.CLOSE)
                await services.lifecycle.change(user, status, Action.USER_UPDATED, actor=None)
        return person

    async def crowd(self, size: int, status: Status = Status.ACTIVE) -> list[UUID]:
        """Many accounts made in the same moment, in the order of their ids; nobody can sign in to them."""
        now = self.context.clock.now()
        users = [
            User(
                username=f"crowd{number}",
                email=f"crowd{number}@example.org",
                hashed_password="none",
                status=status,
                created_at=now,
                updated_at=now,
                seen_at=now,
            )
            for number in range(size)
        ]
        names = [texts(user.username, user.email, None, None) for user in users]
        async with self.context.database.writing() as session:
            await insert(session, *users)
            session.add_all(
                [
                    Listing(user_id=user.id, role=user.role, status=status, created_at=now, **found)
                    for user, found in zip(users, names, strict=True)
                ]
            )
            TallyStore(session).registered(Role.USER, status, now, size)
        return sorted(user.id for user in users)

    async def at_a_page(self, person: Person) -> CookieGrant:
        """The cookie session of somebody who signed in by a page."""
        async with unit_of_work(self.context) as services:
            return await services.sessions.open_cookie(
                await services.lifecycle.account(person.id, by=None, act=Act.CLOSE)
            )

    async def signed_in(self, person: Person) -> Person:
        """The same person with a fresh token."""
        body = {"username_or_email": person.username, "password": person.password}
        answer = await self.client.post("/api/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        person.token = answer.json()["access_token"]
        return person

    async def row(self, person: Person) -> User:
        """What the database holds about somebody, whatever their status."""
        async with self.context.database.reading() as session:
            return (await session.exec(select(User).where(User.id == person.id))).one()

    async def audit(self, *actions: str, about: Person | None = None) -> list[AuditEvent]:
        """The audit, oldest first: all of it, or of some actions, or about somebody."""
        async with self.context.database.reading() as session:
            query = select(AuditEvent).order_by(col(AuditEvent.id))
            events = (await session.exec(query)).all()
        chosen = [event for event in events if not actions or event.action in actions]
        return [event for event in chosen if about is None or event.target_id == about.id]

    async def statuses(self) -> dict[str, Status]:
        """Every account's status, by username."""
        async with self.context.database.reading() as session:
            return {user.username: user.status for user in (await session.exec(select(User))).all()}

    async def _somebody_first(self) -> None:
        if not self._inhabited:
            async with self.context.database.reading() as session:
                nobody = (await session.exec(select(User.id).limit(1))).first() is None
            if nobody:
                await self._made(Role.ADMIN)
        self._inhabited = True

    async def _made(self, role: Role) -> Person:
        name = f"{role}{next(self._numbers)}"
        registration = Registration(name, f"{name}@example.org", PASSWORD)
        async with unit_of_work(self.context) as services:
            user = await services.admission.add_by_admin(registration, admin=None, role=role, past_password_rule=True)
        return Person(user.id, user.username, user.email, PASSWORD, self.client)
