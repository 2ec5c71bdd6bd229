"""What administrators do for people: make accounts for them, give temporary passwords, sign them out everywhere."""

from dataclasses import dataclass, replace
from uuid import UUID

from backend.context import Context
from backend.errors import (
    AlreadyTaken,
    InvalidEmail,
    InvalidUsername,
    MailEnabled,
    NotActive,
    PasswordRefused,
    ResetOfInactive,
    UserNotCreated,
)
from backend.models import Role, SessionEnd, TokenPurpose, User
from backend.services.admission import Admission
from backend.services.audit import Action
from backend.services.guesses import Guesses
from backend.services.lifecycle import Lifecycle
from backend.services.passwords import temporary_until
from backend.services.registration import Registration
from backend.services.rights import Act
from backend.services.roles import check_can_have
from backend.stores.one_time_tokens import OneTimeTokenStore


@dataclass(frozen=True)
class Administration:
    """The acts of administrators within one transaction. `admin` is who acts; None is the command line."""

    context: Context
    one_time_tokens: OneTimeTokenStore
    admission: Admission
    lifecycle: Lifecycle

    async def create(
        self, admin: UUID | None, registration: Registration, *, is_superuser: bool, is_active: bool
    ) -> User:
        """Make an account for somebody; inactive ones begin as suspended.

        Raises:
            UserNotCreated: with the reason.
        """
        role = Role.ADMIN if is_superuser else Role.USER
        try:
            check_can_have(role, active=is_active)
            return await self.admission.add_by_admin(registration, admin=admin, role=role, suspended=not is_active)
        except (NotActive, AlreadyTaken, InvalidUsername, InvalidEmail, PasswordRefused) as reason:
            raise UserNotCreated(reason) from None

    async def make(
        self, admin: UUID | None, registration: Registration, role: Role, *, is_active: bool
    ) -> tuple[User, str | None]:
        """Make an account for somebody, whose password is a temporary one; inactive ones are suspended.

        Without a password one is made up, and returned once.

        Raises:
            NotActive: rights are for active accounts.
            InvalidUsername, InvalidEmail, PasswordRefused, EmailTaken, UsernameTaken: a value has to change.
        """
        check_can_have(role, active=is_active)
        made_up = None if registration.password else self.context.hasher.generate()
        user = await self.admission.add_by_admin(
            replace(registration, password=made_up or registration.password),
            admin=admin,
            role=role,
            suspended=not is_active,
            temporary=True,
        )
        return user, made_up

    async def reset_password(self, admin: UUID | None, user_id: UUID, reason: str | None = None) -> tuple[User, str]:
        """Give somebody a temporary password, returned once; it opens nothing but its change, and their sessions end.

        Raises:
            MailEnabled: where mail works, people do this themselves.
            UserNotFound, ResetOfInactive: there is nobody to help.
        """
        if self.context.settings.mail_enabled:
            raise MailEnabled
        password = self.context.hasher.generate()
        hashed_password = await self.context.hasher.hashed(password)
        user = await self.lifecycle.account(user_id, by=admin, act=Act.RESET_PASSWORD)
        if not user.is_active:
            raise ResetOfInactive
        now = self.context.clock.now()
        columns = {
            "hashed_password": hashed_password,
            "must_change_password": True,
            "password_expires_at": temporary_until(self.context.settings, now),
            "updated_at": now,
        }
        await self.lifecycle.users.update(user, columns)
        await self.one_time_tokens.void(user.id, TokenPurpose.RESET_PASSWORD, now)
        await self.lifecycle.sessions.end_all(user.id, SessionEnd.PASSWORD_CHANGE, actor=admin)
        await self.lifecycle.audit.record(Action.PASSWORD_RESET_BY_ADMIN, target=user.id, actor=admin, reason=reason)
        guesses = Guesses(self.context, self.lifecycle.audit.origin)
        self.lifecycle.audit.after_commit(lambda: guesses.forget(user_id))
        return user, password

    async def end_sessions(self, admin: UUID | None, user_id: UUID) -> User:
        """End all sessions of somebody.

        Raises:
            UserNotFound: nobody has this id.
        """
        user = await self.lifecycle.account(user_id, by=admin, act=Act.END_SESSIONS)
        await self.lifecycle.sessions.end_all(user.id, SessionEnd.ADMIN, actor=admin)
        return user
