"""Why somebody is not let in; told only after the right password."""

from typing import Self
from uuid import UUID

from backend.errors.families import Counted, Forbidden, Unauthenticated, VestibuleError


class SignInRefused(VestibuleError):
    """A sign-in was refused. `user_id` is the account, where it is known; it never reaches the caller."""

    def __init__(self, detail: str | None = None, *, user_id: UUID | None = None) -> None:
        """Remember whose account it was, for the audit alone."""
        super().__init__(detail)
        self.user_id = user_id


class PasswordWrong(VestibuleError):
    """A password was wrong. `counted` is the state of its rate limit, where it was counted."""

    counted: Counted | None = None

    def after(self, counted: Counted | None) -> Self:
        """Attach the state of the rate limit."""
        self.counted = counted
        return self


class InvalidCredentials(SignInRefused, Unauthenticated, PasswordWrong):
    """Unknown name or wrong password; which of the two is never told (ASVS 6.3.8)."""

    code = "AUTH_INVALID_CREDENTIALS"
    detail = "Invalid credentials"


class AccountPending(SignInRefused, Forbidden):
    """The right password, but nobody has decided about the account yet."""

    code = "ACCOUNT_PENDING"
    detail = "Account pending approval. Please wait for admin approval."


class AccountRejected(SignInRefused, Forbidden):
    """The right password, but the request for an account was turned down."""

    code = "ACCOUNT_REJECTED"
    detail = "Your request for an account was not approved."


class AccountInactive(SignInRefused, Forbidden):
    """The right password, but the account may not be used at present."""

    code = "ACCOUNT_INACTIVE"
    detail = "Inactive user"


class AccountSuspended(AccountInactive):
    """An administrator suspended the account."""

    code = "ACCOUNT_SUSPENDED"
    detail = "This account is suspended."


class AccountExpired(AccountInactive):
    """The account's time of access has run out."""

    code = "ACCOUNT_EXPIRED"
    detail = "The access of this account has expired."


class AccountDeactivated(AccountInactive):
    """The person switched the account off."""

    code = "ACCOUNT_DEACTIVATED"
    detail = "This account is deactivated."


class EmailNotVerified(SignInRefused, Forbidden):
    """The right password, but this installation asks for a proven address first."""

    code = "EMAIL_NOT_VERIFIED"
    detail = "Please verify your email address before signing in."
