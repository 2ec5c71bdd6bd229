"""Signing in by a password: whose it is, whether it is right, and whether the account may be used."""

from dataclasses import dataclass
from typing import Final

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
from backend.services.closing import Closing
from backend.services.guesses import Guesses
from backend.services.lifecycle import Lifecycle
from backend.stores.users import UserStore

_REFUSALS: Final[dict[Status, type[SignInRefused]]] = {
    Status.PENDING: AccountPending,
    Status.REJECTED: AccountRejected,
    Status.SUSPENDED: AccountSuspended,
    Status.EXPIRED: AccountExpired,
    Status.DEACTIVATED: AccountDeactivated,
}


@dataclass(frozen=True)
class Authentication:
    """Checks passwords, and with them the account, within one transaction that begins after the hashing."""

    context: Context
    lifecycle: Lifecycle
    closing: Closing

    async def check_password(self, login: str, password: str) -> User:
        """Return the account of a username or email address, if the password is right and the account may be used.

        A name nobody has, a wrong password, a temporary one that ran out and a deleted account take the same time and
        get the same answer; any other state is told only after the right password (ASVS 6.3.8).

        Raises:
            TooManyRequests: too many wrong passwords for this account or from this address.
            InvalidCredentials, AccountPending, AccountRejected, AccountInactive, EmailNotVerified: nobody is let in.
            HashingBusy: too many passwords wait to be checked.
        """
        async with self.context.database.reading() as session:
            known = await _by_login(UserStore(session), login)
        opens = known and known.status not in GONE and not known.password_ran_out(self.context.clock.now())
        verdict = await Guesses(self.context, self.lifecycle.audit.origin).check(
            known.id if known else _login_key(login), password, known.hashed_password if known and opens else None
        )
        if known is None or not verdict.right:
            raise InvalidCredentials(user_id=known.id if known else None).after(verdict.counted)

        opened_by = await self._renewed(known, verdict.better, password) if verdict.better else known.hashed_password
        if known.suspended_until and known.suspended_until <= self.context.clock.now():
            await self.closing.catch_up([known.id])
        user = await self.lifecycle.users.lock(known.id)
        if user is None or user.status in GONE or user.hashed_password != opened_by:
            raise InvalidCredentials(user_id=known.id)
        self._check_state(user)
        return user

    async def _renewed(self, known: User, better: str, password: str) -> str | None:
        """Store a better hash of a right password, where the account is in use; return the hash that opens it now.

        Of several sign-ins at once, one stores its hash; the others check that one, with no transaction open.
        """
        async with self.context.database.writing() as session:
            users = UserStore(session)
            user = await users.lock(known.id)
            stored = user.hashed_password if user else None
            if user and user.is_active and stored == known.hashed_password:
                await users.update(user, {"hashed_password": better})
                return better
        if stored == known.hashed_password or (await self.context.hasher.verified(password, stored))[0]:
            return stored
        return None

    def _check_state(self, user: User) -> None:
        if self._is_hidden(user):
            raise InvalidCredentials(user_id=user.id)
        if not user.is_active:
            raise _refused(user)
        if user.access_expires_at and user.access_expires_at <= self.context.clock.now():
            raise AccountExpired(user_id=user.id)  # the status follows within a minute
        if self.context.settings.require_verified_email and not user.is_verified:
            raise EmailNotVerified(user_id=user.id)

    def _is_hidden(self, user: User) -> bool:
        """Tell whether to deny that somebody is here: whoever signs up with others' addresses must not learn of them.

        Where registration is private, an account that came by its door is there once its address is proven.
        """
        let_in = user.is_approved and (user.approved_by or self.context.policy.initial_status is Status.PENDING)
        hidden = self.context.settings.private_registration and not (user.is_verified or let_in)
        return hidden and not user.is_superuser


def _refused(user: User) -> SignInRefused:
    if user.status is Status.REJECTED and user.decision_reason:
        return AccountRejected(f"{AccountRejected.detail} Reason: {user.decision_reason}", user_id=user.id)
    return _REFUSALS[user.status](user_id=user.id)


async def _by_login(users: UserStore, login: str) -> User | None:
    return await (users.get_by_email(login) if is_email(login) else users.get_by_username(login))


def _login_key(login: str) -> str:
    return email_key(login) if is_email(login) else username_key(login)
