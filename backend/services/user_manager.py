"""The heart: how somebody becomes a user, is let in or turned away, and proves to be who they are.

`UserManager` is a fastapi-users `BaseUserManager`, so that its routers ride on the same rules as every other door.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from fastapi.security import OAuth2PasswordRequestForm
from fastapi_users import BaseUserManager, UUIDIDMixin
from fastapi_users.schemas import BaseUserCreate

from backend.context import Context
from backend.errors import (
    AccountDeactivated,
    AccountExpired,
    AccountPending,
    AccountRejected,
    AccountSuspended,
    EmailNotVerified,
    InvalidCredentials,
    NoteRequired,
    RegistrationClosed,
    RegistrationFull,
    SignInRefused,
)
from backend.identifiers import email_as_typed, email_key, is_email, username_as_typed, username_key
from backend.models import GONE, Installation, MailPurpose, Role, Status, User
from backend.services.audit import Action
from backend.services.bootstrap import Bootstrap
from backend.services.closing import Closing
from backend.services.decisions import Decisions
from backend.services.lifecycle import Lifecycle
from backend.services.passwords import PasswordRule
from backend.services.recovery import Recovery
from backend.services.rights import Act
from backend.services.usernames import free_username
from backend.stores.identifiers import IdentifierStore
from backend.stores.installation import InstallationStore
from backend.stores.users import UserStore
from backend.tokens import digest

_REFUSALS: Final[dict[Status, type[SignInRefused]]] = {
    Status.PENDING: AccountPending,
    Status.REJECTED: AccountRejected,
    Status.SUSPENDED: AccountSuspended,
    Status.EXPIRED: AccountExpired,
    Status.DEACTIVATED: AccountDeactivated,
}


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


@dataclass(frozen=True)
class Standing:
    """Where in its life an account begins, and with which rights."""

    role: Role = Role.USER
    status: Status = Status.ACTIVE
    is_verified: bool = False
    must_change_password: bool = False


class UserManager(UUIDIDMixin, BaseUserManager[User, UUID]):
    """Registration, sign-in, decisions and proofs of address, within one transaction.

    The transaction begins with the first statement. Methods that hash a password do so before it: they read by a
    door of their own, close it, hash in the pool, and only then write.
    """

    user_db: UserStore

    def __init__(
        self,
        context: Context,
        identifiers: IdentifierStore,
        lifecycle: Lifecycle,
        bootstrap: Bootstrap,
        recovery: Recovery,
        decisions: Decisions,
        closing: Closing,
    ) -> None:
        """Take the parts that share the transaction."""
        super().__init__(lifecycle.users, context.hasher)
        self._context = context
        self._identifiers = identifiers
        self._lifecycle = lifecycle
        self._bootstrap = bootstrap
        self._recovery = recovery
        self._decisions = decisions
        self._closing = closing
        self._audit = lifecycle.audit
        self._outbox = recovery.outbox
        self._throttle = recovery.throttle
        self._rule = PasswordRule(context.settings.password_min_length)

    async def register_by_email(self, registration: Registration) -> User:
        """Take somebody in who need not give a username; fewer an hour come this way from one address (B1).

        Raises:
            TooManyRequests, …: see `register`.
        """
        await self._throttle.registration_by_email(self._audit.origin.ip_address)
        if registration.username:
            return await self.register(registration)
        email = email_as_typed(registration.email)
        async with self._context.database.reading() as session:
            username = await free_username(IdentifierStore(session), email)
        return await self.register(replace(registration, username=username), name_is_ours=True)

    async def register(self, registration: Registration, *, name_is_ours: bool = False) -> User:
        """Take somebody in: as the first superuser, as an applicant, or (open mode) as a user.

        A username that is ours gives way where somebody else has taken it meanwhile.

        Raises:
            TooManyRequests, RegistrationClosed, RegistrationFull, BootstrapTokenRequired: not now.
            NoteRequired: not without saying why.
            InvalidUsername, InvalidEmail, PasswordRefused, EmailTaken, UsernameTaken: a value has to change.
            ProvisioningFailed: the directory could not be made, and so no account was.
        """
        await self._throttle.registration(self._audit.origin.ip_address)
        username, email = username_as_typed(registration.username), email_as_typed(registration.email)
        async with self._context.database.reading() as session:
            self._check_open(await InstallationStore(session).get(), registration)
            await IdentifierStore(session).check_free(email, None if name_is_ours else username)
        self._rule.check(registration.password, username=username, email=email)
        hashed_password = await self._context.hasher.hashed(registration.password)

        installation = await self._bootstrap.installation.lock()
        first = self._check_open(installation, registration)
        status = Status.ACTIVE if first else self._context.policy.initial_status
        if status is Status.PENDING and await self.user_db.pending() >= self._context.settings.max_pending:
            raise RegistrationFull
        if name_is_ours and await self._identifiers.is_taken(username):
            registration = replace(registration, username=await free_username(self._identifiers, email))
        user = await self._add(registration, hashed_password, Standing(Role.ADMIN if first else Role.USER, status))
        await self._audit.record(Action.REGISTERED, target=user.id, actor=user.id, status=status)
        if first:
            await self._bootstrap.claim(user.id)
        if self._context.settings.send_verification_emails:
            await self._outbox.queue(MailPurpose.VERIFY_EMAIL, user)
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

        A `temporary` password has to be changed after signing in with it.

        Raises:
            InvalidUsername, InvalidEmail, PasswordRefused, EmailTaken, UsernameTaken: a value has to change.
            AdminRequired: the admin's rights were taken away while the request was under way.
            ProvisioningFailed: the directory could not be made, and so no account was.
        """
        username, email = username_as_typed(registration.username), email_as_typed(registration.email)
        async with self._context.database.reading() as session:
            await IdentifierStore(session).check_free(email, username)
        if not past_password_rule:
            self._rule.check(registration.password, username=username, email=email)
        hashed_password = await self._context.hasher.hashed(registration.password)
        status = Status.SUSPENDED if suspended else Status.ACTIVE
        standing = Standing(role, status, must_change_password=temporary)
        return await self.take_over(registration, hashed_password, standing, admin=admin)

    async def take_over(
        self, registration: Registration, hashed_password: str, standing: Standing, *, admin: UUID | None
    ) -> User:
        """Make an account as somebody else had it, whatever its hash; `registration.password` is not looked at.

        Raises:
            InvalidUsername, InvalidEmail, EmailTaken, UsernameTaken: a value has to change.
            AdminRequired: the admin's rights were taken away while the request was under way.
            ProvisioningFailed: the directory could not be made, and so no account was.
        """
        await self._lifecycle.check_rights(admin, Act.CREATE, oneself=False)
        installation = await self._bootstrap.installation.lock()
        if not installation.claimed_at:  # the first account ever is the superuser, by whichever door
            standing = replace(standing, role=Role.ADMIN, status=Status.ACTIVE)
        user = await self._add(registration, hashed_password, standing, approved_by=admin)
        await self._audit.record(
            Action.USER_CREATED, target=user.id, actor=admin, role=standing.role, status=standing.status
        )
        if not installation.claimed_at:
            await self._bootstrap.claim(user.id)
        return user

    async def create(
        self,
        user_create: BaseUserCreate,
        safe: bool = False,  # noqa: ARG002, FBT001, FBT002  # fastapi-users' signature; rights never come from a body
        request: Request | None = None,  # noqa: ARG002
    ) -> User:
        """Register by fastapi-users' own call; what it may carry beside username, email and password is ignored."""
        values = user_create.model_dump(include=set(Registration.__dataclass_fields__))
        return await self.register(Registration(**values))

    async def authenticate(self, credentials: OAuth2PasswordRequestForm) -> User:
        """Let somebody sign in by fastapi-users' form; see `check_password`."""
        return await self.check_password(credentials.username, credentials.password)

    async def check_password(self, login: str, password: str) -> User:
        """Return the account of a username or email address, if the password is right and the account may be used.

        A name nobody has, a wrong password and a deleted account take the same time and get the same answer; any
        other state is told only after the right password (ASVS 6.3.8).

        Raises:
            TooManyRequests: too many wrong passwords for this account or from this address.
            InvalidCredentials, AccountPending, AccountRejected, AccountInactive, EmailNotVerified: nobody is let in.
            HashingBusy: too many passwords wait to be checked.
        """
        async with self._context.database.reading() as session:
            known = await _by_login(UserStore(session), login)
        subject = str(known.id) if known else digest(_login_key(login))
        address = self._audit.origin.ip_address
        await self._throttle.password_tried(subject, address)
        verified, better = await self._context.hasher.verified(password, known.hashed_password if known else None)
        if not verified or known is None:
            await self._throttle.password_wrong(address)
            raise InvalidCredentials(user_id=known.id if known else None)
        await self._throttle.password_right(subject)

        if known.suspended_until and known.suspended_until <= self._context.clock.now():
            await self._closing.catch_up([known.id])
        user = await self.user_db.lock(known.id)
        if user is None or user.status in GONE or user.hashed_password != known.hashed_password:
            raise InvalidCredentials(user_id=known.id)
        if better:
            await self.user_db.update(user, {"hashed_password": better})
        self._check_state(user)
        return user

    async def approve(
        self, user_id: UUID, *, by: UUID | None, reason: str | None = None, reconsider: bool = False
    ) -> User:
        """Let an applicant in.

        Raises:
            UserNotFound: nobody has this id.
            AlreadyApproved, AlreadyDecided: somebody decided before (`reconsider` reopens a rejection).
            ProvisioningFailed: the directory could not be made; nothing was changed.
        """
        return await self._decisions.approve(user_id, by=by, reason=reason, reconsider=reconsider)

    async def reject(
        self, user_id: UUID, *, by: UUID | None, reason: str | None = None, reconsider: bool = False
    ) -> User:
        """Turn an applicant away. Who decided stands in the audit.

        Raises:
            UserNotFound: nobody has this id.
            AlreadyApproved, AlreadyDecided: somebody decided before (`reconsider` replaces the reason of a rejection).
        """
        return await self._decisions.reject(user_id, by=by, reason=reason, reconsider=reconsider)

    async def reopen(self, user_id: UUID, *, by: UUID | None, reason: str | None = None) -> User:
        """Let somebody wait again who was turned away; see `Decisions.reopen`."""
        return await self._decisions.reopen(user_id, by=by, reason=reason)

    async def get_by_email(self, user_email: str) -> User:
        """Return whose address this is, for fastapi-users' router that sends the proof of address once more.

        Every question counts, whoever asks about whomever: a count for known addresses alone would tell which are.

        Raises:
            TooManyRequests: too many questions from there, or about this address.
            UserNotExists: it is nobody's.
        """
        await self._throttle.recovery(digest(email_key(user_email)), self._audit.origin.ip_address)
        return await super().get_by_email(user_email)

    async def request_verify(self, user: User, request: Request | None = None) -> None:  # noqa: ARG002
        """Send the proof of address once more; who asks is not told whether that happened."""
        await self._recovery.request_verification(user)

    async def verify(self, token: str, request: Request | None = None) -> User:  # noqa: ARG002
        """Take an address as proven.

        Raises:
            BadVerifyToken: the token is unknown, used, superseded, too old, or for an address of before.
        """
        return await self._recovery.verify(token)

    async def forgot_password(self, user: User, request: Request | None = None) -> None:  # noqa: ARG002
        """Send a reset link; see `Recovery.request_reset`."""
        await self._recovery.request_reset(user.email)

    async def reset_password(self, token: str, password: str, request: Request | None = None) -> User:  # noqa: ARG002
        """Set a forgotten password; see `Recovery.reset`."""
        return await self._recovery.reset(token, password)

    def _check_open(self, installation: Installation, registration: Registration) -> bool:
        """Tell whether this registration is the first ever, which passes every mode."""
        if installation.claimed_at is None:
            self._bootstrap.check_token(installation, registration.bootstrap_token)
            return True
        policy = self._context.policy
        if not policy.open:
            raise RegistrationClosed
        wants_note = policy.initial_status is Status.PENDING and self._context.settings.require_approval_note
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
        now, undecided = self._context.clock.now(), standing.status is Status.PENDING
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
            "approved_at": None if undecided else now,
            "approved_by": None if undecided else approved_by,
            "created_at": now,
            "updated_at": now,
        }
        user = await self.user_db.create(columns)
        await self._identifiers.claim_email(user.email, user.id)
        await self._identifiers.claim_username(user.username, user.id)
        await self._provision(user.id)
        return user

    async def _provision(self, user_id: UUID) -> None:
        await asyncio.to_thread(self._context.provisioner.provision, user_id)

    def _check_state(self, user: User) -> None:
        if not user.is_active:
            raise _refused(user)
        if user.access_expires_at and user.access_expires_at <= self._context.clock.now():
            raise AccountExpired(user_id=user.id)  # the status follows within a minute
        if self._context.settings.require_verified_email and not user.is_verified:
            raise EmailNotVerified(user_id=user.id)


def _refused(user: User) -> SignInRefused:
    if user.status is Status.REJECTED and user.decision_reason:
        return AccountRejected(f"{AccountRejected.detail} Reason: {user.decision_reason}", user_id=user.id)
    return _REFUSALS[user.status](user_id=user.id)


async def _by_login(users: UserStore, login: str) -> User | None:
    return await (users.get_by_email(login) if is_email(login) else users.get_by_username(login))


def _login_key(login: str) -> str:
    return email_key(login) if is_email(login) else username_key(login)
