"""The user manager: registration, approval, sign-in and proof of address.

`UserManager` is a fastapi-users `BaseUserManager`, so that its routers ride on the same rules as every other door.
"""

from typing import Final
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
    SignInRefused,
)
from backend.identifiers import email_key, is_email, username_key
from backend.models import GONE, Status, User
from backend.services.admission import Admission, Registration
from backend.services.closing import Closing
from backend.services.decisions import Decisions, Reopened
from backend.services.guesses import Guesses
from backend.services.lifecycle import Lifecycle
from backend.services.recovery import Recovery
from backend.stores.users import UserStore
from backend.tokens import digest

_REFUSALS: Final[dict[Status, type[SignInRefused]]] = {
    Status.PENDING: AccountPending,
    Status.REJECTED: AccountRejected,
    Status.SUSPENDED: AccountSuspended,
    Status.EXPIRED: AccountExpired,
    Status.DEACTIVATED: AccountDeactivated,
}


class UserManager(UUIDIDMixin, BaseUserManager[User, UUID]):
    """Registration, sign-in, decisions and proofs of address, within one transaction.

    The transaction begins with the first statement. Methods that hash a password do so before it: they read in a
    transaction of their own, close it, hash in the pool, and only then write.
    """

    user_db: UserStore

    def __init__(
        self,
        context: Context,
        lifecycle: Lifecycle,
        admission: Admission,
        recovery: Recovery,
        decisions: Decisions,
        closing: Closing,
    ) -> None:
        """Take the parts that share the transaction."""
        super().__init__(lifecycle.users, context.hasher)
        self._context = context
        self._admission = admission
        self._recovery = recovery
        self._decisions = decisions
        self._closing = closing
        self._audit = lifecycle.audit
        self._throttle = recovery.throttle

    async def register(self, registration: Registration) -> User:
        """Take somebody in; see `Admission.register`."""
        return await self._admission.register(registration)

    async def create(
        self,
        user_create: BaseUserCreate,
        safe: bool = False,  # noqa: ARG002, FBT001, FBT002  # fastapi-users' signature; rights never come from a body
        request: Request | None = None,  # noqa: ARG002
    ) -> User:
        """Register by fastapi-users' own call; fields that `Registration` does not have are ignored."""
        values = user_create.model_dump(include=set(Registration.__dataclass_fields__))
        return await self.register(Registration(**values))

    async def authenticate(self, credentials: OAuth2PasswordRequestForm) -> User:
        """Let somebody sign in by fastapi-users' form; see `check_password`."""
        return await self.check_password(credentials.username, credentials.password)

    async def check_password(self, login: str, password: str) -> User:
        """Return the account of a username or email address, if the password is right and the account may be used.

        A name nobody has, a wrong password, a temporary one that ran out and a deleted account take the same time and
        get the same answer; any other state is told only after the right password (ASVS 6.3.8).

        Raises:
            TooManyRequests: too many wrong passwords for this account or from this address.
            InvalidCredentials, AccountPending, AccountRejected, AccountInactive, EmailNotVerified: nobody is let in.
            HashingBusy: too many passwords wait to be checked.
        """
        async with self._context.database.reading() as session:
            known = await _by_login(UserStore(session), login)
        opens = known and known.status not in GONE and not known.password_ran_out(self._context.clock.now())
        verdict = await Guesses(self._context, self._audit.origin).check(
            known.id if known else _login_key(login), password, known.hashed_password if known and opens else None
        )
        if known is None or not verdict.right:
            raise InvalidCredentials(user_id=known.id if known else None).after(verdict.counted)

        if known.suspended_until and known.suspended_until <= self._context.clock.now():
            await self._closing.catch_up([known.id])
        user, hasher = await self.user_db.lock(known.id), self._context.hasher
        if user is None or user.status in GONE:
            raise InvalidCredentials(user_id=known.id)
        if user.hashed_password == known.hashed_password:
            if verdict.better:
                await self.user_db.update(user, {"hashed_password": verdict.better})
        # Another password meanwhile, or the same one, whose hash another sign-in has brought up to date just now.
        elif not (verdict.better and (await hasher.verified(password, user.hashed_password))[0]):
            raise InvalidCredentials(user_id=known.id)
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

    async def reopen(self, user_id: UUID, *, by: UUID | None, reason: str | None = None) -> Reopened:
        """Let somebody wait again who was turned away; see `Decisions.reopen`."""
        return await self._decisions.reopen(user_id, by=by, reason=reason)

    async def get_by_email(self, user_email: str) -> User:
        """Return whose address this is, for fastapi-users' router that sends the proof of address once more.

        Every question counts, whoever asks about whomever: a count for known addresses alone would tell which are.

        Raises:
            TooManyRequests: too many questions from there, or about this address.
            UserNotExists: it is nobody's.
        """
        self._recovery.keep_pace()
        await self._throttle.proof(digest(email_key(user_email)), self._audit.origin.ip_address)
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

    def _check_state(self, user: User) -> None:
        if self._is_hidden(user):
            raise InvalidCredentials(user_id=user.id)
        if not user.is_active:
            raise _refused(user)
        if user.access_expires_at and user.access_expires_at <= self._context.clock.now():
            raise AccountExpired(user_id=user.id)  # the status follows within a minute
        if self._context.settings.require_verified_email and not user.is_verified:
            raise EmailNotVerified(user_id=user.id)

    def _is_hidden(self, user: User) -> bool:
        """Tell whether to deny that somebody is here: whoever signs up with others' addresses must not learn of them.

        Where registration is private, an account that came by its door is there once its address is proven.
        """
        let_in = user.is_approved and (user.approved_by or self._context.policy.initial_status is Status.PENDING)
        hidden = self._context.settings.private_registration and not (user.is_verified or let_in)
        return hidden and not user.is_superuser


def _refused(user: User) -> SignInRefused:
    if user.status is Status.REJECTED and user.decision_reason:
        return AccountRejected(f"{AccountRejected.detail} Reason: {user.decision_reason}", user_id=user.id)
    return _REFUSALS[user.status](user_id=user.id)


async def _by_login(users: UserStore, login: str) -> User | None:
    return await (users.get_by_email(login) if is_email(login) else users.get_by_username(login))


def _login_key(login: str) -> str:
    return email_key(login) if is_email(login) else username_key(login)
