"""Proving an address and replacing a password, forgotten or not."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from backend import tokens
from backend.context import Context
from backend.errors import BadResetToken, BadVerifyToken, PasswordNeeded, PasswordRefused, WrongCurrentPassword
from backend.identifiers import email_key
from backend.models import GONE, MailPurpose, OneTimeToken, SessionEnd, TokenPurpose, User
from backend.services.audit import Action, Audit
from backend.services.guesses import Guesses
from backend.services.outbox import Outbox
from backend.services.pace import Pace
from backend.services.passwords import PasswordRule
from backend.services.sessions import Sessions
from backend.services.throttle import Throttle
from backend.stores.one_time_tokens import OneTimeTokenStore
from backend.stores.users import UserStore

LIFETIME: Final = {TokenPurpose.VERIFY_EMAIL: timedelta(hours=24), TokenPurpose.RESET_PASSWORD: timedelta(hours=1)}


@dataclass(frozen=True)
class Recovery:
    """One-time tokens and new passwords, within one transaction."""

    context: Context
    users: UserStore
    one_time_tokens: OneTimeTokenStore
    sessions: Sessions
    outbox: Outbox
    audit: Audit
    throttle: Throttle

    async def request_verification(self, user: User) -> None:
        """Queue the mail that proves an address, unless it is proven or the account is gone."""
        if user.is_verified or user.status in GONE:
            return
        await self.outbox.queue(MailPurpose.VERIFY_EMAIL, user)

    async def request_verification_for(self, email: str) -> None:
        """Queue that mail for whose address this is, if it is anybody's; otherwise nothing differs for who asks.

        Raises:
            TooManyRequests: too many for this address, known or not, or from this network address.
        """
        await self.count_proof(email)
        user = await self.users.get_by_email(email)
        if user:
            await self.request_verification(user)

    async def count_proof(self, email: str) -> None:
        """Count a question for that mail; every answer takes the same time, whoever has the address.

        Raises:
            TooManyRequests: see `request_verification_for`.
        """
        self.keep_pace()
        await self.throttle.proof(email, self.audit.origin.ip_address)

    async def verify(self, token: str) -> User:
        """Take an address as proven by its token.

        Raises:
            BadVerifyToken: the token is not, or no longer, good for the address the account has now.
        """
        now = self.context.clock.now()
        found = await self.one_time_tokens.find(tokens.digest(token), TokenPurpose.VERIFY_EMAIL, now)
        user = await self.users.lock(found.user_id) if found else None
        if found is None or user is None or user.status in GONE or found.email_key != email_key(user.email):
            raise BadVerifyToken
        if not await self.one_time_tokens.use(found, now):
            raise BadVerifyToken
        await self.users.update(user, {"is_verified": True, "updated_at": now})
        await self.audit.record(Action.EMAIL_VERIFIED, target=user.id, actor=user.id)
        return user

    async def request_reset(self, email: str) -> None:
        """Queue a reset mail if the address is an active account's; otherwise nothing differs for who asks.

        Raises:
            TooManyRequests: too many for this address, known or not, or from this network address.
        """
        self.keep_pace()
        await self.throttle.reset(email, self.audit.origin.ip_address)
        user = await self.users.get_by_email(email)
        if user and user.is_active:
            await self.outbox.queue(MailPurpose.RESET_PASSWORD, user)
        await self.audit.record(Action.PASSWORD_RESET_REQUESTED, target=user.id if user else None)

    def keep_pace(self) -> None:
        """Let the answer take equally long whether an account has the address or not (ASVS 6.3.8); call it first."""
        pace, seconds = Pace.begin(), self.context.settings.refusal_seconds
        self.outbox.after_commit(lambda: pace.keep(seconds))

    async def reset(self, token: str, password: str) -> User:
        """Set a new password by a reset token, used up by exactly one caller, and end all sessions.

        A reset never activates, approves or reveals anybody.

        Raises:
            BadResetToken: the token is not, or no longer, good.
            PasswordRefused: the new password breaks the rule, or is the temporary one; the token stays good.
        """
        async with self.context.database.reading() as session:
            store, now = OneTimeTokenStore(session), self.context.clock.now()
            found = await store.find(tokens.digest(token), TokenPurpose.RESET_PASSWORD, now)
            known = await UserStore(session).get(found.user_id) if found else None
        if found is None or known is None:
            raise BadResetToken
        await self._check_new(known, password)
        hashed_password = await self.context.hasher.hashed(password)
        user = await self.users.lock(found.user_id)
        if user is None or not user.is_active or found.email_key != email_key(user.email):
            raise BadResetToken
        if not await self.one_time_tokens.use(found, self.context.clock.now()):
            raise BadResetToken
        await self._set(user, hashed_password)
        await self.sessions.end_all(user.id, SessionEnd.PASSWORD_CHANGE, actor=user.id)
        await self.audit.record(Action.PASSWORD_RESET_COMPLETED, target=user.id, actor=user.id)
        guesses = Guesses(self.context, self.audit.origin)
        self.audit.after_commit(lambda: guesses.forget(found.user_id))  # lets in an owner whom others have locked out
        await self.outbox.queue(MailPurpose.PASSWORD_CHANGED, user)
        return user

    async def change_password(
        self, user_id: UUID, current_password: str, new_password: str, *, besides: UUID | None
    ) -> User:
        """Replace one's own password; ends all sessions but the one named by `besides` (ASVS 6.2.3, 7.4.3).

        Raises:
            TooManyRequests: too many wrong ones, or too many changes.
            WrongCurrentPassword: the present password was not given.
            PasswordRefused: the new one breaks the rule, or is the temporary one.
        """
        async with self.context.database.reading() as session:
            known = await UserStore(session).get(user_id)
        if known is None:
            raise WrongCurrentPassword
        await self.prove(known, current_password)
        await self._check_new(known, new_password)
        await self.throttle.password_change(user_id)
        hashed_password = await self.context.hasher.hashed(new_password)
        user = await self.users.lock(user_id)
        if user is None or user.hashed_password != known.hashed_password:
            raise WrongCurrentPassword
        await self._set(user, hashed_password)
        await self.sessions.end_all(user.id, SessionEnd.PASSWORD_CHANGE, actor=user.id, besides=besides)
        await self.audit.record(Action.PASSWORD_CHANGED, target=user.id, actor=user.id)
        await self.outbox.queue(MailPurpose.PASSWORD_CHANGED, user)
        return user

    async def prove(self, user: User, password: str) -> None:
        """Ask for the present password, before any transaction is open.

        Raises:
            TooManyRequests: too many wrong ones.
            WrongCurrentPassword: it is another one, or a temporary one that ran out.
        """
        opens = None if user.password_ran_out(self.context.clock.now()) else user.hashed_password
        verdict = await Guesses(self.context, self.audit.origin).check(user.id, password, opens)
        if not verdict.right:
            raise WrongCurrentPassword().after(verdict.counted)

    async def allow_new_address(self, user: User, password: str | None) -> None:
        """Ask for the present password before one's own address changes (ASVS 7.5.1), before any transaction is open.

        Raises:
            PasswordNeeded: it is missing or wrong.
            TooManyRequests: too many wrong ones, or too many new addresses.
        """
        if not password:
            raise PasswordNeeded
        try:
            await self.prove(user, password)
        except WrongCurrentPassword as wrong:
            raise PasswordNeeded(wrong.detail).after(wrong.counted) from None
        await self.throttle.new_address(user.id)

    async def mint(self, user: User, purpose: TokenPurpose, mail_id: UUID) -> str:
        """Make a one-time token for the address the account has now; those of other mails are voided."""
        token, now = tokens.opaque(), self.context.clock.now()
        await self.one_time_tokens.add(
            OneTimeToken(
                user_id=user.id,
                purpose=purpose,
                digest=tokens.digest(token),
                email_key=email_key(user.email),
                mail_id=mail_id,
                created_at=now,
                expires_at=now + LIFETIME[purpose],
            )
        )
        return token

    async def _check_new(self, user: User, password: str) -> None:
        rule = PasswordRule.of(self.context.settings)
        rule.check(password, username=user.username, email=user.email, institution=user.institution)
        if user.must_change_password and (await self.context.hasher.verified(password, user.hashed_password))[0]:
            raise PasswordRefused("This is the temporary password. Please choose a different one.")

    async def _set(self, user: User, hashed_password: str) -> None:
        now = self.context.clock.now()
        columns = {
            "hashed_password": hashed_password,
            "must_change_password": False,
            "password_expires_at": None,
            "updated_at": now,
        }
        await self.users.update(user, columns)
        await self.one_time_tokens.void(user.id, TokenPurpose.RESET_PASSWORD, now)
        await self.outbox.take_back(MailPurpose.RESET_PASSWORD, user)
