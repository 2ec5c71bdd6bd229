"""How an account comes to be: by signing up, by an administrator, or taken over from elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from backend.context import Context
from backend.errors import NoteRequired, RegistrationClosed, RegistrationFull
from backend.identifiers import email_as_typed, username_as_typed
from backend.models import Installation, MailPurpose, Role, Status, User
from backend.services.audit import Action
from backend.services.bootstrap import Bootstrap
from backend.services.founding import Founding, default_name, organization_name
from backend.services.lifecycle import Lifecycle
from backend.services.outbox import Outbox
from backend.services.pace import Pace
from backend.services.passwords import PasswordRule, temporary_until
from backend.services.rights import Act
from backend.services.throttle import Throttle
from backend.services.usernames import base_of, free_username
from backend.stores.identifiers import IdentifierStore
from backend.stores.installation import InstallationStore


@dataclass(frozen=True)
class Registration:
    """What somebody who signs up says about themselves."""

    username: str
    email: str
    password: str
    full_name: str | None = None
    institution: str | None = None
    approval_note: str | None = None
    bootstrap_token: str | None = None
    organization_name: str | None = None
    """The name of their first organization, where signing up makes one (C)."""


@dataclass(frozen=True)
class Standing:
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
    founding: Founding
    outbox: Outbox
    throttle: Throttle
    after_commit: Callable[[Callable[[], Awaitable[None]]], None]

    async def sign_up(self, registration: Registration) -> User | None:
        """Register somebody; None where registration is private, so that the answer does not tell what was done.

        There a taken address gets a mail instead of an account, a taken username is replaced by a free one, and the
        answer takes the same time (ASVS 6.3.8). The first account ever is returned: it has nobody to hide.

        Raises:
            TooManyRequests, …: see `register`; never EmailTaken nor UsernameTaken where registration is private.
        """
        return await self._admit(registration, private=self.context.settings.private_registration)

    async def sign_up_by_email(self, registration: Registration) -> User | None:
        """Register somebody who need not give a username; the limit for each network address is lower (B1).

        Raises:
            TooManyRequests, …: see `sign_up`.
        """
        await self.throttle.registration_by_email(self.lifecycle.audit.origin.ip_address)
        return await self._admit_named(registration)

    async def sign_up_with_organization(self, registration: Registration) -> User | None:
        """Register somebody who need not give a username, with an organization of their own (C).

        It is made with the account or not at all, and works once the account does.

        Raises:
            InvalidOrganizationName: it cannot be called so.
            TooManyRequests, …: see `sign_up`.
        """
        name = registration.organization_name
        if name is not None:
            organization_name(name, field="organization_name")
        return await self._admit_named(registration, founds=True)

    async def _admit_named(self, registration: Registration, *, founds: bool = False) -> User | None:
        """Make a username from the address where none was given; see `sign_up`."""
        private, name_is_ours = self.context.settings.private_registration, not registration.username
        if name_is_ours:
            email = email_as_typed(registration.email)
            async with self.context.database.reading() as session:
                registration = replace(registration, username=await free_username(IdentifierStore(session), email))
        return await self._admit(registration, private=private, name_is_ours=name_is_ours, founds=founds)

    async def register(self, registration: Registration) -> User:
        """Register somebody: as the first superuser, as an applicant, or (open mode) as a user.

        Raises:
            TooManyRequests, RegistrationClosed, RegistrationFull, BootstrapTokenRequired: not now.
            NoteRequired: not without saying why.
            InvalidUsername, InvalidEmail, PasswordRefused, EmailTaken, UsernameTaken: a value has to change.
            ProvisioningFailed: the directory could not be made, and so no account was.
        """
        user = await self._admit(registration, private=False)
        if user is None:  # only private registration returns None
            raise RegistrationClosed
        return user

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
            self._check_password(registration, username, email)
        hashed_password = await self.context.hasher.hashed(registration.password)
        status = Status.SUSPENDED if suspended else Status.ACTIVE
        standing = Standing(role, status, must_change_password=temporary)
        return await self.take_over(registration, hashed_password, standing, admin=admin)

    async def take_over(
        self, registration: Registration, hashed_password: str, standing: Standing, *, admin: UUID | None
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
            standing = replace(standing, role=Role.ADMIN, status=Status.ACTIVE)
        user = await self._add(registration, hashed_password, standing, approved_by=admin)
        await self.lifecycle.audit.record(
            Action.USER_CREATED, target=user.id, actor=admin, role=standing.role, status=standing.status
        )
        if not installation.claimed_at:
            await self.bootstrap.claim(user.id)
        return user

    async def _admit(
        self, registration: Registration, *, private: bool, name_is_ours: bool = False, founds: bool = False
    ) -> User | None:
        """See `register` and `sign_up`. A username made up by us is replaced if somebody takes it meanwhile."""
        await self.throttle.registration(self.lifecycle.audit.origin.ip_address)
        username, email = username_as_typed(registration.username), email_as_typed(registration.email)
        async with self.context.database.reading() as session:
            installation = await InstallationStore(session).get()
            private = private and installation.claimed_at is not None
            self._check_open(installation, registration)
            if not private:
                await IdentifierStore(session).check_free(email, None if name_is_ours else username)
        self._check_password(registration, base_of(email) if name_is_ours else username, email)
        hashed_password = await self.context.hasher.hashed(registration.password)

        pace = Pace.begin()
        installation = await self.bootstrap.installation.lock()
        first = self._check_open(installation, registration)
        status = Status.ACTIVE if first else self.context.policy.initial_status
        if status is Status.PENDING and await self.lifecycle.users.pending() >= self.context.settings.max_pending:
            raise RegistrationFull
        if private:
            self.after_commit(lambda: pace.keep(self.context.settings.refusal_seconds))
            holder = await self.lifecycle.users.get_by_email(email)
            if holder:
                await self.lifecycle.audit.record(Action.REGISTERED_AGAIN, target=holder.id)
                await self.outbox.queue(MailPurpose.ALREADY_REGISTERED, holder)
                return None
        if (private or name_is_ours) and await self.identifiers.is_taken(username):
            registration = replace(registration, username=await free_username(self.identifiers, email))
        user = await self._add(registration, hashed_password, Standing(Role.ADMIN if first else Role.USER, status))
        await self.lifecycle.audit.record(Action.REGISTERED, target=user.id, actor=user.id, status=status)
        if first:
            await self.bootstrap.claim(user.id)
        if founds:
            wanted = registration.organization_name
            await self.founding.found(user, wanted or default_name(user.display_name))
        await self._tell(user)
        return None if private else user

    async def _tell(self, user: User) -> None:
        """Queue the mails to a new account, and to those who decide about applicants."""
        settings = self.context.settings
        proof = settings.send_verification_emails  # which also says that the request was received
        if proof or user.status is Status.PENDING:
            purpose = MailPurpose.VERIFY_EMAIL if proof else MailPurpose.REGISTRATION_RECEIVED
            room = await self.throttle.mailbox_has_room(user.email)
            await (self.outbox.queue(purpose, user) if room else self.outbox.leave_out(purpose, user))
        if user.status is Status.PENDING and settings.tell_approvers:
            deciders = await self.lifecycle.users.deciders()
            await self.outbox.tell_later(MailPurpose.APPLICANTS_WAITING, deciders)

    def _check_password(self, registration: Registration, username: str, email: str) -> None:
        rule, institution = PasswordRule.of(self.context.settings), registration.institution
        rule.check(registration.password, username=username, email=email, institution=institution)

    def _check_open(self, installation: Installation, registration: Registration) -> bool:
        """Check that registration is open; tell whether this is the first ever, which is allowed in every mode."""
        if installation.claimed_at is None:
            self.bootstrap.check_token(installation, registration.bootstrap_token)
            return True
        policy = self.context.policy
        if not policy.open:
            raise RegistrationClosed
        wants_note = policy.initial_status is Status.PENDING and self.context.settings.require_approval_note
        if wants_note and not (registration.approval_note and registration.institution):
            raise NoteRequired
        return False

    async def _add(
        self,
        registration: Registration,
        hashed_password: str,
        standing: Standing,
        *,
        approved_by: UUID | None = None,
    ) -> User:
        settings, now, undecided = self.context.settings, self.context.clock.now(), standing.status is Status.PENDING
        columns: dict[str, Any] = {
            "username": username_as_typed(registration.username),
            "email": email_as_typed(registration.email),
            "hashed_password": hashed_password,
            "full_name": registration.full_name,
            "institution": registration.institution,
            "approval_note": registration.approval_note,
            "status": standing.status,
            "role": standing.role,
            "is_verified": standing.is_verified,
            "must_change_password": standing.must_change_password,
            "password_expires_at": temporary_until(settings, now) if standing.must_change_password else None,
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
