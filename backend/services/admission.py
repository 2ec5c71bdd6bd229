"""How an account comes to be, with its names and its directory; who signs up comes by way of `sign_up`."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from backend.context import Context
from backend.identifiers import email_as_typed, username_as_typed
from backend.models import Role, Status, User
from backend.services.audit import Action
from backend.services.bootstrap import Bootstrap
from backend.services.lifecycle import Lifecycle
from backend.services.passwords import PasswordRule, temporary_until
from backend.services.registration import Registration
from backend.services.rights import Act
from backend.stores.identifiers import IdentifierStore


@dataclass(frozen=True)
class Beginning:
    """Where in its life an account begins, and with which rights."""

    role: Role = Role.USER
    status: Status = Status.ACTIVE
    is_verified: bool = False
    must_change_password: bool = False


@dataclass(frozen=True)
class Admission:
    """Makes accounts within one transaction, which begins after the password was hashed."""

    context: Context
    identifiers: IdentifierStore
    lifecycle: Lifecycle
    bootstrap: Bootstrap

    async def add_by_admin(
        self,
        registration: Registration,
        *,
        admin: UUID | None,
        role: Role = Role.USER,
        suspended: bool = False,
        past_password_rule: bool = False,
        temporary: bool = False,
    ) -> User:
        """Make an account that needs no decision, approved by `admin` (None: the command line).

        A `temporary` password has to be changed after signing in with it, and opens the account for a while only.

        Raises:
            InvalidUsername, InvalidEmail, PasswordRefused, EmailTaken, UsernameTaken: a value has to change.
            AdminRequired: the admin's rights were taken away while the request was under way.
            ProvisioningFailed: the directory could not be made, and so no account was.
        """
        username, email = username_as_typed(registration.username), email_as_typed(registration.email)
        async with self.context.database.reading() as session:
            await IdentifierStore(session).check_free(email, username)
        if not past_password_rule:
            rule, institution = PasswordRule.of(self.context.settings), registration.institution
            rule.check(registration.password, username=username, email=email, institution=institution)
        hashed_password = await self.context.hasher.hashed(registration.password)
        status = Status.SUSPENDED if suspended else Status.ACTIVE
        beginning = Beginning(role, status, must_change_password=temporary)
        return await self.take_over(registration, hashed_password, beginning, admin=admin)

    async def take_over(
        self, registration: Registration, hashed_password: str, beginning: Beginning, *, admin: UUID | None
    ) -> User:
        """Import an account from another system, with its password hash; `registration.password` is ignored.

        Raises:
            InvalidUsername, InvalidEmail, EmailTaken, UsernameTaken: a value has to change.
            AdminRequired: the admin's rights were taken away while the request was under way.
            ProvisioningFailed: the directory could not be made, and so no account was.
        """
        await self.lifecycle.check_rights(admin, Act.CREATE, oneself=False)
        installation = await self.bootstrap.installation.lock()
        if not installation.claimed_at:  # the first account ever becomes the superuser
            beginning = replace(beginning, role=Role.ADMIN, status=Status.ACTIVE)
        user = await self.add(registration, hashed_password, beginning, approved_by=admin)
        await self.lifecycle.audit.record(
            Action.USER_CREATED, target=user.id, actor=admin, role=beginning.role, status=beginning.status
        )
        if not installation.claimed_at:
            await self.bootstrap.claim(user.id)
        return user

    async def add(
        self,
        registration: Registration,
        hashed_password: str,
        beginning: Beginning,
        *,
        approved_by: UUID | None = None,
    ) -> User:
        """Add an account with its names and its directory; call it with the installation locked.

        Raises:
            InvalidUsername, InvalidEmail, EmailTaken, UsernameTaken: a value has to change.
            ProvisioningFailed: the directory could not be made, and so no account was.
        """
        settings, now, undecided = self.context.settings, self.context.clock.now(), beginning.status is Status.PENDING
        columns: dict[str, Any] = {
            "username": username_as_typed(registration.username),
            "email": email_as_typed(registration.email),
            "hashed_password": hashed_password,
            "full_name": registration.full_name,
            "institution": registration.institution,
            "approval_note": registration.approval_note,
            "status": beginning.status,
            "role": beginning.role,
            "is_verified": beginning.is_verified,
            "must_change_password": beginning.must_change_password,
            "password_expires_at": temporary_until(settings, now) if beginning.must_change_password else None,
            "approved_at": None if undecided else now,
            "approved_by": None if undecided else approved_by,
            "created_at": now,
            "updated_at": now,
        }
        user = await self.lifecycle.users.create(columns)
        await self.identifiers.claim_email(user.email, user.id)
        await self.identifiers.claim_username(user.username, user.id)
        await asyncio.to_thread(self.context.provisioner.provision, user.id)
        return user
