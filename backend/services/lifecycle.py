"""The life of an account: which status may follow which, and the one function that changes it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from backend.clock import Clock
from backend.errors import AdminRequired, InvalidTransition, LastAdmin, UserNotFound
from backend.models import Role, SessionEnd, Status, User
from backend.services.audit import Action, Audit
from backend.services.sessions import Sessions
from backend.stores.installation import InstallationStore
from backend.stores.users import GONE, UserStore

ADMINISTRATORS: Final = frozenset({Role.ADMIN})
DECIDERS: Final = frozenset({Role.APPROVER, Role.ADMIN})
"""Who may decide about applicants."""
ALLOWED: Final[Mapping[Status, frozenset[Status]]] = {
    Status.PENDING: frozenset({Status.ACTIVE, Status.REJECTED, Status.DELETED, Status.ANONYMIZED}),
    Status.REJECTED: frozenset({Status.PENDING, Status.ACTIVE, Status.DELETED, Status.ANONYMIZED}),
    Status.ACTIVE: frozenset({Status.SUSPENDED, Status.EXPIRED, Status.DEACTIVATED, Status.DELETED, Status.ANONYMIZED}),
    Status.SUSPENDED: frozenset({Status.ACTIVE, Status.DELETED, Status.ANONYMIZED}),
    Status.EXPIRED: frozenset({Status.ACTIVE, Status.DELETED, Status.ANONYMIZED}),
    Status.DEACTIVATED: frozenset({Status.ACTIVE, Status.DELETED, Status.ANONYMIZED}),
    Status.DELETED: frozenset({Status.ANONYMIZED}),
    Status.ANONYMIZED: frozenset(),
}
"""What may follow what."""


@dataclass(frozen=True)
class Lifecycle:
    """Changes the status of accounts within one transaction."""

    users: UserStore
    installation: InstallationStore
    sessions: Sessions
    audit: Audit
    clock: Clock

    async def account(self, id_: UUID, *, by: UUID | None, rights: Collection[Role] = ADMINISTRATORS) -> User:
        """Return an account, locked, for somebody (`by`; None is the command line) who has one of these `rights` still.

        It stands behind the installation's lock, as everything that may take the last administrator out of office.

        Raises:
            AdminRequired: the rights were taken away while the request was under way (ASVS 8.3.2).
            UserNotFound: there is no such account, or it is deleted.
        """
        await self.installation.lock()
        actor = await self.users.as_it_is(by) if by else None
        if by and (actor is None or not actor.is_active or actor.role not in rights):
            raise AdminRequired
        user = await self.users.lock(id_)
        if user is None or user.status in GONE:
            raise UserNotFound
        return user

    async def change(
        self,
        user: User,
        to: Status,
        action: Action,
        *,
        actor: UUID | None,
        reason: str | None = None,
        columns: Mapping[str, Any] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Change the status of a locked account, with `columns` that belong to the change, and record it.

        Whoever leaves `ACTIVE` loses all sessions with the same commit.

        Raises:
            InvalidTransition: the table has no way from here to there.
            LastAdmin: nobody could administer the installation any more.
        """
        was = user.status
        if to not in ALLOWED[was]:
            raise InvalidTransition(f"An account that is {was} cannot become {to}.")
        if was is Status.ACTIVE:
            await self.keep_an_admin(user)
            await self.sessions.end_all(user.id, SessionEnd.STATUS, actor=actor)
        await self.users.update(user, {**(columns or {}), "status": to, "updated_at": self.clock.now()})
        await self.audit.record(
            action, target=user.id, actor=actor, reason=reason, was=was, became=to, **(details or {})
        )

    async def keep_an_admin(self, user: User) -> None:
        """Ask this, behind the installation's lock, before an account loses its rights or its life.

        Raises:
            LastAdmin: it is the last active administrator.
        """
        if user.is_superuser and user.is_active and await self.users.active_admins() <= 1:
            raise LastAdmin
